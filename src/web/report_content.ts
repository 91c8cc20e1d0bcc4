/**
 * What an HTML report says: the data that its page shows.
 *
 * @module
 */

import { ITERATION_NOTE } from "../report/final_report.ts";
import { type LatencyBar, latencyBars } from "../report/latency_bars.ts";
import { compactSummary } from "../report/summary.ts";
import { breakingPointText, verdict } from "../report/verdict.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { liveState, type LiveView } from "./live_view.ts";

/** What a report says of a run that its counts do not know. Nothing here may be secret. */
export interface RunMetadata {
  /** Version of aiotest. */
  readonly version: string;
  /** Version and commit of aiotest, and version of Deno. */
  readonly program: string;
  /** The test file, as it was named. */
  readonly test: string;
  /** Options that were given, or that differ from their defaults. */
  readonly options: readonly OptionFact[];
  readonly machine: MachineFacts;
}

/** One option of a run. */
export interface OptionFact {
  /** As it is written on the command line: `--run-time`. */
  readonly flag: string;
  /** In words; empty where the flag alone says it all. */
  readonly value: string;
}

/** The machine that has written a report: of a local run, the one that has generated the load. */
export interface MachineFacts {
  readonly hostname: string;
  readonly cores: number;
  /** Operating system, its release, and processor. */
  readonly system: string;
}

/** How a run ended, or how far it is. */
export interface ReportVerdict {
  readonly word: string;
  readonly tone: "good" | "bad" | "warning";
  /** What speaks for it, as the beginning of a sentence. */
  readonly facts: string;
}

/** All that a report's page shows. */
export interface ReportContent {
  /** As the dashboard is sent it. */
  readonly view: LiveView;
  readonly verdict: ReportVerdict;
  /** Rising; empty where latencies do not differ. */
  readonly distribution: readonly LatencyBar[];
  /** What a load that was raised until something broke has found, as a sentence; null in other runs. */
  readonly breakingPoint: string | null;
  /** What the latencies of the open model mean; null in the closed one. */
  readonly iterationNote: string | null;
  readonly facts: RunMetadata;
}

/**
 * The data of a report.
 *
 * @param exitCode what the process is about to exit with, or would by now.
 */
export function reportContent(
  snapshot: Snapshot,
  exitCode: number,
  facts: RunMetadata,
): ReportContent {
  const { arrivalRate, breakingPoint, statistics: { totals, iterations } } = snapshot;
  return {
    view: {
      ...compactSummary(snapshot, facts.version),
      exitCode: snapshot.state === "stopped" ? exitCode : null,
      live: { ...liveState(snapshot, { refusal: NO_CONTROL, canStart: false }), log: [] },
    },
    verdict: reportVerdict(snapshot, exitCode),
    distribution: latencyBars(totals, BARS),
    breakingPoint: breakingPoint === null ? null : breakingPointText(breakingPoint),
    iterationNote: arrivalRate === null || iterations === null ? null : ITERATION_NOTE,
    facts,
  };
}

/** As many as are seen at once. */
const BARS = 16;

const NO_CONTROL = "A report changes nothing.";

function reportVerdict(snapshot: Snapshot, exitCode: number): ReportVerdict {
  const { word, facts } = verdict(snapshot, exitCode);
  if (snapshot.state === "stopped") {
    const { text, tone } = word;
    return { word: text, tone: tone === "good" || tone === "bad" ? tone : "warning", facts };
  }
  return {
    word: snapshot.state === "ready" ? "NOT STARTED" : "UNFINISHED",
    tone: "warning",
    facts,
  };
}
