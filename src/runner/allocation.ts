/**
 * Divides the load of a distributed run among its workers: users by class in the closed model, shares of
 * one common schedule in the open model.
 *
 * @module
 */

import type { WorkerState } from "../cluster/run_state.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { type ArrivalShare, positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type ClassCounts, Dispatcher } from "../load/dispatcher.ts";
import { isOpen, type LoadProfile } from "../load/load_profile.ts";
import type { WorkerManager } from "./worker_manager.ts";

/** The dependencies of an allocator. */
export interface AllocatorOptions
  extends
    Omit<UserAllocatorOptions, "stopTimeout">,
    Omit<ArrivalAllocatorOptions, "stopTimeout" | "terms"> {
  readonly profile: LoadProfile;
  readonly mix: ClassMix;
}

/** Tells each worker what to run, in either model. */
export class Allocator {
  readonly #users: UserAllocator;
  readonly #arrivals: ArrivalAllocator;
  readonly #mix: ClassMix;
  /** Whether iterations start on a schedule, so that no worker is assigned a number of users. */
  readonly #isOpen: boolean;
  #restoredUsers = 0;

  constructor(options: AllocatorOptions) {
    const { profile, mix } = options;
    const { stopTimeout } = profile;
    this.#users = new UserAllocator({ ...options, stopTimeout });
    this.#arrivals = new ArrivalAllocator({ ...options, stopTimeout, terms: profile });
    this.#mix = mix;
    this.#isOpen = isOpen(profile);
  }

  /** Users that ran when the run was resumed, see {@link restore}. */
  get restoredUsers(): number {
    return this.#restoredUsers;
  }

  /**
   * Takes over the assignments of an earlier master, by incarnation, without telling any worker. In the
   * open model there is nothing to take over.
   */
  restore(assigned: ReadonlyMap<string, Readonly<Record<string, number>>>): void {
    if (this.#isOpen) return;
    this.#restoredUsers = this.#users.restore(
      assigned,
      (users) => this.#mix.counts(Math.min(users, this.#mix.limit)),
    );
  }

  /**
   * Whether all workers have confirmed what they are to run. In the open model that does not matter: a
   * worker that is notified late starts its iterations late.
   */
  get settled(): boolean {
    return this.#isOpen || this.#users.settled;
  }

  /** Sets the rate at which users are started and stopped, in users per second. */
  pace(rate: number): void {
    this.#users.pace(rate);
  }

  /** Makes this many users of each class run in the whole cluster. */
  setUsers(counts: ClassCounts): void {
    this.#users.setUsers(counts);
  }

  /** Makes iterations start by this rate, with at most this many users in the whole cluster. */
  setArrivals(period: RatePeriod, maxUsers: number): void {
    this.#arrivals.setArrivals(period, maxUsers);
  }

