import type { Assignment } from "../cluster/protocol.ts";
import type { WorkerState } from "../cluster/run_state.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { type ArrivalShare, positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type ClassCounts, Dispatcher } from "../load/dispatcher.ts";
import { isOpen, type LoadProfile } from "../load/load_profile.ts";
import type { ArrivalTerms } from "./open_model_executor.ts";

interface Claim {
  readonly revision: number;
  readonly counts: ClassCounts;
}

/**
 * What each worker may be running: what it was told last, or what it was told before and may not have
 * been heard to give up.
 */
export class PendingAssignments {
  readonly #claims = new Map<string, Claim[]>();
  /** The highest revision that each worker has heard. */
  readonly #heard = new Map<string, number>();

  /** Whether every worker has heard all that it was told. */
  get confirmed(): boolean {
    return [...this.#claims].every(([worker, claims]) =>
      (this.#heard.get(worker) ?? 0) >= claims.at(-1)!.revision
    );
  }

  /** A worker is told to run so many users of each class. @param revision higher than those before */
  told(worker: string, revision: number, counts: ClassCounts): void {
    const claims = this.#claims.get(worker) ?? [];
    claims.push({ revision, counts });
    this.#claims.set(worker, claims);
  }

  /** A worker has heard what it was told; whether anything that it was told before is given up. */
  heard(worker: string, revision: number): boolean {
    this.#heard.set(worker, Math.max(revision, this.#heard.get(worker) ?? 0));
    const claims = this.#claims.get(worker) ?? [];
    const given = claims.findIndex((claim) => claim.revision >= revision);
    return given > 0 && claims.splice(0, given).length > 0;
  }

  /** How many users of a class a worker may be running. @param cls the index of the class */
  most(worker: string, cls: number): number {
    const claims = this.#claims.get(worker) ?? [];
    return claims.reduce((most, { counts }) => Math.max(most, counts[cls]!), 0);
  }

  /** Forgets all other workers: they run nothing any more. */
  keep(workers: ReadonlySet<string>): void {
    for (const worker of this.#claims.keys()) {
      if (workers.has(worker)) continue;
      this.#claims.delete(worker);
      this.#heard.delete(worker);
    }
  }
}

// Who runs how many users of which class, and telling them.

/** What an allocation needs of the run. */
export interface UserAllocatorOptions {
  readonly clock: Clock;
  /** Names of the user classes, in their order. */
  readonly classNames: readonly string[];
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Those that may run users now. */
  readonly members: () => readonly WorkerState[];
  /** Tells a member what to do. */
  readonly tell: (member: WorkerState, target: Assignment) => void;
}

/**
 * Users are started one by one, but each worker is told at most so often: in between, it would not
 * have begun with what it was told before.
 */
const BATCH_MS = 50;

/**
 * Keeps the cluster at what it should run, whoever comes and goes.
 *
 * A user that moves is started elsewhere only when the worker that had it is known to have heard that
 * it has it no more, or to be gone: however bad the network, no user is run twice.
 */
export class UserAllocator {
  readonly #options: UserAllocatorOptions;
  readonly #dispatcher: Dispatcher;
  #counts: ClassCounts;
  readonly #claims = new PendingAssignments();
  #rate = 1;
  #revision = 0;
  /** What each worker was told last. */
  #assigned: ReadonlyMap<string, ClassCounts> = new Map();
  #timer: Timer | null = null;
  #flushedAt = -Infinity;
  /** Whether users have to move, since members have come or gone. */
  #moving = false;
  /** Whether somebody waits for users that others have not been heard to give up. */
  #waiting = false;

  constructor(options: UserAllocatorOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher(options.classNames.length);
    this.#counts = options.classNames.map(() => 0);
  }

  /**
   * Takes up what was assigned before, by incarnation, and tells nobody; returns how many users that
   * are.
   *
   * @param countsOf how many users of each class there are among so many.
   */
  restore(
    assigned: ReadonlyMap<string, Readonly<Record<string, number>>>,
    countsOf: (users: number) => ClassCounts,
  ): number {
    const { classNames } = this.#options;
    this.#assigned = new Map(
      Array.from(assigned, ([incarnation, classes]) => [
        incarnation,
        classNames.map((name) => Object.hasOwn(classes, name) ? classes[name]! : 0),
      ]),
    );
    this.#dispatcher.restore(this.#assigned);
    for (const [worker, counts] of this.#assigned) this.#claims.told(worker, 0, counts);
    const users = [...this.#assigned.values()].reduce((sum, counts) => sum + total(counts), 0);
    this.#counts = countsOf(users);
    return users;
  }

  /** Whether everybody has heard what it is to run, and nothing is left to be told. */
  get settled(): boolean {
    return this.#timer === null && !this.#waiting && this.#claims.confirmed;
  }

  /** Sets the rate at which users are started and stopped, in users a second. */
  pace(rate: number): void {
    this.#rate = rate;
  }

  /** Makes so many users of each class run in the whole cluster. */
  aim(counts: ClassCounts): void {
    this.#counts = counts;
    this.#schedule();
  }

  /** Takes into account who has come and who has gone. */
  rebalance(): void {
    this.#moving = true;
    this.#schedule();
  }

  /** A member has heard what it was told. */
  heard({ incarnation }: WorkerState, revision: number): void {
    if (this.#claims.heard(incarnation, revision) && this.#waiting) this.#schedule();
  }

  /** Tells a member, which may have missed it, what it should do. */
  repeat(member: WorkerState): void {
    const counts = this.#assigned.get(member.incarnation);
    if (counts === undefined) return;
    this.#tell(member, counts, Math.max(this.#rate, total(counts)));
  }

  /** Tells nobody any more. */
  end(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#timer !== null) return;
    const { clock } = this.#options;
    const waitMs = this.#flushedAt + BATCH_MS - clock.now();
    if (waitMs <= 0) return this.#flush();
    this.#timer = clock.setTimer(() => {
      this.#timer = null;
      this.#flush();
    }, waitMs);
  }

