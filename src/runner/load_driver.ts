/**
 * Follows a plan in real time: asks it once a second how high the load should be. Users it starts or
 * stops one by one at the rate asked for; of passes that begin on a schedule it says at which rate.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type ArrivalLoad, isArrivals, type ResolvedLoad, type UserLoad } from "../load/load.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import { loadAt, type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";
import type { ReportedLoad } from "../stats/snapshot.ts";

/** Who carries out what the driver decides, and hears of its time. */
export interface DriverHooks {
  /** Makes so many users of each class run. */
  setUsers(counts: readonly number[]): void;
  /** Makes passes begin by this course, with so many users at most. */
  setArrivals(course: RatePeriod, maxUsers: number): void;
  /** What a shape may know of the run. */
  view(): ShapeView;
  /** A new target holds from now on. */
  onLoad(target: ResolvedLoad): void;
  /** The first target number of users runs. */
  onStarted(users: number): void;
  /** Another second of the run is over. */
  onSecond(): void;
}

/** A load that holds from a moment on, in seconds since the test's start. */
export interface LoadChange {
  readonly elapsedSeconds: number;
  readonly load: ResolvedLoad;
}

/** How far a run has come that goes on elsewhere, or after a break. */
export interface DriverProgress {
  /** Seconds since the run began. */
  readonly elapsedSeconds: number;
  /** Users that run. */
  readonly users: number;
  /** Whether the first target number of users has run. */
  readonly started: boolean;
  /** What somebody wanted instead of what is planned, oldest first. */
  readonly changes: readonly LoadChange[];
}

const AT_THE_START: DriverProgress = { elapsedSeconds: 0, users: 0, started: false, changes: [] };

/** Starting many users takes time, in which nothing else runs; so they start in portions. */
const STARTED_AT_ONCE = 100;

/** Drives the load of one run from its beginning to its end. */
export class LoadDriver {
  readonly #clock: Clock;
  readonly #plan: LoadProfile;
  readonly #mix: ClassMix;
  readonly #hooks: DriverHooks;
  readonly #pacer: SpawnPacer;
  readonly #startedAt: number;
  readonly #steeredBefore: readonly LoadChange[];
  #users: number;
  #started: boolean;
  /** Null in the closed model. */
  #course: RatePeriod | null = null;
  #maxUsers = 0;
  /** What somebody wants instead of what is planned; null: nothing. */
  #steered: ResolvedLoad | null = null;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** The run begins now, or goes on from where it was. */
  constructor(
    clock: Clock,
    plan: LoadProfile,
    mix: ClassMix,
    hooks: DriverHooks,
    progress: DriverProgress = AT_THE_START,
  ) {
    this.#clock = clock;
    this.#plan = plan;
    this.#mix = mix;
    this.#hooks = hooks;
    this.#startedAt = clock.now() - progress.elapsedSeconds * 1000;
    this.#pacer = new SpawnPacer(progress.users);
    this.#users = progress.users;
    this.#started = progress.started;
    this.#steeredBefore = progress.changes;
  }

  /** Whether users are still to be started or stopped. */
  get spawning(): boolean {
    return this.#pacer.nextAt(this.#elapsed()) !== null;
  }

