/**
 * Divides the load of a distributed run among its workers: users by class in the closed model, shares of
 * one common schedule in the open model.
 *
 * @module
 */

import type { ArrivalAssignment, Assignment } from "../cluster/protocol.ts";
import type { WorkerState } from "../cluster/run_state.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { type ArrivalShare, positionAt, type RatePeriod } from "../load/arrival_schedule.ts";
import { type ClassCounts, Dispatcher } from "../load/dispatcher.ts";
import type { LoadPart } from "../load/load_parts.ts";
import { isOpen } from "../load/load_profile.ts";
import type { PartArrivals } from "./load_driver.ts";
import type { WorkerManager } from "./worker_manager.ts";

/** The dependencies of an allocator. */
export interface AllocatorOptions extends Pick<UserAllocatorOptions, "clock" | "classNames"> {
  readonly parts: readonly LoadPart[];
  /** Seconds since the test started. */
  readonly elapsed: () => number;
  readonly workers: Pick<WorkerManager, "available" | "assign">;
}

/** Tells each worker what to run of all parts of the load, in both models. */
export class Allocator {
  readonly #options: AllocatorOptions;
  readonly #users: UserAllocator;
  /** By the index of the part; `null` for parts of the closed model. */
  readonly #arrivals: readonly (ArrivalAllocator | null)[];
  #rate = 1;
  #revision = 0;
  /** Workers to send an assignment once it is complete, and whether the load is to be divided again then. */
  readonly #postponed = new Set<WorkerState>();
  #isMoving = false;

