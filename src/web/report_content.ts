/**
 * The data of an HTML report.
 *
 * @module
 */

import { ITERATION_NOTE } from "../report/final_report.ts";
import { type LatencyBar, latencyBars } from "../report/latency_bars.ts";
import { type CompactRequest, type RunMetadata } from "../report/summary.ts";
import { verdict } from "../report/verdict.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { type LiveView, liveView } from "./live_view.ts";

/** A run as the dashboard's page receives it, without what a report does not show of each name. */
export interface ReportView extends Omit<LiveView, "requests"> {
  readonly requests: readonly Omit<
    CompactRequest,
    "statuses" | "retries" | "bytesSent" | "inProgress"
  >[];
}

/** The verdict on a run with its reasons; before its end, how far it has got. */
export interface ReportVerdict {
  readonly word: string;
  readonly tone: "good" | "bad" | "warning";
  /** The grounds for the verdict, without a capital letter and a full stop. */
  readonly reasons: string;
}

/** Everything that a report's page shows. */
export interface ReportContent {
  readonly view: ReportView;
  readonly verdict: ReportVerdict;
  /** In ascending order; empty if all latencies are equal. */
  readonly distribution: readonly LatencyBar[];
  /** What latencies mean in the open model; null in the closed model. */
  readonly iterationNote: string | null;
  readonly metadata: RunMetadata;
}

/**
 * Collects the data of a report.
 *
 * @param exitCode what the process is about to exit with; null if the run is still going.
 */
export function reportContent(
  snapshot: Snapshot,
  exitCode: number | null,
  metadata: RunMetadata,
): ReportContent {
  const { arrivalRate, statistics: { totals, iterations } } = snapshot;
  const view = liveView(snapshot, {
    version: metadata.version,
    exitCode,
    permissions: { denial: "A report cannot control a run.", canStart: false, series: null },
    log: [],
  });
  return {
    view: { ...view, requests: view.requests.map(withoutUnshown) },
    verdict: reportVerdict(snapshot, exitCode),
    distribution: latencyBars(totals, BARS),
    iterationNote: arrivalRate === null || iterations === null ? null : ITERATION_NOTE,
    metadata,
  };
}

/** A name without what the page does not show: a report may have thousands of names. */
function withoutUnshown(
  { statuses: _, retries: __, bytesSent: ___, inProgress: ____, ...row }: CompactRequest,
): ReportView["requests"][number] {
  return row;
}

/** Few enough to be read at a glance. */
const BARS = 16;

function reportVerdict(snapshot: Snapshot, exitCode: number | null): ReportVerdict {
  const { word: { text, tone }, facts: reasons } = verdict(snapshot, exitCode);
  return { word: text, tone: tone === "good" || tone === "bad" ? tone : "warning", reasons };
}
