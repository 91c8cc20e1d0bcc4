/**
 * The events `testStart` and `testStop` of one node, with limited time for their handlers.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { emitWithin, type Events, prepareWithin, stopHandlersLimit } from "../core/events.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { ErrorPlaces } from "../user/error_places.ts";

/** The dependencies of {@link TestEvents}. */
export interface TestEventsOptions {
  readonly events: Events;
  readonly clock: Clock;
  /** Seconds that handlers of `testStart` may take. */
  readonly setupTimeout: number;
  /** Finds where errors were thrown. */
  readonly places: Pick<ErrorPlaces, "placeOf">;
}

/** What went wrong in handlers of `testStop`. */
export interface TestStopOutcome {
  /** What they threw, as texts. */
  readonly errors: readonly string[];
  /** A sentence if they have not ended in time; otherwise empty. */
  readonly warnings: readonly string[];
}

/** Calls the handlers at the start and at the end of a test. */
export class TestEvents {
  readonly #options: TestEventsOptions;
  readonly #run: RunInfo;
  #cancelled = Promise.withResolvers<void>();

  constructor(options: TestEventsOptions, run: RunInfo) {
    this.#options = options;
    this.#run = run;
  }

  /**
   * Calls the handlers of `testStart`.
   *
   * @throws PreparationError if a handler throws, or they have not ended in time.
   */
  async start(): Promise<void> {
    const { events, clock, setupTimeout, places } = this.#options;
    await prepareWithin(events, "testStart", { run: this.#run }, {
      clock,
      seconds: setupTimeout,
      cancelled: this.#cancelled.promise,
      placeOf: (thrown) => places.placeOf(thrown, errorText(thrown), clock.now()),
    });
  }

  /** Calls the handlers of `testStop`. @param stopTimeout in seconds. */
  async stop(stopTimeout: number): Promise<TestStopOutcome> {
    const { events, clock } = this.#options;
    // What has ended the test does not end this wait.
    this.#cancelled = Promise.withResolvers();
    const { errors, overdue } = await emitWithin(events, "testStop", { run: this.#run }, {
      clock,
      seconds: stopHandlersLimit(stopTimeout),
      cancelled: this.#cancelled.promise,
    });
    return { errors, warnings: overdue === null ? [] : [`${overdue}.`] };
  }

  /** Waits for no handlers any longer. They continue to run. */
  cancel(): void {
    this.#cancelled.resolve();
  }
}
