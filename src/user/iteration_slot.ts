/**
 * Where a user waits for its next pass, in runs that say when passes begin or how many there are.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/** Hands passes out to users. All moments are milliseconds on the node's clock. */
export interface IterationScheduler {
  /**
   * Whether passes begin when they are due. If not, they follow each other, with the user's own wait
   * between them.
   */
  readonly scheduled: boolean;
  /**
   * When the user's next pass was meant to begin; null where there is none for it any more; a promise
   * where it has to wait.
   */
  next(slot: IterationSlot): number | null | Promise<number | null>;
  /** The user no longer waits: what it waits for is to be null at once. */
  cancel(slot: IterationSlot): void;
  /** A user begins the pass that it was given. */
  began(intendedAt: number, now: number): void;
  /** A user ends the pass that it has begun. */
  ended(beganAt: number, now: number): void;
  /** A user was stopped in the middle of the pass that it has begun. */
  interrupted(): void;
  /** A user cannot begin the pass that it was given. */
  declined(now: number): void;
}

/** One user's place at the scheduler. */
export class IterationSlot {
  /** The user's class, by its place among the classes. */
  readonly classIndex: number;
  readonly #scheduler: IterationScheduler;
  /** When the pass under way was meant to begin, until something was timed from there; else NaN. */
  #intendedAt = NaN;
  /** When it began; null where none is under way. */
  #beganAt: number | null = null;

  constructor(scheduler: IterationScheduler, kind: number) {
    this.#scheduler = scheduler;
    this.classIndex = kind;
  }

  /** As {@link IterationScheduler.scheduled}. */
  get scheduled(): boolean {
    return this.#scheduler.scheduled;
  }

  /**
   * Begins the user's next pass, now or as soon as there is one for it; resolves with false where there
   * is none any more, or the user may not begin it.
   */
  async begin(clock: Clock, over: (now: number) => boolean): Promise<boolean> {
    const next = this.#scheduler.next(this);
    const intendedAt = next instanceof Promise ? await next : next;
    if (intendedAt === null) return false;
    const now = clock.now();
    if (over(now)) {
      this.#scheduler.declined(now);
      return false;
    }
    if (this.#scheduler.scheduled) this.#intendedAt = intendedAt;
    this.#beganAt = now;
    this.#scheduler.began(intendedAt, now);
    return true;
  }

  /** The user is told to stop, and no longer waits. */
  stopWaiting(): void {
    this.#scheduler.cancel(this);
  }

  /**
   * What the user begins to time counts from: from now, or, once in a pass, from the moment at which the
   * pass was meant to begin. So a target that stands still cannot hide it.
   */
  origin(now: number): number {
    const intendedAt = this.#intendedAt;
    // The common case first: NaN is no less than anything.
    if (!(intendedAt < now)) return now;
    this.#intendedAt = NaN;
    return intendedAt;
  }

  /** The pass has ended; nothing where it was cut off before. */
  end(now: number): void {
    const beganAt = this.#take();
    if (beganAt !== null) this.#scheduler.ended(beganAt, now);
  }

  /** The user ends: a pass that is under way is not completed. */
  interrupt(): void {
    if (this.#take() !== null) this.#scheduler.interrupted();
  }

  #take(): number | null {
    const beganAt = this.#beganAt;
    this.#intendedAt = NaN;
    this.#beganAt = null;
    return beganAt;
  }
}
