/**
 * How a user gets its iterations in runs that schedule them or limit their number.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/** Assigns iterations to users. All times are in milliseconds on the node's clock. */
export interface IterationScheduler {
  /**
   * Whether iterations start when they are due. Otherwise each user starts the next one after its wait
   * time.
   */
  readonly scheduled: boolean;
  /**
   * When the user's next iteration was intended to start; `null` if there is none left for the user; a
   * promise if the user has to wait.
   */
  next(slot: IterationSlot): number | null | Promise<number | null>;
  /** Ends a user's wait: its pending promise must resolve with `null` immediately. */
  cancel(slot: IterationSlot): void;
  /** Records that a user has started its iteration. */
  began(slot: IterationSlot, intendedAt: number, now: number): void;
  /** Records that a user has completed its iteration. */
  ended(slot: IterationSlot, beganAt: number, now: number): void;
  /** Records that a user was stopped during its iteration. */
  interrupted(slot: IterationSlot, beganAt: number, now: number): void;
  /** Takes back an iteration that its user cannot start. */
  declined(slot: IterationSlot, now: number): void;
}

/** The state of one user's iterations. */
export class IterationSlot {
  /** The index of the user's class in the list of classes. */
  readonly classIndex: number;
  readonly #scheduler: IterationScheduler;
  /** When the current iteration was intended to start, until a measurement has used it; else NaN. */
  #intendedAt = NaN;
  /** The same until a measurement has used it, or a group has ended. */
  #groupsFrom = NaN;
  /** When the current iteration started; `null` between iterations. */
  #beganAt: number | null = null;

  constructor(scheduler: IterationScheduler, classIndex: number) {
    this.#scheduler = scheduler;
    this.classIndex = classIndex;
  }

  /** As {@link IterationScheduler.scheduled}. */
  get scheduled(): boolean {
    return this.#scheduler.scheduled;
  }

  /**
   * Starts the user's next iteration, now or as soon as one is available. Resolves with `false` if there
   * is none left, or if the user is `over` by then.
   */
  async begin(clock: Clock, over: (now: number) => boolean): Promise<boolean> {
    const next = this.#scheduler.next(this);
    const intendedAt = next instanceof Promise ? await next : next;
    if (intendedAt === null) return false;
    const now = clock.now();
    if (over(now)) {
      this.#scheduler.declined(this, now);
      return false;
    }
    if (this.#scheduler.scheduled) this.#intendedAt = this.#groupsFrom = intendedAt;
    this.#beganAt = now;
    this.#scheduler.began(this, intendedAt, now);
    return true;
  }

  /** Ends the wait for the next iteration, because the user is being stopped. */
  stopWaiting(): void {
    this.#scheduler.cancel(this);
  }

  /**
   * The start of a measurement: now, but for the first one of a scheduled iteration, the time at which the
   * iteration was intended to start. So delays that a slow target causes are included.
   */
  measureFrom(now: number): number {
    const intendedAt = this.#intendedAt;
    // The common case first: comparisons with NaN are false.
    if (!(intendedAt < now)) return now;
    this.#intendedAt = this.#groupsFrom = NaN;
    return intendedAt;
  }

  /**
   * The start of a group: now, but for one that is the first of a scheduled iteration, the time at which the
   * iteration was intended to start. The first measurement in it starts then, too.
   */
  groupFrom(now: number): number {
    return this.#groupsFrom < now ? this.#groupsFrom : now;
  }

  /** A group has ended, so the next one is not the first of its iteration. */
  groupEnded(): void {
    this.#groupsFrom = NaN;
  }

  /** Completes the current iteration; does nothing if it was interrupted. */
  end(now: number): void {
    const beganAt = this.#take();
    if (beganAt !== null) this.#scheduler.ended(this, beganAt, now);
  }

  /** Interrupts the current iteration, because the user ends. */
  interrupt(now: number): void {
    const beganAt = this.#take();
    if (beganAt !== null) this.#scheduler.interrupted(this, beganAt, now);
  }

  #take(): number | null {
    const beganAt = this.#beganAt;
    this.#intendedAt = this.#groupsFrom = NaN;
    this.#beganAt = null;
    return beganAt;
  }
}
