/**
 * Thresholds: conditions such as `p95<200ms` or `p99[GET search]<0.5s` that a run has to meet.
 *
 * @module
 */

import { DURATION_FORMS, parseDuration } from "../core/duration.ts";
import { UsageError } from "../core/errors.ts";
import { CLASS_KEY, readTags } from "../core/tags.ts";
import { listed } from "../core/text.ts";
import type { ThresholdRule } from "../core/threshold_rule.ts";
import type { Snapshot, Statistics, ThresholdRow } from "./snapshot.ts";
import { taggedNameHere } from "./foreign_metrics.ts";
import {
  holds,
  isLowerBound,
  isUpperBound,
  type MetricFamily,
  type MetricKind,
  metricOf,
  METRICS_HINT,
  type Operator,
  type Threshold,
  type ThresholdMetric,
  type ThresholdTarget,
} from "./threshold_metrics.ts";
import {
  CHECK_FAMILY,
  checkCustomMetrics,
  CUSTOM_FAMILY,
  GROUP_FAMILY,
  measureMetricOf,
} from "./measure_thresholds.ts";
import { ITERATION_FAMILY, REQUEST_FAMILY } from "./threshold_families.ts";

/** What applies to all thresholds of a run that say nothing else about ending it. */
export interface AbortOptions {
  /** End the run as soon as one is crossed. */
  readonly abortOnThreshold: boolean;
  /** Not before this many seconds after the start. */
  readonly abortAfter: number;
}

/** A threshold, and how it ends the run. */
interface JudgedThreshold extends Threshold {
  readonly abort: boolean;
  /** In seconds after the start; `null`: as {@link AbortOptions.abortAfter} says. */
  readonly after: number | null;
}

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
  #thresholds: readonly JudgedThreshold[];

  /**
   * @param rules expressions, or with how they end the run. Of duplicates, one remains.
   * @param source the origin of the expressions, for messages.
   * @throws UsageError if one is invalid. It says what is wrong, and what is accepted.
   */
  constructor(rules: readonly (string | ThresholdRule)[], source = "--threshold") {
    this.#thresholds = distinct(rules.map((rule) => readRule(rule, source)));
  }

  /** The union of this set and another one. */
  with(other: ThresholdSet): ThresholdSet {
    const both = new ThresholdSet([]);
    both.#thresholds = distinct([...this.#thresholds, ...other.#thresholds]);
    return both;
  }

  /**
   * From when on a threshold ends the run if it is crossed, in seconds after the start; `null`: it never does.
   *
   * @param expression as in {@link expressions}.
   */
  endsRunFrom(expression: string, all: AbortOptions): number | null {
    const found = this.#thresholds.find((one) => one.expression === expression);
    if (found === undefined || !(found.abort || all.abortOnThreshold)) return null;
    return found.after ?? all.abortAfter;
  }

  /** The expressions as they were written. */
  get expressions(): readonly string[] {
    return this.#thresholds.map(({ expression }) => expression);
  }

  /** The state of each threshold, in order. */
  rows(
    statistics: Statistics,
    moment: ThresholdMoment,
  ): (ThresholdRow & { readonly passed: boolean })[] {
    return this.#thresholds.map((threshold) => {
      const family = familyOf(threshold.metric);
      const observed = family.observe(threshold, statistics, moment.over);
      const passed = moment.over
        ? observed === null
          ? family.needsNoSample(threshold, statistics)
          : holds(threshold, observed)
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
    return this.#thresholds.flatMap((threshold) => {
      const family = familyOf(threshold.metric);
      const isKnown = family.observe(threshold, statistics, true) !== null ||
        family.needsNoSample(threshold, statistics);
      const { expression } = threshold;
      return isKnown ? [] : `Threshold ${expression}: ${family.reason(threshold, statistics)}`;
    });
  }

  /**
   * Checks the metrics of the test file, before the run.
   *
   * @param known those that it has made.
   * @throws UsageError if one does not exist, or has no such figure. It names what there is.
   */
  checkMetrics(known: Parameters<typeof checkCustomMetrics>[1]): void {
    checkCustomMetrics(this.#thresholds, known);
  }

  /**
   * Checks the user classes in braces, before the run.
   *
   * @param names those of the run.
   * @throws UsageError if a class is not part of the run. It names those that are.
   */
  checkClasses(names: readonly string[]): void {
    for (const { expression, className } of this.#thresholds) {
      if (className === null || names.includes(className)) continue;
      throw new UsageError(
        `Threshold ${expression}: no user class of this run is named ${className}`,
        names.length === 1 ? `The only class is ${names[0]}.` : `The classes are ${listed(names)}.`,
      );
    }
  }
}

