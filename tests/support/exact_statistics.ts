import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import type {
  CodeRow,
  LatencySummary,
  RequestRow,
  RequestTotals,
  Statistics,
} from "../../src/stats/snapshot.ts";
import type { BucketSource } from "../../src/stats/stats_delta.ts";

/** Histograms can only be compared by their buckets. */
type Plain<Row> = Omit<Row, "histogram"> & { readonly buckets: readonly BucketCount[] };

type PlainTotals<Row> = Omit<Plain<Row>, "waits"> & { readonly waits: readonly BucketCount[] };

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

function plainTotals<Row extends Pick<RequestTotals, "histogram" | "waits">>(
  { waits, ...row }: Row,
): Omit<Plain<Omit<Row, "waits">>, "waits"> & { readonly waits: readonly BucketCount[] } {
  return { ...plain(row), waits: bucketsOf(waits.histogram) };
}

function exact<Row extends Pick<RequestTotals, "latencyMs" | "answers">>(
  { latencyMs, answers: _, ...row }: Row,
): Omit<Row, "latencyMs" | "answers"> & Pick<ExactTotals, "latencyMs"> {
  return { ...row, latencyMs: exactTimes(latencyMs) };
}

function exactTimes({ mean: _, stddev: __, ...rest }: LatencySummary): ExactTotals["latencyMs"] {
  return rest;
}
