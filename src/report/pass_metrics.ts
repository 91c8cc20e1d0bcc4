import type { IterationSummary, LatencySummary } from "../stats/snapshot.ts";
import type { MetricFamily, SummaryPoint } from "./metric_family.ts";

/** Metrics of what became of the passes that were meant to begin; without points where none are counted. */
export function passMetrics(iterations: IterationSummary | null): MetricFamily[] {
  const counter = (
    name: string,
    help: string,
    count: (of: IterationSummary) => number,
  ): MetricFamily => ({
    type: "counter",
    name: `aiotest_passes_${name}_total`,
    help,
    unit: "",
    points: iterations === null ? [] : [{ labels: {}, value: count(iterations) }],
  });
  const times = (
    name: string,
    help: string,
    point: (of: IterationSummary) => SummaryPoint,
  ): MetricFamily => ({
    type: "summary",
    name: `aiotest_pass_${name}_seconds`,
    help,
    unit: "s",
    points: iterations === null ? [] : [point(iterations)],
  });
  return [
    counter("scheduled", "Passes whose time to start had come.", ({ scheduled }) => scheduled),
    counter("started", "Passes that a user began, in time or late.", ({ started }) => started),
    counter("completed", "Passes that a user has ended.", ({ completed }) => completed),
    counter(
      "dropped",
      "Passes that no user began: all were busy, or the test was over.",
      ({ dropped }) => dropped,
    ),
    times(
      "start_delay",
      "How late passes began, over the whole run.",
      ({ startDelayMs, started }) => summaryOf(startDelayMs, started),
    ),
    times(
      "service_time",
      "From a pass's real start to its end, over the whole run.",
      ({ serviceTimeMs, completed }) => summaryOf(serviceTimeMs, completed),
    ),
  ];
}

function summaryOf({ p50, p95, p99, p999, mean }: LatencySummary, count: number): SummaryPoint {
  const known = [[0.5, p50], [0.95, p95], [0.99, p99], [0.999, p999]] as const;
  return {
    labels: {},
    quantiles: known.flatMap(([share, ms]) => ms === null ? [] : [[share, ms / 1000] as const]),
    count,
    sum: (mean ?? 0) * count / 1000,
  };
}
