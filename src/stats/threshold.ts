/**
 * Thresholds as people write them: `p95<200ms`, `p99[GET search]<0.5s`.
 *
 * @module
 */

import { metricOf, METRICS_HINT, type ThresholdMetric } from "./threshold_metric.ts";
import { valueOf } from "./threshold_value.ts";

/** How a threshold compares what was observed with its bound. */
export type Operator = "<" | "<=" | ">" | ">=" | "==" | "!=";

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
export interface ThresholdProblem {
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
 *
 * ```ts
 * import { readThreshold } from "./threshold.ts";
 * import assert from "node:assert/strict";
 *
 * const read = readThreshold("p99[GET /items/[id]] < 0.5s");
 * assert.ok("bound" in read);
 * assert.deepEqual([read.selector, read.operator, read.bound], ["GET /items/[id]", "<", 500]);
 * assert.deepEqual(readThreshold("p95<"), {
 *   problem: "a value is missing behind <, like p95<200ms",
 *   hint: "",
 * });
 * ```
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
  if (metric.of === "passes") {
    return problem(`${metricName} is about passes, which have no names: leave out [${selector}]`);
  }
  return { selector, rest: text.slice(end + 1).trim() };
}

function compact({ metric, selector, operator, bound }: Threshold): string {
  return JSON.stringify([metric.name, selector, operator, bound]);
}
