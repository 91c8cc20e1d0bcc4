/**
 * A list of runs as text and as JSON.
 *
 * @module
 */

import { jsonParts } from "./json_parts.ts";
import { formatBound, formatLatency, formatRate, formatShare } from "./quantity.ts";
import type { RunHead, RunVerdict } from "./run_head.ts";
import type { KeptRun } from "./run_history.ts";
import { renderLine, type Span, span, type Tone } from "./terminal.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

const MIN_COLUMNS = 80;

const COLUMNS: readonly TableColumn[] = [
  { title: "ID", align: "left" },
  { title: "Started (UTC)", align: "left" },
  { title: "Run", align: "left", elastic: true, wraps: true },
  { title: "Verdict", align: "left" },
  { title: "Req/s", align: "right" },
  { title: "95% ms", align: "right" },
  { title: "Fail%", align: "right" },
];

const TONES: Readonly<Record<RunVerdict, Tone>> = {
  "passed": "good",
  "failed": "bad",
  "nothing measured": "warning",
  "running": "busy",
  "interrupted": "warning",
  "unreadable": "warning",
};

/**
 * The list as text. It ends with a newline, and no line is too long.
 *
 * @param runs in the order of the list.
 * @param size less than 80 columns counts as 80.
 */
export function historyTable(runs: readonly KeptRun[], { columns, color }: TableSize): string {
  const size = { columns: Math.max(MIN_COLUMNS, columns), color };
  const { header, rule, rows } = textTable(COLUMNS, runs.map(cellsOf), size);
  const lines = [header, rule, ...rows.map((row) => row.trimEnd())];
  return lines.map((line) => `${line}\n`).join("");
}

function cellsOf({ id, shortId, verdict, head, problem }: KeptRun): Span[] {
  const word = span(verdict, TONES[verdict]);
  if (head === null) {
    return [span(shortId), span(startOf(id)), span(problem ?? "", "quiet"), word, ...NO_FIGURES];
  }
  const { rate, p95, errorRate, requests, lowerBounds } = head;
  return [
    span(shortId),
    span(startOf(id)),
    nameOf(head),
    word,
    span(formatRate(rate)),
    span(formatBound(formatLatency(p95), lowerBounds.includes("p95"))),
    span(requests === 0 ? "-" : formatShare(errorRate), errorRate > 0 ? "bad" : "plain"),
  ];
}

const NO_FIGURES: readonly Span[] = ["-", "-", "-"].map((text) => span(text, "quiet"));

/** The name of a run, or the test file of one without, and its labels. */
function nameOf({ name, labels, test }: RunHead): Span {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return span([name ?? test, ...pairs].join(" "));
}

/** The start of a run, from its id: to the minute. */
function startOf(id: string): string {
  return id.replace(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d).*$/, "$1-$2-$3 $4:$5");
}

/** What `aiotest history --json` prints: a line that is JSON, in parts. */
export function* historyJson(
  runs: readonly KeptRun[],
  { directory, version }: { readonly directory: string; readonly version: string },
): Generator<string> {
  yield* jsonParts({ schema: 1, aiotest: version, directory, runs: runs.map(listedRun) }, 2);
  yield "\n";
}

/** A run as programs and pages see it. */
export interface ListedRun extends Pick<KeptRun, "id" | "verdict" | "problem">, Partial<RunHead> {}

/** A run of a list, with its facts beside its verdict. */
export function listedRun({ id, verdict, head, problem }: KeptRun): ListedRun {
  return { id, verdict, problem, ...head };
}

/** A sentence in place of a list without runs. */
export function noRunsText(
  directory: string,
  name: string | null,
  { columns, color }: TableSize,
): string {
  const text = name === null
    ? `There are no runs in ${directory}.`
    : `There are no runs named ${name} in ${directory}.`;
  return `${renderLine([span(text)], Math.max(MIN_COLUMNS, columns), color)}\n`;
}
