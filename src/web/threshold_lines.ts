/**
 * Where a threshold is a line in a chart: if the chart shows what the threshold judges, in the same unit.
 *
 * @module
 */

import { readThreshold } from "../stats/thresholds.ts";
import type { ThresholdMetric } from "../stats/threshold_metrics.ts";

/** A line at the bound of a threshold. */
export interface ThresholdLine {
  /** The charts that have it, by their ids on the page. */
  readonly charts: readonly string[];
  /** What the charts have to show: the run, or a name, class or group. */
  readonly kind: "run" | "request" | "class" | "group";
  /** The name of a class or group, and of a request optionally with its method; empty for the run. */
  readonly subject: string;
  /** In milliseconds, or per second. */
  readonly value: number;
}

/** The line of a threshold; null if no chart shows what it judges. */
export function thresholdLine(expression: string): ThresholdLine | null {
  const threshold = readThreshold(expression);
  if ("problem" in threshold) return null;
  const { metric, selector, className, tags, bound: value } = threshold;
  const charts = chartsOf(metric);
  // No chart shows some tags, or a name of one class.
  if (charts.length === 0 || tags.length > 0) return null;
  if (selector !== null && className !== null) return null;
  if (className !== null) return { charts, kind: "class", subject: className, value };
  if (selector === null) return { charts, kind: "run", subject: "", value };
  return metric.of === "groups"
    ? { charts, kind: "group", subject: selector.replace(/^group\s+/, ""), value }
    : { charts, kind: "request", subject: selector, value };
}

function chartsOf(metric: ThresholdMetric): readonly string[] {
  const { kind } = metric;
  switch (metric.of) {
    case "requests":
      if (kind === "rate") return ["rates"];
      if (kind !== "time" || metric.ofFailures || metric.ofUnfinished) return [];
      if (metric.ofPhase === undefined) return ["latency", "heat"];
      return metric.ofPhase === "ttfb" ? ["ttfb"] : [];
    case "iterations":
      return kind === "time" ? ["delay"] : [];
    case "groups":
      return kind === "time" ? ["latency"] : [];
    default:
      return [];
  }
}
