/**
 * How thresholds of requests and of iterations are judged: which rows they select, and what they say without
 * a sample.
 *
 * @module
 */

import { CLASS_KEY, readTags, tagText } from "../core/tags.ts";
import type { IterationSummary, RequestRow, RequestTotals, Statistics } from "./snapshot.ts";
import type { Phase } from "./stats_delta.ts";
import {
  hasSample,
  holds,
  isLowerBound,
  isUpperBound,
  type IterationMetric,
  type MetricFamily,
  RequestMeasure,
  type RequestMetric,
  someOf,
  type Threshold,
  type ThresholdTarget,
} from "./threshold_metrics.ts";

/** Metrics of requests: of all, of a name, of a user class, or of those with some tags. */
export const REQUEST_FAMILY: MetricFamily<RequestMetric> = {
  problemOf: () => null,

  observe(threshold, statistics, isOver): number | null {
    const { metric } = threshold;
    const parts = partsOf(threshold, statistics);
    // A request without an answer can cross a threshold, but not hold it.
    const measure = new RequestMeasure(parts, statistics.timeline, !isLowerBound(threshold));
    if (!hasSample(metric, measure)) return asksForNone(threshold) ? 0 : null;
    const isTooLow = !isOver && isLowerBound(threshold) && metric.observeSoFar !== undefined;
    const observed = isTooLow ? metric.observeSoFar!(measure) : metric.observe(measure);
    const isBound = isOfSuccesses(metric) && measure.successes === 0;
    return isBound && holds(threshold, observed) ? null : observed;
  },

  // A threshold that limits how long failed requests take holds if none of the requests failed.
  needsNoSample(threshold, statistics): boolean {
    return threshold.metric.ofFailures === true && isUpperBound(threshold) &&
      partsOf(threshold, statistics).some(({ requests }) => requests > 0);
  },

  reason(threshold, statistics): string {
    const { metric, selector, className, tags } = threshold;
    const parts = partsOf(threshold, statistics);
    const measured = parts.some(({ requests }) => requests > 0);
    if (metric.ofPhase !== undefined && measured) return ABSENT_PHASES[metric.ofPhase];
    if (measured && metric.ofFailures) return "no request failed.";
    if (measured && isOfSuccesses(metric)) return "no request succeeded.";
    const rows = rowsOf(className, statistics);
    const named = rows.filter((row) => selects(selector, row));
    if (named.length > 0 && tags.length > 0 && parts.length === 0) {
      return `no request has the ${tags.length === 1 ? "tag" : "tags"} ${
        tags.map(([key, value]) => tagText(key, value)).join(", ")
      }. ${tagsThereAre(named)}`;
    }
    if (rows.length === 0 || named.length > 0) {
      return className === null ? "no request has ended." : `no request of ${className} has ended.`;
    }
    const names = rows.map(({ method, name }) => `${method} ${name}`);
    return `no request${className === null ? "" : ` of ${className}`} is named ${selector}. ` +
      `The names are ${someOf(names)}.`;
  },
};

/** Metrics of iterations: of all, or of a user class. */
export const ITERATION_FAMILY: MetricFamily<IterationMetric> = {
  problemOf(_metric, { selector, tags }, name): string | null {
    if (selector !== null) {
      return `${name} is a metric of iterations, which have no names; remove [${selector}]`;
    }
    if (tags.length === 0) return null;
    return `${name} is a metric of iterations, which have no tags; only {${CLASS_KEY}=…} can follow it`;
  },

  observe({ metric, className }, statistics): number | null {
    const iterations = iterationsOf(className, statistics);
    return iterations === null ? null : metric.observe(iterations);
  },

  needsNoSample: () => false,

  reason({ className }, statistics): string {
    return iterationsOf(className, statistics) === null
      ? "iterations are counted only with --arrival-rate or --iterations."
      : "no iteration got far enough to be measured.";
  },
};

/** Whether a selector, which is a name or a method and a name, matches a request. */
export function selects(
  selector: string | null,
  { method, name }: { readonly method: string; readonly name: string },
): boolean {
  if (selector === null || selector === name || selector === `${method} ${name}`) return true;
  // Spaces around a selector do not count.
  return selector === name.trim() || selector === `${method} ${name}`.trim();
}

/** The rows that together are all requests that a threshold measures. */
function partsOf(
  { selector, className, tags }: ThresholdTarget,
  statistics: Statistics,
): readonly RequestTotals[] {
  if (selector === null && tags.length === 0) {
    if (className === null) return [statistics.totals];
    return statistics.classes.filter(({ name }) => name === className).map(({ totals }) => totals);
  }
  const rows = rowsOf(className, statistics).filter((row) => selects(selector, row));
  if (tags.length === 0) return rows;
  return rows.flatMap((row) => row.tags.filter((part) => hasTags(part.tags, tags)));
}

function rowsOf(
  className: string | null,
  { requests, classes }: Statistics,
): readonly RequestRow[] {
  if (className === null) return requests;
  return classes.find(({ name }) => name === className)?.requests ?? [];
}

/** Whether the tags of a row include all of these. */
function hasTags(text: string, tags: ThresholdTarget["tags"]): boolean {
  const known = readTags(text);
  return typeof known !== "string" &&
    tags.every(([key, value]) => known.some((pair) => pair[0] === key && pair[1] === value));
}

function tagsThereAre(rows: readonly RequestRow[]): string {
  const texts = new Set<string>();
  for (const { tags } of rows) for (const row of tags) texts.add(row.tags);
  return texts.size === 0
    ? "These requests have no tags."
    : `The tags are ${someOf([...texts].map((text) => `{${text}}`))}.`;
}

function iterationsOf(
  className: string | null,
  { iterations, classes }: Statistics,
): IterationSummary | null {
  if (className === null) return iterations;
  return classes.find(({ name }) => name === className)?.iterations ?? null;
}

/** Whether a metric measures the latencies of successful requests. */
function isOfSuccesses({ kind, ofPhase, ofFailures }: RequestMetric): boolean {
  return kind === "time" && ofPhase === undefined && ofFailures === undefined;
}

/** Whether the threshold demands that there are no such requests. */
function asksForNone(threshold: Threshold<RequestMetric>): boolean {
  return threshold.metric.counts === true && holds(threshold, 0) && !holds(threshold, 1);
}

/** Why a part of the requests has no times. */
const ABSENT_PHASES: Readonly<Record<Phase, string>> = {
  dns: "no request had to look up an address, as far as its user class can tell.",
  connect: "no request opened a connection, as far as its user class can tell.",
  tls: "no request needed a TLS handshake, as far as its user class can tell.",
  ttfb: "no request had a response.",
  download: "no request had a response.",
};
