import type { LatencySummary, RequestTotals, Statistics } from "../../src/stats/snapshot.ts";

type ExactTotals<Row extends RequestTotals> = Omit<Row, "latencyMs"> & {
  readonly latencyMs: Omit<LatencySummary, "mean" | "stddev">;
};

/** Statistics without what {@link exactStatistics} takes away. */
export interface ExactStatistics extends Omit<Statistics, "totals" | "requests"> {
  readonly totals: ExactTotals<Statistics["totals"]>;
  readonly requests: readonly ExactTotals<Statistics["requests"][number]>[];
}

/** All but the means and deviations, whose last digits depend on the order of adding. */
export function exactStatistics({ totals, requests, ...rest }: Statistics): ExactStatistics {
  return { ...rest, totals: exact(totals), requests: requests.map(exact) };
}

function exact<Row extends RequestTotals>({ latencyMs, ...row }: Row): ExactTotals<Row> {
  const { mean: _, stddev: __, ...rest } = latencyMs;
  return { ...row, latencyMs: rest };
}
