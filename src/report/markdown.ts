/**
 * Reports in Markdown, for the summary of a CI job or a comment on a merge request: of a run, and of the
 * comparison of two runs.
 *
 * They use what GitHub and GitLab have in common: tables, and a few HTML elements. They are short enough for a
 * comment, because each table has a limit of bytes.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import type {
  FailureRow,
  GroupRow,
  LatencyFigure,
  RequestRow,
  RequestTotals,
  Snapshot,
  ThresholdRow,
  UserErrorRow,
} from "../stats/snapshot.ts";
import { failedThresholds, observedText } from "../stats/thresholds.ts";
import { groupLowerBounds, lowerBoundsOf } from "../stats/unanswered.ts";
import type { Comparison } from "./compare.ts";
import {
  comparisonNotes,
  type ComparisonPart,
  type ComparisonTable,
  comparisonTables,
  comparisonVerdict,
  type NamedRun,
  runFacts,
} from "./compare_report.ts";
import { formatAmount, formatCount, formatElapsed, formatRate, formatShare } from "./quantity.ts";
import { latencyCells, metricText } from "./report_tables.ts";
import { shorten, type Span } from "./terminal.ts";
import { breakingPointText, verdict } from "./verdict.ts";

/**
 * The Markdown of a run: its verdict and thresholds, the tables of requests, groups, checks and metrics, the most
 * frequent failures and errors, and the warnings. Names and errors are shown as they are, and nothing in them is
 * Markdown. It has at most 60,000 bytes, which fits into a comment on GitHub (65,536) and into a job's summary
 * (1 MiB): a table that would be too long says how many rows were left out.
 *
 * @param exitCode that of the process; `null` if the run is still going.
 */
export function* markdownReport(snapshot: Snapshot, exitCode: number | null): Generator<string> {
  const { word, facts } = verdict(snapshot, exitCode);
  const { name, breakingPoint, warnings } = snapshot;
  yield `## ${MARKS[word.tone] ?? "⚠️"} ${name === null ? "" : `${code(name)} `}${word.text}\n`;
  yield `\n${paragraph(facts)}\n`;
  yield `\n${paragraph(runLine(snapshot))}\n`;
  if (breakingPoint !== null) yield `\n**${paragraph(breakingPointText(breakingPoint))}**\n`;
  yield* table(thresholdTable(snapshot));
  yield* table(requestTable(snapshot));
  yield* table(groupTable(snapshot));
  yield* table(checkTable(snapshot));
  yield* table(metricTable(snapshot));
  yield* table(failureTable(snapshot.statistics.failures));
  yield* table(userErrorTable(snapshot.statistics.userErrors));
  yield* notes(warnings);
}

/**
 * The Markdown of a comparison: its verdict, and the figures of both runs. It has at most 60,000 bytes, as
 * {@link markdownReport}; names with a regression are the last to be left out.
 */
export function* comparisonMarkdown(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
): Generator<string> {
  const { word, reasons } = comparisonVerdict(comparison);
  yield `## ${MARKS[word.tone] ?? "⚠️"} Comparison: ${word.text}\n`;
  yield `\n${paragraph(reasons)}\n\n`;
  for (const [label, run] of [["A", runs.a], ["B", runs.b]] as const) {
    yield `- ${label}: ${code(run.file)}, ${paragraph(runFacts(run))}\n`;
  }
  for (const [at, one] of comparisonTables(comparison).entries()) {
    yield* table(comparedTable(one, at === 0 ? 24_000 : 6_000));
  }
  yield* notes(comparisonNotes(comparison));
}

const MARKS: Readonly<Partial<Record<Span["tone"], string>>> = { good: "✅", bad: "❌" };

function runLine(
  { runId, mode, workers, durationSeconds, pausedSeconds, users, labels }: Snapshot,
): string {
  return [
    `Run ${runId}`,
    mode === "local" ? mode : `${mode} on ${formatAmount(workers.length, "worker")}`,
    formatElapsed(durationSeconds),
    ...(pausedSeconds === 0 ? [] : [`paused for ${formatElapsed(pausedSeconds)}`]),
    `up to ${formatAmount(users.peak, "user")}`,
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
  ].join(", ");
}

/** A table of a report. Its cells are Markdown. */
interface Table {
  readonly title: string;
  /** Titles of columns; numbers are aligned to the right. */
  readonly columns: readonly (string | { readonly number: string })[];
  readonly rows: readonly Row[];
  /** The most bytes that its rows may have together. */
  readonly limit: number;
}

interface Row {
  readonly cells: readonly string[];
  /** Rows with a low number are the last to be left out. */
  readonly rank: number;
}

