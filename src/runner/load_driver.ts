/**
 * Follows a load profile in real time, in a local run as on a master.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type ArrivalLoad, isArrivals, type ResolvedLoad, type UserLoad } from "../load/load.ts";
import { loadAt, type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";
import type { ReportedLoad } from "../stats/snapshot.ts";

/** What carries out the decisions of a driver. */
export interface DriverHooks {
  /** Closed model: each class is to have its number of users. */
  setUsers(counts: readonly number[]): void;
  /** Open model: iterations are to start at the rate of this period, with at most this many users. */
  setArrivals(period: RatePeriod, maxUsers: number): void;
  /** What a shape is told about the run. */
  view(): ShapeView;
  /** The load has changed. */
  onLoad(load: ResolvedLoad): void;
  /** The first number of users asked for has been reached. */
  onStarted(users: number): void;
  /** Another second of the run has ended. */
  onSecond(): void;
}

/** A load that was set by hand, and when, in seconds since the start of the test. */
export interface LoadChange {
  readonly elapsedSeconds: number;
  readonly load: ResolvedLoad;
}

/** The progress of a resumed run. */
export interface DriverProgress {
  /** Seconds since the run started. */
  readonly elapsedSeconds: number;
  /** Users that are running. */
  readonly users: number;
  /** Whether the first number of users asked for has been reached. */
  readonly started: boolean;
  /** The loads that were set by hand, oldest first. */
  readonly changes: readonly LoadChange[];
}

const START: DriverProgress = { elapsedSeconds: 0, users: 0, started: false, changes: [] };

/** Starting a user takes time in which nothing else runs, so they start in batches of this size. */
const USERS_PER_BATCH = 100;

/**
 * Drives the load of one run from its start to its end. Once a second it asks the profile for the load.
 * Users are started and stopped one by one on the way there; iterations of the open model are scheduled
 * by their rate.
 */
export class LoadDriver {
  readonly #clock: Clock;
  readonly #profile: LoadProfile;
  readonly #mix: ClassMix;
  readonly #hooks: DriverHooks;
  readonly #pacer: SpawnPacer;
  readonly #startedAt: number;
  readonly #earlierChanges: readonly LoadChange[];
  #users: number;
  #started: boolean;
  /** The rate that applies now; `null` in the closed model. */
  #period: RatePeriod | null = null;
  #maxUsers = 0;
  #load: ResolvedLoad | null = null;
  /** The load that was set by hand; `null` to follow the profile. */
  #override: ResolvedLoad | null = null;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** The run starts now, or continues from where it was. */
  constructor(
    clock: Clock,
    profile: LoadProfile,
    mix: ClassMix,
    hooks: DriverHooks,
    progress: DriverProgress = START,
  ) {
    this.#clock = clock;
    this.#profile = profile;
    this.#mix = mix;
    this.#hooks = hooks;
    this.#startedAt = clock.now() - progress.elapsedSeconds * 1000;
    this.#pacer = new SpawnPacer(progress.users);
    this.#users = progress.users;
    this.#started = progress.started;
    this.#earlierChanges = progress.changes;
  }

  /** The load that applies now; `null` before the first one. */
  get load(): ResolvedLoad | null {
    return this.#load;
  }

  /** Whether users are still to be started or stopped. */
  get spawning(): boolean {
    return this.#pacer.nextAt(this.#elapsed()) !== null;
  }