  #flush(): void {
    this.#flushedAt = this.#options.clock.now();
    const members = this.#options.members();
    const before = this.#assigned;
    this.#assigned = this.#admitted(
      this.#dispatcher.assign(this.#counts, members.map(({ incarnation }) => incarnation)),
    );
    const changed = members.flatMap((member) => {
      const counts = this.#assigned.get(member.incarnation)!;
      const known = before.get(member.incarnation);
      return known !== undefined && isEqual(known, counts) ? [] : [{ member, counts, known }];
    });
    const rate = this.#moving
      // Users that move had been started at the rate asked for: they are back within about a second.
      ? Math.max(
        this.#rate,
        changed.reduce((sum, { counts, known }) => sum + gain(counts, known), 0),
      )
      : this.#rate;
    this.#moving &&= this.#waiting;
    for (const { member, counts } of changed) this.#tell(member, counts, rate);
  }

  /** As much of what is wanted as nobody else may still be running. */
  #admitted(wanted: ReadonlyMap<string, ClassCounts>): ReadonlyMap<string, ClassCounts> {
    this.#claims.keep(new Set(wanted.keys()));
    this.#waiting = false;
    const room = this.#counts.map((count, cls) =>
      [...wanted.keys()].reduce((rest, worker) => rest - this.#claims.most(worker, cls), count)
    );
    const admit = (worker: string, count: number, cls: number): number => {
      const most = this.#claims.most(worker, cls);
      if (count <= most) return count;
      const more = Math.min(count - most, Math.max(0, room[cls]!));
      room[cls]! -= more;
      this.#waiting ||= most + more < count;
      return most + more;
    };
    return new Map(
      Array.from(wanted, ([worker, counts]) => [
        worker,
        counts.map((count, cls) => admit(worker, count, cls)),
      ]),
    );
  }

  #tell(member: WorkerState, counts: ClassCounts, rate: number): void {
    const { classNames, stopTimeout, tell } = this.#options;
    const classes = Object.fromEntries(classNames.map((name, index) => [name, counts[index]!]));
    const revision = ++this.#revision;
    this.#claims.told(member.incarnation, revision, counts);
    tell(member, { type: "TARGET", revision, classes, rate, stopTimeout, arrivals: [] });
  }
}

function isEqual(a: ClassCounts, b: ClassCounts): boolean {
  return a.every((count, index) => count === b[index]);
}

