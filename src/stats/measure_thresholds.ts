/**
 * Thresholds of groups, of checks and of a test file's own metrics, such as `p95[group checkout]<3s`,
 * `checks[has a token]==100%` and `cart_size.p95<20`.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";
import { didYouMean, nearestWord } from "../core/spelling.ts";
import { listed } from "../core/text.ts";
import { nameHere } from "./foreign_metrics.ts";
import { Histogram } from "./histogram.ts";
import {
  figureName,
  type GroupRow,
  LATENCY_FIGURES,
  type LatencyFigure,
  type MetricRow,
  type MetricType,
  type Statistics,
} from "./snapshot.ts";
import {
  type CheckMetric,
  type CustomMetric,
  type GroupMetric,
  holds,
  isLowerBound,
  type MetricFamily,
  percentOf,
  someOf,
  type Threshold,
  type ThresholdMetric,
  type ThresholdTarget,
} from "./threshold_metrics.ts";

/**
 * The metric of a name that measures something else than requests and iterations, or what is wrong with it;
 * `null` if it is none of these.
 *
 * @param selector the text in brackets.
 */
export function measureMetricOf(
  name: string,
  selector: string | null,
): ThresholdMetric | string | null {
  if (selector !== null && groupOf(selector) !== null) return groupMetricOf(name);
  if (name.toLowerCase() === "checks") return CHECKS;
  const [, metric, figure] = CUSTOM.exec(name) ?? [];
  return metric === undefined ? null : customMetric(metric, figure!);
}

/** A metric of the test file and a figure. A name and a percentile may contain a full stop. */
const CUSTOM =
  /^(.+)\.(p\d+(?:\.\d+)?|p\(\d+(?:\.\d+)?\)|min|max|avg|mean|med|stddev|sum|count|value|rate)$/;

/** The name of a group in a selector; `null` if it does not select a group. */
function groupOf(selector: string | null): string | null {
  const [, name = null] = /^group\s+(.*)$/s.exec(selector ?? "") ?? [];
  return name;
}

/** Why a metric cannot have what is in braces; `null` if there is nothing. */
function bracesProblem({ className, tags }: ThresholdTarget, what: string): string | null {
  return className === null && tags.length === 0
    ? null
    : `${what} have neither user classes nor tags; remove the braces`;
}

// Groups.

function groupMetricOf(name: string): GroupMetric | string {
  const word = GROUP_ALIASES.get(name.toLowerCase()) ?? name.toLowerCase();
  switch (word) {
    case "count":
      return group("count", "count", "rising", ({ count }) => count);
    case "failures":
      return group("failures", "count", "rising", ({ failures }) => failures);
    case "error_rate":
      return group(
        "error_rate",
        "share",
        "either",
        ({ count, errorRate }) => count === 0 ? null : errorRate,
      );
    case "unfinished":
      return group("unfinished", "count", "rising", ({ unfinished }) => unfinished.count);
    case "min":
      return group("min", "time", "falling", ({ durationMs }) => durationMs.min);
    case "max":
      return group(
        "max",
        "time",
        "rising",
        (row, alone) => alone ? percentile(row, 1) : row.durationMs.max,
      );
    case "mean":
      return group(
        "mean",
        "time",
        "either",
        (row, alone) => alone ? meanAlone(row) : row.durationMs.mean,
      );
  }
  const percent = percentOf(word);
  if (percent === null || percent > 100) {
    return `${name} is no metric of groups; they have count, failures, error_rate, unfinished, min, mean, ` +
      "med, max and percentiles such as p95";
  }
  const known = FIGURES.get(`p${percent}`);
  return group(
    `p${percent}`,
    "time",
    "either",
    (row, alone) =>
      known === undefined || alone ? percentile(row, percent / 100) : row.durationMs[known],
  );
}

const GROUP_ALIASES: ReadonlyMap<string, string> = new Map([["avg", "mean"], ["med", "p50"]]);

const FIGURES: ReadonlyMap<string, LatencyFigure> = new Map(
  LATENCY_FIGURES.map((figure) => [figureName(figure), figure] as const),
);

function group(
  name: string,
  kind: GroupMetric["kind"],
  tendency: GroupMetric["tendency"],
  observe: GroupMetric["observe"],
): GroupMetric {
  return { of: "groups", name, kind, tendency, observe };
}

function successesOf({ count, failures }: GroupRow): number {
  return count - failures;
}

/** A percentile of the successful groups alone. */
function percentile({ histogram, durationMs: { min, max } }: GroupRow, q: number): number | null {
  const all = new Histogram();
  all.merge(histogram);
  const middle = all.percentile(q);
  return middle === null ? null : Math.min(Math.max(middle, min!), max!);
}

function meanAlone(row: GroupRow): number | null {
  const successes = successesOf(row);
  return successes === 0 ? null : row.sum / successes;
}

/** Metrics of a group. */
export const GROUP_FAMILY: MetricFamily<GroupMetric> = {
  problemOf: (_metric, target) => bracesProblem(target, "groups"),

  observe(threshold, { groups }): number | null {
    const row = groups.find(({ name }) => name === groupOf(threshold.selector));
    if (row === undefined) return null;
    const { metric } = threshold;
    // As for requests, a group that was cut off can cross a threshold, but not hold it.
    const observed = metric.observe(row, row.lowerBounds && isLowerBound(threshold));
    const isBound = metric.kind === "time" && successesOf(row) === 0;
    return observed !== null && isBound && holds(threshold, observed) ? null : observed;
  },

  needsNoSample: () => false,

  reason({ selector }, { groups }): string {
    const name = groupOf(selector)!;
    if (groups.some((row) => row.name === name)) return "no group of this name has succeeded.";
    return groups.length === 0
      ? "no group has ended."
      : `no group is named ${name}. The names are ${someOf(groups.map((row) => row.name))}.`;
  },
};

