import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import type {
  CodeRow,
  LatencySummary,
  PhaseTotals,
  RequestRow,
  RequestTotals,
  Statistics,
} from "../../src/stats/snapshot.ts";
import type { BucketSource, Phase } from "../../src/stats/stats_delta.ts";

/** Histograms can only be compared by their buckets. */
type Plain<Row> = Omit<Row, "histogram"> & { readonly buckets: readonly BucketCount[] };

/** Phases without the figures, which follow from the buckets. */
type PlainPhases =
  & Pick<PhaseTotals, "opened" | "reused">
  & Readonly<Record<Phase, readonly BucketCount[]>>;

type PlainTotals<Row> = Omit<Plain<Row>, "waits" | "phases"> & {
  readonly waits: readonly BucketCount[];
  readonly phases: PlainPhases;
};

type ExactTotals = Omit<PlainTotals<RequestTotals>, "latencyMs" | "answers"> & {
  readonly latencyMs: Omit<LatencySummary, "mean" | "stddev">;
};

/** Statistics in which everything can be compared. */
export interface PlainStatistics extends Omit<Statistics, "totals" | "requests"> {
  readonly totals: PlainTotals<RequestTotals>;
  readonly requests: readonly (Omit<PlainTotals<RequestRow>, "codes"> & {
    readonly codes: readonly Plain<CodeRow>[];
  })[];
}

/** Statistics without the values that {@link exactStatistics} removes. */
export interface ExactStatistics extends Omit<Statistics, "totals" | "requests" | "iterations"> {
  readonly totals: ExactTotals;
  readonly requests: readonly (Omit<RequestRow, keyof RequestTotals | "codes"> & ExactTotals & {
    readonly codes: readonly Omit<Plain<CodeRow>, "latencySumMs">[];
  })[];
  readonly iterations: unknown;
}

/** The buckets of a histogram that are not empty, in rising order. */
export function bucketsOf(source: BucketSource): BucketCount[] {
  const histogram = new Histogram();
  histogram.merge(source);
  return [...histogram.buckets()];
}

/** The same with buckets instead of histograms. */
export function plainStatistics({ totals, requests, ...rest }: Statistics): PlainStatistics {
  return {
    ...rest,
    totals: plainTotals(totals),
    requests: requests.map(({ codes, ...row }) => ({
      ...plainTotals(row),
      codes: codes.map(plain),
    })),
  };
}

/** Everything but means, deviations and sums, whose last digits depend on the order of addition. */
export function exactStatistics(statistics: Statistics): ExactStatistics {
  const { totals, requests, iterations, ...rest } = plainStatistics(statistics);
  return {
    ...rest,
    totals: exact(totals),
    requests: requests.map(({ codes, ...row }) => ({
      ...exact(row),
      codes: codes.map(({ latencySumMs: _, ...code }) => code),
    })),
    iterations: iterations === null ? null : {
      ...iterations,
      serviceTimeMs: exactTimes(iterations.serviceTimeMs),
      startDelayMs: exactTimes(iterations.startDelayMs),
    },
  };
}

function plain<Row extends { readonly histogram: BucketSource }>(
  { histogram, ...row }: Row,
): Plain<Row> {
  return { ...row, buckets: bucketsOf(histogram) };
}

function plainTotals<Row extends Pick<RequestTotals, "histogram" | "waits" | "phases">>(
  { waits, phases, ...row }: Row,
): Omit<Plain<Omit<Row, "waits" | "phases">>, "waits" | "phases"> & {
  readonly waits: readonly BucketCount[];
  readonly phases: PlainPhases;
} {
  return { ...plain(row), waits: bucketsOf(waits.histogram), phases: plainPhases(phases) };
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

function exact<Row extends Pick<RequestTotals, "latencyMs" | "answers">>(
  { latencyMs, answers: _, ...row }: Row,
): Omit<Row, "latencyMs" | "answers"> & Pick<ExactTotals, "latencyMs"> {
  return { ...row, latencyMs: exactTimes(latencyMs) };
}

function exactTimes({ mean: _, stddev: __, ...rest }: LatencySummary): ExactTotals["latencyMs"] {
  return rest;
}
