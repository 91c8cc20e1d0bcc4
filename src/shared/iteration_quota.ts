/**
 * The iterations of a run with `--iterations`, which nodes take in blocks.
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

/** The service that hands out the iterations of a run. The name is part of the protocol. */
export const ITERATION_SERVICE = "passes";

/**
 * The largest part of the remaining iterations in one block. The last ones are handed out one by one, so
 * that no node still has some when the others have nothing to do.
 */
const MAX_PART = 1 / 16;

interface Waiting {
  readonly wanted: number;
  readonly from: string;
  readonly done: Done;
}

/**
 * Hands out iterations in blocks. Nodes report how many they have started, and return those that they do
 * not start; a block that its node never received is taken back. A node that asks when none are left
 * waits while others hold some that they may return, and gets none once all have been started.
 */
export class IterationQuota implements SharedService {
  #left: number;
  /** What each node was given and has neither started nor returned, as far as it has reported. */
  readonly #held = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  /** @param iterations in the whole run. */
  constructor(iterations: number) {
    this.#left = iterations;
  }

  perform(
    { operation }: SharedCall,
    [count]: readonly unknown[],
    done: Done,
    from: string,
  ): Cancel {
    if (!isCount(count)) {
      done(refused("iterations: the number must be a whole number of 1 or more"));
    } else if (operation === "take") return this.#take({ wanted: count, from, done });
    else if (operation === "begun" || operation === "return") {
      this.#release(from, count);
      if (operation === "return") this.#left += count;
      // This is written to the journal before they are handed out again.
      done(changed("null"));
      this.#serve();
    } else done(refused(`iterations cannot ${operation}`));
    return NOTHING_TO_CANCEL;
  }

  /** A node is lost. It may have started what it held, so that is not handed out again. */
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
    const granted = Math.min(wanted, Math.ceil(this.#left * MAX_PART));
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