  /** Resolves when the profile has ended or {@link stop} was called. */
  async drive(): Promise<void> {
    let tickAt = this.#catchUp();
    while (!this.#stopped) {
      const now = this.#elapsed();
      if (now >= tickAt) {
        // The hooks may stop the run.
        if (!this.#tick(tickAt, now) || this.#stopped) return;
        tickAt = this.#nextTick(now);
      }
      if (this.#spawn(now)) await this.#clock.nextTurn();
      else await this.#sleepUntil(Math.min(tickAt, this.#pacer.nextAt(now) ?? Infinity));
    }
  }

  /** Replaces the load from now until the profile ends. Returns false if the run is over. */
  changeLoad(load: ResolvedLoad): boolean {
    if (this.#stopped) return false;
    this.#override = load;
    this.#apply(load, this.#elapsed());
    this.#wake?.();
    return true;
  }

  /** Ends the run early; returns whether it was still going. */
  stop(): boolean {
    const wasRunning = !this.#stopped;
    this.#stopped = true;
    this.#wake?.();
    return wasRunning;
  }

  /** Reports each second that ends until a promise resolves, such as while users are stopping. */
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

  /** The next whole second, or the end of the profile if that is sooner. */
  #nextTick(now: number): number {
    const next = Math.floor(now) + 1;
    const end = plannedSeconds(this.#profile);
    return end !== null && end > now ? Math.min(next, end) : next;
  }

  /**
   * Resumes a run. In the open model the position of the schedule depends on all past loads, so they are
   * replayed. Returns when to ask the profile next.
   */
  #catchUp(): number {
    const seconds = Math.floor(this.#elapsed());
    const changes = [...this.#earlierChanges];
    const replayChanges = (before: number): void => {
      while (changes[0] !== undefined && changes[0].elapsedSeconds < before) {
        const { load, elapsedSeconds } = changes.shift()!;
        this.#override = load;
        if (isArrivals(load)) this.#period = this.#periodFor(load, elapsedSeconds);
      }
    };
    for (let at = 0; at < seconds; at++) {
      replayChanges(at);
      const load = loadAt(this.#profile, at);
      if (load === null || !isArrivals(load)) break;
      if (this.#override === null) this.#period = this.#periodFor(load, at);
    }
    replayChanges(Infinity);
    const last = this.#earlierChanges.at(-1);
    if (last !== undefined) this.#apply(last.load, this.#elapsed());
    return seconds;
  }

  /** Asks the profile for the load; returns whether the run continues. */
  #tick(tickAt: number, now: number): boolean {
    // Iterations count from when they are due, but users from when they can really be started.
    const at = this.#period !== null || tickAt === 0 ? tickAt : now;
    const planned = loadAt(this.#profile, at, this.#hooks.view());
    if (planned === null) {
      this.#stopped = true;
      if (this.#period !== null) {
        this.#hooks.setArrivals({ ...this.#period, until: at }, this.#maxUsers);
      }
      return false;
    }
    if (this.#override === null) this.#apply(planned, isArrivals(planned) ? tickAt : now);
    else if (tickAt === 0) this.#apply(this.#override, 0);
    if (tickAt > 0) this.#hooks.onSecond();
    return true;
  }

  #apply(load: ResolvedLoad, at: number): void {
    if (isArrivals(load)) this.#applyArrivals(load, at);
    else this.#applyUsers(load, at);
    this.#load = load;
    this.#hooks.onLoad(load);
  }

  #applyUsers({ users, rate }: UserLoad, now: number): void {
    this.#pacer.retarget({ users: Math.min(users, this.#mix.limit), rate }, now);
  }

  #applyArrivals(load: ArrivalLoad, at: number): void {
    this.#period = this.#periodFor(load, at);
    this.#maxUsers = load.maxUsers;
    this.#hooks.setArrivals(this.#period, load.maxUsers);
    if (this.#started) return;
    this.#started = true;
    this.#hooks.onStarted(0);
  }

  /** The period that starts at a moment; the current one if the rate does not change. */
  #periodFor({ arrivalRate: rate }: ArrivalLoad, since: number): RatePeriod {
    const before = this.#period;
    if (before?.rate === rate) return before;
    return {
      rate,
      since,
      position: before === null ? 0 : positionAt(before, since),
      until: plannedSeconds(this.#profile) ?? Infinity,
      limit: this.#profile.iterations ?? Infinity,
    };
  }

  /** Starts or stops the users that are due; returns whether more are due than fit in one batch. */
  #spawn(now: number): boolean {
    if (this.#period !== null) return false;
    const due = this.#pacer.usersAt(now);
    const users = Math.min(due, this.#users + USERS_PER_BATCH);
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

/** The load before the start of a test. */
export function noLoad(isOpen: boolean): ResolvedLoad {
  return isOpen ? { arrivalRate: 0, maxUsers: 0 } : { users: 0, rate: 0 };
}

/** Users that a load starts or stops per second; `null` before the first load, and in the open model. */
export function spawnRateOf(load: ResolvedLoad): number | null {
  return isArrivals(load) || load.rate === 0 ? null : load.rate;
}

/** A load as reports name it. */
export function reportedLoad(load: ResolvedLoad): ReportedLoad {
  return isArrivals(load)
    ? { users: load.maxUsers, arrivalRate: load.arrivalRate }
    : { users: load.users, arrivalRate: null };
}
