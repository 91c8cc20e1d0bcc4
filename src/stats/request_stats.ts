import { Histogram } from "./histogram.ts";
import type { LatencySummary } from "./snapshot.ts";
import type { CodedEntry, EntryCounts, LatencyCounts } from "./stats_delta.ts";

/**
 * One thing that was timed: a request, or a step of any other kind.
 *
 * It is made once, where the thing ended, and goes straight into the node's table.
 */
export interface Sample {
  /** HTTP method, or whatever kind of step this was (`TASK`). */
  readonly method: string;
  /** What it is reported under. */
  readonly name: string;
  /** HTTP status; 0 where there was no response or no HTTP. */
  readonly status: number;
  /** Milliseconds from its start until the last byte of the response. */
  readonly latencyMs: number;
  /** When it ended, in milliseconds on the node's clock. */
  readonly endedAt: number;
  /** Bytes of the response's body, as they came over the wire where the transport can tell. */
  readonly bytesReceived: number;
  /** Bytes of the request's body. */
  readonly bytesSent: number;
  /** How often it was sent again before it ended. */
  readonly retries: number;
  /** Why it counts as failed: a short text of a fixed family; null where it did not fail. */
  readonly error: string | null;
}

/**
 * Values by two texts. A map of maps, because building one key out of two texts costs more than
 * looking up both, and this is done for every sample.
 */
export class PairMap<Value> {
  readonly #outer = new Map<string, Map<string, Value>>();
  #size = 0;

  /** How many pairs have a value. */
  get size(): number {
    return this.#size;
  }

  /** The pair's value, or undefined. */
  get(first: string, second: string): Value | undefined {
    return this.#outer.get(first)?.get(second);
  }

  /** Gives the pair a value, in place of any that it has. */
  set(first: string, second: string, value: Value): void {
    let inner = this.#outer.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.#outer.set(first, inner);
    }
    if (!inner.has(second)) this.#size++;
    inner.set(second, value);
  }

  /** All pairs with their values, those with the same first text together. */
  *[Symbol.iterator](): IterableIterator<[first: string, second: string, value: Value]> {
    for (const [first, inner] of this.#outer) {
      for (const [second, value] of inner) yield [first, second, value];
    }
  }
}

// Bounds on what a run can fill the memory and the reports with: a test that puts an id into a
// name, or into an error, makes a new one with every request.

/** How many distinct texts of one kind are kept. */
const MAX_DISTINCT = 1000;

/** What all further ones are counted under. */
const OTHER = "(other)";

