import { Histogram } from "./histogram.ts";
import type { RequestTotals, TimelineSecond } from "./snapshot.ts";

/**
 * What some requests together come to, whichever of them a threshold is about.
 *
 * ```ts
 * import { RequestMeasure } from "./request_measure.ts";
 * import { StatsTable } from "./stats_table.ts";
 * import { Totals } from "./totals.ts";
 * import assert from "node:assert/strict";
 *
 * const table = new StatsTable();
 * table.start(0);
 * for (const [name, latencyMs] of [["search", 10], ["pay", 20]] as const) {
 *   table.record({
 *     method: "GET", name, status: 200, latencyMs, endedAt: 0,
 *     bytesReceived: 0, bytesSent: 0, retries: 0, error: null,
 *   });
 * }
 * const totals = new Totals();
 * for (const interval of table.flush(2_000)) totals.add(interval);
 * const { requests, timeline } = totals.statistics(2);
 * const both = new RequestMeasure(requests, timeline);
 * assert.deepEqual([both.requests, both.rate, both.mean, both.max], [2, 1, 15, 20]);
 * assert.equal(both.percentile(1), 20);
 * ```
 */
export class RequestMeasure {
  readonly #parts: readonly RequestTotals[];
  readonly #timeline: readonly TimelineSecond[];

  /**
   * @param parts totals of no request are left out.
   * @param timeline of the run that they are part of.
   */
  constructor(parts: readonly RequestTotals[], timeline: readonly TimelineSecond[]) {
    this.#parts = parts.filter(({ requests }) => requests > 0);
    this.#timeline = timeline;
  }

  get requests(): number {
    return this.#sum(({ requests }) => requests);
  }

  get failures(): number {
    return this.#sum(({ failures }) => failures);
  }

  /** Share of requests that failed, 0 to 1; not a number where there is none. */
  get errorRate(): number {
    return this.failures / this.requests;
  }

  /** Requests a second over all of the time that was counted. */
  get rate(): number {
    return this.#sum(({ rate }) => rate);
  }

  /**
   * Requests a second over the seconds that all nodes have told of. What a node does is known about a
   * second later: until a run is over, {@link rate} is too low by that.
   */
  get rateSoFar(): number {
    const [first] = this.#timeline;
    const last = this.#timeline.at(-1);
    if (first === undefined || last === undefined) return this.rate;
    return Math.max(this.rate, this.requests / (last.second - first.second + 1));
  }

  /** In milliseconds, as {@link mean} and {@link max}; Infinity where there is no request. */
  get min(): number {
    return Math.min(...this.#parts.map(({ latencyMs }) => latencyMs.min ?? Infinity));
  }

  get mean(): number {
    return this.#sum(({ latencyMs, requests }) => (latencyMs.mean ?? 0) * requests) / this.requests;
  }

  get max(): number {
    return Math.max(...this.#parts.map(({ latencyMs }) => latencyMs.max ?? -Infinity));
  }

  /**
   * The nearest-rank percentile in milliseconds, within 0.05 % and never outside of what was measured.
   *
   * @param q the share of all that do not exceed it, 0 to 1.
   */
  percentile(q: number): number {
    // Known exactly, where buckets know it only nearly.
    if (q <= 0 || q >= 1) return q <= 0 ? this.min : this.max;
    const middle = this.#histogram().percentile(q) ?? NaN;
    return Math.min(Math.max(middle, this.min), this.max);
  }

  #histogram(): Histogram {
    const [first, ...others] = this.#parts;
    if (others.length === 0 && first?.histogram instanceof Histogram) return first.histogram;
    const all = new Histogram();
    for (const { histogram } of this.#parts) all.merge(histogram);
    return all;
  }

  #sum(value: (part: RequestTotals) => number): number {
    return this.#parts.reduce((sum, part) => sum + value(part), 0);
  }
}
