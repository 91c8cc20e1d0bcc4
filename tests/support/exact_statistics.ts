import { histogramOf } from "../../src/report/summary.ts";
import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import type {
  ClassRow,
  CodeLatencies,
  CodeRow,
  GroupRow,
  History,
  IterationSummary,
  LatencyHeatMap,
  LatencySummary,
  MetricRow,
  PhaseTotals,
  RequestRow,
  RequestTotals,
  Statistics,
  TagRow,
} from "../../src/stats/snapshot.ts";
import type { BucketSource, Phase } from "../../src/stats/stats_delta.ts";

/** What a history has counted, however it is divided into steps. */
export function historySums({ kind, method, name, requests, failures }: History): string {
  const [all, failed] = [requests, failures]
    .map((column) => column.reduce((sum, count) => sum + count, 0));
  return `${kind} ${method} ${name}: ${all} requests, ${failed} failed`;
}

/** What all columns of a heat map have counted, by bucket. */
export function heatSums({ histograms }: LatencyHeatMap): readonly BucketCount[] {
  const sum = new Histogram();
  for (const text of histograms) sum.merge(histogramOf(text));
  return [...sum.buckets()];
}

/** The latencies of one code, of which only the buckets can be compared. */
export interface PlainCodeLatencies {
  readonly sum: number;
  readonly buckets: readonly BucketCount[];
}

type PlainCode = Omit<CodeRow, "latencies" | "failureLatencies"> & {
  readonly latencies: PlainCodeLatencies | null;
  readonly failureLatencies: PlainCodeLatencies | null;
};

type ExactCode = Omit<CodeRow, "latencies" | "failureLatencies"> & {
  readonly latencies: readonly BucketCount[] | null;
  readonly failureLatencies: readonly BucketCount[] | null;
};

/** Phases without the figures, which follow from the buckets. */
type PlainPhases =
  & Pick<PhaseTotals, "opened" | "reused">
  & Readonly<Record<Phase, readonly BucketCount[]>>;

/** Histograms can only be compared by their buckets. */
type PlainTotals<Row> = Omit<Row, "histogram" | "failureHistogram" | "waits" | "phases"> & {
  readonly buckets: readonly BucketCount[];
  readonly failureBuckets: readonly BucketCount[];
  readonly waits: readonly BucketCount[];
  readonly phases: PlainPhases;
};

type ExactTotals =
  & Omit<PlainTotals<RequestTotals>, "latencyMs" | "failureLatencyMs" | "successes">
  & {
    readonly latencyMs: ExactTimes;
    readonly failureLatencyMs: ExactTimes;
  };

type ExactTimes = Omit<LatencySummary, "mean" | "stddev">;

/** The groups of a name with buckets. */
type PlainGroup = Omit<GroupRow, "histogram"> & { readonly buckets: readonly BucketCount[] };

/** The requests of one name with buckets. */
type PlainRequest = Omit<PlainTotals<RequestRow>, "codes" | "tags"> & {
  readonly codes: readonly PlainCode[];
  readonly tags: readonly PlainTotals<TagRow>[];
};

/** The counts of one class with buckets. */
type PlainClass = Omit<ClassRow, "totals" | "requests"> & {
  readonly totals: PlainTotals<RequestTotals>;
  readonly requests: readonly PlainRequest[];
};

/** Statistics in which everything can be compared. */
export interface PlainStatistics
  extends Omit<Statistics, "totals" | "requests" | "groups" | "classes"> {
  readonly groups: readonly PlainGroup[];
  readonly totals: PlainTotals<RequestTotals>;
  readonly requests: readonly PlainRequest[];
  readonly classes: readonly PlainClass[];
}

type ExactRequest = Omit<RequestRow, keyof RequestTotals | "codes" | "tags"> & ExactTotals & {
  readonly codes: readonly ExactCode[];
  readonly tags: readonly unknown[];
};

/** Statistics without the values that {@link exactStatistics} removes. */
export interface ExactStatistics extends
  Omit<
    Statistics,
    "totals" | "requests" | "iterations" | "groups" | "metrics" | "classes" | "heatMap"
  > {
  readonly totals: ExactTotals;
  readonly requests: readonly ExactRequest[];
  readonly iterations: unknown;
  readonly classes: readonly unknown[];
  readonly groups: readonly unknown[];
  readonly metrics: readonly unknown[];
  readonly heatMap: readonly BucketCount[];
}

/** The buckets of a histogram that are not empty, in rising order. */
export function bucketsOf(source: BucketSource): BucketCount[] {
  const histogram = new Histogram();
  histogram.merge(source);
  return [...histogram.buckets()];
}

