/**
 * Metrics as the input of OpenTelemetry's exporters.
 *
 * @module
 */

import type {
  AggregationTemporality,
  DataPoint,
  DataPointType,
  MetricData,
  ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { RunLabels } from "../core/run_info.ts";
import type { HistogramPoint, Labels, MetricFamily, SummaryPoint } from "./metric_families.ts";

/** The run and the time span that metrics belong to. */
export interface OtlpMoment extends RunLabels {
  /** Version of aiotest. */
  readonly version: string;
  readonly runId: string;
  /** When the counters started at 0, in milliseconds since 1970. */
  readonly since: number;
  /** When the metrics were taken, in milliseconds since 1970. */
  readonly at: number;
}

// As numbers, because the package itself is loaded only if metrics are sent.
const CUMULATIVE: AggregationTemporality.CUMULATIVE = 1;
const HISTOGRAM: DataPointType.HISTOGRAM = 0;
const GAUGE: DataPointType.GAUGE = 2;
const SUM: DataPointType.SUM = 3;
const DOUBLE = 1;

/**
 * All metrics that have a point, under the same names as in Prometheus. OpenTelemetry's exporters do
 * not support summaries: each becomes a gauge with the attribute `quantile` and two counters, which
 * look like the original summary to a Prometheus that scrapes the collector.
 */
export function otlpMetrics(
  families: readonly MetricFamily[],
  { version, runId, name, labels, since, at }: OtlpMoment,
): ResourceMetrics {
  const times = { startTime: hrTime(since), endTime: hrTime(at) };
  const resource = otlpResource(version, runId, {
    ...(name === null ? {} : { "aiotest.run.name": name }),
    ...Object.fromEntries(
      Object.entries(labels).map(([key, value]) => [`aiotest.label.${key}`, value]),
    ),
  });
  const metrics = families.flatMap((family) => metricsOf(family, times))
    .filter(({ dataPoints }) => dataPoints.length > 0);
  return { resource, scopeMetrics: [{ scope: { name: "aiotest", version }, metrics }] };
}

/** What sends metrics or spans. */
export type OtlpResource = ResourceMetrics["resource"];

/** The run as a resource. @param more attributes by their names. */
export function otlpResource(
  version: string,
  runId: string,
  more: Readonly<Record<string, string>>,
): OtlpResource {
  const attributes = {
    "service.name": "aiotest",
    "service.version": version,
    "service.instance.id": runId,
    ...more,
  };
  const resource: OtlpResource = {
    attributes,
    merge: (other) => other ?? resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}

type Times = Pick<DataPoint<number>, "startTime" | "endTime">;

function metricsOf(family: MetricFamily, times: Times): MetricData[] {
  const point = <Value>(labels: Labels, value: Value): DataPoint<Value> => ({
    ...times,
    attributes: labels,
    value,
  });
  const base = {
    descriptor: {
      name: family.name,
      description: family.help,
      unit: family.unit,
      valueType: DOUBLE,
    },
    aggregationTemporality: CUMULATIVE,
  };
  switch (family.type) {
    case "histogram": {
      const dataPoints = family.points.map((one) =>
        point(one.labels, bucketsOf(family.bounds, one))
      );
      return [{ ...base, dataPointType: HISTOGRAM, dataPoints }];
    }
    case "summary":
      return family.points.flatMap((one) => summaryOf(family, one))
        .flatMap((one) => metricsOf(one, times));
    case "counter": {
      const dataPoints = family.points.map(({ labels, value }) => point(labels, value));
      return [{ ...base, dataPointType: SUM, isMonotonic: true, dataPoints }];
    }
    default: {
      const dataPoints = family.points.map(({ labels, value }) => point(labels, value));
      return [{ ...base, dataPointType: GAUGE, dataPoints }];
    }
  }
}

function summaryOf(family: MetricFamily, point: SummaryPoint): MetricFamily[] {
  const { name, help, unit } = family;
  const { labels, quantiles, sum, count } = point;
  return [
    {
      ...{ type: "gauge", name, help, unit },
      points: quantiles.map(([share, value]) => ({
        labels: { ...labels, quantile: String(share) },
        value,
      })),
    },
    { type: "counter", name: `${name}_sum`, help, unit, points: [{ labels, value: sum }] },
    { type: "counter", name: `${name}_count`, help, unit: "", points: [{ labels, value: count }] },
  ];
}

function bucketsOf(
  boundaries: readonly number[],
  { cumulative, count, sum }: HistogramPoint,
): { buckets: { boundaries: number[]; counts: number[] }; sum: number; count: number } {
  const upTo = [...cumulative, count];
  const counts = upTo.map((all, i) => all - (upTo[i - 1] ?? 0));
  return { buckets: { boundaries: [...boundaries], counts }, sum, count };
}

/** Milliseconds as OpenTelemetry's exporters take times. */
export function hrTime(ms: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