// Checks.

const CHECKS: CheckMetric = { of: "checks", name: "checks", kind: "share", tendency: "either" };

/** The share of checks that passed: of all, or of a name. */
export const CHECK_FAMILY: MetricFamily<CheckMetric> = {
  problemOf: (_metric, target) => bracesProblem(target, "checks"),

  observe({ selector }, { checks }): number | null {
    let [passed, total] = [0, 0];
    for (const row of checks) {
      if (selector !== null && row.name !== selector && row.name.trim() !== selector) continue;
      passed += row.passed;
      total += row.passed + row.failed;
    }
    return total === 0 ? null : passed / total;
  },

  needsNoSample: () => false,

  reason: (_threshold, { checks }) =>
    checks.length === 0
      ? "no check has run."
      : `no check has this name. The names are ${someOf(checks.map(({ name }) => name))}.`,
};

// Metrics of the test file.

/** A metric of a test file, as far as thresholds need to know it. */
interface KnownMetric {
  readonly name: string;
  readonly type: MetricType;
  /** Whether every test has it; it is not listed among those of the test file. */
  readonly isBuiltIn?: boolean;
}

/** The figures of each kind of metric, by the name of the figure in a threshold. */
const CUSTOM_FIGURES: Readonly<Record<MetricType, readonly string[]>> = {
  counter: ["count", "value"],
  gauge: ["value", "min", "max"],
  rate: ["rate", "count"],
  trend: [
    ...["count", "sum", "min", "mean", "max", "stddev"],
    ...["p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99"],
  ],
};

function customMetric(metric: string, given: string): CustomMetric {
  const percent = percentOf(given);
  const figure = percent === null ? GROUP_ALIASES.get(given) ?? given : `p${percent}`;
  return {
    of: "metrics",
    name: `${metric}.${figure}`,
    metric,
    figure,
    kind: figure === "rate" ? "share" : figure === "count" ? "count" : "value",
    tendency: figure === "count" || figure === "max"
      ? "rising"
      : figure === "min"
      ? "falling"
      : "either",
  };
}

/** Figures of the metrics of a test file. */
export const CUSTOM_FAMILY: MetricFamily<CustomMetric> = {
  problemOf({ metric }, target): string | null {
    return target.selector === null
      ? bracesProblem(target, "metrics of the test file")
      : `${metric} is a metric of the test file, which has no requests; remove [${target.selector}]`;
  },

  observe({ metric: { metric, figure } }, { metrics }): number | null {
    const row = metrics.find(({ name }) => name === metric);
    if (row !== undefined) return figureOf(row, figure);
    // To a metric without a row, nothing was added.
    return figure === "count" ? 0 : null;
  },

  needsNoSample: () => false,

  reason: ({ metric: { metric } }: Threshold<CustomMetric>, _statistics: Statistics) =>
    `nothing was added to the metric ${metric}.`,
};

function figureOf(row: MetricRow, figure: string): number | null {
  switch (row.type) {
    case "counter":
      return row.value;
    case "gauge":
      return figure === "min" ? row.min : figure === "max" ? row.max : row.value;
    case "rate":
      return figure === "count" ? row.total : row.rate;
    case "trend": {
      if (figure === "count") return row.count;
      if (figure === "sum") return row.sum;
      const known = FIGURES.get(figure);
      return known === undefined ? null : row.figures[known];
    }
  }
}

/**
 * Checks the thresholds of metrics of the test file, before the run.
 *
 * @param known the metrics that the test file has.
 * @throws UsageError if it does not have one of them, or one has no such figure. It names those that there are.
 */
export function checkCustomMetrics(
  thresholds: readonly Threshold[],
  known: readonly KnownMetric[],
): void {
  for (const { expression, metric } of thresholds) {
    if (metric.of === "metrics") checkCustomMetric(expression, metric, known);
  }
}

function checkCustomMetric(
  expression: string,
  { metric, figure }: CustomMetric,
  known: readonly KnownMetric[],
): void {
  const found = known.find(({ name }) => name === metric);
  if (found === undefined) {
    const own = known.filter(({ isBuiltIn }) => !isBuiltIn).map(({ name }) => name);
    throw new UsageError(
      `Threshold ${expression}: the test file has no metric ${metric}`,
      didYouMean(
        nameHere(metric) ?? nearestWord(metric, known.map(({ name }) => name)),
        own.length === 0
          ? `It has none. Make it at the top of the file: const ${variableOf(metric)} = ` +
            `metrics.trend("${metric}");`
          : `Its metrics are ${someOf(own)}.`,
      ),
    );
  }
  const figures = CUSTOM_FIGURES[found.type];
  if (figures.includes(figure)) return;
  throw new UsageError(
    `Threshold ${expression}: ${metric} is a ${found.type}, which has no ${figure}`,
    `It has ${listed(figures)}.`,
  );
}

/** A metric's name as that of a variable. */
function variableOf(metric: string): string {
  return metric.replaceAll(/[._]+(\w)/g, (_, letter: string) => letter.toUpperCase())
    .replaceAll(/^\d|[._]/g, "_");
}
