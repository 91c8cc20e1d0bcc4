/**
 * Which passes of the open model each worker begins, and telling them.
 *
 * @module
 */

import type { Member } from "../cluster/member.ts";
import type { TargetMessage } from "../cluster/message.ts";
import { type ArrivalCourse, type ArrivalSlice, positionAt } from "../load/arrival_schedule.ts";
import type { ArrivalTerms } from "./arrival_gate.ts";

/** What an allocation needs of the run. */
export interface ArrivalAllocationOptions {
  readonly terms: ArrivalTerms;
  /** Seconds that a stopping user's test may still run. */
  readonly stopTimeout: number;
  /** Seconds since the test's start. */
  readonly elapsed: () => number;
  /** Those that may run users now. */
  readonly members: () => readonly Member[];
  /** Tells a member what to do. */
  readonly tell: (member: Member, target: TargetMessage) => void;
}

/** So long before it holds, everybody is told of a new division. */
const NOTICE_SECONDS = 0.25;

/** What stands on the wire where there is no end. */
const NO_END = Number.MAX_VALUE;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** A worker's part. */
interface Part {
  readonly slice: ArrivalSlice;
  readonly maxUsers: number;
}

/**
 * Deals the passes out like cards: of n workers, each begins one in n. All workers follow the same
 * schedule, so that passes are as evenly spaced as on a single node, and their sum is what was asked for.
 */
export class ArrivalAllocation {
  readonly #options: ArrivalAllocationOptions;
  #course: ArrivalCourse | null = null;
  #maxUsers = 1;
  #revision = 0;
  #parts: ReadonlyMap<string, Part> = new Map();

  constructor(options: ArrivalAllocationOptions) {
    this.#options = options;
  }

  /** Makes passes begin by this course, with so many users at most in the whole cluster. */
  arrive(course: ArrivalCourse, maxUsers: number): void {
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
  repeat(member: Member): void {
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

  #tell(member: Member, part: Part | null): void {
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