  /** Resolves when the plan is over, or {@link stop} was called. */
  async drive(): Promise<void> {
    let tickAt = this.#catchUp();
    while (!this.#stopped) {
      const now = this.#elapsed();
      if (now >= tickAt) {
        // What is told of a second may end the run.
        if (!this.#tick(tickAt, now) || this.#stopped) return;
        tickAt = this.#nextTick(now);
      }
      if (this.#spawn(now)) await this.#clock.nextTurn();
      else await this.#sleepUntil(Math.min(tickAt, this.#pacer.nextAt(now) ?? Infinity));
    }
  }

  /**
   * Makes the load be another one than is planned, from now on and until the plan is over. Returns
   * whether there is still something to be changed.
   */
  changeLoad(target: ResolvedLoad): boolean {
    if (this.#stopped) return false;
    this.#steered = target;
    this.#head(target, this.#elapsed());
    this.#wake?.();
    return true;
  }

  /** Ends the drive, whatever the plan says; returns whether it went on until now. */
  stop(): boolean {
    const wentOn = !this.#stopped;
    this.#stopped = true;
    this.#wake?.();
    return wentOn;
  }

  /** Goes on telling of every second until something else is done: what comes after the plan. */
  async until(done: Promise<void>): Promise<void> {
    let over = false;
    const all = done.finally(() => {
      over = true;
      this.#wake?.();
    });
    while (!over) {
      await this.#sleepUntil(Math.floor(this.#elapsed()) + 1);
      if (!over) this.#hooks.onSecond();
    }
    await all;
  }

  #elapsed(): number {
    return (this.#clock.now() - this.#startedAt) / 1000;
  }

  /** The next whole second, or the end of the plan where that comes first. */
  #nextTick(now: number): number {
    const next = Math.floor(now) + 1;
    const end = plannedSeconds(this.#plan);
    return end !== null && end > now ? Math.min(next, end) : next;
  }

  /**
   * Asks a plan of passes that goes on here for all that was: where its schedule has come to depends on
   * that. Returns when to ask next.
   */
  #catchUp(): number {
    const seconds = Math.floor(this.#elapsed());
    const steers = [...this.#steeredBefore];
    const recall = (before: number): void => {
      while (steers[0] !== undefined && steers[0].elapsedSeconds < before) {
        const { load, elapsedSeconds } = steers.shift()!;
        this.#steered = load;
        if (isArrivals(load)) this.#course = this.#bent(load, elapsedSeconds);
      }
    };
    for (let at = 0; at < seconds; at++) {
      recall(at);
      const target = loadAt(this.#plan, at);
      if (target === null || !isArrivals(target)) break;
      if (this.#steered === null) this.#course = this.#bent(target, at);
    }
    recall(Infinity);
    const last = this.#steeredBefore.at(-1);
    if (last !== undefined) this.#head(last.load, this.#elapsed());
    return seconds;
  }

  /** Asks the plan; whether it goes on. */
  #tick(tickAt: number, now: number): boolean {
    // Users are counted from when they can really be started; passes, from when they are due.
    const at = this.#course !== null || tickAt === 0 ? tickAt : now;
    const planned = loadAt(this.#plan, at, this.#hooks.view());
    if (planned === null) {
      this.#stopped = true;
      if (this.#course !== null) {
        this.#hooks.setArrivals({ ...this.#course, until: at }, this.#maxUsers);
      }
      return false;
    }
    if (this.#steered === null) this.#head(planned, isArrivals(planned) ? tickAt : now);
    else if (tickAt === 0) this.#head(this.#steered, 0);
    if (tickAt > 0) this.#hooks.onSecond();
    return true;
  }

  #head(target: ResolvedLoad, at: number): void {
    if (isArrivals(target)) this.#schedule(target, at);
    else this.#aimAt(target, at);
    this.#hooks.onLoad(target);
  }

  #schedule(target: ArrivalLoad, at: number): void {
    this.#course = this.#bent(target, at);
    this.#maxUsers = target.maxUsers;
    this.#hooks.setArrivals(this.#course, target.maxUsers);
    if (this.#started) return;
    this.#started = true;
    this.#hooks.onStarted(0);
  }

  /** The course as it goes on from a moment; the same one where its rate stays. */
  #bent({ arrivalRate: rate }: ArrivalLoad, since: number): RatePeriod {
    const { iterations } = this.#plan;
    const before = this.#course;
    if (before?.rate === rate) return before;
    return {
      rate,
      since,
      position: before === null ? 0 : positionAt(before, since),
      until: plannedSeconds(this.#plan) ?? Infinity,
      limit: iterations ?? Infinity,
    };
  }

  #aimAt(target: UserLoad, now: number): void {
    const users = Math.min(target.users, this.#mix.limit);
    this.#pacer.retarget({ users, rate: target.rate }, now);
  }

  /** Starts or stops the users that are due; whether there are more of them than one portion. */
  #spawn(now: number): boolean {
    if (this.#course !== null) return false;
    const due = this.#pacer.usersAt(now);
    const users = Math.min(due, this.#users + STARTED_AT_ONCE);
    if (users !== this.#users) {
      this.#users = users;
      this.#hooks.setUsers(this.#mix.counts(users));
    }
    if (!this.#started && users === due && this.#pacer.nextAt(now) === null) {
      this.#started = true;
      this.#hooks.onStarted(users);
    }
    return users < due;
  }

  #sleepUntil(seconds: number): Promise<void> {
    const ms = this.#startedAt + seconds * 1000 - this.#clock.now();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(resolve, Math.max(0, ms));
      this.#wake = () => {
        this.#clock.clearTimer(timer);
        resolve();
      };
    });
  }
}

/** A load as reports name it. */
export function reportedLoad(target: ResolvedLoad): ReportedLoad {
  return isArrivals(target)
    ? { users: target.maxUsers, arrivalRate: target.arrivalRate }
    : { users: target.users, arrivalRate: null };
}
