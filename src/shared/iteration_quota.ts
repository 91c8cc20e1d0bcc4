/**
 * The passes of a run that has a number of them, as nodes take them.
 *
 * @module
 */

import type { SharedCall } from "../cluster/protocol.ts";
import {
  type Cancel,
  changed,
  type Done,
  NOTHING_TO_CANCEL,
  read,
  refused,
  type SharedService,
} from "./calls.ts";

/** The service that hands the passes of a run out. */
export const ITERATION_SERVICE = "passes";

/**
 * Nobody gets more than this part of what is left at once: the last passes are handed out one by one, so
 * that no node still has some when the others have nothing to do.
 */
const LARGEST_PART = 1 / 16;

interface Waiting {
  readonly wanted: number;
  readonly from: string;
  readonly done: Done;
}

/**
 * Hands passes out in blocks. Nodes tell how many they have begun, and give back what they do not begin;
 * a block that its taker never got goes back by itself. Whoever finds none waits as long as others hold
 * some that may still come back, and gets none once all have been begun.
 */
export class IterationQuota implements SharedService {
  #left: number;
  /** What each node was given, and has neither begun nor given back, as far as it has told. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  /** @param passes how many there are in all. */
  constructor(iterations: number) {
    this.#left = iterations;
  }

  perform(
    { operation }: SharedCall,
    [count]: readonly unknown[],
    done: Done,
    from: string,
  ): Cancel {
    if (!isCount(count)) done(refused("passes: a whole number of 1 or more is needed"));
    else if (operation === "take") return this.#take({ wanted: count, from, done });
    else if (operation === "begun" || operation === "return") {
      this.#release(from, count);
      if (operation === "return") this.#left += count;
      // Written down before anybody else is given them.
      done(changed("null"));
      this.#serve();
    } else done(refused(`passes cannot ${operation}`));
    return NOTHING_TO_CANCEL;
  }

  /** A node has gone: nobody knows whether it has begun what it held, so nobody else gets that. */
  nodeLost(from: string): void {
    this.#held.delete(from);
    this.#serve();
  }

  #take(waiting: Waiting): Cancel {
    this.#waiting.add(waiting);
    this.#serve();
    return this.#waiting.has(waiting)
      ? () => void this.#waiting.delete(waiting)
      : NOTHING_TO_CANCEL;
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      if (this.#left === 0 && this.#held.size > 0) return;
      this.#waiting.delete(waiting);
      if (this.#left > 0) this.#grant(waiting);
      else waiting.done(read(0));
    }
  }

  #grant({ wanted, from, done }: Waiting): void {
    const granted = Math.min(wanted, Math.ceil(this.#left * LARGEST_PART));
    this.#left -= granted;
    this.#held.set(from, (this.#held.get(from) ?? 0) + granted);
    const giveBack = (): void => {
      this.#release(from, granted);
      this.#left += granted;
      this.#serve();
    };
    done({ result: "ok", value: String(granted), changed: true, giveBack });
  }

  #release(from: string, count: number): void {
    const held = (this.#held.get(from) ?? 0) - count;
    if (held > 0) this.#held.set(from, held);
    else this.#held.delete(from);
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