/** How each kind of metric is judged. A new kind is added here, and to `ThresholdMetric`. */
const FAMILIES: {
  readonly [Of in ThresholdMetric["of"]]: MetricFamily<Extract<ThresholdMetric, { of: Of }>>;
} = {
  requests: REQUEST_FAMILY,
  iterations: ITERATION_FAMILY,
  groups: GROUP_FAMILY,
  checks: CHECK_FAMILY,
  metrics: CUSTOM_FAMILY,
};

function familyOf(metric: ThresholdMetric): MetricFamily<ThresholdMetric> {
  return FAMILIES[metric.of] as MetricFamily<ThresholdMetric>;
}

function readRule(rule: string | ThresholdRule, source: string): JudgedThreshold {
  if (typeof rule === "string") return { ...read(rule, source), abort: false, after: null };
  const { threshold, abort = false, after } = rule;
  const seconds = typeof after === "string" ? parseDuration(after) : after ?? null;
  const isInvalid = after !== undefined && !(seconds !== null && seconds >= 0 && isFinite(seconds));
  if (isInvalid) {
    throw new UsageError(
      `${source} ${threshold}: after is ${Deno.inspect(after)}; expected a duration of 0 s or more`,
      `Durations are written as ${DURATION_FORMS}.`,
    );
  }
  return { ...read(threshold, source), abort, after: seconds };
}

function read(expression: string, source: string): Threshold {
  const reading = readThreshold(expression);
  if ("problem" in reading) {
    throw new UsageError(`${source} ${expression}: ${reading.problem}`, reading.hint);
  }
  return reading;
}

/** Of thresholds that are the same, the first one is left. It ends the run if any of them does. */
function distinct(thresholds: readonly JudgedThreshold[]): JudgedThreshold[] {
  const first: JudgedThreshold[] = [];
  for (const one of thresholds) {
    const index = first.findIndex((other) => isSame(one, other));
    const other = first[index];
    if (other === undefined) first.push(one);
    else {
      first[index] = {
        ...other,
        abort: other.abort || one.abort,
        after: other.after ?? one.after,
      };
    }
  }
  return first;
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
    if (breakingPoint === null) return passed === false;
    if (breakingPoint.passed === null) {
      return passed === false || expression === breakingPoint.threshold;
    }
    return passed === false && observed === null;
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
  value: digits,
};

/** At least five significant digits, with commas between thousands. */
function digits(value: number): string {
  const rounded = value >= 10_000 ? Math.round(value) : Number(value.toPrecision(5));
  const [whole = "", fraction] = String(rounded).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Why a string is not a threshold. */
interface ThresholdProblem {
  /** What is wrong, to follow the text and a colon. */
  readonly problem: string;
  /** What is accepted, as a sentence, if `problem` does not say so; else empty. */
  readonly hint: string;
}

/**
 * Parses a threshold: a metric, optionally a selector in brackets, optionally a user class and tags in braces,
 * an operator, and a value with its unit.
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
  const here = taggedNameHere(name, afterName);
  if (here !== null) {
    return problem(`this is k6's notation; here it is ${here}`);
  }
  const target = targetOf(afterName, name);
  if ("problem" in target) return target;
  const { rest, ...selected } = target;
  const metric = measureMetricOf(name, selected.selector) ?? metricOf(name);
  if (typeof metric === "string") return problem(metric, METRICS_HINT);
  const refused = familyOf(metric).problemOf(metric, selected, name);
  if (refused !== null) return problem(refused);
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
  if (/^rate$/i.test(name) && bound < 1 && !value.includes("/")) {
    const share = isUpperBound({ operator })
      ? "failed requests, write error_rate"
      : "passed checks, write checks";
    return problem(
      `rate is the number of requests per second; for the share of ${share}${operator}${value}`,
      `If you mean requests per second, write rps${operator}${value}.`,
    );
  }
  return { expression, metric, ...selected, operator, bound };
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

interface ReadTarget extends ThresholdTarget {
  /** The text after the brackets and braces. */
  readonly rest: string;
}

