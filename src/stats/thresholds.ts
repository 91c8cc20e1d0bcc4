/**
 * Thresholds: conditions such as `p95<200ms` or `p99[GET search]<0.5s` that a run has to meet.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Snapshot, Statistics, ThresholdRow } from "./snapshot.ts";
import type { Phase } from "./stats_delta.ts";
import {
  hasSample,
  type MetricKind,
  metricOf,
  METRICS_HINT,
  RequestMeasure,
  type ThresholdMetric,
} from "./threshold_metrics.ts";

/** The progress of a run at the moment when its thresholds are checked. */
export interface ThresholdMoment {
  /** Whether the run has ended, so that nothing more will be counted. */
  readonly over: boolean;
  /** Whether the load is still rising, so that rates have not reached their final values. */
  readonly spawning: boolean;
}

/**
 * The thresholds of a run.
 *
 * After the run, a threshold without a sample is crossed, except one that limits how long failed requests
 * take: without any, it holds. During the run, a threshold is crossed only
 * if that is certain: not without a sample, not if its bound can still be reached, such as that of
 * `count>=100`, and not for a low rate while the load is still rising.
 */
export class ThresholdSet {
  readonly #thresholds: readonly Threshold[];

  /**
   * @param expressions duplicates are ignored.
   * @param source the origin of the expressions, for messages.
   * @throws UsageError if an expression is invalid. It says what is wrong, and what is accepted.
   */
  constructor(expressions: readonly string[], source = "--threshold") {
    this.#thresholds = distinct(expressions.map((expression) => read(expression, source)));
  }

  /** The union of this set and another one. */
  with(other: ThresholdSet): ThresholdSet {
    return new ThresholdSet([...this.expressions, ...other.expressions]);
  }

  /** The expressions as they were written. */
  get expressions(): readonly string[] {
    return this.#thresholds.map(({ expression }) => expression);
  }

  /** The state of each threshold, in order. */
  rows(statistics: Statistics, moment: ThresholdMoment): ThresholdRow[] {
    return this.#thresholds.map((threshold) => {
      const observed = observe(threshold, statistics, moment);
      const passed = moment.over
        ? observed === null ? needsNoSample(threshold, statistics) : holds(threshold, observed)
        : observed === null || !isCertain(threshold, moment) || canHold(threshold, observed);
      return { expression: threshold.expression, observed, passed };
    });
  }

  /**
   * The first threshold that is crossed during a run, or in a part of it; `null` if none is.
   *
   * @param statistics those of the run, or of the part.
   */
  crossed(statistics: Statistics, moment: Pick<ThresholdMoment, "spawning">): string | null {
    const rows = this.rows(statistics, { ...moment, over: false });
    return rows.find(({ passed }) => !passed)?.expression ?? null;
  }

  /** After the run, a sentence for each threshold that is crossed without a sample, which explains why. */
  unmatched(statistics: Statistics): string[] {
    return this.#thresholds
      .filter((threshold) =>
        observe(threshold, statistics, AT_THE_END) === null &&
        !needsNoSample(threshold, statistics)
      )
      .map((threshold) => `Threshold ${threshold.expression}: ${reason(threshold, statistics)}`);
  }
}

const AT_THE_END: ThresholdMoment = { over: true, spawning: false };

/** The number of names that fit on a line. */
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
  if (metric.of === "iterations") return iterations === null ? null : metric.observe(iterations);
  const parts = selector === null ? [totals] : requests.filter((row) => selects(selector, row));
  // A request without an answer can cross a threshold, but not hold it.
  const measure = new RequestMeasure(parts, timeline, !isLowerBound(threshold));
  if (!hasSample(metric, measure)) return asksForNone(threshold) ? 0 : null;
  const isTooLow = !over && isLowerBound(threshold) && metric.observeSoFar !== undefined;
  const observed = isTooLow ? metric.observeSoFar!(measure) : metric.observe(measure);
  const isBound = isOfSuccesses(metric) && measure.successes === 0;
  return isBound && holds(threshold, observed) ? null : observed;
}

/** Whether a metric measures the latencies of successful requests. */
function isOfSuccesses(metric: ThresholdMetric): boolean {
  return metric.of === "requests" && metric.kind === "time" && metric.ofPhase === undefined &&
    metric.ofFailures === undefined;
}

/** Whether the threshold demands that there are no such requests. */
function asksForNone(threshold: Threshold): boolean {
  const { metric } = threshold;
  return metric.of === "requests" && metric.counts === true &&
    holds(threshold, 0) && !holds(threshold, 1);
}

