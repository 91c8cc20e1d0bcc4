/**
 * The open model on one node: iterations start when they are due, no matter how the target responds.
 *
 * @module
 */

import type { ArrivalAssignment } from "../cluster/protocol.ts";
import type { Clock, Random, Timer } from "../core/clock.ts";
import type { Spacing, WhenBusy } from "../core/run_info.ts";
import { ArrivalSchedule } from "../load/arrival_schedule.ts";
import { type ClassWeight, IterationMix } from "../load/class_mix.ts";
import type { IterationStats } from "../stats/iteration_stats.ts";
import type { IterationSlot } from "../user/iteration_slot.ts";
import type { IterationExecutor } from "./user_pool.ts";

/** What the executor needs from its node. All moments are milliseconds on the node's clock. */
export interface OpenModelOptions {
  readonly spacing: Spacing;
  readonly onBusy: WhenBusy;
  readonly classes: readonly ClassWeight[];
  readonly clock: Clock;
  readonly random: Random;
  /** When the test started. */
  readonly startedAt: number;
  /** The counters of a class for what happens at a moment. */
  readonly iterations: (atMs: number, classIndex: number) => IterationStats;
  /** Starts a user of a class. */
  readonly startUser: (classIndex: number) => void;
  /** Called when every iteration of this node has ended. */
  readonly onExhausted: () => void;
}

/** Iterations due this shortly before the end still start: the master's clock may be a little ahead. */
const END_TOLERANCE_MS = 250;

/** Iterations released in one turn of the event loop; the rest wait for the next one. */
const RELEASED_PER_TURN = 1_000;

/**
 * Hands each iteration to an idle user, or starts a user for it, up to a limit. If all users are busy, the
 * iteration either waits, and its latency is measured from when it was due, or is dropped.
 */
export class OpenModelExecutor implements IterationExecutor {
  readonly scheduled = true;
  readonly #options: OpenModelOptions;
  readonly #clock: Clock;
  readonly #schedule: ArrivalSchedule;
  readonly #mix: IterationMix;
  readonly #pools: readonly UserClassPool[];
  /** Users that have not asked for an iteration yet. */
  readonly #starting = new WeakSet<IterationSlot>();
  /** When the test started. */
  #startedAt: number;
  #maxUsers = 0;
  /** When the schedule ends, in seconds since the start of the test. */
  #until = Infinity;
  #alive = 0;
  /** Users that were dismissed and have not ended yet. */
  readonly #dismissed = new WeakSet<IterationSlot>();
  #leaving = 0;
  /** Iterations that were handed to a user and have not ended. */
  #underWay = 0;
  #takenFromQueue = 0;
  #timer: Timer | null = null;
  /** Whether the next turn releases more of what is due. */
  #isCatchingUp = false;
  #closed = false;
  /** When the run was paused; `null` while it is not. */
  #pausedAt: number | null = null;
  /** Whether {@link OpenModelOptions.onExhausted} was called for the current assignment. */
  #isExhausted = false;

