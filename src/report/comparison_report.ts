/**
 * A comparison of two runs as text.
 *
 * @module
 */

import {
  type ComparedFigures,
  type Comparison,
  comparisonExitCode,
  type Figure,
  FIGURES,
} from "./comparison.ts";
import type { ComparedRun } from "./compared_run.ts";
import type { Difference, Finding } from "./difference.ts";
import {
  formatAmount,
  formatCount,
  formatElapsed,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import { renderLine, type Span, span, type Tone } from "./styled_line.ts";
import { harmless, wrap } from "./terminal_text.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

/** A run, and the file that it was read from. */
export interface NamedRun {
  readonly file: string;
  readonly run: ComparedRun;
}

/**
 * The comparison with a newline at its end; no line is too long.
 *
 * @param size fewer than 80 columns count as 80.
 */
export function comparisonReport(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  size: TableSize,
): string {
  const { color } = size;
  const columns = Math.max(LEAST_COLUMNS, size.columns);
  const line = (...spans: Span[]): string => renderLine(spans, columns, color);
  const prose = (mark: Span, text: string): string[] => {
    const indent = " ".repeat(mark.text.length + 1);
    return wrap(harmless(text), columns - indent.length).map((part, index) =>
      index === 0 ? line(mark, span(` ${part}`)) : line(span(`${indent}${part}`))
    );
  };
  const sections = [
    [headingOf("A", runs.a), headingOf("B", runs.b)].map((text) => line(span(text, "quiet"))),
    table(comparison, { columns, color }),
    [
      ...loneNames(comparison).flatMap((text) => prose(span("!", "warning"), text)),
      ...comparison.warnings.flatMap((text) => prose(span("!", "warning"), text)),
    ],
    verdict(comparison, prose),
  ];
  const text = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return `\n${text.join("\n\n")}\n`;
}

const LEAST_COLUMNS = 80;

function headingOf(label: string, { file, run }: NamedRun): string {
  const when = run.startedAt === null ? "not started" : run.startedAt.replace(/\.\d+Z$/, "Z");
  const users = formatAmount(run.users.peak, "user");
  return `${label}  ${file}: ${when}, ${formatElapsed(run.durationSeconds)}, up to ${users}`;
}

const LABELS: Readonly<Record<Figure, string>> = {
  rate: "Req/s",
  errorRate: "Fail%",
  mean: "Avg",
  p50: "50%",
  p95: "95%",
  p99: "99%",
};

const COLUMNS: readonly TableColumn[] = [
  { title: "Latency in ms", align: "left" },
  { title: "A", align: "right" },
  { title: "B", align: "right" },
  { title: "Change", align: "right" },
  { title: "Interval", align: "left" },
  { title: "Finding", align: "left" },
];

function table(comparison: Comparison, size: TableSize): string[] {
  const groups = [
    ...comparison.requests.map((row) => ({ title: `${row.method} ${row.name}`, row })),
    // All of one name is that name.
    ...(isOnlyName(comparison) ? [] : [{ title: "Aggregated", row: comparison.totals }]),
  ];
  const rows = groups.map(({ row }) => rowsOf(row));
  const { header, rule, rows: lines } = textTable(COLUMNS, rows.flat(), size);
  const body = groups.flatMap(({ title }, at) => {
    const start = at * rows[0]!.length;
    return [
      rule,
      renderLine([span(title, "strong")], size.columns, size.color),
      ...lines.slice(start, start + rows[0]!.length).map((line) => line.trimEnd()),
    ];
  });
  return [header, ...body];
}

function isOnlyName({ requests, figures }: Comparison): boolean {
  return requests.length === 1 && figures === FIGURES.length;
}

function rowsOf(figures: ComparedFigures): Span[][] {
  const { a, b } = figures.requests;
  const requests = ["  Reqs", formatCount(a), formatCount(b), "", "", ""].map((text) => span(text));
  return [requests, ...FIGURES.map((figure) => rowOf(figure, figures[figure]))];
}

function rowOf(figure: Figure, difference: Difference): Span[] {
  const { a, b, change, low, high, finding } = difference;
  const show = figure === "errorRate" ? shareText : figure === "rate" ? formatRate : formatLatency;
  const sign = figure === "errorRate" ? pointsText : changeText;
  const tone = TONES[finding];
  return [
    span(`  ${LABELS[figure]}`),
    span(show(a)),
    span(show(b)),
    span(change === null ? "-" : sign(change), tone),
    span(intervalText(low, high, sign), tone),
    span(finding, tone),
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

/** A change of a share of 1, with its sign. */
function changeText(change: number): string {
  return `${signed(change * 100)}%`;
}

/** A change of a percentage, in its own unit. */
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

function verdict(
  comparison: Comparison,
  prose: (mark: Span, text: string) => string[],
): string[] {
  const { figures, regressions, unclear, maxRegression } = comparison;
  const doubt = unclear === 0
    ? ""
    : `; ${unclear} of ${figures} ${
      unclear === 1 ? "is" : "are"
    } unclear, which longer runs make less so`;
  const limit = `${Number((maxRegression * 100).toPrecision(6))}%`;
  if (regressions > 0) {
    const code = comparisonExitCode(comparison);
    const which = `${
      formatAmount(regressions, "figure is", "figures are")
    } worse by more than ${limit}`;
    return prose(span("REGRESSION", "bad"), `${which}${doubt} (exit code ${code})`);
  }
  return prose(span("PASSED", "good"), `no figure is for sure worse by more than ${limit}${doubt}`);
}