/** Reads what is in brackets and in braces. */
function targetOf(text: string, metricName: string): ReadTarget | ThresholdProblem {
  const selection = selectorOf(text, metricName);
  if ("problem" in selection) return selection;
  const { selector, rest } = selection;
  if (!rest.startsWith("{")) return { selector, className: null, tags: [], rest };
  const [whole, inBraces] = BRACES.exec(rest) ?? [];
  if (inBraces === undefined) {
    return problem(`the { is never closed; write ${metricName}{class=ShopTest}<…`);
  }
  const pairs = readTags(inBraces);
  if (typeof pairs === "string") {
    return problem(
      `${pairs} in ${whole}; expected keys and values, as in {class=ShopTest} or {cache=hit}`,
      'Put a value that contains a comma, a brace or a quotation mark into quotation marks: {size="1,000"}.',
    );
  }
  const [, className = null] = pairs.find(([key]) => key === CLASS_KEY) ?? [];
  const tags = pairs.filter(([key]) => key !== CLASS_KEY)
    .sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return { selector, className, tags, rest: rest.slice(whole!.length).trim() };
}

/** What is in braces, in which quotation marks may contain anything. */
const BRACES = /^\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\}/s;

function selectorOf(
  text: string,
  metricName: string,
): { readonly selector: string | null; readonly rest: string } | ThresholdProblem {
  if (!text.startsWith("[")) return { selector: null, rest: text };
  const end = closingBracket(text);
  if (end < 0) return problem(`the [ is never closed; write ${metricName}[GET search]<…`);
  const selector = text.slice(1, end).trim();
  if (selector === "") return problem("expected a name between [ and ], as in [GET search]");
  return { selector, rest: text.slice(end + 1).trim() };
}

/** The last bracket that is not in the quotation marks of a tag; -1 if there is none. */
function closingBracket(text: string): number {
  // After a bracket of a name, there is another one outside of quotation marks.
  for (let end = text.indexOf("]"); end > 0; end = text.indexOf("]", end + 1)) {
    if (AFTER_BRACKET.test(text.slice(end + 1))) return end;
  }
  return text.lastIndexOf("]");
}

const AFTER_BRACKET = /^\s*(?:\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?[^"{}\]]*$/s;

function compact({ metric, selector, className, tags, operator, bound }: Threshold): string {
  return JSON.stringify([metric.name, selector, className, tags, operator, bound]);
}

/**
 * The number that a value represents, in the unit of its kind: milliseconds, a share of 0 to 1, a rate
 * per second, or a number. If it is invalid, a description of what is expected.
 */
export function valueOf(text: string, kind: MetricKind): number | string {
  const { units, most, expected } = KINDS[kind];
  if (kind === "value") {
    return ANY_NUMBER.test(text) && isFinite(Number(text)) ? Number(text) : expected;
  }
  const [, digits, unit = ""] = /^(\d+(?:\.\d*)?|\.\d+)\s*(\D*)$/.exec(text) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (digits === undefined || factor === undefined) return expected;
  // Dividing is exact, while multiplying by 0.01 or 0.001 is not.
  const value = factor < 1 ? Number(digits) / Math.round(1 / factor) : Number(digits) * factor;
  return value <= most ? value : expected;
}

const ANY_NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i;

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
  value: {
    units: new Map([["", 1]]),
    most: Number.MAX_VALUE,
    expected: "a number such as 20, -0.5 or 1e6",
  },
};
