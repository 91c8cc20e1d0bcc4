/**
 * Follows the load of a run in real time, in a local run as on a master.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import type { ClassCounts } from "../load/dispatcher.ts";
import { type ArrivalLoad, isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadPart } from "../load/load_parts.ts";
import { lastRise, loadAt, plannedSeconds } from "../load/load_profile.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import { SpawnPacer } from "../load/spawn_pacer.ts";

/** The arrivals of one part of the load, from a moment on. */
export interface PartArrivals {
  /** The index of the part. */
  readonly part: number;
  /** Iterations are to start at the rate of this period. */
  readonly period: RatePeriod;
  /** The most users that may be busy with them. */
  readonly maxUsers: number;
  /** Whether the part has ended before the run: no iteration starts after the period, and its users stop. */
  readonly over: boolean;
}

/** What carries out the decisions of a driver. Parts are named by their index. */
export interface DriverHooks {
  /** Closed model: each class is to have its number of users. Classes of the open model have none. */
  setUsers(counts: ClassCounts): void;
  /** Open model: what has been decided for some parts at the same time. */
  setArrivals(arrivals: readonly PartArrivals[]): void;
  /** What the shape of a part is told about the run. */
  view(part: number): ShapeView;
  /** The load of a part has changed. */
  onLoad(load: ResolvedLoad, part: number): void;
  /** A part has ended, and others continue. */
  onOver(part: number): void;
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
  /** Users of each class that are running; classes that are missing at the end have none. */
  readonly users: ClassCounts;
  /** Whether the first number of users asked for has been reached. */
  readonly started: boolean;
  /** The loads that were set by hand, oldest first. */
  readonly changes: readonly LoadChange[];
}

const START: DriverProgress = { elapsedSeconds: 0, users: [], started: false, changes: [] };

/** Starting a user takes time in which nothing else runs, so they start in batches of this size. */
const USERS_PER_BATCH = 100;

/**
 * Drives the load of one run from its start to its end. Once a second it asks the profile of each part for
 * the load. Users are started and stopped one by one on the way there; iterations of the open model are
 * scheduled by their rate. The run ends with its last part.
 */
export class LoadDriver {
  readonly #clock: Clock;
  readonly #hooks: DriverHooks;
  readonly #parts: readonly PartDriver[];
  /** The part whose load can be changed by hand; `null` if each class has a load of its own. */
  readonly #shared: PartDriver | null;
  readonly #startedAt: number;
  #started: boolean;
  /** Whether users of a part have changed since {@link DriverHooks.setUsers} was called. */
  #usersChanged = false;
  #stopped = false;
  #wake: (() => void) | null = null;

  /** The run starts now, or continues from where it was. */
  constructor(
    clock: Clock,
    parts: readonly LoadPart[],
    hooks: DriverHooks,
    progress: DriverProgress = START,
  ) {
    this.#clock = clock;
    this.#hooks = hooks;
    this.#parts = parts.map((part, index) => new PartDriver(index, part, progress));
    this.#shared = this.#parts[parts.findIndex(({ ownClass }) => ownClass === null)] ?? null;
    this.#startedAt = clock.now() - progress.elapsedSeconds * 1000;
    this.#started = progress.started;
  }

  /**
   * The load that applies now to the classes without a load of their own; `null` before the first one, and
   * if there are no such classes.
   */
  get load(): ResolvedLoad | null {
    return this.#shared?.load ?? null;
  }

  /** Whether the run has ended. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether users are still to be started or stopped. */
  get spawning(): boolean {
    return this.#parts.some((_, index) => this.isSpawning(index));
  }

