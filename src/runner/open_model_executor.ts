/**
 * The open model on one node: passes begin when they are due, whatever the target does.
 *
 * @module
 */

import type { Clock, Random, Timer } from "../core/clock.ts";
import type { Spacing, WhenBusy } from "../core/run_info.ts";
import { ArrivalSchedule, type ArrivalShare, type RatePeriod } from "../load/arrival_schedule.ts";
import { type ClassWeight, IterationMix } from "../load/class_mix.ts";
import type { IterationStats } from "../stats/iteration_stats.ts";
import type { IterationSlot } from "../user/iteration_slot.ts";
import type { IterationExecutor } from "./user_pool.ts";

/** More passes than so many do not wait: they would fill the memory. */
const LONGEST = 1_000_000;

/** What was taken from the front is let go in portions. */
const PORTION = 4096;

/**
 * Passes that are due and that no user was free for, the oldest first: when each was meant to begin, in
 * milliseconds.
 */
export class IterationQueue {
  #moments: number[] = [];
  #first = 0;

  get size(): number {
    return this.#moments.length - this.#first;
  }

  /** Whether there was room for it. */
  push(intendedAt: number): boolean {
    if (this.size >= LONGEST) return false;
    this.#moments.push(intendedAt);
    return true;
  }

  /** Takes the oldest; null where there is none. */
  shift(): number | null {
    const intendedAt = this.#moments[this.#first];
    if (intendedAt === undefined) return null;
    this.#first++;
    if (this.#first === PORTION || this.size === 0) {
      this.#moments.splice(0, this.#first);
      this.#first = 0;
    }
    return intendedAt;
  }

  clear(): void {
    this.#moments = [];
    this.#first = 0;
  }
}

interface Waiting {
  readonly seat: IterationSlot;
  readonly give: (intendedAt: number | null) => void;
}

/** The users of one class in the open model, and the passes that wait for one of them. */
export class UserClassPool {
  readonly queue = new IterationQueue();
  /** The most users that there may be; Infinity where their number is not fixed. */
  readonly limit: number;
  alive = 0;
  /** Users that have not asked for a pass yet. */
  starting = 0;
  /** Users that wait for a pass; the last one has waited least. */
  readonly #idle: Waiting[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Passes that wait, beside those that users who are starting will take; below 0 where none do. */
  get unserved(): number {
    return this.queue.size - this.starting;
  }

  /** Resolves with when the user's next pass was meant to begin; null where it no longer waits. */
  wait(seat: IterationSlot): Promise<number | null> {
    return new Promise((give) => void this.#idle.push({ seat, give }));
  }

  /** Gives a pass to the user that has waited least, so that no more are kept busy than it takes. */
  give(intendedAt: number): boolean {
    const waiting = this.#idle.pop();
    waiting?.give(intendedAt);
    return waiting !== undefined;
  }

  /** A user no longer waits. */
  leave(seat: IterationSlot): void {
    const at = this.#idle.findLastIndex((waiting) => waiting.seat === seat);
    if (at >= 0) this.#idle.splice(at, 1)[0]!.give(null);
  }

  /** Sends the user away that has waited longest; null where none waits. */
  dismiss(): IterationSlot | null {
    const waiting = this.#idle.shift();
    waiting?.give(null);
    return waiting?.seat ?? null;
  }
}

/** How a run's passes are spaced, and what becomes of those that find nobody free. */
export interface ArrivalTerms {
  readonly spacing: Spacing;
  readonly onBusy: WhenBusy;
}

/** What a node is to begin from now on. */
export interface Arrivals {
  readonly course: RatePeriod;
  readonly slice: ArrivalShare;
  /** The most users that this node may have: a whole number of 1 or more. */
  readonly maxUsers: number;
}

/** What a gate needs of its node. All moments are milliseconds on the node's clock. */
export interface OpenModelOptions {
  readonly terms: ArrivalTerms;
  readonly classes: readonly ClassWeight[];
  readonly clock: Clock;
  readonly random: Random;
  /** When the test began. */
  readonly startedAt: number;
  /** Where to count what happens at a moment. */
  readonly iterations: (atMs: number) => IterationStats;
  /** Starts a user of a class. */
  readonly startUser: (kind: number) => void;
  /** Nothing is scheduled any more, and the last pass has ended. */
  readonly onExhausted: () => void;
}

/** Passes that were scheduled up to so shortly before the end are not lost to a clock's difference. */
const NEAR_THE_END_MS = 250;

/** Passes that are scheduled before anything else has its turn; and at the end, when nothing follows. */
const RELEASED_AT_ONCE = 1_000;
const RELEASED_AT_THE_END = 1_000_000;

/**
 * Gives each pass to a user that is free, or starts one for it, up to a limit. A pass that finds nobody
 * waits for the first that is free, and what it times counts from the moment that it was due; or it is
 * dropped, if that was asked for.
 */
export class OpenModelExecutor implements IterationExecutor {
  readonly scheduled = true;
  readonly #options: OpenModelOptions;
  readonly #clock: Clock;
  readonly #schedule: ArrivalSchedule;
  readonly #mix: IterationMix;
  readonly #crews: readonly UserClassPool[];
  readonly #fresh = new WeakSet<IterationSlot>();
  /** When the test began. */
  #startedAt: number;
  #maxUsers = 0;
  #until = Infinity;
  #alive = 0;
  /** Users that were told that there is no pass for them, and have not ended yet. */
  readonly #dismissed = new WeakSet<IterationSlot>();
  #leaving = 0;
  /** Passes that were given to a user, and have not ended. */
  #underWay = 0;
  #timer: Timer | null = null;
  #closed = false;
  /** Whether that was told since it was told last what to do. */
  #isExhausted = false;

