import type { Clock, Timer } from "../core/clock.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";

/** Where a node's users should get to. */
export interface RampTarget {
  /** Users by class, in the order of the classes. */
  readonly counts: readonly number[];
  /** Users started a second. */
  readonly rate: number;
}

/**
 * Brings the users of one node to what it was told, at the rate that it was told. Users that are too
 * many are stopped at once: whoever tells this node paces that.
 */
export class UserRamp {
  readonly #clock: Clock;
  readonly #scaleTo: (counts: readonly number[]) => void;
  readonly #onArrived: () => void;
  #counts: number[];
  #target: readonly number[];
  #timer: Timer | null = null;

  /**
   * @param scaleTo makes so many users of each class run.
   * @param onArrived is called each time that a target is reached.
   */
  constructor(
    clock: Clock,
    classes: number,
    scaleTo: (counts: readonly number[]) => void,
    onArrived: () => void,
  ) {
    this.#clock = clock;
    this.#scaleTo = scaleTo;
    this.#onArrived = onArrived;
    this.#counts = new Array(classes).fill(0);
    this.#target = this.#counts;
  }

  /** Whether users are still to be started. */
  get climbing(): boolean {
    return this.#timer !== null;
  }

  /** Heads for a target from now on. */
  aim({ counts, rate }: RampTarget): void {
    this.#rest();
    this.#target = counts;
    this.#counts = this.#counts.map((count, index) => Math.min(count, counts[index]!));
    const missing = this.#missing();
    const pacer = new SpawnPacer(0);
    pacer.retarget({ users: missing, rate }, 0);
    this.#climb(pacer, missing, this.#clock.now());
  }

  /** Forgets all users, which somebody else has stopped, and the target. */
  reset(): void {
    this.#rest();
    this.#counts.fill(0);
    this.#target = this.#counts;
  }

  #climb(pacer: SpawnPacer, missing: number, since: number): void {
    this.#timer = null;
    const elapsed = (this.#clock.now() - since) / 1000;
    const due = pacer.usersAt(elapsed) - (missing - this.#missing());
    for (let n = 0; n < due; n++) this.#counts[this.#neediest()]! += 1;
    this.#scaleTo([...this.#counts]);
    const nextAt = pacer.nextAt(elapsed);
    if (nextAt === null) return this.#onArrived();
    const waitMs = since + nextAt * 1000 - this.#clock.now();
    this.#timer = this.#clock.setTimer(
      () => this.#climb(pacer, missing, since),
      Math.max(0, waitMs),
    );
  }

  #rest(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #missing(): number {
    return this.#target.reduce((sum, count, index) => sum + count - this.#counts[index]!, 0);
  }

  /** The class that lacks most users. */
  #neediest(): number {
    let most = 0;
    let found = 0;
    for (const [index, count] of this.#target.entries()) {
      const lack = count - this.#counts[index]!;
      if (lack > most) [most, found] = [lack, index];
    }
    return found;
  }
}