  constructor(options: OpenModelOptions) {
    const { spacing, classes, clock, random } = options;
    this.#options = options;
    this.#startedAt = options.startedAt;
    this.#clock = clock;
    this.#schedule = new ArrivalSchedule(spacing, random);
    this.#mix = new IterationMix(classes);
    this.#pools = classes.map(({ weight, fixedCount }) =>
      new UserClassPool(fixedCount > 0 ? fixedCount : weight > 0 ? Infinity : 0)
    );
  }

  /** Iterations that wait for a user. */
  get queued(): number {
    return this.#pools.reduce((sum, { queue }) => sum + queue.size, 0);
  }

  /** Whether it starts no more iterations. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Starts iterations according to this assignment from now on. */
  follow(assignment: Omit<ArrivalAssignment, "classes" | "over">): void {
    this.#isExhausted = false;
    this.#maxUsers = assignment.maxUsers;
    this.#until = assignment.until;
    this.#schedule.follow(assignment, assignment);
    this.#release();
    for (const [classIndex, pool] of this.#pools.entries()) {
      while (pool.unserved > 0 && this.#startUser(classIndex));
    }
    while (this.#alive - this.#leaving > this.#maxUsers && this.#dismissIdle());
  }

  /** Corrects when the test started. */
  align(startedAt: number): void {
    this.#startedAt = startedAt;
    this.#release();
  }

  /** The run is paused: starts no iterations until {@link resume}. Those that wait go on waiting. */
  pause(): void {
    this.#pausedAt ??= this.#clock.now();
    this.#clearTimer();
  }

  /** Everything that is due after a pause, or still waits, is due this much later. */
  postpone(ms: number): void {
    this.#startedAt += ms;
    for (const { queue } of this.#pools) queue.postpone(ms);
    this.#release();
  }

  /** The pause is over. */
  resume(): void {
    this.#pausedAt = null;
    this.#release();
  }

  /** Starts no iterations until the next assignment. Those that wait are dropped. */
  suspend(): void {
    this.#schedule.forget();
    this.#clearTimer();
    this.#dropQueued(this.#clock.now());
  }

  /** Starts the iterations that are due, and none after that. Those that no user starts for are dropped. */
  close(): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    this.#closeAt(this.#pausedAt ?? now);
    this.#closed = true;
    this.#schedule.forget();
    this.#clearTimer();
    // Users that are being started for an iteration take it, if they start before they are stopped.
    for (const classIndex of this.#pools.keys()) this.#dropUnserved(classIndex, now);
  }

  #closeAt(now: number): void {
    // In a pause, no user starts what was due just before it.
    if (this.#pausedAt !== null) return this.#dropDue(now);
    const end = this.#momentOf(this.#until);
    const until = end - now < END_TOLERANCE_MS ? Math.max(end, now) : now;
    this.#releaseDue(until);
    // There is no further turn: users that are idle get the rest, and what remains is dropped.
    while (this.#isDue(until) && this.#pools.some(({ idle }) => idle > 0)) this.#releaseDue(until);
    this.#dropDue(until);
  }

  userStarted(slot: IterationSlot): void {
    const pool = this.#poolOf(slot);
    this.#starting.add(slot);
    pool.alive++;
    pool.starting++;
    this.#alive++;
  }

  userEnded(slot: IterationSlot): void {
    const pool = this.#poolOf(slot);
    if (this.#starting.delete(slot)) {
      pool.starting--;
      if (this.#closed) this.#dropUnserved(slot.classIndex);
    }
    if (this.#dismissed.delete(slot)) this.#leaving--;
    pool.alive--;
    this.#alive--;
    if (pool.unserved > 0) this.#startUser(slot.classIndex);
  }

  next(slot: IterationSlot): number | null | Promise<number | null> {
    const pool = this.#poolOf(slot);
    const isFirst = this.#starting.delete(slot);
    if (isFirst) pool.starting--;
    if (this.#closed && !isFirst) return null;
    // Under high load the timer fires late, so a user does not wait for it.
    if (pool.queue.size === 0) this.#release();
    const intendedAt = pool.queue.shift();
    if (intendedAt !== null) {
      this.#underWay++;
      // Fast users with a long queue would keep timers and sockets from running.
      const takesTurn = ++this.#takenFromQueue % RELEASED_PER_TURN === 0;
      return takesTurn ? this.#clock.nextTurn().then(() => intendedAt) : intendedAt;
    }
    if (this.#closed) return null;
    if (this.#alive - this.#leaving > this.#maxUsers) {
      this.#dismiss(slot);
      return null;
    }
    return pool.wait(slot);
  }

  cancel(slot: IterationSlot): void {
    this.#poolOf(slot).cancel(slot);
  }

  began({ classIndex }: IterationSlot, intendedAt: number, now: number): void {
    this.#options.iterations(now, classIndex).begin(Math.max(0, now - intendedAt));
  }

  ended({ classIndex }: IterationSlot, beganAt: number, now: number): void {
    this.#underWay--;
    this.#options.iterations(now, classIndex).complete(now - beganAt);
    this.#checkExhausted();
  }

  interrupted({ classIndex }: IterationSlot, beganAt: number, now: number): void {
    this.#underWay--;
    this.#options.iterations(now, classIndex).interrupt(now - beganAt);
    this.#checkExhausted();
  }

  declined({ classIndex }: IterationSlot, now: number): void {
    this.#underWay--;
    this.#drop(classIndex, now);
    this.#checkExhausted();
  }

  #poolOf({ classIndex }: IterationSlot): UserClassPool {
    return this.#pools[classIndex]!;
  }

  #momentOf(seconds: number): number {
    return this.#startedAt + seconds * 1000;
  }

  #isDue(now: number): boolean {
    return this.#momentOf(this.#schedule.nextAt) <= now;
  }

  /** Releases the iterations that are due, and schedules the next release. */
  #release(): void {
    if (this.#closed || this.#pausedAt !== null) return;
    const now = this.#clock.now();
    this.#releaseDue(now);
    if (this.#isDue(now) && this.#wouldDropAll()) this.#dropDue(now);
    this.#clearTimer();
    if (this.#isDue(now)) return this.#catchUp();
    const nextAt = this.#momentOf(this.#schedule.nextAt);
    if (nextAt === Infinity) return this.#checkExhausted();
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      this.#release();
    }, nextAt - now);
  }

  /** Continues in the next turn of the event loop, so that sockets and timers are served in between. */
  #catchUp(): void {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    void this.#clock.nextTurn().then(() => {
      this.#isCatchingUp = false;
      this.#release();
    });
  }

  /** Schedules iterations that are due by a moment: all, or as many as one turn may release. */
  #releaseDue(until: number): void {
    // At the end, iterations are released a little before they are due: they count for this moment.
    const now = Math.min(until, this.#clock.now());
    for (let i = 0; i < RELEASED_PER_TURN && this.#isDue(until); i++) {
      const intendedAt = this.#momentOf(this.#schedule.next());
      const classIndex = this.#mix.next();
      this.#options.iterations(now, classIndex).scheduled++;
      this.#offer(classIndex, intendedAt, now);
    }
  }

  #offer(classIndex: number, intendedAt: number, now: number): void {
    const pool = this.#pools[classIndex]!;
    if (pool.give(intendedAt)) this.#underWay++;
    else if (this.#options.onBusy === "queue" || pool.unserved < 0) {
      if (!pool.queue.push(intendedAt)) return this.#drop(classIndex, now);
      if (pool.unserved > 0) this.#startUser(classIndex);
    } else if (this.#startUser(classIndex)) pool.queue.push(intendedAt);
    else this.#drop(classIndex, now);
  }

  /** Whether {@link #offer} would drop an iteration of any class, and so all until a user is free. */
  #wouldDropAll(): boolean {
    return this.#pools.every((pool, classIndex) => {
      const { weight, fixedCount } = this.#options.classes[classIndex]!;
      if (weight === 0 && fixedCount === 0) return true;
      if (pool.idle > 0) return false;
      if (this.#options.onBusy === "queue" || pool.unserved < 0) return pool.queue.isFull;
      return !this.#canStartUser(classIndex);
    });
  }

  /** Drops all iterations that are due by a moment, at a cost that does not depend on their number. */
  #dropDue(until: number): void {
    const seconds = (until - this.#startedAt) / 1000;
    let count = 0;
    // Bounded, as moments in the far future are so coarse that no progress on them is seen.
    for (let steps = 0; steps < RELEASED_PER_TURN && this.#isDue(until); steps++) {
      const skipped = this.#schedule.skip(seconds);
      if (skipped === 0) this.#schedule.next();
      count += Math.max(1, skipped);
    }
    const now = Math.min(until, this.#clock.now());
    for (const [classIndex, share] of this.#mix.skip(count).entries()) {
      const iterations = this.#options.iterations(now, classIndex);
      iterations.scheduled += share;
      iterations.dropped += share;
    }
  }

  /** Whether there is room for one more user. One place is kept for each class that has no user yet. */
  #canStartUser(classIndex: number): boolean {
    const pool = this.#pools[classIndex]!;
    if (this.#closed || pool.alive >= pool.limit || this.#alive >= this.#maxUsers) return false;
    if (pool.alive === 0) return true;
    let kept = 0;
    for (const other of this.#pools) {
      if (other !== pool && other.alive === 0 && other.limit > 0) kept++;
    }
    return this.#alive + kept < this.#maxUsers;
  }

  #startUser(classIndex: number): boolean {
    if (!this.#canStartUser(classIndex)) return false;
    this.#options.startUser(classIndex);
    return true;
  }

  /** Dismisses one idle user; returns whether there was any. */
  #dismissIdle(): boolean {
    for (const pool of this.#pools) {
      const slot = pool.dismiss();
      if (slot === null) continue;
      this.#dismiss(slot);
      return true;
    }
    return false;
  }

  #dismiss(slot: IterationSlot): void {
    this.#dismissed.add(slot);
    this.#leaving++;
  }

  #drop(classIndex: number, now: number): void {
    this.#options.iterations(now, classIndex).dropped++;
  }

  /** Drops the iterations for which no user is being started. */
  #dropUnserved(classIndex: number, now = this.#clock.now()): void {
    const { queue, starting } = this.#pools[classIndex]!;
    if (queue.size <= starting) return;
    this.#options.iterations(now, classIndex).dropped += queue.shorten(starting);
  }

  #dropQueued(now: number): void {
    for (const [classIndex, { queue }] of this.#pools.entries()) {
      this.#options.iterations(now, classIndex).dropped += queue.size;
      queue.clear();
    }
  }

  #checkExhausted(): void {
    if (this.#closed || this.#isExhausted || !this.#schedule.ended) return;
    if (this.#underWay > 0 || this.queued > 0) return;
    this.#isExhausted = true;
    this.#options.onExhausted();
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** The users of one class in the open model, and the iterations that wait for one of them. */
export class UserClassPool {
  readonly queue = new IterationQueue();
  /** The highest number of users; Infinity if the class has no fixed count, 0 if it has no share. */
  readonly limit: number;
  alive = 0;
  /** Users that have not asked for an iteration yet. */
  starting = 0;
  /** Users that wait for an iteration; the last one has waited least. */
  readonly #waiting: WaitingUser[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Users that wait for an iteration. */
  get idle(): number {
    return this.#waiting.length;
  }

  /** Queued iterations less those that users who are starting will take; below 0 if users are left over. */
  get unserved(): number {
    return this.queue.size - this.starting;
  }

  /** Resolves with when the user's next iteration was due; `null` once the user no longer waits. */
  wait(slot: IterationSlot): Promise<number | null> {
    return new Promise((resolve) => void this.#waiting.push({ slot, resolve }));
  }

  /** Gives an iteration to the user that has waited least, so that few users are kept busy. */
  give(intendedAt: number): boolean {
    const user = this.#waiting.pop();
    user?.resolve(intendedAt);
    return user !== undefined;
  }

  /** Ends the wait of one user. */
  cancel(slot: IterationSlot): void {
    const index = this.#waiting.findLastIndex((user) => user.slot === slot);
    if (index >= 0) this.#waiting.splice(index, 1)[0]!.resolve(null);
  }

  /** Ends the wait of the user that has waited longest; `null` if none waits. */
  dismiss(): IterationSlot | null {
    const user = this.#waiting.shift();
    user?.resolve(null);
    return user?.slot ?? null;
  }
}

interface WaitingUser {
  readonly slot: IterationSlot;
  readonly resolve: (intendedAt: number | null) => void;
}

/** A longer queue would only fill the memory. */
const MAX_QUEUED = 1_000_000;

/** Entries at the front are removed in chunks: removing each one would move all others. */
const CHUNK = 4096;

/** Iterations that are due while no user is free, oldest first: when each was due, in milliseconds. */
export class IterationQueue {
  #moments: number[] = [];
  #first = 0;

  get size(): number {
    return this.#moments.length - this.#first;
  }

  get isFull(): boolean {
    return this.size >= MAX_QUEUED;
  }

  /** Returns whether there was room. */
  push(intendedAt: number): boolean {
    if (this.isFull) return false;
    this.#moments.push(intendedAt);
    return true;
  }

  /** Each was due this much later. */
  postpone(ms: number): void {
    this.#moments = this.#moments.map((moment) => moment + ms);
  }

  /** Takes the oldest; `null` if the queue is empty. */
  shift(): number | null {
    const intendedAt = this.#moments[this.#first];
    if (intendedAt === undefined) return null;
    this.#first++;
    if (this.#first === CHUNK || this.size === 0) {
      this.#moments.splice(0, this.#first);
      this.#first = 0;
    }
    return intendedAt;
  }

  /** Keeps the oldest, as many as this; returns how many are removed. */
  shorten(kept: number): number {
    const removed = Math.max(0, this.size - kept);
    this.#moments.length -= removed;
    return removed;
  }

  clear(): void {
    this.#moments = [];
    this.#first = 0;
  }
}
