import type { Counted, CountedSecond } from "./counted.ts";
import { MergedCounts } from "./merged_counts.ts";

/**
 * What one node counted in one or several seconds, put together. Its memory grows with the names in
 * it, and hardly with its seconds.
 *
 * ```ts
 * import { StatsTable } from "./stats_table.ts";
 * import { Stretch } from "./stretch.ts";
 * import assert from "node:assert/strict";
 *
 * const table = new StatsTable();
 * table.start(0);
 * for (const endedAt of [100, 900, 1_500]) {
 *   table.record({
 *     method: "GET", name: "search", status: 200, latencyMs: 12, endedAt,
 *     bytesReceived: 80, bytesSent: 0, retries: 0, error: null,
 *   });
 * }
 * const stretch = new Stretch();
 * for (const interval of table.take(2_000)) stretch.add(interval);
 * assert.deepEqual(stretch.seconds.map(({ requests }) => requests), [2, 1]);
 * assert.equal([...stretch.entries][0]![3].requests, 3);
 * ```
 */
export class Stretch implements Counted {
  readonly #merged = new MergedCounts();
  readonly #seconds: CountedSecond[] = [];
  #from = Infinity;
  #to = -Infinity;

  /** Infinity as long as nothing was added. */
  get from(): number {
    return this.#from;
  }

  /** -Infinity as long as nothing was added. */
  get to(): number {
    return this.#to;
  }

  /** Those that were told of, the earliest first. */
  get seconds(): readonly CountedSecond[] {
    return this.#seconds;
  }

  /** Of 1,000 distinct methods and names, the rest under `(other)`. */
  get entries(): Counted["entries"] {
    return this.#merged.entries;
  }

  /** By class and error; of 1,000 distinct ones, the rest under `(other)`. */
  get userErrors(): Counted["userErrors"] {
    return this.#merged.userErrors;
  }

  get passes(): Counted["passes"] {
    return this.#merged.passes;
  }

  /** Adds what the node counted in other seconds, or in others of their names. */
  add(counted: Counted): void {
    this.#from = Math.min(this.#from, counted.from);
    this.#to = Math.max(this.#to, counted.to);
    for (const second of counted.seconds) this.#addSecond(second);
    this.#merged.add(counted);
  }

  #addSecond(added: CountedSecond): void {
    // Nearly always it is a later one than all before.
    const at = this.#seconds.findLastIndex(({ second }) => second <= added.second);
    const known = this.#seconds[at];
    if (known?.second !== added.second) this.#seconds.splice(at + 1, 0, added);
    else this.#seconds[at] = together(known, added);
  }
}

/** Two parts of one second, the earlier one first. */
function together(first: CountedSecond, then: CountedSecond): CountedSecond {
  return {
    second: then.second,
    users: then.users,
    peakUsers: Math.max(first.peakUsers, then.peakUsers),
    requests: first.requests + then.requests,
    failures: first.failures + then.failures,
  };
}
