/**
 * A comparison of two runs as text and as JSON.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";
import type { LatencyFigure } from "../stats/snapshot.ts";
import {
  type ComparedCheck,
  type ComparedFigures,
  type ComparedMetric,
  type ComparedPart,
  type ComparedPhase,
  type Comparison,
  comparisonExitCode,
  type Difference,
  type Figure,
  FIGURES,
  type Finding,
  judgedFigures,
  type TimeChange,
  type TimeChanges,
} from "./compare.ts";
import { jsonParts } from "./json_parts.ts";
import {
  formatAmount,
  formatBound,
  formatCount,
  formatElapsed,
  formatLatency,
  formatNumber,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { sixDigits } from "./summary.ts";
import type { ComparedRun } from "./summary_reader.ts";
import { renderLine, type Span, span, type Tone, wrap, wrappedText } from "./terminal.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

/** A run and the file that it was read from. */
export interface NamedRun {
  readonly file: string;
  readonly run: ComparedRun;
}

/**
 * The comparison as text. It ends with a newline, and no line is too long.
 *
 * @param size less than 80 columns counts as 80.
 */
export function comparisonReport(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  size: TableSize,
): string {
  const { color } = size;
  const columns = Math.max(MIN_COLUMNS, size.columns);
  const line = (...spans: Span[]): string => renderLine(spans, columns, color);
  const { word, reasons } = comparisonVerdict(comparison);
  const sections = [
    [...headingOf("A", runs.a, columns), ...headingOf("B", runs.b, columns)]
      .map((text) => line(span(text, "quiet"))),
    ...comparisonTables(comparison).map((table) => textOfTable(table, { columns, color })),
    comparisonNotes(comparison)
      .flatMap((text) => wrappedText(span("!", "warning"), text, { columns, color })),
    wrappedText(word, reasons, { columns, color }),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `\n${text.join("\n\n")}\n`;
}

const MIN_COLUMNS = 80;

/** The lines that say which run is meant. */
function headingOf(label: string, named: NamedRun, columns: number): string[] {
  const text = sanitizeTerminal(`${named.file}: ${runFacts(named)}`);
  return wrap(text, columns - INDENT.length)
    .map((part, at) => at === 0 ? `${label}  ${part}` : `${INDENT}${part}`);
}

/** Name, start, length, users and labels of a run. */
export function runFacts({ run }: NamedRun): string {
  const when = run.startedAt === null ? "not started" : run.startedAt.replace(/\.\d+Z$/, "Z");
  return [
    ...(run.name === null || run.name === undefined ? [] : [run.name]),
    when,
    formatElapsed(run.durationSeconds),
    `up to ${formatAmount(run.users.peak, "user")}`,
    ...Object.entries(run.labels ?? {}).map(([key, value]) => `${key}=${value}`),
  ].join(", ");
}

const INDENT = "   ";

/** The titles of the rows of a table. */
type RowLabels = Readonly<Record<Figure | "requests", string>>;

const LABELS: RowLabels = {
  requests: "Reqs",
  rate: "Req/s",
  errorRate: "Fail%",
  unfinishedRate: "Unfin%",
  mean: "Avg",
  p50: "50%",
  p95: "95%",
  p99: "99%",
};

const GROUP_LABELS: RowLabels = { ...LABELS, requests: "Count", rate: "Per second" };

/** A table of a comparison. */
export interface ComparisonTable {
  /** The title of the first column. */
  readonly title: string;
  /** Whether its rows have intervals and findings. */
  readonly isJudged: boolean;
  /** Each with the rows of one name; empty titles if rows have names of their own. */
  readonly parts: readonly ComparisonPart[];
}

/** Some rows of a table under a title. Their cells are label, A, B, change, and if judged, interval and finding. */
export interface ComparisonPart {
  readonly title: string;
  readonly rows: readonly (readonly Span[])[];
}

/** The tables of a comparison: requests, classes, groups, checks and metrics, as far as there are any. */
export function comparisonTables(comparison: Comparison): ComparisonTable[] {
  const requests = [
    ...comparison.requests.map((row) => ({ title: `${row.method} ${row.name}`, row })),
    // If there is only one name, the totals are the same.
    ...(isOnlyName(comparison) ? [] : [{ title: "Aggregated", row: comparison.totals }]),
  ];
  return [
    figureTable("Latency in ms", requests, LABELS),
    partTable("Classes, latency in ms", comparison.classes, LABELS),
    partTable("Groups, duration in ms", comparison.groups, GROUP_LABELS),
    plainTable("Checks, share that passed (not judged)", checkRows(comparison.checks)),
    plainTable("Metrics (not judged)", metricRows(comparison.metrics)),
  ].filter(({ parts }) => parts.length > 0);
}

function textOfTable({ title, isJudged, parts }: ComparisonTable, size: TableSize): string[] {
  const rows = parts.flatMap(({ rows }) => rows);
  const table = textTable(isJudged ? judgedColumns(title) : plainColumns(title), rows, size);
  if (!isJudged) return [table.header, table.rule, ...table.rows];
  let start = 0;
  const body = parts.flatMap(({ title, rows: { length } }) => {
    const lines = table.rows.slice(start, start += length).map((line) => line.trimEnd());
    const heading = renderLine([span(title, "strong")], size.columns, size.color);
    return [table.rule, heading, ...lines];
  });
  return [table.header, ...body];
}

function plainColumns(title: string): TableColumn[] {
  return [
    { title, align: "left", elastic: true },
    { title: "A", align: "right" },
    { title: "B", align: "right" },
    { title: "Change", align: "right" },
  ];
}

function judgedColumns(title: string): TableColumn[] {
  return [
    { title, align: "left" },
    { title: "A", align: "right" },
    { title: "B", align: "right" },
    { title: "Change", align: "right" },
    { title: "Interval", align: "left" },
    { title: "Finding", align: "left" },
  ];
}

function partTable(
  title: string,
  rows: readonly ComparedPart[],
  labels: RowLabels,
): ComparisonTable {
  return figureTable(title, rows.map((row) => ({ title: row.name, row })), labels);
}

interface TitledFigures {
  readonly title: string;
  readonly row: ComparedFigures;
}

function figureTable(
  title: string,
  parts: readonly TitledFigures[],
  labels: RowLabels,
): ComparisonTable {
  const isCutOff = parts.some(({ row: { unfinished: { a, b } } }) => a + b > 0);
  const judged = judgedFigures({ a: Number(isCutOff), b: 0 });
  const phases = COMPARED_PHASES.filter((phase) =>
    parts.some(({ row }) => row.phases[phase].p95.a !== null || row.phases[phase].p95.b !== null)
  );
  const failed = PERCENTILES.filter((figure) =>
    parts.some(({ row: { failureLatencies } }) =>
      failureLatencies[figure].a !== null && failureLatencies[figure].b !== null
    )
  );
  return {
    title,
    isJudged: true,
    parts: parts.map(({ title, row }) => ({
      title,
      rows: [
        ...rowsOf(row, judged, labels),
        ...failed.map((figure) => timeRow(FAILED_LABELS[figure], row.failureLatencies[figure])),
        ...phases.map((phase) => timeRow(PHASE_LABELS[phase], row.phases[phase].p95)),
      ],
    })),
  };
}

/** Checks and metrics have no interval and no finding. */
function plainTable(title: string, rows: readonly (readonly Span[])[]): ComparisonTable {
  return { title, isJudged: false, parts: rows.length === 0 ? [] : [{ title: "", rows }] };
}

function checkRows(checks: readonly ComparedCheck[]): Span[][] {
  return checks.map(({ name, a, b, change }) => [
    span(name),
    span(formatShare(a.rate)),
    span(formatShare(b.rate)),
    span(pointsText(change)),
  ]);
}

function metricRows(metrics: readonly ComparedMetric[]): Span[][] {
  return metrics.map(({ name, type, figure, unit, a, b, change }) => {
    const show = type === "rate" ? shareText : formatNumber;
    const sign = type === "rate" ? pointsText : changeText;
    return [
      span(`${name}${METRIC_LABELS[figure] ?? ` ${figure}`}${unit === "" ? "" : ` (${unit})`}`),
      span(show(a)),
      span(show(b)),
      span(change === null ? "-" : sign(change)),
    ];
  });
}

/** What follows the name of a metric; by default, the name of the figure. */
const METRIC_LABELS: Readonly<Record<string, string>> = {
  value: "",
  rate: "",
  perSecond: " per second",
};

function isOnlyName({ requests, figures, totals }: Comparison): boolean {
  return requests.length === 1 && figures === judgedFigures(totals.unfinished).length;
}

function rowsOf(row: ComparedFigures, judged: readonly Figure[], labels: RowLabels): Span[][] {
  const { a, b } = row.requests;
  const requests = [`  ${labels.requests}`, formatCount(a), formatCount(b), "", "", ""];
  return [
    requests.map((text) => span(text)),
    ...judged.map((figure) => rowOf(figure, row, labels)),
  ];
}

function rowOf(figure: Figure, row: ComparedFigures, labels: RowLabels): Span[] {
  const { a, b, change, low, high, finding } = row[figure];
  const isShare = figure === "errorRate" || figure === "unfinishedRate";
  const show = isShare ? shareText : figure === "rate" ? formatRate : formatLatency;
  const sign = isShare ? pointsText : changeText;
  const isBound = (figures: readonly LatencyFigure[]): boolean =>
    figures.some((one) => one === figure);
  const tone = TONES[finding];
  return [
    span(`  ${labels[figure]}`),
    span(formatBound(show(a), isBound(row.lowerBounds.a))),
    span(formatBound(show(b), isBound(row.lowerBounds.b))),
    span(change === null ? "-" : sign(change), tone),
    span(intervalText(low, high, sign), tone),
    span(finding, tone),
  ];
}

const COMPARED_PHASES: readonly ComparedPhase[] = ["connect", "ttfb"];

const PHASE_LABELS: Readonly<Record<ComparedPhase, string>> = {
  connect: "Connect 95%",
  ttfb: "First byte 95%",
};

const PERCENTILES = ["p50", "p95"] as const;

const FAILED_LABELS: Readonly<Record<typeof PERCENTILES[number], string>> = {
  p50: "Failed 50%",
  p95: "Failed 95%",
};

/** A row without a finding. */
function timeRow(label: string, { a, b, change }: TimeChange): Span[] {
  const sign = change === null ? "-" : changeText(change);
  return [
    span(`  ${label}`, "quiet"),
    ...[formatLatency(a), formatLatency(b), sign, "", ""].map((text) => span(text, "quiet")),
  ];
}

function intervalText(
  low: number | null,
  high: number | null,
  sign: (change: number) => string,
): string {
  if (low === null) return "-";
  return high === null ? `${sign(low)} or more` : `${sign(low)} to ${sign(high)}`;
}

const TONES: Readonly<Record<Finding, Tone>> = {
  regression: "bad",
  worse: "warning",
  better: "good",
  same: "plain",
  unclear: "quiet",
};

function shareText(share: number | null): string {
  return share === null ? "-" : formatShare(share);
}

/** A change as a percentage with its sign. */
function changeText(change: number): string {
  return `${signed(change * 100)}%`;
}

/** A change of a percentage, in percentage points. */
function pointsText(change: number): string {
  return `${signed(change * 100)}pp`;
}

function signed(value: number): string {
  const size = Math.abs(value);
  const text = size.toFixed(size < 0.995 ? 2 : size < 99.95 ? 1 : 0);
  if (Number(text) === 0) return "0";
  return `${value < 0 ? "-" : "+"}${text}`;
}

function loneNames({ onlyInA, onlyInB }: Comparison): string[] {
  return ([["A", onlyInA], ["B", onlyInB]] as const).flatMap(([label, names]) =>
    names.length === 0
      ? []
      : [`Only in ${label}: ${names.map(({ method, name }) => `${method} ${name}`).join(", ")}.`]
  );
}

/** What to know of a comparison besides its figures: names that only one run has, and reasons to doubt it. */
export function comparisonNotes(comparison: Comparison): readonly string[] {
  return [...loneNames(comparison), ...comparison.warnings];
}

/** The verdict of a comparison, and its reasons without a capital letter and a full stop. */
export function comparisonVerdict(
  comparison: Comparison,
): { readonly word: Span; readonly reasons: string } {
  const { figures, regressions, unclear, maxRegression } = comparison;
  const doubt = unclear === 0
    ? ""
    : `; ${unclear} of ${figures} ${unclear === 1 ? "is" : "are"} unclear; longer runs help`;
  const limit = `${Number((maxRegression * 100).toPrecision(6))}%`;
  if (regressions > 0) {
    const code = comparisonExitCode(comparison);
    const which = `${
      formatAmount(regressions, "figure is", "figures are")
    } worse by more than ${limit}`;
    return { word: span("REGRESSION", "bad"), reasons: `${which}${doubt} (exit code ${code})` };
  }
  const reasons = `no figure is certainly worse by more than ${limit}${doubt}`;
  return { word: span("PASSED", "good"), reasons };
}

/**
 * The text of the file that `aiotest compare --json` writes: indented JSON that ends with a newline.
 * Scripts depend on it, so its fields stay, and an incompatible change raises its schema.
 */
export function* comparisonJson(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  version: string,
): Generator<string> {
  yield* jsonParts(comparisonContent(comparison, runs, version), 2);
  yield "\n";
}

/** The content of that file. */
export function comparisonContent(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  version: string,
): object {
  const { maxRegression, confidence, totals, requests, onlyInA, onlyInB } = comparison;
  return {
    schema: 1,
    aiotest: version,
    a: runOf(runs.a),
    b: runOf(runs.b),
    maxRegression,
    confidence,
    totals: figuresJson(totals),
    requests: requests.map((row) => ({ method: row.method, name: row.name, ...figuresJson(row) })),
    onlyInA,
    onlyInB,
    classes: comparison.classes.map((row) => ({ name: row.name, ...figuresJson(row) })),
    groups: comparison.groups.map((row) => ({ name: row.name, ...figuresJson(row) })),
    checks: comparison.checks.map(({ name, a, b, change }) => ({
      name,
      a: { count: a.count, rate: sixDigits(a.rate) },
      b: { count: b.count, rate: sixDigits(b.rate) },
      change: sixDigits(change),
    })),
    metrics: comparison.metrics.map((row) => ({ ...row, change: sixDigits(row.change) })),
    figures: comparison.figures,
    regressions: comparison.regressions,
    unclear: comparison.unclear,
    warnings: comparison.warnings,
    exitCode: comparisonExitCode(comparison),
  };
}

function runOf({ file, run }: NamedRun): object {
  return {
    file,
    runId: run.runId,
    name: run.name ?? null,
    labels: run.labels ?? {},
    startedAt: run.startedAt,
    durationSeconds: run.durationSeconds,
  };
}

function figuresJson(figures: ComparedFigures): object {
  return {
    requests: figures.requests,
    unfinished: figures.unfinished,
    ...Object.fromEntries(FIGURES.map((figure) => [figure, differenceOf(figures[figure])])),
    failureLatencies: changesOf(figures.failureLatencies),
    phases: Object.fromEntries(
      COMPARED_PHASES.map((phase) => [phase, changesOf(figures.phases[phase])]),
    ),
    lowerBounds: figures.lowerBounds,
  };
}

function changesOf({ p50, p95 }: TimeChanges): TimeChanges {
  const changeOf = ({ a, b, change }: TimeChange): TimeChange => ({
    a,
    b,
    change: sixDigits(change),
  });
  return { p50: changeOf(p50), p95: changeOf(p95) };
}

function differenceOf({ a, b, change, low, high, finding }: Difference): object {
  return { a, b, change: sixDigits(change), low: sixDigits(low), high: sixDigits(high), finding };
}
