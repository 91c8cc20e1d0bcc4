/**
 * What users have asked for in vain: rows of feeders that have none left, and values of queues that stay
 * empty. Users that get nothing send fewer requests, so a run must say so.
 *
 * @module
 */

import type { WhenEmpty } from "../core/cluster.ts";

/** A feeder that has handed out all of its rows, and was asked for another one. */
export interface DryFeeder {
  readonly kind: "feeder";
  readonly name: string;
  readonly rows: number;
  readonly onEmpty: WhenEmpty;
  /** How often it had none: each time a user has ended, or `next()` has failed. */
  readonly refusals: number;
  /** Users that are waiting for a row. */
  readonly waiting: number;
}

/** A queue from which a value was taken in vain. */
export interface EmptyQueue {
  readonly kind: "queue";
  readonly name: string;
  /** Calls of `push()` and of `pop()` that had a value. */
  readonly uses: number;
  /** Calls of `pop()` that found nothing, since the last use. */
  readonly misses: number;
}

/** Something that users of a run lack. */
export type Shortage = DryFeeder | EmptyQueue;

/** The most queues that are observed. A test that puts an id into a name uses new ones all the time. */
const MAX_QUEUES = 1_000;

/** Counts how queues are used. */
export class QueueUse {
  readonly #queues = new Map<string, { uses: number; misses: number }>();

  /** The queues in which the last call of `pop()` found nothing. */
  get empty(): EmptyQueue[] {
    return Array.from(this.#queues, ([name, counts]): EmptyQueue => ({
      kind: "queue",
      name,
      ...counts,
    })).filter(({ misses }) => misses > 0);
  }

  /** A value was pushed or popped. */
  used(name: string): void {
    const queue = this.#at(name);
    if (queue === undefined) return;
    queue.uses++;
    queue.misses = 0;
  }

  /** A call of `pop()` found nothing. */
  missed(name: string): void {
    const queue = this.#at(name);
    if (queue !== undefined) queue.misses++;
  }

  #at(name: string): { uses: number; misses: number } | undefined {
    const known = this.#queues.get(name);
    if (known !== undefined || this.#queues.size >= MAX_QUEUES) return known;
    const queue = { uses: 0, misses: 0 };
    this.#queues.set(name, queue);
    return queue;
  }
}