  /** Divides the load again, since workers have joined or left. */
  rebalance(): void {
    if (this.#isOpen) this.#arrivals.rebalance();
    else this.#users.rebalance();
  }

  /** A worker has confirmed an assignment. */
  confirmed(worker: WorkerState, revision: number): void {
    if (!this.#isOpen) this.#users.confirmed(worker, revision);
  }

  /** Sends a worker its assignment again, since it may have missed it. */
  repeat(worker: WorkerState): void {
    if (this.#isOpen) this.#arrivals.repeat(worker);
    else this.#users.repeat(worker);
  }

  /** Sends no more assignments. */
  end(): void {
    this.#users.end();
  }
}

/** The dependencies of the allocation of users. */
export interface UserAllocatorOptions {
  readonly clock: Clock;
  /** Names of the user classes, in their order. */
  readonly classNames: readonly string[];
  /** Seconds that the test of a stopping user may still run. */
  readonly stopTimeout: number;
  readonly workers: Pick<WorkerManager, "available" | "assign">;
}

/**
 * A worker gets at most one assignment in this time. Users are started one by one, so the next assignment
 * would otherwise arrive before the worker has started to carry out the last.
 */
const BATCH_MS = 50;

/**
 * Keeps the cluster at the requested number of users while workers join and leave.
 *
 * A user moves to another worker only once its previous worker has confirmed that it has stopped the user,
 * or is lost. So no user runs twice, even if the network fails.
 */
export class UserAllocator {
  readonly #options: UserAllocatorOptions;
  readonly #dispatcher: Dispatcher;
  readonly #pending = new PendingAssignments();
  #counts: ClassCounts;
  #rate = 1;
  #revision = 0;
  /** The last assignment of each worker. */
  #assigned: ReadonlyMap<string, ClassCounts> = new Map();
  #timer: Timer | null = null;
  #flushedAt = -Infinity;
  /** Whether users have to move, since workers have joined or left. */
  #isMoving = false;
  /** Whether a worker waits for users that others have not confirmed to have given up. */
  #isWaiting = false;

  constructor(options: UserAllocatorOptions) {
    this.#options = options;
    this.#dispatcher = new Dispatcher(options.classNames.length);
    this.#counts = options.classNames.map(() => 0);
  }

  /**
   * Takes over the assignments of an earlier master, by incarnation, without telling any worker; returns
   * how many users that is.
   *
   * @param countsOf how many users of each class there are among a number of users.
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
    for (const [worker, counts] of this.#assigned) this.#pending.sent(worker, 0, counts);
    const users = [...this.#assigned.values()].reduce((sum, counts) => sum + total(counts), 0);
    this.#counts = countsOf(users);
    return users;
  }

  /** Whether all workers have confirmed their assignments, and no further one is due. */
  get settled(): boolean {
    return this.#timer === null && !this.#isWaiting && this.#pending.confirmed;
  }

  /** Sets the rate at which users are started and stopped, in users per second. */
  pace(rate: number): void {
    this.#rate = rate;
  }

  /** Makes this many users of each class run in the whole cluster. */
  setUsers(counts: ClassCounts): void {
    this.#counts = counts;
    this.#schedule();
  }

  /** Moves users. To be called whenever workers have joined or left, even if they are back at once. */
  rebalance(): void {
    this.#isMoving = true;
    this.#forgetAbsent();
    this.#schedule();
  }

  /** A worker that is lost stops its users, even if it is back before the next assignments are due. */
  #forgetAbsent(): void {
    const present = new Set(this.#options.workers.available.map(({ incarnation }) => incarnation));
    this.#assigned = new Map([...this.#assigned].filter(([worker]) => present.has(worker)));
    this.#pending.keep(present);
  }

  /** A worker has confirmed an assignment. */
  confirmed({ incarnation }: WorkerState, revision: number): void {
    if (this.#pending.confirm(incarnation, revision) && this.#isWaiting) this.#schedule();
  }

  /** Sends a worker its assignment again, since it may have missed it. */
  repeat(worker: WorkerState): void {
    const counts = this.#assigned.get(worker.incarnation);
    if (counts === undefined) return;
    this.#assign(worker, counts, Math.max(this.#rate, total(counts)));
  }

  /** Sends no more assignments. */
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
    const { clock, workers: { available } } = this.#options;
    this.#flushedAt = clock.now();
    const before = this.#assigned;
    this.#assigned = this.#allowed(
      this.#dispatcher.assign(this.#counts, available.map(({ incarnation }) => incarnation)),
    );
    const changed = available.flatMap((worker) => {
      const counts = this.#assigned.get(worker.incarnation)!;
      const known = before.get(worker.incarnation);
      return known !== undefined && isEqual(known, counts) ? [] : [{ worker, counts, known }];
    });
    const rate = this.#isMoving
      // Users that move were already started once at the requested rate, so they may all start within a second.
      ? Math.max(
        this.#rate,
        changed.reduce((sum, { counts, known }) => sum + gain(counts, known), 0),
      )
      : this.#rate;
    this.#isMoving &&= this.#isWaiting;
    for (const { worker, counts } of changed) this.#assign(worker, counts, rate);
  }

  /** Limits the wanted users so that the total is not exceeded, whatever the other workers still run. */
  #allowed(wanted: ReadonlyMap<string, ClassCounts>): ReadonlyMap<string, ClassCounts> {
    this.#isWaiting = false;
    const room = this.#counts.map((count, cls) =>
      [...wanted.keys()].reduce((rest, worker) => rest - this.#pending.most(worker, cls), count)
    );
    const allow = (worker: string, count: number, cls: number): number => {
      const most = this.#pending.most(worker, cls);
      if (count <= most) return count;
      const more = Math.min(count - most, Math.max(0, room[cls]!));
      room[cls]! -= more;
      this.#isWaiting ||= most + more < count;
      return most + more;
    };
    return new Map(
      Array.from(wanted, ([worker, counts]) => [
        worker,
        counts.map((count, cls) => allow(worker, count, cls)),
      ]),
    );
  }

  #assign(worker: WorkerState, counts: ClassCounts, rate: number): void {
    const { classNames, stopTimeout, workers } = this.#options;
    const classes = Object.fromEntries(classNames.map((name, index) => [name, counts[index]!]));
    const revision = ++this.#revision;
    this.#pending.sent(worker.incarnation, revision, counts);
    workers.assign(worker, { type: "TARGET", revision, classes, rate, stopTimeout, arrivals: [] });
  }
}

interface SentAssignment {
  readonly revision: number;
  readonly counts: ClassCounts;
}

/**
 * What each worker may be running: its last assignment, or an earlier one that it has not been confirmed
 * to have replaced.
 */
class PendingAssignments {
  readonly #sent = new Map<string, SentAssignment[]>();
  /** The highest revision that each worker has confirmed. */
  readonly #confirmed = new Map<string, number>();

