/**
 * A comparison of two runs as text and as JSON.
 *
 * @module
 */

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
import { renderLine, type Span, span, type Tone, wrappedText } from "./terminal.ts";
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
  const sections = [
    [headingOf("A", runs.a), headingOf("B", runs.b)].map((text) => line(span(text, "quiet"))),
    table(comparison, { columns, color }),
    partTable("Classes, latency in ms", comparison.classes, LABELS, { columns, color }),
    partTable("Groups, duration in ms", comparison.groups, GROUP_LABELS, { columns, color }),
    checkTable(comparison.checks, { columns, color }),
    metricTable(comparison.metrics, { columns, color }),
    [
      ...[...loneNames(comparison), ...comparison.warnings]
        .flatMap((text) => wrappedText(span("!", "warning"), text, { columns, color })),
    ],
    verdict(comparison, { columns, color }),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `\n${text.join("\n\n")}\n`;
}

const MIN_COLUMNS = 80;

function headingOf(label: string, { file, run }: NamedRun): string {
  const when = run.startedAt === null ? "not started" : run.startedAt.replace(/\.\d+Z$/, "Z");
  const users = formatAmount(run.users.peak, "user");
  const facts = [
    ...(run.name === null || run.name === undefined ? [] : [run.name]),
    when,
    formatElapsed(run.durationSeconds),
    `up to ${users}`,
    ...Object.entries(run.labels ?? {}).map(([key, value]) => `${key}=${value}`),
  ];
  return `${label}  ${file}: ${facts.join(", ")}`;
}

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

function columnsOf(title: string): TableColumn[] {
  return [
    { title, align: "left" },
    { title: "A", align: "right" },
    { title: "B", align: "right" },
    { title: "Change", align: "right" },
    { title: "Interval", align: "left" },
    { title: "Finding", align: "left" },
  ];
}

function table(comparison: Comparison, size: TableSize): string[] {
  const parts = [
    ...comparison.requests.map((row) => ({ title: `${row.method} ${row.name}`, row })),
    // If there is only one name, the totals are the same.
    ...(isOnlyName(comparison) ? [] : [{ title: "Aggregated", row: comparison.totals }]),
  ];
  const { header, body } = figureTable("Latency in ms", parts, LABELS, size);
  return [header, ...body];
}

/** The table of classes or groups, which has its own title above it. */
function partTable(
  title: string,
  rows: readonly ComparedPart[],
  labels: RowLabels,
  size: TableSize,
): string[] {
  if (rows.length === 0) return [];
  const parts = rows.map((row) => ({ title: row.name, row }));
  const { header, body } = figureTable(title, parts, labels, size);
  return [header, ...body];
}

interface TitledFigures {
  readonly title: string;
  readonly row: ComparedFigures;
}

function figureTable(
  title: string,
  parts: readonly TitledFigures[],
  labels: RowLabels,
  size: TableSize,
): { readonly header: string; readonly body: readonly string[] } {
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
  const rows = parts.map(({ row }) => [
    ...rowsOf(row, judged, labels),
    ...failed.map((figure) => timeRow(FAILED_LABELS[figure], row.failureLatencies[figure])),
    ...phases.map((phase) => timeRow(PHASE_LABELS[phase], row.phases[phase].p95)),
  ]);
  const { header, rule, rows: lines } = textTable(columnsOf(title), rows.flat(), size);
  const body = parts.flatMap(({ title }, at) => {
    const start = at * rows[0]!.length;
    return [
      rule,
      renderLine([span(title, "strong")], size.columns, size.color),
      ...lines.slice(start, start + rows[0]!.length).map((line) => line.trimEnd()),
    ];
  });
  return { header, body };
}

/** Checks and metrics have no interval and no finding. */
function plainTable(
  title: string,
  rows: readonly (readonly Span[])[],
  size: TableSize,
): string[] {
  if (rows.length === 0) return [];
  const columns: TableColumn[] = [
    { title, align: "left", elastic: true },
    { title: "A", align: "right" },
    { title: "B", align: "right" },
    { title: "Change", align: "right" },
  ];
  const table = textTable(columns, rows, size);
  return [table.header, table.rule, ...table.rows];
}

function checkTable(checks: readonly ComparedCheck[], size: TableSize): string[] {
  const rows = checks.map(({ name, a, b, change }) => [
    span(name),
    span(formatShare(a.rate)),
    span(formatShare(b.rate)),
    span(pointsText(change)),
  ]);
  return plainTable("Checks, share that passed (not judged)", rows, size);
}

function metricTable(metrics: readonly ComparedMetric[], size: TableSize): string[] {
  const rows = metrics.map(({ name, type, figure, unit, a, b, change }) => {
    const show = type === "rate" ? shareText : formatNumber;
    const sign = type === "rate" ? pointsText : changeText;
    return [
      span(`${name}${METRIC_LABELS[figure] ?? ` ${figure}`}${unit === "" ? "" : ` (${unit})`}`),
      span(show(a)),
      span(show(b)),
      span(change === null ? "-" : sign(change)),
    ];
  });
  return plainTable("Metrics (not judged)", rows, size);
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

function verdict(comparison: Comparison, size: TableSize): string[] {
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
    const text = `${which}${doubt} (exit code ${code})`;
    return wrappedText(span("REGRESSION", "bad"), text, size);
  }
  const text = `no figure is certainly worse by more than ${limit}${doubt}`;
  return wrappedText(span("PASSED", "good"), text, size);
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
  const { maxRegression, confidence, totals, requests, onlyInA, onlyInB } = comparison;
  const content = {
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
  yield* jsonParts(content, 2);
  yield "\n";
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
