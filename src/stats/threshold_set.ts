import { UsageError } from "../core/errors.ts";
import { RequestMeasure } from "./request_measure.ts";
import type { Statistics, ThresholdRow } from "./snapshot.ts";
import { isSame, readThreshold, selects, type Threshold } from "./threshold.ts";

/** How far a run is when thresholds are looked at. */
export interface ThresholdMoment {
  /** Whether nothing will be counted any more. */
  readonly over: boolean;
  /** Whether the load is still being raised, so that a rate is not yet what it will be. */
  readonly spawning: boolean;
}

/**
 * Everything that must hold for a run to pass.
 *
 * Once a run is over, a threshold without a sample is crossed. While it goes on, only what can be known
 * by then is: without a sample nothing is crossed, nor is what can still be reached, like `count>=100`;
 * and a rate may be too low as long as the load is being raised.
 *
 * ```ts
 * import { StatsTable } from "./stats_table.ts";
 * import { ThresholdSet } from "./threshold_set.ts";
 * import { Totals } from "./totals.ts";
 * import assert from "node:assert/strict";
 *
 * const table = new StatsTable();
 * table.start(0);
 * table.record({
 *   method: "GET", name: "search", status: 200, latencyMs: 12, endedAt: 900,
 *   bytesReceived: 80, bytesSent: 0, retries: 0, error: null,
 * });
 * const totals = new Totals();
 * for (const interval of table.flush(2_000)) totals.add(interval);
 * const thresholds = new ThresholdSet(["p95[GET search]<10ms", "count>=2"]);
 * const statistics = totals.statistics(2);
 * assert.deepEqual(thresholds.rows(statistics, { over: true, spawning: false }), [
 *   { expression: "p95[GET search]<10ms", observed: 12, passed: false },
 *   { expression: "count>=2", observed: 1, passed: false },
 * ]);
 * assert.equal(thresholds.crossed(statistics, { spawning: false }), "p95[GET search]<10ms");
 * ```
 */
export class ThresholdSet {
  readonly #thresholds: readonly Threshold[];

  /**
   * @param expressions those that say the same count once.
   * @param source where they stand, for messages.
   * @throws UsageError where one cannot be read: it says where it fails, and what is accepted.
   */
  constructor(expressions: readonly string[], source = "--threshold") {
    this.#thresholds = distinct(expressions.map((expression) => read(expression, source)));
  }

  /** All of these, and those of another set that are not in this one. */
  with(other: ThresholdSet): ThresholdSet {
    return new ThresholdSet([...this.expressions, ...other.expressions]);
  }

  /** As they were written. */
  get expressions(): readonly string[] {
    return this.#thresholds.map(({ expression }) => expression);
  }

  /** What becomes of each, in their order. */
  rows(statistics: Statistics, moment: ThresholdMoment): ThresholdRow[] {
    return this.#thresholds.map((threshold) => {
      const observed = observe(threshold, statistics, moment);
      const passed = moment.over
        ? observed !== null && holds(threshold, observed)
        : observed === null || !isCertain(threshold, moment) || canHold(threshold, observed);
      return { expression: threshold.expression, observed, passed };
    });
  }

  /**
   * The first threshold that is crossed while a run goes on, or in a part of it; null where none is.
   *
   * @param statistics of the run, or of the part.
   */
  crossed(statistics: Statistics, moment: Pick<ThresholdMoment, "spawning">): string | null {
    const rows = this.rows(statistics, { ...moment, over: false });
    return rows.find(({ passed }) => !passed)?.expression ?? null;
  }

  /** Why some have no sample, now that the run is over; a sentence each. */
  unmatched(statistics: Statistics): string[] {
    return this.#thresholds
      .filter((threshold) => observe(threshold, statistics, AT_THE_END) === null)
      .map((threshold) => `Threshold ${threshold.expression}: ${reason(threshold, statistics)}`);
  }
}

const AT_THE_END: ThresholdMoment = { over: true, spawning: false };

/** As many as a line can hold. */
const NAMES_SHOWN = 10;

function read(expression: string, source: string): Threshold {
  const reading = readThreshold(expression);
  if ("problem" in reading) {
    throw new UsageError(`${source} ${expression}: ${reading.problem}`, reading.hint);
  }
  return reading;
}

function distinct(thresholds: readonly Threshold[]): Threshold[] {
  return thresholds.filter((one, index) =>
    thresholds.findIndex((other) => isSame(one, other)) === index
  );
}

function observe(
  threshold: Threshold,
  { totals, requests, timeline, iterations }: Statistics,
  { over }: ThresholdMoment,
): number | null {
  const { metric, selector } = threshold;
  if (metric.of === "passes") return iterations === null ? null : metric.observe(iterations);
  const parts = selector === null ? [totals] : requests.filter((row) => selects(selector, row));
  const measure = new RequestMeasure(parts, timeline);
  if (measure.requests === 0) return asksForNone(threshold) ? 0 : null;
  const isTooLow = !over && isLowerBound(threshold) && metric.observeSoFar !== undefined;
  return isTooLow ? metric.observeSoFar!(measure) : metric.observe(measure);
}

/** Whether no request at all is just what is wanted, so that there is nothing to be missed. */
function asksForNone(threshold: Threshold): boolean {
  const { metric } = threshold;
  return metric.of === "requests" && metric.counts === true &&
    holds(threshold, 0) && !holds(threshold, 1);
}

function isLowerBound({ operator }: Threshold): boolean {
  return operator === ">" || operator === ">=";
}

function isUpperBound({ operator }: Threshold): boolean {
  return operator === "<" || operator === "<=";
}

/** Whether what is observed before the end says anything. */
function isCertain(threshold: Threshold, { spawning }: ThresholdMoment): boolean {
  return !spawning || threshold.metric.kind !== "rate" || isUpperBound(threshold);
}

/** Whether a threshold holds, or what is measured can still go to where it does. */
function canHold(threshold: Threshold, observed: number): boolean {
  if (holds(threshold, observed)) return true;
  const { metric: { tendency }, operator, bound } = threshold;
  if (tendency === "either") return false;
  if (operator === "!=") return true;
  return tendency === "rising"
    ? !isUpperBound(threshold) && (isLowerBound(threshold) || observed < bound)
    : !isLowerBound(threshold) && (isUpperBound(threshold) || observed > bound);
}

function holds({ operator, bound }: Threshold, observed: number): boolean {
  switch (operator) {
    case "<":
      return observed < bound;
    case "<=":
      return observed <= bound;
    case ">":
      return observed > bound;
    case ">=":
      return observed >= bound;
    case "==":
      return observed === bound;
    case "!=":
      return observed !== bound;
  }
}

function reason({ metric, selector }: Threshold, { requests, iterations }: Statistics): string {
  if (metric.of === "passes") {
    return iterations === null
      ? "no passes were counted, as only the open model (--arrival-rate) and --iterations do."
      : "no pass has come to where it is measured.";
  }
  if (requests.length === 0) return "no request has ended.";
  const names = requests.slice(0, NAMES_SHOWN).map(({ method, name }) => `${method} ${name}`);
  const more = requests.length - names.length;
  return `no request is called ${selector}. There are ${names.join(", ")}${
    more > 0 ? ` and ${more} more` : ""
  }.`;
}