  /** Whether every worker has confirmed its last assignment. */
  get confirmed(): boolean {
    return [...this.#sent].every(([worker, sent]) =>
      (this.#confirmed.get(worker) ?? 0) >= sent.at(-1)!.revision
    );
  }

  /** A worker is to run this many users of each class. @param revision higher than those before. */
  sent(worker: string, revision: number, counts: ClassCounts): void {
    const sent = this.#sent.get(worker) ?? [];
    sent.push({ revision, counts });
    this.#sent.set(worker, sent);
  }

  /** A worker has confirmed a revision; returns whether it has replaced an earlier assignment. */
  confirm(worker: string, revision: number): boolean {
    this.#confirmed.set(worker, Math.max(revision, this.#confirmed.get(worker) ?? 0));
    const sent = this.#sent.get(worker) ?? [];
    const replaced = sent.findIndex((one) => one.revision >= revision);
    return replaced > 0 && sent.splice(0, replaced).length > 0;
  }

  /** How many users of a class a worker may be running. @param cls the index of the class. */
  most(worker: string, cls: number): number {
    const sent = this.#sent.get(worker) ?? [];
    return sent.reduce((most, { counts }) => Math.max(most, counts[cls]!), 0);
  }

  /** Forgets all other workers: they no longer run anything. */
  keep(workers: ReadonlySet<string>): void {
    for (const worker of this.#sent.keys()) {
      if (workers.has(worker)) continue;
      this.#sent.delete(worker);
      this.#confirmed.delete(worker);
    }
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

/** The dependencies of the allocation of arrivals. */
export interface ArrivalAllocatorOptions {
  readonly terms: Pick<LoadProfile, "spacing" | "onBusy">;
  /** Seconds that the test of a stopping user may still run. */
  readonly stopTimeout: number;
  /** Seconds since the test started. */
  readonly elapsed: () => number;
  readonly workers: Pick<WorkerManager, "available" | "assign">;
}

/** A new division takes effect this long after it is sent, so that all workers have it by then. */
const NOTICE_SECONDS = 0.25;

/** What the wire has in place of Infinity. */
const NO_END = Number.MAX_VALUE;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** A worker's share of the schedule. */
interface Share {
  readonly slice: ArrivalShare;
  readonly maxUsers: number;
}

/**
 * Deals the iterations out like cards: of n workers, each starts one in n. All workers follow the same
 * schedule, so that iterations are as evenly spaced as on a single node, and their sum is exact.
 */
export class ArrivalAllocator {
  readonly #options: ArrivalAllocatorOptions;
  #period: RatePeriod | null = null;
  #maxUsers = 1;
  #revision = 0;
  #shares: ReadonlyMap<string, Share> = new Map();

  constructor(options: ArrivalAllocatorOptions) {
    this.#options = options;
  }

  /** Makes iterations start by this rate, with at most this many users in the whole cluster. */
  setArrivals(period: RatePeriod, maxUsers: number): void {
    const isSame = period === this.#period && maxUsers === this.#maxUsers;
    this.#period = period;
    this.#maxUsers = maxUsers;
    if (this.#shares.size === 0) this.rebalance();
    else if (!isSame) this.#deal([...this.#shares.values()][0]!.slice.from);
  }

  /** Divides the schedule again, since workers have joined or left. */
  rebalance(): void {
    if (this.#period === null) return;
    const elapsed = this.#options.elapsed();
    // The very first division holds from the first iteration on, if none can have started yet.
    const isFirst = this.#shares.size === 0 && elapsed < NOTICE_SECONDS;
    const soon = positionAt(this.#period, elapsed + NOTICE_SECONDS);
    this.#deal(isFirst ? 0 : Math.ceil(soon));
  }

  /** Sends a worker its share again, since it may have missed it. */
  repeat(worker: WorkerState): void {
    const share = this.#shares.get(worker.incarnation);
    if (share !== undefined) this.#assign(worker, share);
  }

  /** @param from the number of the first iteration that the division holds for. */
  #deal(from: number): void {
    const { available } = this.#options.workers;
    // A worker that may run no users could not start its iterations.
    const sharing = available.slice(0, this.#maxUsers);
    const of = sharing.length;
    const before = this.#shares;
    this.#shares = new Map(
      sharing.map((worker, index) => [worker.incarnation, {
        slice: { from, of, index },
        maxUsers: Math.floor((this.#maxUsers + of - 1 - index) / of),
      }]),
    );
    for (const worker of available) {
      const share = this.#shares.get(worker.incarnation);
      if (share !== undefined) this.#assign(worker, share);
      else if (before.has(worker.incarnation)) this.#assign(worker, null);
    }
  }

  #assign(worker: WorkerState, share: Share | null): void {
    const { stopTimeout, terms: { spacing, onBusy }, workers } = this.#options;
    const { rate, since, position, until, limit } = this.#period!;
    const arrivals = share === null ? [] : [{
      rate,
      since,
      position,
      until: Math.min(until, NO_END),
      limit: Math.min(limit, NO_LIMIT),
      ...share.slice,
      maxUsers: share.maxUsers,
      spacing,
      onBusy,
    }];
    const revision = ++this.#revision;
    workers.assign(worker, {
      type: "TARGET",
      revision,
      classes: {},
      rate: 1,
      stopTimeout,
      arrivals,
    });
  }
}