  /** Whether users of a part are still to be started or stopped. */
  isSpawning(part: number): boolean {
    const { over, pacer } = this.#parts[part]!;
    return !over && pacer.nextAt(this.#elapsed()) !== null;
  }

  /** Whether a part may ask for more users than now at some later time. */
  mayRise(part: number): boolean {
    return this.#parts[part]!.mayRise;
  }

  /** Whether a part has ended before the run. */
  isOver(part: number): boolean {
    return this.#parts[part]!.over;
  }

  /** Resolves when the last part has ended or {@link stop} was called. */
  async drive(): Promise<void> {
    const elapsed = this.#elapsed();
    for (const part of this.#parts) {
      const load = part.catchUp(elapsed, part === this.#shared);
      if (load !== null) this.#apply([{ part, load, at: elapsed }]);
    }
    while (!this.#stopped) {
      const now = this.#elapsed();
      // The hooks may stop the run.
      if (now >= this.#tickAt && (!this.#tick(now) || this.#stopped)) return;
      if (this.#spawn(now)) await this.#clock.nextTurn();
      else await this.#sleepUntil(Math.min(this.#tickAt, this.#nextUserAt(now)));
    }
  }

  /**
   * Replaces the load of the classes without a load of their own, until it ends. Returns false if it has
   * ended.
   */
  changeLoad(load: ResolvedLoad): boolean {
    const part = this.#shared;
    if (this.#stopped || part === null || part.over) return false;
    part.override = load;
    this.#apply([{ part, load, at: this.#elapsed() }]);
    this.#wake?.();
    return true;
  }

  /** Ends a part early, and the run if no other continues; returns whether it was still going. */
  endPart(index: number): boolean {
    const part = this.#parts[index]!;
    if (this.#stopped || part.over) return false;
    if (this.#going.length === 1) return this.stop();
    this.#end([{ part, at: this.#elapsed() }]);
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

  /** The parts that have not ended. */
  get #going(): PartDriver[] {
    return this.#parts.filter(({ over }) => !over);
  }

  /** When the profile of a part is asked next. */
  get #tickAt(): number {
    return Math.min(...this.#going.map(({ tickAt }) => tickAt));
  }

  #nextUserAt(now: number): number {
    return Math.min(...this.#going.map(({ pacer }) => pacer.nextAt(now) ?? Infinity));
  }

  /** Asks the profiles that are due for the load; returns whether the run continues. */
  #tick(now: number): boolean {
    const going = this.#going;
    const ended: EndedPart[] = [];
    const loads: PartLoad[] = [];
    // The end of a part may be within a second; all other ticks are at the end of one, except the first.
    let isSecond = false;
    for (const part of going) {
      if (part.tickAt > now) continue;
      const { at, load } = part.ask(now, this.#hooks.view(part.index));
      if (load === null) ended.push({ part, at });
      else {
        isSecond ||= part.tickAt > 0;
        if (part.override === null) {
          loads.push({ part, load, at: isArrivals(load) ? part.tickAt : now });
        } else if (part.tickAt === 0) loads.push({ part, load: part.override, at: 0 });
      }
      part.tickAt = part.tickAfter(now);
    }
    if (ended.length === going.length) {
      this.#stopped = true;
      const last = ended.flatMap(({ part, at }) => part.lastArrivals(at));
      if (last.length > 0) this.#hooks.setArrivals(last);
      return false;
    }
    if (ended.length > 0) this.#end(ended);
    if (loads.length > 0) this.#apply(loads);
    if (isSecond) this.#hooks.onSecond();
    return true;
  }

  /** Ends parts before the run. */
  #end(ended: readonly EndedPart[]): void {
    const last = ended.flatMap(({ part, at }) => part.lastArrivals(at));
    for (const { part } of ended) {
      part.over = true;
      this.#usersChanged ||= part.users > 0;
      part.users = 0;
    }
    if (last.length > 0) this.#hooks.setArrivals(last.map((one) => ({ ...one, over: true })));
    for (const { part: { index } } of ended) this.#hooks.onOver(index);
    this.#checkStarted();
  }

  #apply(loads: readonly PartLoad[]): void {
    const arrivals = loads.flatMap(({ part, load, at }) => part.apply(load, at));
    if (arrivals.length > 0) this.#hooks.setArrivals(arrivals);
    this.#checkStarted();
    for (const { part, load } of loads) this.#hooks.onLoad(load, part.index);
  }

  /** Starts or stops the users that are due; returns whether more are due than fit in one batch. */
  #spawn(now: number): boolean {
    let isMore = false;
    for (const part of this.#going) {
      if (part.period !== null) continue;
      const due = part.pacer.usersAt(now);
      const users = Math.min(due, part.users + USERS_PER_BATCH);
      this.#usersChanged ||= users !== part.users;
      part.users = users;
      part.started ||= users === due && part.pacer.nextAt(now) === null;
      isMore ||= users < due;
    }
    if (this.#usersChanged) {
      this.#usersChanged = false;
      this.#hooks.setUsers(sumOf(this.#parts.map(({ counts }) => counts)));
    }
    this.#checkStarted();
    return isMore;
  }

  #checkStarted(): void {
    if (this.#started || !this.#parts.every(({ over, started }) => over || started)) return;
    this.#started = true;
    this.#hooks.onStarted(this.#parts.reduce((sum, { users }) => sum + users, 0));
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

/** A part that has ended at a moment, in seconds since the start of the test. */
interface EndedPart {
  readonly part: PartDriver;
  readonly at: number;
}

/** A load that applies to a part from a moment on, in seconds since the start of the test. */
interface PartLoad extends EndedPart {
  readonly load: ResolvedLoad;
}

/** The state of one part of the load. All times are seconds since the start of the test. */
class PartDriver {
  readonly index: number;
  readonly pacer: SpawnPacer;
  users: number;
  /** Whether the first number of users asked for has been reached. */
  started: boolean;
  /** The rate that applies now; `null` in the closed model. */
  period: RatePeriod | null = null;
  load: ResolvedLoad | null = null;
  /** The load that was set by hand; `null` to follow the profile. */
  override: ResolvedLoad | null = null;
  /** Whether it has ended before the run. */
  over = false;
  /** When to ask the profile next. */
  tickAt = 0;
  readonly #part: LoadPart;
  readonly #changes: readonly LoadChange[];
  #maxUsers = 0;

  constructor(index: number, part: LoadPart, { users, started, changes }: DriverProgress) {
    this.index = index;
    this.#part = part;
    this.#changes = changes;
    this.users = part.classes.reduce((sum, cls) => sum + (users[cls] ?? 0), 0);
    this.started = started;
    this.pacer = new SpawnPacer(this.users);
  }

  /** The users of each class that are to run. */
  get counts(): ClassCounts {
    return this.#part.mix.counts(this.users);
  }

  /**
   * Resumes a run. In the open model the position of the schedule depends on all past loads, so they are
   * replayed.
   *
   * @param isSteered whether the loads that were set by hand were for this part; the last one is returned.
   */
  catchUp(elapsed: number, isSteered: boolean): ResolvedLoad | null {
    const seconds = Math.floor(elapsed);
    const changes = isSteered ? [...this.#changes] : [];
    const last = changes.at(-1)?.load ?? null;
    const replayChanges = (before: number): void => {
      while (changes[0] !== undefined && changes[0].elapsedSeconds < before) {
        const { load, elapsedSeconds } = changes.shift()!;
        this.override = load;
        if (isArrivals(load)) this.period = this.#periodFor(load, elapsedSeconds);
      }
    };
    for (let at = 0; at < seconds; at++) {
      replayChanges(at);
      const load = loadAt(this.#part.profile, at);
      if (load === null || !isArrivals(load)) break;
      if (this.override === null) this.period = this.#periodFor(load, at);
    }
    replayChanges(Infinity);
    this.tickAt = seconds;
    return last;
  }

  /** Whether the profile may ask for more users later. A load that was set by hand stays as it is. */
  get mayRise(): boolean {
    return this.override === null && lastRise(this.#part.profile) >= this.tickAt;
  }

  /** Asks the profile for the load at the moment that it is due; `null` if the part has ended. */
  ask(now: number, view: ShapeView): { readonly at: number; readonly load: ResolvedLoad | null } {
    // Iterations count from when they are due, but users from when they can really be started.
    const at = this.period !== null || this.tickAt === 0 ? this.tickAt : now;
    return { at, load: loadAt(this.#part.profile, at, view) };
  }

  /** The next whole second, or the end of the profile if that is sooner. */
  tickAfter(now: number): number {
    const next = Math.floor(now) + 1;
    const end = plannedSeconds(this.#part.profile);
    return end !== null && end > now ? Math.min(next, end) : next;
  }

  /** Sets the load from a moment on. Returns the arrivals that follow from it: one element, or none. */
  apply(load: ResolvedLoad, at: number): PartArrivals[] {
    this.load = load;
    if (!isArrivals(load)) {
      const { users, rate } = load;
      this.pacer.retarget({ users: Math.min(users, this.#part.mix.limit), rate }, at);
      return [];
    }
    this.period = this.#periodFor(load, at);
    this.#maxUsers = load.maxUsers;
    this.started = true;
    return [this.#arrivals(this.period)];
  }

  /** The arrivals if the part ends at a moment: one element in the open model, none in the closed one. */
  lastArrivals(at: number): PartArrivals[] {
    if (this.period === null) return [];
    return [this.#arrivals({ ...this.period, until: Math.min(this.period.until, at) })];
  }

  #arrivals(period: RatePeriod): PartArrivals {
    return { part: this.index, period, maxUsers: this.#maxUsers, over: false };
  }

  /** The period that starts at a moment; the current one if the rate does not change. */
  #periodFor({ arrivalRate: rate }: ArrivalLoad, since: number): RatePeriod {
    const before = this.period;
    if (before?.rate === rate) return before;
    const { profile } = this.#part;
    return {
      rate,
      since,
      position: before === null ? 0 : positionAt(before, since),
      until: plannedSeconds(profile) ?? Infinity,
      limit: profile.iterations ?? Infinity,
    };
  }
}

/** The sums of counts of the same length, of which there is at least one list. */
function sumOf([first, ...others]: readonly ClassCounts[]): ClassCounts {
  return others.reduce((sum, counts) => sum.map((count, index) => count + counts[index]!), first!);
}