  constructor(options: AllocatorOptions) {
    const { parts, classNames, clock, elapsed, workers } = options;
    this.#options = options;
    this.#users = new UserAllocator({
      clock,
      classNames,
      workers: {
        get available(): WorkerState[] {
          return workers.available;
        },
        assign: (worker, rate) => this.#assign(worker, rate),
      },
    });
    this.#arrivals = parts.map((part) =>
      isOpen(part.profile)
        ? new ArrivalAllocator({
          terms: part.profile,
          // Without a list, all classes take part.
          classes: parts.length === 1 ? [] : part.classes.map((index) => classNames[index]!),
          elapsed,
          workers,
        })
        : null
    );
  }

  /**
   * Takes over the assignments of an earlier master, by incarnation, without telling any worker; returns the
   * users of each class. In the open model there is nothing to take over.
   */
  restore(assigned: ReadonlyMap<string, Readonly<Record<string, number>>>): ClassCounts {
    const { parts } = this.#options;
    if (!this.#hasUsers) return [];
    return this.#users.restore(assigned, (counts) =>
      counts.map((_, index) => {
        const part = parts.find(({ classes }) => classes.includes(index))!;
        const users = part.classes.reduce((sum, one) => sum + counts[one]!, 0);
        return part.mix.counts(Math.min(users, part.mix.limit))[index]!;
      }));
  }

  /**
   * Whether all workers have confirmed what users they are to run. In the open model that does not matter: a
   * worker that is notified late starts its iterations late.
   */
  get settled(): boolean {
    return !this.#hasUsers || this.#users.settled;
  }

  /** Whether the workers that were to run something of a part have nothing left to do for it. */
  isExhausted(part: number, workers: readonly WorkerState[]): boolean {
    if (this.#options.parts.length === 1) {
      // A worker that is ready was assigned no users.
      return workers.some(({ state }) => state === "exhausted") &&
        workers.every(({ state }) => state === "exhausted" || state === "ready");
    }
    const running = workers.map((worker) => ({ worker, classes: this.#classesOf(worker, part) }))
      .filter(({ classes }) => classes.length > 0);
    return running.length > 0 && running.every(({ worker, classes }) =>
      // A worker with users still to start says so.
      worker.state !== "spawning" && classes.every((name) => worker.exhausted.includes(name))
    );
  }

  /** The names of the classes of a part of which a worker is to run users or iterations. */
  #classesOf(worker: WorkerState, part: number): string[] {
    const { parts, classNames } = this.#options;
    const arrivals = this.#arrivals[part]!;
    const counts = this.#users.countsOf(worker);
    return parts[part]!.classes
      .filter((index) => arrivals === null ? counts[index]! > 0 : arrivals.shareOf(worker) !== null)
      .map((index) => classNames[index]!);
  }

  /** Sets the rate at which users are started and stopped, in users per second. */
  pace(rate: number): void {
    this.#rate = rate;
    this.#users.pace(rate);
  }

  /** Makes this many users of each class run in the whole cluster. */
  setUsers(counts: ClassCounts): void {
    this.#users.setUsers(counts);
  }

  /** Makes iterations start by these rates, with at most these many users in the whole cluster. */
  setArrivals(arrivals: readonly PartArrivals[]): void {
    const changed = arrivals.flatMap((one) => this.#arrivals[one.part]!.setArrivals(one));
    if (this.#isIncomplete) return;
    const { available } = this.#options.workers;
    const postponed = available.filter((worker) => this.#postponed.has(worker));
    this.#postponed.clear();
    this.#assignAll([...changed, ...postponed]);
    if (this.#isMoving) this.rebalance();
  }

  /** Divides the load again, since workers have joined or left. */
  rebalance(): void {
    this.#isMoving = this.#isIncomplete;
    if (this.#isMoving) return;
    this.#assignAll(this.#arrivals.flatMap((one) => one?.rebalance() ?? []));
    if (this.#hasUsers) this.#users.rebalance();
  }

  /** A worker has confirmed an assignment. */
  confirmed(worker: WorkerState, revision: number): void {
    if (this.#hasUsers) this.#users.confirmed(worker, revision);
  }

  /** Sends a worker its assignment again, since it may have missed it. */
  repeat(worker: WorkerState): void {
    if (this.#isIncomplete) return void this.#postponed.add(worker);
    if (this.#hasUsers && this.#users.repeat(worker)) return;
    if (this.#arrivals.some((one) => one !== null && one.shareOf(worker) !== null)) {
      this.#assign(worker, this.#rate);
    }
  }

  /** Sends no more assignments. */
  end(): void {
    this.#users.end();
  }

  /** Whether any part is of the closed model. */
  get #hasUsers(): boolean {
    return this.#arrivals.includes(null);
  }

  /**
   * Whether a master that resumes a run does not know all arrivals yet: its workers would take an assignment
   * without them for the end of those.
   */
  get #isIncomplete(): boolean {
    return this.#hasUsers && this.#arrivals.some((one) => one !== null && !one.isKnown);
  }

  /** Several parts may have changed for the same worker. */
  #assignAll(workers: readonly WorkerState[]): void {
    for (const worker of new Set(workers)) this.#assign(worker, this.#rate);
  }

  #assign(worker: WorkerState, rate: number): void {
    const { classNames, parts, workers } = this.#options;
    const counts = this.#hasUsers ? this.#users.countsOf(worker) : [];
    const classes = Object.fromEntries(
      counts.map((count, index): [string, number] => [classNames[index]!, count]),
    );
    const revision = ++this.#revision;
    if (this.#hasUsers) this.#users.sent(worker, revision);
    const assignment: Assignment = {
      type: "TARGET",
      revision,
      classes,
      rate,
      stopTimeout: parts[0]!.profile.stopTimeout,
      arrivals: this.#arrivals.flatMap((one) => one?.assignmentOf(worker) ?? []),
    };
    workers.assign(worker, assignment);
  }
}

/** The dependencies of the allocation of users. */
export interface UserAllocatorOptions {
  readonly clock: Clock;
  /** Names of the user classes, in their order. */
  readonly classNames: readonly string[];
  readonly workers: {
    /** Workers that can run users now, by their number. */
    readonly available: readonly WorkerState[];
    /** Sends a worker its users by class, at a rate in users per second, and calls {@link UserAllocator.sent}. */
    assign(worker: WorkerState, rate: number): void;
  };
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
   * the users of each class.
   *
   * @param mixed how many users of each class there are to be if that many were assigned.
   */
  restore(
    assigned: ReadonlyMap<string, Readonly<Record<string, number>>>,
    mixed: (counts: ClassCounts) => ClassCounts,
  ): ClassCounts {
    const { classNames } = this.#options;
    this.#assigned = new Map(
      Array.from(assigned, ([incarnation, classes]) => [
        incarnation,
        classNames.map((name) => Object.hasOwn(classes, name) ? classes[name]! : 0),
      ]),
    );
    this.#dispatcher.restore(this.#assigned);
    for (const [worker, counts] of this.#assigned) this.#pending.sent(worker, 0, counts);
    const all = [...this.#assigned.values()];
    const sums = classNames.map((_, cls) => all.reduce((sum, counts) => sum + counts[cls]!, 0));
    this.#counts = mixed(sums);
    return sums;
  }

  /** The users of each class that a worker is to run, as of its last assignment. */
  countsOf({ incarnation }: WorkerState): ClassCounts {
    return this.#assigned.get(incarnation) ?? this.#options.classNames.map(() => 0);
  }

  /** A worker was sent its present users. @param revision higher than those before. */
  sent(worker: WorkerState, revision: number): void {
    this.#pending.sent(worker.incarnation, revision, this.countsOf(worker));
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

  /** Sends a worker its assignment again, since it may have missed it; returns whether it has one. */
  repeat(worker: WorkerState): boolean {
    const counts = this.#assigned.get(worker.incarnation);
    if (counts === undefined) return false;
    this.#options.workers.assign(worker, Math.max(this.#rate, total(counts)));
    return true;
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
    const { clock, workers } = this.#options;
    const { available } = workers;
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
    for (const { worker } of changed) workers.assign(worker, rate);
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

  /** Whether every worker has confirmed its last assignment, or one of the same users. */
  get confirmed(): boolean {
    return [...this.#sent].every(([worker, sent]) => {
      const confirmed = this.#confirmed.get(worker) ?? 0;
      const last = sent.at(-1)!;
      return confirmed >= last.revision ||
        confirmed >= sent[0]!.revision && sent.every(({ counts }) => isEqual(counts, last.counts));
    });
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
interface ArrivalAllocatorOptions {
  readonly terms: Pick<ArrivalAssignment, "spacing" | "onBusy">;
  /** Names of the classes that run the iterations; empty: all. */
  readonly classes: readonly string[];
  /** Seconds since the test started. */
  readonly elapsed: () => number;
  readonly workers: Pick<WorkerManager, "available">;
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
 * Deals the iterations of one part out like cards: of n workers, each starts one in n. All workers follow the
 * same schedule, so that iterations are as evenly spaced as on a single node, and their sum is exact.
 *
 * It decides only. Its methods return the workers whose assignment has changed.
 */
export class ArrivalAllocator {
  readonly #options: ArrivalAllocatorOptions;
  #period: RatePeriod | null = null;
  #maxUsers = 1;
  #isOver = false;
  #shares: ReadonlyMap<string, Share> = new Map();

  constructor(options: ArrivalAllocatorOptions) {
    this.#options = options;
  }

  /** Whether {@link setArrivals} was called. */
  get isKnown(): boolean {
    return this.#period !== null;
  }

  /** Makes iterations start by this rate, with at most this many users in the whole cluster. */
  setArrivals({ period, maxUsers, over }: Omit<PartArrivals, "part">): WorkerState[] {
    const isSame = period === this.#period && maxUsers === this.#maxUsers;
    this.#period = period;
    this.#maxUsers = maxUsers;
    if (over) {
      this.#isOver = true;
      return this.#options.workers.available.filter((worker) => this.shareOf(worker) !== null);
    }
    if (this.#shares.size === 0) return this.rebalance();
    return isSame ? [] : this.#deal([...this.#shares.values()][0]!.slice.from);
  }

  /** Divides the schedule again, since workers have joined or left. */
  rebalance(): WorkerState[] {
    if (this.#period === null) return [];
    if (this.#isOver) {
      this.#forgetAbsent();
      return [];
    }
    const elapsed = this.#options.elapsed();
    // The very first division holds from the first iteration on, if none can have started yet.
    const isFirst = this.#shares.size === 0 && elapsed < NOTICE_SECONDS;
    const soon = positionAt(this.#period, elapsed + NOTICE_SECONDS);
    return this.#deal(isFirst ? 0 : Math.ceil(soon));
  }

  /** The share of a worker; `null` if it has none. */
  shareOf({ incarnation }: WorkerState): ArrivalShare | null {
    return this.#shares.get(incarnation)?.slice ?? null;
  }

  /** What a worker is to start: one element, or none. */
  assignmentOf(worker: WorkerState): ArrivalAssignment[] {
    const share = this.#shares.get(worker.incarnation);
    if (share === undefined) return [];
    const { terms: { spacing, onBusy }, classes } = this.#options;
    const { rate, since, position, until, limit } = this.#period!;
    return [{
      rate,
      since,
      position,
      until: Math.min(until, NO_END),
      limit: Math.min(limit, NO_LIMIT),
      ...share.slice,
      maxUsers: share.maxUsers,
      spacing,
      onBusy,
      classes,
      over: this.#isOver,
    }];
  }

  /** @param from the number of the first iteration that the division holds for. */
  #deal(from: number): WorkerState[] {
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
    return available.filter(({ incarnation }) =>
      this.#shares.has(incarnation) || before.has(incarnation)
    );
  }

  /** Workers that are lost have stopped their users, and start none again when they are back. */
  #forgetAbsent(): void {
    const present = new Set(this.#options.workers.available.map(({ incarnation }) => incarnation));
    this.#shares = new Map([...this.#shares].filter(([worker]) => present.has(worker)));
  }
}
