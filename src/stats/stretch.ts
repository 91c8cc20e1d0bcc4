import { PairCap } from "./cap.ts";
import type { Counted, CountedSecond } from "./counted.ts";
import { Entry } from "./entry.ts";
import { PairMap } from "./pair_map.ts";

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
 * assert.equal([...stretch.entries][0]![2].requests, 3);
 * ```
 */
export class Stretch implements Counted {
  readonly #entries = new PairMap<Entry>();
  readonly #names = new PairCap();
  readonly #userErrors = new PairMap<number>();
  readonly #userErrorCap = new PairCap();
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

  /** By method and name; of 1,000 distinct ones, the rest under `(other)`. */
  get entries(): Counted["entries"] {
    return this.#entries;
  }

  /** By class and error; of 1,000 distinct ones, the rest under `(other)`. */
  get userErrors(): Counted["userErrors"] {
    return this.#userErrors;
  }

  /** Adds what the node counted in other seconds, or in others of their names. */
  add(counted: Counted): void {
    this.#from = Math.min(this.#from, counted.from);
    this.#to = Math.max(this.#to, counted.to);
    for (const second of counted.seconds) this.#addSecond(second);
    for (const [method, name, entry] of counted.entries) {
      this.#entry(method, this.#names.admit(method, name)).merge(entry);
    }
    for (const [user, error, count] of counted.userErrors) {
      const text = this.#userErrorCap.admit(user, error);
      this.#userErrors.set(user, text, (this.#userErrors.get(user, text) ?? 0) + count);
    }
  }

  #addSecond(added: CountedSecond): void {
    // Nearly always it is a later one than all before.
    const at = this.#seconds.findLastIndex(({ second }) => second <= added.second);
    const known = this.#seconds[at];
    if (known?.second !== added.second) this.#seconds.splice(at + 1, 0, added);
    else this.#seconds[at] = together(known, added);
  }

  #entry(method: string, name: string): Entry {
    const known = this.#entries.get(method, name);
    if (known !== undefined) return known;
    const entry = new Entry();
    this.#entries.set(method, name, entry);
    return entry;
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
