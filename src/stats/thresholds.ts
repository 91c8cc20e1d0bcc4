/**
 * Thresholds as people write them: `p95<200ms`, `p99[GET search]<0.5s`.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import type { Snapshot, Statistics, ThresholdRow } from "./snapshot.ts";
import {
  type MetricKind,
  metricOf,
  METRICS_HINT,
  RequestMeasure,
  type ThresholdMetric,
} from "./threshold_metrics.ts";

/**
 * The number that a value stands for, in the unit of its kind: milliseconds, a share of 0 to 1, a number
 * a second, a number. Where it is none, what is needed, as the end of a sentence.
 */
export function valueOf(text: string, kind: MetricKind): number | string {
  const { units, most, needed } = KINDS[kind];
  const [, digits, unit = ""] = /^(\d+(?:\.\d*)?|\.\d+)\s*(\D*)$/.exec(text) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (digits === undefined || factor === undefined) return needed;
  // Dividing is exact where multiplying by 0.01 or 0.001 is not.
  const value = factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
  return value <= most ? value : needed;
}

interface Kind {
  /** What a number is multiplied by, for each unit; an empty one is none. */
  readonly units: ReadonlyMap<string, number>;
  readonly most: number;
  readonly needed: string;
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
    needed: "a time like 200ms, 0.5s, 800us or 1m is needed",
  },
  share: {
    units: new Map([["", 1], ["%", 0.01]]),
    most: 1,
    needed: "a share like 1% or 0.01 is needed",
  },
  rate: {
    units: new Map([["", 1], ["/s", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    needed: "a number a second, like 1000, is needed",
  },
  count: {
    units: new Map([["", 1]]),
    most: Number.MAX_SAFE_INTEGER,
    needed: "a number like 100 is needed",
  },
};

/** How a threshold compares what was observed with its bound. */
type Operator = "<" | "<=" | ">" | ">=" | "==" | "!=";

/** Something that must hold. */
export interface Threshold {
  /** As it was written. */
  readonly expression: string;
  readonly metric: ThresholdMetric;
  /** Whose requests: a name, or method and name; null: all of them. */
  readonly selector: string | null;
  readonly operator: Operator;
  /** In the unit of the metric: milliseconds, a share of 0 to 1, a number a second, a number. */
  readonly bound: number;
}

/** Why a text is no threshold. */
interface ThresholdProblem {
  /** The end of a sentence that begins with the text. */
  readonly problem: string;
  /** What is accepted, where that takes a sentence of its own; else empty. */
  readonly hint: string;
}

/**
 * Reads a threshold: a metric, whose requests in brackets where it is not about all, an operator, a
 * value with its unit.
 *
 * A name may hold brackets itself: the last one closes. Spaces between the parts do not matter.
 */
export function readThreshold(text: string): Threshold | ThresholdProblem {
  const expression = text.trim();
  const [name, afterName] = split(expression, METRIC);
  if (name === "") {
    return problem(`a metric is missing at the beginning, like ${EXAMPLE}`, METRICS_HINT);
  }
  const metric = metricOf(name);
  if (typeof metric === "string") return problem(metric, METRICS_HINT);
  const selection = selectorOf(afterName, name, metric);
  if ("problem" in selection) return selection;
  const { selector, rest } = selection;
  const [operator, value] = split(rest, /^[<>=!~]*/);
  if (rest === "") return problem(`an operator and a value are missing, like ${EXAMPLE}`);
  if (!isOperator(operator)) {
    const found = operator === "" ? rest : operator;
    return problem(`${found} is no operator, one of ${OPERATORS.join(" ")} is needed`);
  }
  if (value === "") return problem(`a value is missing behind ${operator}, like ${EXAMPLE}`);
  const bound = valueOf(value, metric.kind);
  if (typeof bound === "string") {
    return problem(
      `${value} is no value of ${name}, ${bound}`,
      /[<>=]/.test(value) ? "One expression is one threshold; there may be several of them." : "",
    );
  }
  return { expression, metric, selector, operator, bound };
}

/**
 * Whether a request is one of those that a selector names. It names a method and a name, or a name
 * alone, whatever the method.
 */
export function selects(
  selector: string | null,
  { method, name }: { readonly method: string; readonly name: string },
): boolean {
  return selector === null || selector === name || selector === `${method} ${name}`;
}

/** Whether two are the same threshold, however they are written. */
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

/** What a pattern matches at the beginning, and what follows, both without spaces around them. */
function split(
  text: string,
  pattern: RegExp,
): readonly [head: string, tail: string] {
  const [head = ""] = pattern.exec(text) ?? [];
  return [head, text.slice(head.length).trim()];
}

interface Selection {
  readonly selector: string | null;
  /** What follows it. */
  readonly rest: string;
}

function selectorOf(
  text: string,
  metricName: string,
  metric: ThresholdMetric,
): Selection | ThresholdProblem {
  if (!text.startsWith("[")) return { selector: null, rest: text };
  const end = text.lastIndexOf("]");
  if (end < 0) return problem(`the [ is never closed, like ${metricName}[GET search]<…`);
  const selector = text.slice(1, end).trim();
  if (selector === "") return problem("the name between [ and ] is missing, like [GET search]");
  if (metric.of === "iterations") {
    return problem(`${metricName} is about passes, which have no names: leave out [${selector}]`);
  }
  return { selector, rest: text.slice(end + 1).trim() };
}

function compact({ metric, selector, operator, bound }: Threshold): string {
  return JSON.stringify([metric.name, selector, operator, bound]);
}

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
  if (metric.of === "iterations") return iterations === null ? null : metric.observe(iterations);
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
  if (metric.of === "iterations") {
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

/**
 * The thresholds that a run fails by: those that are crossed.
 *
 * Where the load is raised until one is crossed, that is what the run is for. There, a threshold fails
 * the run only if it has no sample, so that nothing could have crossed it, or if not even the first
 * load has passed.
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

/**
 * What was observed of a threshold, with its unit: precise enough to be told from the bound.
 */
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

/** Five digits, or as many as a whole number has, with commas between thousands. */
function digits(value: number): string {
  const rounded = value >= 10_000 ? Math.round(value) : Number(value.toPrecision(5));
  const [whole = "", fraction] = String(rounded).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}