/** Whether a threshold limits how long failed requests take, and none of the requests failed. */
function needsNoSample(threshold: Threshold, { requests }: Statistics): boolean {
  const { metric, selector } = threshold;
  return metric.of === "requests" && metric.ofFailures === true && isUpperBound(threshold) &&
    requests.some((row) => row.requests > 0 && selects(selector, row));
}

function isLowerBound({ operator }: Threshold): boolean {
  return operator === ">" || operator === ">=";
}

function isUpperBound({ operator }: Threshold): boolean {
  return operator === "<" || operator === "<=";
}

/** Whether an observation during the run is meaningful. */
function isCertain(threshold: Threshold, { spawning }: ThresholdMoment): boolean {
  return !spawning || threshold.metric.kind !== "rate" || isUpperBound(threshold);
}

/** Whether a threshold holds, or may still hold later. */
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
  if (metric.of === "iterations") {
    return iterations === null
      ? "iterations are counted only with --arrival-rate or --iterations."
      : "no iteration got far enough to be measured.";
  }
  const isSelected = requests.some((row) => selects(selector, row));
  const measured = requests.some((row) => row.requests > 0 && selects(selector, row));
  if (metric.ofPhase !== undefined && measured) return ABSENT_PHASES[metric.ofPhase];
  if (measured && metric.ofFailures) return "no request failed.";
  if (measured && isOfSuccesses(metric)) return "no request succeeded.";
  if (requests.length === 0 || isSelected) return "no request has ended.";
  const names = requests.slice(0, NAMES_SHOWN).map(({ method, name }) => `${method} ${name}`);
  const more = requests.length - names.length;
  return `no request is named ${selector}. The names are ${names.join(", ")}${
    more > 0 ? ` and ${more} more` : ""
  }.`;
}

/** Why a part of the requests has no times. */
const ABSENT_PHASES: Readonly<Record<Phase, string>> = {
  dns: "no request had to look up an address, as far as its user class can tell.",
  connect: "no request opened a connection, as far as its user class can tell.",
  tls: "no request needed a TLS handshake, as far as its user class can tell.",
  ttfb: "no request had a response.",
  download: "no request had a response.",
};

/**
 * The thresholds that fail a run: those that are crossed.
 *
 * The purpose of a run that looks for the breaking point is to cross one. There, a threshold fails the
 * run only if it has no sample, so that it could not be crossed, or if not even the first load passed.
 */
export function failedThresholds(
  { thresholds, breakingPoint }: Pick<Snapshot, "thresholds" | "breakingPoint">,
): ThresholdRow[] {
  return thresholds.filter(({ expression, observed, passed }) => {
    if (breakingPoint === null) return !passed;
    if (breakingPoint.passed === null) return !passed || expression === breakingPoint.threshold;
    return !passed && observed === null;
  });
}

/** The observed value of a threshold with its unit, precise enough to compare it with the bound. */
export function observedText(
  { expression, observed }: Pick<ThresholdRow, "expression" | "observed">,
): string {
  if (observed === null) return "no sample";
  const reading = readThreshold(expression);
  return "problem" in reading ? digits(observed) : TEXTS[reading.metric.kind](observed);
}

const TEXTS: Readonly<Record<MetricKind, (observed: number) => string>> = {
  time: (ms) => `${digits(ms)} ms`,
  share: (share) => `${digits(share * 100)}%`,
  rate: (rate) => `${digits(rate)}/s`,
  count: digits,
};

