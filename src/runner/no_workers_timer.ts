/**
 * Ends a distributed run that has no workers left.
 *
 * @module
 */

import type { AwakeClock } from "../core/awake_clock.ts";
import type { Timer } from "../core/clock.ts";
import { LOST_MS, type WorkerManager } from "./worker_manager.ts";

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
