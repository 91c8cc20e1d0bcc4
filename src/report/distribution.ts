import { Histogram } from "../stats/histogram.ts";

/**
 * How the latencies of a histogram are spread, without steps: those of a bucket are taken to lie
 * evenly between its ends. So a latency has a rank, and a rank a latency, wherever they are.
 *
 * ```ts
 * import { Distribution } from "./distribution.ts";
 * import { Histogram } from "../stats/histogram.ts";
 * import assert from "node:assert/strict";
 *
 * const histogram = new Histogram();
 * for (let ms = 1; ms <= 100; ms++) histogram.record(ms);
 * const distribution = new Distribution(histogram);
 * assert.equal(distribution.shareUpTo(50.5), 0.5);
 * assert.ok(Math.abs(distribution.quantile(0.5) - 50) < 0.05);
 * ```
 */
export class Distribution {
  /** How many latencies there are. */
  readonly count: number;
  /** Of the latencies, in square milliseconds. */
  readonly variance: number;
  readonly #lows: number[] = [];
  readonly #highs: number[] = [];
  /** Latencies in and below each bucket, as a share of all. */
  readonly #shares: number[] = [];
  /** The sum of those, over the count of all. */
  readonly #sums: number[] = [];

  constructor(histogram: Histogram) {
    this.count = histogram.count;
    let below = 0;
    let sum = 0;
    let squares = 0;
    for (const [index, count] of histogram.buckets()) {
      const low = Histogram.lowerBound(index);
      const high = Histogram.upperBound(index);
      below += count;
      sum += count * (low + high) / 2;
      squares += count * ((low + high) / 2) ** 2;
      this.#lows.push(low);
      this.#highs.push(high);
      this.#shares.push(below / this.count);
      this.#sums.push(sum / this.count);
    }
    // What is lost of the digits is less than a bucket is wide.
    this.variance = this.count === 0 ? 0 : Math.max(0, squares / this.count - this.mean ** 2);
  }

  /** Where all latencies lie, in milliseconds: none is below the first, none above the second. */
  get range(): readonly [lowest: number, highest: number] {
    return [this.#lows[0] ?? 0, this.#highs.at(-1) ?? 0];
  }

  /** In milliseconds; 0 where there is none. */
  get mean(): number {
    return this.#sums.at(-1) ?? 0;
  }

  /** The share of all latencies that are at most `ms` milliseconds. */
  shareUpTo(ms: number): number {
    return this.#upTo(ms, this.#shares, (low, high) => (ms - low) / (high - low));
  }

  /** The sum of all latencies that are at most `ms` milliseconds, over the count of all latencies. */
  sumUpTo(ms: number): number {
    // Of a bucket that is cut, the lower part has the lower latencies.
    return this.#upTo(
      ms,
      this.#sums,
      (low, high) => (ms * ms - low * low) / (high * high - low * low),
    );
  }

  /** The latency in milliseconds that a share of `q` of all do not exceed; 0 where there is none. */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const at = Math.min(firstIndex(this.#shares, (share) => share >= q), this.#shares.length - 1);
    const before = this.#shares[at - 1] ?? 0;
    const part = Math.min(Math.max((q - before) / (this.#shares[at]! - before), 0), 1);
    return this.#lows[at]! + part * (this.#highs[at]! - this.#lows[at]!);
  }

  #upTo(
    ms: number,
    cumulated: readonly number[],
    part: (low: number, high: number) => number,
  ): number {
    const at = firstIndex(this.#highs, (high) => high >= ms);
    const before = cumulated[at - 1] ?? 0;
    if (at === this.#highs.length || ms <= this.#lows[at]!) return before;
    return before + (cumulated[at]! - before) * part(this.#lows[at]!, this.#highs[at]!);
  }
}

/** Where in an ascending list the first value is that passes; its length where none does. */
function firstIndex(values: readonly number[], passes: (value: number) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(values[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