/** At least five significant digits, with commas between thousands. */
function digits(value: number): string {
  const rounded = value >= 10_000 ? Math.round(value) : Number(value.toPrecision(5));
  const [whole = "", fraction] = String(rounded).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** How a threshold compares the observed value with its bound. */
type Operator = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** A condition. */
export interface Threshold {
  /** The condition as it was written. */
  readonly expression: string;
  readonly metric: ThresholdMetric;
  /** A name, or a method and a name, of the requests to measure; `null` for all requests. */
  readonly selector: string | null;
  readonly operator: Operator;
  /** In the unit of the metric: milliseconds, a share of 0 to 1, a rate per second, or a number. */
  readonly bound: number;
}

/** Why a string is not a threshold. */
interface ThresholdProblem {
  /** What is wrong, to follow the text and a colon. */
  readonly problem: string;
  /** What is accepted, as a sentence, if `problem` does not say so; else empty. */
  readonly hint: string;
}

/**
 * Parses a threshold: a metric, optionally a selector of requests in brackets, an operator, and a
 * value with its unit.
 *
 * A name may contain brackets, because the last one closes the selector. Spaces between the parts are
 * ignored.
 */
export function readThreshold(text: string): Threshold | ThresholdProblem {
  const expression = text.trim();
  const [name, afterName] = split(expression, METRIC);
  if (name === "") {
    return problem(`expected a metric first, as in ${EXAMPLE}`, METRICS_HINT);
  }
  const metric = metricOf(name);
  if (typeof metric === "string") return problem(metric, METRICS_HINT);
  const selection = selectorOf(afterName, name, metric);
  if ("problem" in selection) return selection;
  const { selector, rest } = selection;
  const [operator, value] = split(rest, /^[<>=!~]*/);
  if (rest === "") return problem(`expected an operator and a value, as in ${EXAMPLE}`);
  if (!isOperator(operator)) {
    const found = operator === "" ? rest : operator;
    return problem(`${found} is not an operator; use one of ${OPERATORS.join(" ")}`);
  }
  if (value === "") return problem(`expected a value after ${operator}, as in ${EXAMPLE}`);
  const bound = valueOf(value, metric.kind);
  if (typeof bound === "string") {
    return problem(
      `${value} is not a valid value for ${name}; expected ${bound}`,
      /[<>=]/.test(value) ? "Each expression is one threshold; you can give several." : "",
    );
  }
  return { expression, metric, selector, operator, bound };
}

/** Whether a selector, which is a name or a method and a name, matches a request. */
export function selects(
  selector: string | null,
  { method, name }: { readonly method: string; readonly name: string },
): boolean {
  if (selector === null || selector === name || selector === `${method} ${name}`) return true;
  // Spaces around a selector do not count.
  return selector === name.trim() || selector === `${method} ${name}`.trim();
}

/** Whether two thresholds are equal, even if they are written differently. */
export function isSame(one: Threshold, other: Threshold): boolean {
  return compact(one) === compact(other);
}

const OPERATORS = ["<", "<=", ">", ">=", "==", "!="] as const;
const EXAMPLE = "p95<200ms";
const METRIC = /^[\w.()]*/;

function isOperator(text: string): text is Operator {
  return OPERATORS.some((operator) => operator === text);
}

function problem(text: string, hint = ""): ThresholdProblem {
  return { problem: text, hint };
}

/** The match of a pattern at the start of a string, and the rest without surrounding spaces. */
function split(
  text: string,
  pattern: RegExp,
): readonly [head: string, tail: string] {
  const [head = ""] = pattern.exec(text) ?? [];
  return [head, text.slice(head.length).trim()];
}

interface Selection {
  readonly selector: string | null;
  /** The text after the selector. */
  readonly rest: string;
}

function selectorOf(
  text: string,
  metricName: string,
  metric: ThresholdMetric,
): Selection | ThresholdProblem {
  if (!text.startsWith("[")) return { selector: null, rest: text };
  const end = text.lastIndexOf("]");
  if (end < 0) return problem(`the [ is never closed; write ${metricName}[GET search]<…`);
  const selector = text.slice(1, end).trim();
  if (selector === "") return problem("expected a name between [ and ], as in [GET search]");
  if (metric.of === "iterations") {
    return problem(
      `${metricName} is a metric of iterations, which have no names; remove [${selector}]`,
    );
  }
  return { selector, rest: text.slice(end + 1).trim() };
}

function compact({ metric, selector, operator, bound }: Threshold): string {
  return JSON.stringify([metric.name, selector, operator, bound]);
}

/**
 * The number that a value represents, in the unit of its kind: milliseconds, a share of 0 to 1, a rate
 * per second, or a number. If it is invalid, a description of what is expected.
 */
export function valueOf(text: string, kind: MetricKind): number | string {
  const { units, most, expected } = KINDS[kind];
  const [, digits, unit = ""] = /^(\d+(?:\.\d*)?|\.\d+)\s*(\D*)$/.exec(text) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (digits === undefined || factor === undefined) return expected;
  // Dividing is exact, while multiplying by 0.01 or 0.001 is not.
  const value = factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
  return value <= most ? value : expected;
}

interface Kind {
  /** The factor of each unit; the empty text is no unit. */
  readonly units: ReadonlyMap<string, number>;
  readonly most: number;
  readonly expected: string;
}

const KINDS: Readonly<Record<MetricKind, Kind>> = {
  time: {
    units: new Map([
      ["", 1],
      ["ms", 1],
      ["s", 1000],
      ["m", 60_000],
      ["us", 0.001],
      // The micro sign and the Greek letter look the same.
      ["\u00b5s", 0.001],
      ["\u03bcs", 0.001],
    ]),
    most: Number.MAX_SAFE_INTEGER,
    expected: "a time such as 200ms, 0.5s, 800us or 1m",
  },
  share: {
    units: new Map([["", 1], ["%", 0.01]]),
    most: 1,
    expected: "a share such as 1% or 0.01",
  },
  rate: {
    units: new Map([["", 1], ["/s", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    expected: "a rate per second such as 1000",
  },
  count: {
    units: new Map([["", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    expected: "a number such as 100",
  },
};
