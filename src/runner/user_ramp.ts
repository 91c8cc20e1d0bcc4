/**
 * The ramp of one worker's users to the numbers that it was assigned.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";

/**
 * Starts the users of one node at the rate it was given, the class that lacks most first. Surplus users
 * stop at once: the master paces that.
 */
export class UserRamp {
  readonly #clock: Clock;
  readonly #setUsers: (counts: readonly number[]) => void;
  readonly #onReached: () => void;
  /** Users by class, in the order of the classes. */
  #counts: number[];
  #target: readonly number[];
  #timer: Timer | null = null;

  /**
   * @param setUsers makes this many users of each class run.
   * @param onReached is called each time that a target is reached.
   */
  constructor(
    clock: Clock,
    classes: number,
    setUsers: (counts: readonly number[]) => void,
    onReached: () => void,
  ) {
    this.#clock = clock;
    this.#setUsers = setUsers;
    this.#onReached = onReached;
    this.#counts = new Array(classes).fill(0);
    this.#target = this.#counts;
  }

  /** Whether users are still to be started. */
  get isRamping(): boolean {
    return this.#timer !== null;
  }

  /** Ramps to these users by class from now on, at a rate in users per second. */
  rampTo(counts: readonly number[], rate: number): void {
    this.#clearTimer();
    this.#target = counts;
    this.#counts = this.#counts.map((count, index) => Math.min(count, counts[index]!));
    const missing = this.#missing;
    const pacer = new SpawnPacer(0);
    pacer.retarget({ users: missing, rate }, 0);
    this.#step(pacer, missing, this.#clock.now());
  }

  /** Forgets the target, and all users, which have been stopped elsewhere. */
  reset(): void {
    this.#clearTimer();
    this.#counts.fill(0);
    this.#target = this.#counts;
  }

  /** Starts the users that are due. @param missing how many there were to start at `since`. */
  #step(pacer: SpawnPacer, missing: number, since: number): void {
    this.#timer = null;
    const elapsed = (this.#clock.now() - since) / 1000;
    const due = pacer.usersAt(elapsed) - (missing - this.#missing);
    for (let n = 0; n < due; n++) this.#counts[this.#neediestClass]! += 1;
    this.#setUsers([...this.#counts]);
    const nextAt = pacer.nextAt(elapsed);
    if (nextAt === null) return this.#onReached();
    const waitMs = since + nextAt * 1000 - this.#clock.now();
    this.#timer = this.#clock.setTimer(
      () => this.#step(pacer, missing, since),
      Math.max(0, waitMs),
    );
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** Users of all classes that are still to be started. */
  get #missing(): number {
    return this.#target.reduce((sum, count, index) => sum + count - this.#counts[index]!, 0);
  }

  /** The class that lacks most users. */
  get #neediestClass(): number {
    let most = 0;
    let found = 0;
    for (const [index, count] of this.#target.entries()) {
      const lack = count - this.#counts[index]!;
      if (lack > most) [most, found] = [lack, index];
    }
    return found;
  }
}
