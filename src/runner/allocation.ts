/**
 * Who runs how many users of which class, and telling them.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { Member } from "../cluster/member.ts";
import type { TargetMessage } from "../cluster/message.ts";
import { type ClassCounts, Dispatcher } from "../load/dispatcher.ts";
import { Claims } from "./claims.ts";

/** What an allocation needs of the run. */
export interface AllocationOptions {
  readonly clock: Clock;
  /** Names of the user classes, in their order. */
  readonly classNames: readonly string[];
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Those that may run users now. */
  readonly members: () => readonly Member[];
  /** Tells a member what to do. */
  readonly tell: (member: Member, target: TargetMessage) => void;
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
export class Allocation {
  readonly #options: AllocationOptions;
  readonly #dispatcher: Dispatcher;
  #counts: ClassCounts;
  readonly #claims = new Claims();
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

  constructor(options: AllocationOptions) {
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
  heard({ incarnation }: Member, revision: number): void {
    if (this.#claims.heard(incarnation, revision) && this.#waiting) this.#schedule();
  }

  /** Tells a member, which may have missed it, what it should do. */
  repeat(member: Member): void {
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

  #tell(member: Member, counts: ClassCounts, rate: number): void {
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