/** The same with buckets instead of histograms. */
export function plainStatistics(
  { totals, requests, groups, classes, ...rest }: Statistics,
): PlainStatistics {
  return {
    ...rest,
    classes: classes.map((row) => ({
      ...row,
      totals: plainTotals(row.totals),
      requests: row.requests.map(plainRequest),
    })),
    groups: groups.map(({ histogram, ...row }) => ({ ...row, buckets: bucketsOf(histogram) })),
    totals: plainTotals(totals),
    requests: requests.map(plainRequest),
  };
}

function plainRequest({ codes, tags, ...row }: RequestRow): PlainRequest {
  return {
    ...plainTotals(row),
    codes: codes.map(plainCode),
    tags: tags.map((tag) => plainTotals(tag)),
  };
}

/** Everything but means, deviations and sums, whose last digits depend on the order of addition. */
export function exactStatistics(statistics: Statistics): ExactStatistics {
  const { totals, requests, iterations, groups, metrics, classes, ...rest } = plainStatistics(
    statistics,
  );
  return {
    ...rest,
    heatMap: heatSums(rest.heatMap),
    groups: groups.map(exactGroup),
    metrics: metrics.map(exactMetric),
    totals: exact(totals),
    requests: requests.map(exactRequest),
    iterations: exactIterations(iterations),
    classes: classes.map((row) => ({
      ...row,
      totals: exact(row.totals),
      requests: row.requests.map(exactRequest),
      iterations: exactIterations(row.iterations),
    })),
  };
}

function exactRequest({ codes, tags, ...row }: PlainRequest): ExactRequest {
  return {
    ...exact(row),
    codes: codes.map(({ latencies, failureLatencies, ...code }) => ({
      ...code,
      latencies: latencies?.buckets ?? null,
      failureLatencies: failureLatencies?.buckets ?? null,
    })),
    tags: tags.map((tag) => exact(tag)),
  };
}

function exactIterations(iterations: IterationSummary | null): unknown {
  return iterations === null ? null : {
    ...iterations,
    serviceTimeMs: exactTimes(iterations.serviceTimeMs),
    startDelayMs: exactTimes(iterations.startDelayMs),
  };
}

function exactGroup({ sum: _, ...row }: PlainGroup): unknown {
  return {
    ...row,
    durationMs: exactTimes(row.durationMs),
    failureDurationMs: exactTimes(row.failureDurationMs),
    requestsMs: exactTimes(row.requestsMs),
  };
}

function exactMetric(row: MetricRow): unknown {
  return row.type === "trend" ? { ...row, figures: exactTimes(row.figures) } : row;
}

function plainCode({ latencies, failureLatencies, ...code }: CodeRow): PlainCode {
  const plain = (times: CodeLatencies | null): PlainCodeLatencies | null =>
    times && { sum: times.sum, buckets: bucketsOf(times.histogram) };
  return { ...code, latencies: plain(latencies), failureLatencies: plain(failureLatencies) };
}

function plainTotals<
  Row extends Pick<RequestTotals, "histogram" | "failureHistogram" | "waits" | "phases">,
>(
  { histogram, failureHistogram, waits, phases, ...row }: Row,
): PlainTotals<Row> {
  return {
    ...row,
    buckets: bucketsOf(histogram),
    failureBuckets: bucketsOf(failureHistogram),
    waits: bucketsOf(waits.histogram),
    phases: plainPhases(phases),
  };
}

/** Connections, and the buckets of each phase. */
export function plainPhases({ opened, reused, times }: PhaseTotals): PlainPhases {
  const { dns, connect, tls, ttfb, download } = times;
  return {
    opened,
    reused,
    dns: bucketsOf(dns.histogram),
    connect: bucketsOf(connect.histogram),
    tls: bucketsOf(tls.histogram),
    ttfb: bucketsOf(ttfb.histogram),
    download: bucketsOf(download.histogram),
  };
}

function exact<Row extends Pick<RequestTotals, "latencyMs" | "failureLatencyMs" | "successes">>(
  { latencyMs, failureLatencyMs, successes: _, ...row }: Row,
):
  & Omit<Row, "latencyMs" | "failureLatencyMs" | "successes">
  & Pick<ExactTotals, "latencyMs" | "failureLatencyMs"> {
  return {
    ...row,
    latencyMs: exactTimes(latencyMs),
    failureLatencyMs: exactTimes(failureLatencyMs),
  };
}

function exactTimes({ mean: _, stddev: __, ...rest }: LatencySummary): ExactTimes {
  return rest;
}
