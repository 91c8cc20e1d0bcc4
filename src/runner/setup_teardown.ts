/**
 * The functions `setup` and `teardown` of a test file, on the node that calls them: the master, or the
 * process of a local run.
 *
 * @module
 */

import { MAX_SETUP_DATA } from "../cluster/setup_data.ts";
import type { Clock } from "../core/clock.ts";
import { errorText, PreparationError } from "../core/errors.ts";
import { preparedWithin, stopHandlersLimit, textWithPlace, within } from "../core/events.ts";
import { frozenJson, plainJson } from "../core/plain_json.ts";
import { withPlace } from "../stats/user_errors.ts";
import type { ErrorPlaces } from "../user/error_places.ts";

/** The functions that a test file exports to be called once in a run. */
export interface TestFunctions {
  /** Called before the start; `null` if there is none. */
  readonly setup: (() => unknown) | null;
  /** Called after the end with what `setup` has returned; `null` if there is none. */
  readonly teardown: ((data: unknown) => unknown) | null;
}

/** What {@link SetupAndTeardown} needs. */
export interface SetupAndTeardownOptions {
  readonly functions: TestFunctions;
  readonly clock: Clock;
  /** Seconds that `setup` may take. */
  readonly setupTimeout: number;
  /** Finds where errors were thrown. */
  readonly places: Pick<ErrorPlaces, "placeOf">;
}

/** What went wrong in `teardown`. */
export interface TeardownOutcome {
  /** What it threw, as {@link withPlace} returns it; empty if it did not. */
  readonly errors: readonly string[];
  /** A sentence for each problem. */
  readonly warnings: readonly string[];
}

/** Calls `setup` and `teardown`, each at most once, with limited time. */
export class SetupAndTeardown {
  readonly #options: SetupAndTeardownOptions;
  #data: unknown = null;
  /** Whether `setup` has returned, here or before the run was resumed. */
  #isSetUp = false;
  #cancelled = Promise.withResolvers<void>();

  constructor(options: SetupAndTeardownOptions) {
    this.#options = options;
  }

  /** What `setup` has returned, frozen; `null` before that. */
  get data(): unknown {
    return this.#data;
  }

  /** The run is resumed: `setup` is not called again. @param json what it had returned. */
  restore(json: string): void {
    this.#data = frozenJson(json);
    this.#isSetUp = true;
  }

  /**
   * Calls `setup`; resolves with what it has returned, as JSON. Resolves with `null` if there is no `setup`, if
   * it was called before, or if the wait for it was cancelled.
   *
   * @throws PreparationError if it throws, returns what is not JSON, or has not ended in time.
   */
  async setUp(): Promise<string | null> {
    const { functions: { setup }, clock, setupTimeout } = this.#options;
    if (setup === null || this.#isSetUp) return null;
    const limit = { clock, seconds: setupTimeout, cancelled: this.#cancelled.promise };
    const done = await preparedWithin(limit, this.#returned(setup), {
      running: `setup is still running. The test starts after it; it has ${setupTimeout} s ` +
        "(--setup-timeout).",
      overdue: `setup has not ended within ${setupTimeout} s`,
      hint: "The test does not start. If setup needs more time, raise --setup-timeout.",
    });
    if (done === undefined) return null;
    this.restore(done.json);
    return done.json;
  }

  /** @throws PreparationError if `setup` throws, or returns what is not JSON. */
  async #returned(setup: () => unknown): Promise<{ readonly json: string }> {
    let value: unknown;
    try {
      value = await setup();
    } catch (error) {
      throw new PreparationError(`setup threw: ${this.#described(error)}`, NOT_PREPARED);
    }
    try {
      return { json: plainJson(value, MAX_SETUP_DATA) };
    } catch (error) {
      throw new PreparationError(
        `setup returned a value that is not JSON: ${errorText(error)}`,
        "It is sent to all nodes, so it may consist of plain objects, arrays, strings, finite " +
          "numbers, booleans and null.",
      );
    }
  }

  /**
   * Calls `teardown`, if `setup` has returned, or there is none and the test has started.
   *
   * @param stopTimeout in seconds.
   */
  async tearDown(stopTimeout: number, hasStarted: boolean): Promise<TeardownOutcome> {
    const { functions: { setup, teardown }, clock } = this.#options;
    const isDue = this.#isSetUp || (setup === null && hasStarted);
    if (teardown === null || !isDue) return NOTHING_WRONG;
    // What has ended the test does not end this wait.
    this.#cancelled = Promise.withResolvers();
    const seconds = stopHandlersLimit(stopTimeout);
    const limit = { clock, seconds, cancelled: this.#cancelled.promise };
    const outcome = await within(limit, this.#tornDown(teardown));
    if (outcome === "cancelled") return NOTHING_WRONG;
    if (outcome !== "overdue") return outcome;
    return { errors: [], warnings: [`teardown has not ended within ${seconds} s.`] };
  }

  async #tornDown(teardown: (data: unknown) => unknown): Promise<TeardownOutcome> {
    try {
      await teardown(this.#data);
      return NOTHING_WRONG;
    } catch (error) {
      const text = errorText(error);
      return {
        errors: [withPlace(text, this.#placeOf(error))],
        warnings: [`teardown threw: ${this.#described(error)}.`],
      };
    }
  }

  /** Waits for neither function any longer. It continues to run. */
  cancel(): void {
    this.#cancelled.resolve();
  }

  #described(error: unknown): string {
    return textWithPlace(errorText(error), this.#placeOf(error));
  }

  #placeOf(error: unknown): string {
    const { places, clock } = this.#options;
    return places.placeOf(error, errorText(error), clock.now());
  }
}

const NOTHING_WRONG: TeardownOutcome = { errors: [], warnings: [] };

const NOT_PREPARED = "The test does not start, because it is not prepared.";