/** Nothing, if the table has no rows. */
function* table({ title, columns, rows, limit }: Table): Generator<string> {
  if (rows.length === 0) return;
  const titles = columns.map((column) => typeof column === "string" ? column : column.number);
  const rules = columns.map((column) => typeof column === "string" ? "---" : "---:");
  yield `\n### ${title}\n\n${line(titles)}${line(rules)}`;
  const lines = rows.map(({ cells }) => line(cells));
  const shown = within(lines, rows.map(({ rank }) => rank), limit);
  for (const [at, text] of lines.entries()) if (shown.has(at)) yield text;
  const left = rows.length - shown.size;
  if (left > 0) yield leftOut(left);
}

function leftOut(rows: number): string {
  return `\n${formatAmount(rows, "more row was", "more rows were")} left out.\n`;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

/** The indexes of the lines that have at most `limit` bytes together: those with the lowest ranks. */
function within(
  lines: readonly string[],
  ranks: readonly number[],
  limit: number,
): ReadonlySet<number> {
  const shown = new Set<number>();
  let left = limit;
  const order = [...lines.keys()].sort((a, b) => ranks[a]! - ranks[b]! || a - b);
  for (const at of order) {
    left -= ENCODER.encode(lines[at]).length;
    if (left < 0) break;
    shown.add(at);
  }
  return shown;
}

const ENCODER = new TextEncoder();

/** Notes as a list. */
function* notes(texts: readonly string[]): Generator<string> {
  const lines = texts.map((text) => `- ⚠️ ${paragraph(text)}\n`);
  const shown = within(lines, lines.map(() => 0), 5_000);
  if (shown.size > 0) yield "\n";
  for (const at of shown) yield lines[at]!;
  const left = lines.length - shown.size;
  if (left > 0) yield leftOut(left);
}

function thresholdTable(snapshot: Snapshot): Table {
  const failed = failedThresholds(snapshot);
  const isJudged = snapshot.startedAt !== null;
  const result = (row: ThresholdRow): string =>
    row.passed === false
      ? `${failed.includes(row) ? "❌" : "⚠️"} crossed`
      : isJudged && row.passed !== null
      ? "✅ passed"
      : "not judged";
  return {
    title: "Thresholds",
    columns: ["Threshold", { number: "Observed" }, "Result"],
    rows: snapshot.thresholds.map((row) => ({
      cells: [code(row.expression), prose(observedText(row)), result(row)],
      rank: Number(row.passed ?? true),
    })),
    limit: 7_000,
  };
}

const FIGURES: readonly LatencyFigure[] = ["p50", "p95", "p99", "max"];

const FIGURE_COLUMNS = ["p50", "p95", "p99", "max"].map((number) => ({ number }));

function requestTable({ statistics: { requests, totals } }: Snapshot): Table {
  const withUnfinished = totals.unfinished.count > 0;
  const cells = (row: RequestTotals): string[] => [
    formatCount(row.requests),
    failureCell(row.failures, row.errorRate),
    ...(withUnfinished ? [formatCount(row.unfinished.count)] : []),
    formatRate(row.rate),
    ...latencyCells(row.latencyMs, FIGURES, lowerBoundsOf(row)).map(({ text }) => text),
  ];
  const row = (one: RequestRow): Row => ({
    cells: [`${code(`${one.method} ${one.name}`)}`, ...cells(one)],
    // Busy names, and before them those with failures.
    rank: -one.requests - (one.failures > 0 ? Number.MAX_SAFE_INTEGER / 2 : 0),
  });
  const all = { cells: ["**All requests**", ...cells(totals)], rank: -Infinity };
  return {
    title: `Requests, latency ${totals.failures > 0 ? "of successes " : ""}in ms`,
    columns: [
      "Request",
      { number: "Requests" },
      { number: "Failures" },
      ...(withUnfinished ? [{ number: "Unfinished" }] : []),
      { number: "Requests/s" },
      ...FIGURE_COLUMNS,
    ],
    rows: requests.length === 0 ? [] : [...requests.map(row), all],
    limit: 14_000,
  };
}

function failureCell(failures: number, rate: number): string {
  return failures === 0 ? "0" : prose(`${formatCount(failures)} (${formatShare(rate)})`);
}

function groupTable({ statistics: { groups } }: Snapshot): Table {
  const row = (one: GroupRow): Row => ({
    cells: [
      code(one.name),
      formatCount(one.count),
      failureCell(one.failures, one.errorRate),
      ...latencyCells(one.durationMs, FIGURES, groupLowerBounds(one)).map(({ text }) => text),
    ],
    rank: -one.failures,
  });
  const anyFailed = groups.some(({ failures }) => failures > 0);
  return {
    title: `Groups, duration ${anyFailed ? "of successes " : ""}in ms`,
    columns: ["Group", { number: "Count" }, { number: "Failures" }, ...FIGURE_COLUMNS],
    rows: groups.map(row),
    limit: 5_000,
  };
}

function checkTable({ statistics: { checks } }: Snapshot): Table {
  return {
    title: "Checks",
    columns: ["Check", { number: "Passed" }, { number: "Failed" }],
    rows: checks.map(({ name, passed, failed, rate }) => ({
      cells: [
        code(name),
        prose(`${formatCount(passed)} (${formatShare(rate)})`),
        formatCount(failed),
      ],
      rank: -failed,
    })),
    limit: 3_000,
  };
}

function metricTable({ statistics: { metrics } }: Snapshot): Table {
  return {
    title: "Metrics",
    columns: ["Metric", "Type", "Value"],
    rows: metrics.map((row) => ({
      cells: [code(row.name), row.type, prose(metricText(row))],
      rank: 0,
    })),
    limit: 3_000,
  };
}

function failureTable(failures: readonly FailureRow[]): Table {
  return {
    title: "Failures",
    columns: [{ number: "Count" }, "Request", "Error"],
    rows: failures.map(({ method, name, error, count }, rank) => ({
      cells: [formatCount(count), code(`${method} ${name}`), code(error)],
      rank,
    })),
    limit: 5_000,
  };
}

function userErrorTable(errors: readonly UserErrorRow[]): Table {
  return {
    title: "User errors",
    columns: [{ number: "Count" }, "User", "Error", "Place"],
    rows: errors.map(({ user, error, place, count }, rank) => ({
      cells: [formatCount(count), code(user), code(error), place === null ? "" : code(place)],
      rank,
    })),
    limit: 4_000,
  };
}

/** As a row for each figure, below a row with the title of its part. */
function comparedTable({ title, isJudged, parts }: ComparisonTable, limit: number): Table {
  const columns = [
    "",
    ...["A", "B", "Change"].map((number) => ({ number })),
    ...(isJudged ? ["Interval", "Finding"] : []),
  ];
  return {
    title,
    columns,
    rows: parts.flatMap((part) => comparedRows(part, columns.length)),
    limit,
  };
}

function comparedRows({ title, rows }: ComparisonPart, columns: number): Row[] {
  const isRegression = rows.some((cells) => cells.at(-1)?.tone === "bad");
  const rank = isRegression ? 0 : title === TOTALS ? 1 : 2;
  const heading = [`**${title === TOTALS ? title : code(title)}**`];
  return [
    ...(title === "" ? [] : [{ cells: padded(heading, columns), rank }]),
    ...rows.map(([label, ...cells]) => ({
      cells: padded([
        // Names of checks and metrics come from the test file, labels of figures do not.
        title === "" ? code(label!.text) : prose(label!.text.trim()),
        ...cells.map(({ text, tone }) => tone === "bad" ? `**${prose(text)}**` : prose(text)),
      ], columns),
      rank,
    })),
  ];
}

/** The title of the figures of all requests. */
const TOTALS = "Aggregated";

function padded(cells: readonly string[], length: number): string[] {
  return Array.from({ length }, (_, at) => cells[at] ?? "");
}

/** The most columns of a terminal that a name or an error may take. */
const MAX_COLUMNS = 200;

/** The most UTF-16 units of a paragraph. */
const MAX_PARAGRAPH = 400;

/**
 * A text that others have chosen as code: nothing in it is Markdown, HTML, a mention, or the end of a cell. Code
 * between backticks could not contain every text in a cell of a table.
 */
function code(text: string): string {
  const short = shorten(sanitizeTerminal(text), MAX_COLUMNS);
  return short.trim() === "" ? "<code>&nbsp;</code>" : `<code>${escaped(short)}</code>`;
}

/** A text of aiotest that may contain names, in a cell. */
function prose(text: string): string {
  return inline(shorten(text, MAX_COLUMNS));
}

/** As {@link prose}, for a paragraph. */
function paragraph(text: string): string {
  return inline(text.length > MAX_PARAGRAPH ? `${text.slice(0, MAX_PARAGRAPH)}…` : text);
}

/** Text on one line. What would mention a person or an issue is code. */
function inline(text: string): string {
  return sanitizeTerminal(text).split(MENTION)
    .map((part, at) => at % 2 === 0 ? escaped(part) : code(part)).join("");
}

/** What GitHub or GitLab may turn into a link to a person, an issue or something else. */
const MENTION = /([@#!$~%&^](?=[\p{L}\p{N}_"{]))/u;

/** Text in which no character has a meaning in Markdown or HTML. */
function escaped(text: string): string {
  return text.replace(SPECIAL, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Characters with a meaning: underscores that are not within a word, and the colons and dots of emoji and links,
 * but not those between words, which are in most texts.
 */
const SPECIAL = /[&<>|\\`*~$[\]@#!^{}]|(?<![a-z\d])_|_(?![a-z\d])|:(?=[/\w+-])|(?<=www)\./gi;