/** Adds to the count of a text, or to that of {@link OTHER} where it would be one text too many. */
export function countText(counts: Map<string, number>, text: string, by: number): void {
  const key = counts.has(text) || distinct(counts) < MAX_DISTINCT ? text : OTHER;
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function distinct(counts: ReadonlyMap<string, number>): number {
  return counts.has(OTHER) ? counts.size - 1 : counts.size;
}

/**
 * Lets the first {@link MAX_DISTINCT} pairs of texts in.
 */
export class NameCap {
  readonly #known = new PairMap<true>();
  #reached = false;

  /** Whether a pair was turned away, here or by the cap of whoever sent it. */
  get reached(): boolean {
    return this.#reached;
  }

  /** What to count the pair under, beside its first text: its second, or {@link OTHER}. */
  admit(first: string, second: string): string {
    if (this.#known.get(first, second) !== undefined) return second;
    if (second === OTHER || this.#known.size >= MAX_DISTINCT) {
      this.#reached = true;
      return OTHER;
    }
    this.#known.set(first, second, true);
    return second;
  }
}

/**
 * How a number of latencies are spread; all times are milliseconds.
 *
 * The fields are plain values so that they can be sent and put together again; elsewhere, only
 * {@link add} and {@link merge} write them.
 */
export class Latencies implements LatencyCounts {
  /** Infinity as long as there is none. */
  min = Infinity;
  /** -Infinity as long as there is none. */
  max = -Infinity;
  sum = 0;
  /**
   * Sum of the squared distances from the mean. A plain sum of squares would lose the spread of
   * values that are large and close together.
   */
  squaredDeviations = 0;
  readonly histogram = new Histogram();

  /** How many there are. */
  get count(): number {
    return this.histogram.count;
  }

  /** Adds one, in milliseconds: finite, and 0 or more. */
  add(ms: number): void {
    const count = this.count;
    if (count > 0) {
      const distance = count * ms - this.sum;
      this.squaredDeviations += distance * distance / (count * (count + 1));
    }
    this.sum += ms;
    if (ms < this.min) this.min = ms;
    if (ms > this.max) this.max = ms;
    this.histogram.record(ms);
  }

  /** Adds all those of another one. */
  merge(other: LatencyCounts): void {
    if (other.count === 0) return;
    this.squaredDeviations += other.squaredDeviations;
    if (this.count > 0) {
      const distance = other.sum / other.count - this.sum / this.count;
      const weight = this.count * other.count / (this.count + other.count);
      this.squaredDeviations += distance * distance * weight;
    }
    this.sum += other.sum;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
    this.histogram.merge(other.histogram);
  }

  /**
   * The nearest-rank percentile, within 0.05 % and never outside of what was measured; null where
   * there is none.
   *
   * @param q the share of all that do not exceed it, 0 to 1.
   */
  percentile(q: number): number | null {
    return this.percentiles([q])[0] ?? null;
  }

  /**
   * Several percentiles at little more than the price of one; an empty list where there is none.
   *
   * @param shares as {@link percentile} takes them, the smallest first.
   */
  percentiles(shares: readonly number[]): number[] {
    return this.histogram.percentiles(shares).map((middle) => this.#within(middle));
  }

  /** What reports show of them. */
  summary(): LatencySummary {
    const some = this.count > 0;
    const [p50 = null, p75 = null, p90 = null, p95 = null, p99 = null, p999 = null, p9999 = null] =
      this.percentiles([0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999]);
    return {
      min: some ? this.min : null,
      // Rounding must not put the mean of equal values beside them.
      mean: some ? this.#within(this.sum / this.count) : null,
      max: some ? this.max : null,
      stddev: some ? Math.sqrt(this.squaredDeviations / this.count) : null,
      p50,
      p75,
      p90,
      p95,
      p99,
      p999,
      p9999,
    };
  }

  #within(ms: number): number {
    return Math.min(Math.max(ms, this.min), this.max);
  }
}

/**
 * What the samples of one method, name and code add up to.
 *
 * The fields are plain values so that they can be sent and put together again; elsewhere, only
 * {@link add} and {@link merge} write them.
 */
export class Entry implements EntryCounts {
  failures = 0;
  retries = 0;
  bytesReceived = 0;
  bytesSent = 0;
  readonly latencies = new Latencies();
  /** How often each error was the outcome; of 1,000 distinct ones, the rest under `(other)`. */
  readonly errors = new Map<string, number>();

  /** How many samples there are; each has a latency, so their number is counted there. */
  get requests(): number {
    return this.latencies.count;
  }

  /** Counts one sample. */
  add(sample: Sample): void {
    this.retries += sample.retries;
    this.bytesReceived += sample.bytesReceived;
    this.bytesSent += sample.bytesSent;
    this.latencies.add(sample.latencyMs);
    if (sample.error === null) return;
    this.failures++;
    countText(this.errors, sample.error, 1);
  }

  /** Adds all that another one has counted. */
  merge(other: EntryCounts): void {
    this.failures += other.failures;
    this.retries += other.retries;
    this.bytesReceived += other.bytesReceived;
    this.bytesSent += other.bytesSent;
    this.latencies.merge(other.latencies);
    for (const [error, count] of other.errors) countText(this.errors, error, count);
  }
}

// Entries by method, name and code.

/** Codes of one name that are told apart; HTTP has some forty. */
const MAX_CODES = 50;

/** What all further codes of a name are counted under. */
export const OTHER_CODE = 1000;

/**
 * The entries of one method and name, one for each code that came. Nearly every name has a single code
 * all the time, so that one is at hand without a look-up.
 */
export class NameEntries {
  #code = -1;
  #entry: Entry | null = null;
  /** All of them, once there is a second one. */
  #all: Map<number, Entry> | null = null;
  /** What {@link whole} gave last where there are several. */
  #whole: Entry | null = null;

  /** The entry of a code; a new one where there is none yet. */
  of(code: number): Entry {
    return code === this.#code ? this.#entry! : this.#switchTo(code);
  }

  /** All codes together; good until something is added. */
  get whole(): Entry {
    if (this.#all === null) return this.#entry ?? new Entry();
    const requests = this.requests;
    if (this.#whole === null || this.#whole.requests !== requests) {
      this.#whole = new Entry();
      for (const entry of this.#all.values()) this.#whole.merge(entry);
    }
    return this.#whole;
  }

  /** How many samples there are. */
  get requests(): number {
    let sum = 0;
    for (const [, entry] of this) sum += entry.requests;
    return sum;
  }

  /** Each code with its entry, in the order of their coming. */
  *[Symbol.iterator](): IterableIterator<[code: number, entry: Entry]> {
    if (this.#all !== null) yield* this.#all;
    else if (this.#entry !== null) yield [this.#code, this.#entry];
  }

  #switchTo(code: number): Entry {
    if (this.#entry === null) {
      this.#code = code;
      return this.#entry = new Entry();
    }
    this.#all ??= new Map([[this.#code, this.#entry]]);
    const key = this.#all.has(code) || this.#all.size < MAX_CODES ? code : OTHER_CODE;
    let entry = this.#all.get(key);
    if (entry === undefined) {
      entry = new Entry();
      this.#all.set(key, entry);
    }
    this.#code = key;
    this.#entry = entry;
    return entry;
  }
}

/**
 * Entries by method and name, and for each of these by code.
 */
export class EntryTable {
  readonly #names = new PairMap<NameEntries>();

  /** How many methods and names there are. */
  get size(): number {
    return this.#names.size;
  }

  /** What there is of a method and name, or undefined. */
  get(method: string, name: string): NameEntries | undefined {
    return this.#names.get(method, name);
  }

  /** As {@link get}; where there is nothing yet, a place for it. */
  at(method: string, name: string): NameEntries {
    const known = this.#names.get(method, name);
    if (known !== undefined) return known;
    const entries = new NameEntries();
    this.#names.set(method, name, entries);
    return entries;
  }

  /** Every method and name with its entries. */
  names(): Iterable<readonly [method: string, name: string, entries: NameEntries]> {
    return this.#names;
  }

  /** Every entry. */
  *[Symbol.iterator](): IterableIterator<CodedEntry & { readonly 3: Entry }> {
    for (const [method, name, entries] of this.#names) {
      for (const [code, entry] of entries) yield [method, name, code, entry];
    }
  }
}
