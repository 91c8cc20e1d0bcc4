/**
 * What the dashboard shows of earlier runs: their reports, and comparisons of two of them. To make it can take
 * seconds, so a thread does it; see `history_thread.ts`.
 *
 * @module
 */

import { MAX_REGRESSION } from "../core/run_info.ts";
import { VERSION } from "../core/version.ts";
import { compareRuns } from "../report/compare.ts";
import {
  comparisonContent,
  comparisonNotes,
  comparisonTables,
  comparisonVerdict,
} from "../report/compare_report.ts";
import { jsonParts } from "../report/json_parts.ts";
import { runHead } from "../report/run_head.ts";
import { optional, parseSummary, readShaped, readSummary } from "../report/summary_reader.ts";
import { readRun } from "../report/summary_snapshot.ts";
import type { ComparedView, ComparisonView } from "./comparison_view.ts";
import { reportPage } from "./html_report.ts";

/** The summary of a run as its file has it. */
export interface SummaryText {
  /** For messages, and as the name of the run. */
  readonly file: string;
  readonly text: string;
}

/** A body in parts, and the content security policy that it needs if it is a page. */
export interface HistoryBody {
  readonly parts: Iterable<string>;
  readonly policy: string | null;
}

/** The HTML report of a run. Rejects with a UsageError if the file is not a summary. */
export async function reportBody({ file, text }: SummaryText): Promise<HistoryBody> {
  const { snapshot, exitCode, metadata } = readRun(parseSummary(text, file), file);
  return await reportPage(snapshot, exitCode, metadata);
}

/** The comparison of two runs, as JSON. @throws UsageError if one of them is not a summary. */
export function comparisonBody(texts: {
  readonly a: SummaryText;
  readonly b: SummaryText;
}): HistoryBody {
  const a = readText(texts.a);
  const b = readText(texts.b);
  const comparison = compareRuns(a.run, b.run, MAX_REGRESSION);
  const content: ComparisonView = {
    a: a.view,
    b: b.view,
    verdict: comparisonVerdict(comparison),
    notes: comparisonNotes(comparison),
    tables: comparisonTables(comparison),
    comparison: comparisonContent(comparison, { a, b }, VERSION),
  };
  return { parts: jsonParts(content, 0), policy: null };
}

const TIMES = {
  elapsedSeconds: optional("a number of at least 0"),
  pausedSeconds: optional("a number of at least 0"),
  timeline: [{ users: "a whole number of at least 0" }],
} as const;

interface ReadText extends SummaryText {
  readonly run: ReturnType<typeof readSummary>;
  readonly view: ComparedView;
}

function readText({ file, text }: SummaryText): ReadText {
  const content = parseSummary(text, file);
  const run = readSummary(content, file);
  const times = readShaped(content, TIMES, file);
  return {
    ...{ file, text, run },
    view: {
      head: runHead(content, file),
      elapsedSeconds: times.elapsedSeconds ?? run.durationSeconds,
      pausedSeconds: times.pausedSeconds ?? 0,
      timeline: run.timeline.map(({ second, requests, failures, p50, p95, p99 }, at) => ({
        ...{ second, users: times.timeline[at]!.users, requests, failures, p50, p95, p99 },
      })),
    },
  };
}