function total(counts: ClassCounts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Users that have to be started. */
function gain(counts: ClassCounts, known: ClassCounts | undefined): number {
  return counts.reduce((sum, count, index) => sum + Math.max(0, count - (known?.[index] ?? 0)), 0);
}

// Which passes of the open model each worker begins, and telling them.

/** What an allocation needs of the run. */
export interface ArrivalAllocatorOptions {
  readonly terms: ArrivalTerms;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Seconds since the test's start. */
  readonly elapsed: () => number;
  /** Those that may run users now. */
  readonly members: () => readonly WorkerState[];
  /** Tells a member what to do. */
  readonly tell: (member: WorkerState, target: Assignment) => void;
}

/** So long before it holds, everybody is told of a new division. */
const NOTICE_SECONDS = 0.25;

/** What stands on the wire where there is no end. */
const NO_END = Number.MAX_VALUE;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** A worker's part. */
interface Part {
  readonly slice: ArrivalShare;
  readonly maxUsers: number;
}

/**
 * Deals the passes out like cards: of n workers, each begins one in n. All workers follow the same
 * schedule, so that passes are as evenly spaced as on a single node, and their sum is what was asked for.
 */
export class ArrivalAllocator {
  readonly #options: ArrivalAllocatorOptions;
  #course: RatePeriod | null = null;
  #maxUsers = 1;
  #revision = 0;
  #parts: ReadonlyMap<string, Part> = new Map();

  constructor(options: ArrivalAllocatorOptions) {
    this.#options = options;
  }

  /** Makes passes begin by this course, with so many users at most in the whole cluster. */
  arrive(course: RatePeriod, maxUsers: number): void {
    const isSame = course === this.#course && maxUsers === this.#maxUsers;
    this.#course = course;
    this.#maxUsers = maxUsers;
    if (this.#parts.size === 0) this.rebalance();
    else if (!isSame) this.#deal([...this.#parts.values()][0]!.slice.from);
  }

  /** Takes into account who has come and who has gone. */
  rebalance(): void {
    if (this.#course === null) return;
    const elapsed = this.#options.elapsed();
    // The first division of all holds from the first pass on, if nobody has begun one yet.
    const isFirst = this.#parts.size === 0 && elapsed < NOTICE_SECONDS;
    const soon = positionAt(this.#course, elapsed + NOTICE_SECONDS);
    this.#deal(isFirst ? 0 : Math.ceil(soon));
  }

  /** Tells a member, which may have missed it, what it should do. */
  repeat(member: WorkerState): void {
    const part = this.#parts.get(member.incarnation);
    if (part !== undefined) this.#tell(member, part);
  }

  /** @param from the number of the first pass that the division holds for. */
  #deal(from: number): void {
    // A worker without a single user would only let passes wait.
    const members = this.#options.members().slice(0, this.#maxUsers);
    const of = members.length;
    const before = this.#parts;
    this.#parts = new Map(
      members.map((member, index) => [member.incarnation, {
        slice: { from, of, index },
        maxUsers: Math.floor((this.#maxUsers + of - 1 - index) / of),
      }]),
    );
    for (const member of this.#options.members()) {
      const part = this.#parts.get(member.incarnation);
      if (part !== undefined) this.#tell(member, part);
      else if (before.has(member.incarnation)) this.#tell(member, null);
    }
  }

  #tell(member: WorkerState, part: Part | null): void {
    const { stopTimeout, terms: { spacing, onBusy }, tell } = this.#options;
    const { rate, since, position, until, limit } = this.#course!;
    const arrivals = part === null ? [] : [{
      rate,
      since,
      position,
      until: Math.min(until, NO_END),
      limit: Math.min(limit, NO_LIMIT),
      ...part.slice,
      maxUsers: part.maxUsers,
      spacing,
      onBusy,
    }];
    const revision = ++this.#revision;
    tell(member, { type: "TARGET", revision, classes: {}, rate: 1, stopTimeout, arrivals });
  }
}

/** What a staffing needs of the run. */
export interface AllocatorOptions
  extends
    Omit<UserAllocatorOptions, "stopTimeout">,
    Omit<ArrivalAllocatorOptions, "stopTimeout" | "terms"> {
  readonly profile: LoadProfile;
  readonly mix: ClassMix;
}

/** What each worker is told to do, in either model. */
export class Allocator {
  readonly #users: UserAllocator;
  readonly #iterations: ArrivalAllocator;
  readonly #mix: ClassMix;
  /** Whether passes begin on a schedule, so that no worker is told how many users to run. */
  readonly #isOpen: boolean;

  /** Users that ran when another master of this run was there last. */
  #taken = 0;

  constructor(options: AllocatorOptions) {
    const { profile, mix } = options;
    const { stopTimeout } = profile;
    this.#users = new UserAllocator({ ...options, stopTimeout });
    this.#iterations = new ArrivalAllocator({ ...options, stopTimeout, terms: profile });
    this.#mix = mix;
    this.#isOpen = isOpen(profile);
  }

  /** Users that were taken up, see {@link restore}. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes up what was assigned before, by incarnation, and tells nobody. Passes that are under way
   * nobody has to take up.
   */
  restore(assigned: ReadonlyMap<string, Readonly<Record<string, number>>>): void {
    if (this.#isOpen) return;
    this.#taken = this.#users.restore(
      assigned,
      (users) => this.#mix.counts(Math.min(users, this.#mix.limit)),
    );
  }

  /** Whether everybody has heard what it is to do. Passes that are not heard of begin late. */
  get settled(): boolean {
    return this.#isOpen || this.#users.settled;
  }

  /** Sets the rate at which users are started and stopped, in users a second. */
  pace(rate: number): void {
    this.#users.pace(rate);
  }

  /** Makes so many users of each class run in the whole cluster. */
  aim(counts: ClassCounts): void {
    this.#users.aim(counts);
  }

  /** Makes passes begin by this course, with so many users at most in the whole cluster. */
  arrive(course: RatePeriod, maxUsers: number): void {
    this.#iterations.arrive(course, maxUsers);
  }

  /** Takes into account who has come and who has gone. */
  rebalance(): void {
    if (this.#isOpen) this.#iterations.rebalance();
    else this.#users.rebalance();
  }

  /** A member has heard what it was told. */
  heard(member: WorkerState, revision: number): void {
    if (!this.#isOpen) this.#users.heard(member, revision);
  }

  /** Tells a member, which may have missed it, what it should do. */
  repeat(member: WorkerState): void {
    if (this.#isOpen) this.#iterations.repeat(member);
    else this.#users.repeat(member);
  }

  /** Tells nobody any more. */
  end(): void {
    this.#users.end();
  }
}