  constructor(options: OpenModelOptions) {
    const { terms, classes, clock, random } = options;
    this.#options = options;
    this.#startedAt = options.startedAt;
    this.#clock = clock;
    this.#schedule = new ArrivalSchedule(terms.spacing, random);
    this.#mix = new IterationMix(classes);
    this.#crews = classes.map(({ fixedCount }) =>
      new UserClassPool(fixedCount > 0 ? fixedCount : Infinity)
    );
  }

  /** Passes that wait for a user. */
  get queued(): number {
    return this.#crews.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  /** Begins passes by this course, slice and limit from now on. */
  follow({ course, slice, maxUsers }: Arrivals): void {
    this.#isExhausted = false;
    this.#maxUsers = maxUsers;
    this.#until = course.until;
    this.#schedule.follow(course, slice);
    this.#release(this.#clock.now());
    for (const [kind, crew] of this.#crews.entries()) {
      while (crew.unserved > 0 && this.#startFor(kind));
    }
    while (this.#alive - this.#leaving > maxUsers && this.#dismissIdle());
  }

  /** The test began at another moment than was known. */
  align(startedAt: number): void {
    this.#startedAt = startedAt;
    this.#release(this.#clock.now());
  }

  /** Begins nothing more until it is told again what to do; what waits is dropped. */
  suspend(): void {
    this.#schedule.forget();
    this.#rest();
    this.#dropAll(this.#clock.now());
  }

  /** Begins what is due, and nothing after that; what waits then is dropped. */
  close(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    const end = this.#momentOf(this.#until);
    this.#release(
      end - now < NEAR_THE_END_MS ? Math.max(end, now) : now,
      RELEASED_AT_THE_END,
    );
    this.#closed = true;
    this.#schedule.forget();
    this.#rest();
    this.#dropAll(now);
  }

  /** A user was started. */
  entered(seat: IterationSlot): void {
    const crew = this.#crews[seat.classIndex]!;
    this.#fresh.add(seat);
    crew.alive++;
    crew.starting++;
    this.#alive++;
  }

  /** A user has ended. */
  left(seat: IterationSlot): void {
    const crew = this.#crews[seat.classIndex]!;
    if (this.#fresh.delete(seat)) crew.starting--;
    if (this.#dismissed.delete(seat)) this.#leaving--;
    crew.alive--;
    this.#alive--;
    if (crew.unserved > 0) this.#startFor(seat.classIndex);
  }

  next(seat: IterationSlot): number | null | Promise<number | null> {
    const crew = this.#crews[seat.classIndex]!;
    if (this.#fresh.delete(seat)) crew.starting--;
    if (this.#closed) return null;
    // Under much load a timer comes late: whoever asks anyway sees what is due.
    if (crew.queue.size === 0) this.#release(this.#clock.now());
    const intendedAt = crew.queue.shift();
    if (intendedAt !== null) {
      this.#underWay++;
      return intendedAt;
    }
    if (this.#alive - this.#leaving > this.#maxUsers) {
      this.#dismiss(seat);
      return null;
    }
    return crew.wait(seat);
  }

  cancel(seat: IterationSlot): void {
    this.#crews[seat.classIndex]!.leave(seat);
  }

  began(intendedAt: number, now: number): void {
    this.#options.iterations(now).begin(Math.max(0, now - intendedAt));
  }

  ended(beganAt: number, now: number): void {
    this.#underWay--;
    this.#options.iterations(now).complete(now - beganAt);
    this.#lookWhetherExhausted();
  }

  interrupted(): void {
    this.#underWay--;
    this.#lookWhetherExhausted();
  }

  declined(now: number): void {
    this.#underWay--;
    this.#drop(now);
    this.#lookWhetherExhausted();
  }

  #momentOf(seconds: number): number {
    return this.#startedAt + seconds * 1000;
  }

  /**
   * Schedules all that is due, and looks again when more is. However much it is, others have their turn
   * in between.
   */
  #release(now: number, most = RELEASED_AT_ONCE): void {
    if (this.#closed) return;
    // At the end, passes are released a little before they are due: they belong to this moment as well.
    const at = Math.min(now, this.#clock.now());
    for (let i = 0; i < most && this.#momentOf(this.#schedule.nextAt) <= now; i++) {
      const intendedAt = this.#momentOf(this.#schedule.next());
      this.#options.iterations(at).scheduled++;
      this.#offer(this.#mix.next(), intendedAt);
    }
    this.#rest();
    const nextAt = this.#momentOf(this.#schedule.nextAt);
    if (nextAt === Infinity) return this.#lookWhetherExhausted();
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      this.#release(this.#clock.now());
    }, Math.max(0, nextAt - now));
  }

  #offer(kind: number, intendedAt: number): void {
    const crew = this.#crews[kind]!;
    if (crew.give(intendedAt)) this.#underWay++;
    else if (this.#options.terms.onBusy === "queue" || crew.unserved < 0) {
      if (!crew.queue.push(intendedAt)) return this.#drop(this.#clock.now());
      if (crew.unserved > 0) this.#startFor(kind);
    } else if (this.#startFor(kind)) crew.queue.push(intendedAt);
    else this.#drop(this.#clock.now());
  }

  /** Whether a user was started: there is room, with one place kept for each class that has nobody. */
  #startFor(kind: number): boolean {
    const crew = this.#crews[kind]!;
    if (this.#closed || crew.alive >= crew.limit) return false;
    let kept = 0;
    for (const other of this.#crews) if (other !== crew && other.alive === 0) kept++;
    if (this.#alive + kept >= this.#maxUsers && crew.alive > 0) return false;
    if (this.#alive >= this.#maxUsers) return false;
    this.#options.startUser(kind);
    return true;
  }

  /** Whether there was somebody to dismiss. */
  #dismissIdle(): boolean {
    for (const crew of this.#crews) {
      const seat = crew.dismiss();
      if (seat === null) continue;
      this.#dismiss(seat);
      return true;
    }
    return false;
  }

  #dismiss(seat: IterationSlot): void {
    this.#dismissed.add(seat);
    this.#leaving++;
  }

  #drop(now: number): void {
    this.#options.iterations(now).dropped++;
  }

  #dropAll(now: number): void {
    for (const { queue } of this.#crews) {
      this.#options.iterations(now).dropped += queue.size;
      queue.clear();
    }
  }

  #lookWhetherExhausted(): void {
    if (this.#closed || this.#isExhausted || !this.#schedule.ended) return;
    if (this.#underWay > 0 || this.queued > 0) return;
    this.#isExhausted = true;
    this.#options.onExhausted();
  }

  #rest(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
