/**
 * What a master waits for, and for how long: final reports, and other workers if it has none.
 *
 * @module
 */

import type { AwakeClock } from "../core/awake_clock.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { stopHandlersLimit } from "../core/events.ts";
import { LOST_MS, type WorkerManager } from "./worker_manager.ts";

/**
 * Whether a promise resolves in time.
 *
 * @param limitMs `null`: any time is good.
 * @param handled what has arrived in time is handled before the time is over.
 */
export function settlesWithin(
  clock: Clock,
  promise: Promise<void>,
  limitMs: number | null,
  handled: () => Promise<void>,
): Promise<boolean> {
  if (limitMs === null) return promise.then(() => true);
  return new Promise((resolve) => {
    const timer = clock.setTimer(() => void handled().then(() => resolve(false)), limitMs);
    void promise.then(() => {
      clock.clearTimer(timer);
      resolve(true);
    });
  });
}

/** How long a final report may take, in addition to the end of the users and of `testStop`. */
const REPORT_SECONDS = 10;

/** If reports still arrive then, because this master is slow, they are awaited for as long again, up to this. */
const MAX_MORE_SECONDS = 60;

/** The minimum time granted to the users' `onStop`. */
const MIN_STOP_SECONDS = 5;

/**
 * How long the master waits for final reports, in seconds from when the workers are told to stop.
 *
 * @param stopTimeout seconds that the test of a stopping user may still run.
 */
function finalReportSeconds(stopTimeout: number): number {
  return stopTimeout + Math.max(stopTimeout, MIN_STOP_SECONDS) + stopHandlersLimit(stopTimeout) +
    REPORT_SECONDS;
}

/** Collects the final reports of all workers. */
export class FinalReports {
  readonly #clock: Clock;
  readonly #workers: Pick<WorkerManager, "stop" | "handled" | "allReported">;
  /** Resolved when no final report is outstanding; `null` while none is awaited. */
  #complete: PromiseWithResolvers<void> | null = null;
  /** When the last report was counted. */
  #countedAt = -Infinity;

  /** @param clock stands still while this process does not run. */
  constructor(
    clock: Clock,
    workers: Pick<WorkerManager, "stop" | "handled" | "allReported">,
  ) {
    this.#clock = clock;
    this.#workers = workers;
  }

  /** A report was counted now. */
  counted(): void {
    this.#countedAt = this.#clock.now();
  }

  /** Reports have been counted, or workers lost: none may be outstanding any more. */
  check(): void {
    if (this.#complete !== null && this.#workers.allReported) this.#complete.resolve();
  }

  /**
   * Stops all workers, and waits until their counts are complete; not long, and then for as long as reports
   * arrive.
   *
   * @param stopTimeout seconds that the test of a stopping user may still run.
   * @param why how code of the test has ended the run; empty if it has not.
   */
  async collect(stopTimeout: number, why: string): Promise<void> {
    const clock = this.#clock;
    const seconds = finalReportSeconds(stopTimeout);
    this.#workers.stop(seconds, why);
    this.#complete = Promise.withResolvers();
    this.check();
    const handled = (): Promise<void> => this.#workers.handled();
    const { promise } = this.#complete;
    let isComplete = await settlesWithin(clock, promise, seconds * 1000, handled);
    const until = clock.now() + MAX_MORE_SECONDS * 1000;
    while (!isComplete) {
      const leftMs = Math.min(until, this.#countedAt + REPORT_SECONDS * 1000) - clock.now();
      if (leftMs <= 0) return;
      isComplete = await settlesWithin(clock, promise, leftMs, handled);
    }
  }
}

/**
 * As long as processes run that this one has started: each of them has not joined yet, or does not answer. It
 * joins, or dies, which is known at once.
 */
const OWN_PROCESSES_MS = 60_000;

/** What a {@link NoWorkersTimer} needs. */
export interface NoWorkersOptions {
  /** Stands still while this process does not run. */
  readonly awakeClock: Pick<AwakeClock, "setTimer" | "clearTimer">;
  readonly workers: Pick<WorkerManager, "available" | "silence" | "handled">;
  /** Called when the last worker must have stopped its users, and no other has joined. */
  readonly onExpired: () => void;
}

/** Waits for another worker while none can run users, but not for ever. */
export class NoWorkersTimer {
  readonly #options: NoWorkersOptions;
  #isStarted = false;
  /** `null` while there are workers. */
  #timer: Timer | null = null;
  /** How many workers run that this process has started. */
  #ownProcesses = 0;

  constructor(options: NoWorkersOptions) {
    this.#options = options;
  }

  /** From now on the run needs workers. */
  start(): void {
    this.#isStarted = true;
    this.#check(LOST_MS);
  }

  /** Workers have joined, left or been lost. */
  workersChanged(): void {
    this.#check(LOST_MS - this.#options.workers.silence);
  }

  /** This many workers run that this process has started. */
  setOwnProcesses(count: number): void {
    this.#ownProcesses = count;
    if (this.#timer !== null) this.workersChanged();
  }

  /** This process did not run for a while, so it could not hear its workers. */
  restart(): void {
    if (this.#timer !== null) this.#check(LOST_MS);
  }

  /** The run needs no workers any more. */
  end(): void {
    this.#isStarted = false;
    this.#clear();
  }

  #check(ms: number): void {
    const { awakeClock, workers } = this.#options;
    this.#clear();
    if (!this.#isStarted || workers.available.length > 0) return;
    const limitMs = this.#ownProcesses > 0 ? OWN_PROCESSES_MS : ms;
    this.#timer = awakeClock.setTimer(() => void this.#expire(), Math.max(0, limitMs));
  }

  #clear(): void {
    if (this.#timer !== null) this.#options.awakeClock.clearTimer(this.#timer);
    this.#timer = null;
  }

  async #expire(): Promise<void> {
    const { workers, onExpired } = this.#options;
    await workers.handled();
    if (this.#timer !== null) onExpired();
  }
}
