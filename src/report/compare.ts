/**
 * Two runs side by side: what differs, by how much, and how sure that is.
 *
 * @module
 */

import { ExitCode } from "../core/errors.ts";
import { sanitizeTerminal } from "../core/text.ts";
import {
  type ConfidenceInterval,
  type EntryOfRun,
  errorBounds,
  FEWEST_SECONDS,
  meanBounds,
  quantileBounds,
  rateBounds,
  RunFigures,
} from "./compare_stats.ts";
import {
  formatAmount,
  formatCount,
  formatElapsed,
  formatLatency,
  formatRate,
  formatShare,
} from "./quantity.ts";
import type { ComparedRequest, ComparedRun, ComparedTotals } from "./summary.ts";
import { renderLine, type Span, span, type Tone, wrap } from "./terminal.ts";
import { type TableColumn, type TableSize, textTable } from "./text_table.ts";

// One figure of two runs, with what it says.

/**
 * What is known of a difference:
 * - `regression`: worse by more than is allowed, whichever end of the interval is true
 * - `worse`: worse, but perhaps not by more than is allowed
 * - `better`
 * - `same`: if there is a difference, it is smaller than what is allowed
 * - `unclear`: there were too few requests or seconds, or they were too unlike, to tell
 */
export type Finding = "regression" | "worse" | "better" | "same" | "unclear";

/** One figure of two runs. */
export interface Difference {
  /** Latencies in milliseconds, rates in requests a second, error rates 0 to 1; null where there is none. */
  readonly a: number | null;
  readonly b: number | null;
  /** From a to b: 0.1 is 10 % more; of error rates, b less a. Null where it cannot be told. */
  readonly change: number | null;
  /** Within these bounds lies what the change is without chance; null where nothing is known of them. */
  readonly low: number | null;
  readonly high: number | null;
  readonly finding: Finding;
}

/** What a difference is judged by. */
interface Judgement {
  /** Null where nothing is known of what chance does. */
  readonly bounds: ConfidenceInterval | null;
  /** How much worse the figure may be, as a share. */
  readonly maxRegression: number;
}

/**
 * How two figures differ, as a share of the first.
 *
 * @param judgement with bounds of the ratio of b to a, and which figure is the better one.
 */
export function ratioDifference(
  a: number | null,
  b: number | null,
  { bounds, maxRegression, better }: Judgement & { readonly better: "lower" | "higher" },
): Difference {
  if (a === null || b === null || a === 0) return unknown(a, b, null);
  const change = b / a - 1;
  if (bounds === null) return unknown(a, b, change);
  // The figures come from all latencies as they were, the bounds from buckets: each may be rounded.
  const low = Math.min(bounds.low - 1, change);
  const high = Math.max(bounds.high - 1, change);
  const [least, most] = better === "lower" ? [low, high] : [-high, -low];
  const finding = findingOf(least, most, maxRegression);
  return { a, b, change, low, high: Number.isFinite(high) ? high : null, finding };
}

/**
 * How two error rates differ, by subtraction.
 *
 * @param judgement with bounds of b less a.
 */
export function errorDifference(
  a: number,
  b: number,
  { bounds, maxRegression }: Judgement,
): Difference {
  if (bounds === null) return unknown(a, b, b - a);
  const { low, high } = bounds;
  // Of no errors, no share is allowed either: any that chance does not explain are a regression.
  const finding = a === 0 && b === 0 ? "same" : findingOf(low, high, maxRegression * a);
  return { a, b, change: b - a, low, high, finding };
}

function unknown(a: number | null, b: number | null, change: number | null): Difference {
  return { a, b, change, low: null, high: null, finding: "unclear" };
}

/** What bounds of how much worse it is say. */
function findingOf(least: number, most: number, allowed: number): Finding {
  if (least > allowed) return "regression";
  if (least > 0) return "worse";
  if (most < 0) return "better";
  return least >= -allowed && most <= allowed ? "same" : "unclear";
}

/** Runs of the same length never last equally long to the millisecond. */
const LIKE_DURATION = 0.1;

/** In how far two runs are not alike, a sentence each: such runs differ for that alone. */
export function comparabilityProblems(a: ComparedRun, b: ComparedRun): string[] {
  const said: string[] = [];
  const [short, long] = [a, b].map((run) => run.durationSeconds).sort((one, two) => one - two);
  if (a.mode !== b.mode) said.push(`A was ${a.mode}, and B was ${b.mode}.`);
  if (a.users.peak !== b.users.peak) {
    said.push(
      `A had up to ${formatAmount(a.users.peak, "user")}, and B up to ${
        formatAmount(b.users.peak, "user")
      }.`,
    );
  }
  if (long! - short! > LIKE_DURATION * long!) {
    said.push(
      `A took ${formatElapsed(a.durationSeconds)}, and B ${formatElapsed(b.durationSeconds)}.`,
    );
  }
  if (short! < FEWEST_SECONDS) {
    said.push(
      `${
        formatElapsed(short!)
      } are too short to tell a difference from chance: ${FEWEST_SECONDS} seconds are needed, and 30 are better.`,
    );
  }
  for (const [label, run] of [["A", a], ["B", b]] as const) {
    if (!run.complete) said.push(`The counts of ${label} are incomplete.`);
  }
  return said;
}

/** All figures of one name, or of all of them. */
export interface ComparedFigures {
  readonly requests: { readonly a: number; readonly b: number };
  readonly rate: Difference;
  readonly errorRate: Difference;
  readonly mean: Difference;
  readonly p50: Difference;
  readonly p95: Difference;
  readonly p99: Difference;
}

/** The figures that have a finding. */
type Figure = Exclude<keyof ComparedFigures, "requests">;

/** All figures of one method and name. */
export interface ComparedName extends ComparedFigures {
  readonly method: string;
  readonly name: string;
}

/** A method and name that only one of the runs has. */
export interface LoneName {
  readonly method: string;
  readonly name: string;
}

/** What the comparison of two runs came to. */
export interface Comparison {
  /** What a regression has to exceed, as a share: 0.05. */
  readonly maxRegression: number;
  /** How likely all intervals together are right: 0.95. */
  readonly confidence: number;
  readonly totals: ComparedFigures;
  /** The names that both runs have, in the order of the first run. */
  readonly requests: readonly ComparedName[];
  readonly onlyInA: readonly LoneName[];
  readonly onlyInB: readonly LoneName[];
  /** How many figures were compared; those of an only name are those of the totals. */
  readonly figures: number;
  /** How many of them have got worse by more than is allowed, and of how many it cannot be told. */
  readonly regressions: number;
  readonly unclear: number;
  /** What makes the comparison doubtful. */
  readonly warnings: readonly string[];
}

/** All figures, in the order in which they are shown. */
export const FIGURES: readonly Figure[] = ["rate", "errorRate", "mean", "p50", "p95", "p99"];

/** All intervals of a comparison hold together with this probability. */
const CONFIDENCE = 0.95;

/** Fewer requests of a name say nothing. */
const FEWEST_REQUESTS = 20;

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

/**
 * Compares run `b` with run `a`, which is the one to be as good as.
 *
 * Every difference has an interval. Two things make it wide: how few requests there were, and how much
 * the seconds of the runs differ, which is usually far more, since whatever disturbs a target disturbs
 * all requests of a moment. Where both runs rise and fall together, the n-th second of one is set against
 * the n-th of the other, so what the load itself does over time is no noise. As more is compared, each
 * interval is made wider, so that all of them hold together with 95 %: half of the risk goes to the
 * totals, and half to the names.
 *
 * What differs between two runs as a whole, such as another machine, nobody can tell from what the
 * target does.
 *
 * @param maxRegression how much worse a figure may be, as a share: 0.05.
 */
export function compareRuns(a: ComparedRun, b: ComparedRun, maxRegression: number): Comparison {
  const [before, after] = [new RunFigures(a, b), new RunFigures(b, a)];
  const names = pairsOf(a.requests, b.requests);
  const isOne = a.requests.length === 1 && b.requests.length === 1 && names.length === 1;
  // The risk of each end of an interval, where the names and the totals share it.
  const tail = (1 - CONFIDENCE) / 2 / FIGURES.length / (isOne ? 1 : 2);
  const compare = (one: ComparedTotals, other: ComparedTotals, limit: number): ComparedFigures =>
    figuresOf(before.entry(one), after.entry(other), {
      tail: limit,
      maxRegression,
      isLongEnough: before.isLongEnough,
    });
  const totals = compare(a.totals, b.totals, tail);
  const requests = names.map(([one, other]) => ({
    method: one.method,
    name: one.name,
    ...(isOne ? totals : compare(one, other, tail / names.length)),
  }));
  const findings = (isOne ? [totals] : [totals, ...requests])
    .flatMap((row) => FIGURES.map((figure) => row[figure].finding));
  const count = (wanted: Finding): number => findings.filter((one) => one === wanted).length;
  return {
    maxRegression,
    confidence: CONFIDENCE,
    totals,
    requests,
    onlyInA: loneOf(a.requests, b.requests),
    onlyInB: loneOf(b.requests, a.requests),
    figures: findings.length,
    regressions: count("regression"),
    unclear: count("unclear"),
    warnings: comparabilityProblems(a, b),
  };
}

/** What a comparison exits with: 3 where there is a regression, and 0 otherwise. */
export function comparisonExitCode({ regressions }: Comparison): number {
  return regressions > 0 ? ExitCode.threshold : ExitCode.passed;
}

function keyOf({ method, name }: LoneName): string {
  return JSON.stringify([method, name]);
}

function pairsOf(
  ours: readonly ComparedRequest[],
  theirs: readonly ComparedRequest[],
): [ComparedRequest, ComparedRequest][] {
  const byKey = new Map(theirs.map((row) => [keyOf(row), row]));
  return ours.flatMap((row): [ComparedRequest, ComparedRequest][] => {
    const other = byKey.get(keyOf(row));
    return other === undefined ? [] : [[row, other]];
  });
}

function loneOf(
  ours: readonly ComparedRequest[],
  theirs: readonly ComparedRequest[],
): LoneName[] {
  const keys = new Set(theirs.map(keyOf));
  return ours.filter((row) => !keys.has(keyOf(row))).map(({ method, name }) => ({ method, name }));
}

interface Terms {
  readonly tail: number;
  readonly maxRegression: number;
  readonly isLongEnough: boolean;
}

function figuresOf(a: EntryOfRun, b: EntryOfRun, terms: Terms): ComparedFigures {
  const count = Math.min(a.totals.requests, b.totals.requests);
  const known = terms.isLongEnough && count >= FEWEST_REQUESTS;
  const latenciesKnown = known &&
    Math.min(a.distribution.count, b.distribution.count) >= FEWEST_REQUESTS;
  const { tail, maxRegression } = terms;
  const latency = (
    figure: "mean" | keyof typeof QUANTILES,
    boundsOf: () => ConfidenceInterval,
  ): Difference =>
    ratioDifference(a.totals.latencyMs[figure], b.totals.latencyMs[figure], {
      bounds: latenciesKnown ? boundsOf() : null,
      maxRegression,
      better: "lower",
    });
  const quantile = (figure: keyof typeof QUANTILES): Difference =>
    latency(figure, () => quantileBounds(a, b, QUANTILES[figure], tail));
  return {
    requests: { a: a.totals.requests, b: b.totals.requests },
    rate: ratioDifference(a.totals.rate, b.totals.rate, {
      bounds: known ? rateBounds(a, b, tail) : null,
      maxRegression,
      better: "higher",
    }),
    errorRate: errorDifference(a.totals.errorRate, b.totals.errorRate, {
      bounds: known ? errorBounds(a, b, tail) : null,
      maxRegression,
    }),
    mean: latency("mean", () => meanBounds(a, b, tail)),
    p50: quantile("p50"),
    p95: quantile("p95"),
    p99: quantile("p99"),
  };
}

// A comparison of two runs as text.

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
    return wrap(sanitizeTerminal(text), columns - indent.length).map((part, index) =>
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

// The file that `aiotest compare --json` writes. Scripts read it: a field that is here stays here, and a
// change that breaks readers raises its schema.

/** The text of the file: JSON, indented, with a newline at its end. */
export function comparisonJson(
  comparison: Comparison,
  runs: { readonly a: NamedRun; readonly b: NamedRun },
  version: string,
): string {
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
    figures: comparison.figures,
    regressions: comparison.regressions,
    unclear: comparison.unclear,
    warnings: comparison.warnings,
    exitCode: comparisonExitCode(comparison),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function runOf({ file, run }: NamedRun): object {
  return {
    file,
    runId: run.runId,
    startedAt: run.startedAt,
    durationSeconds: run.durationSeconds,
  };
}

function figuresJson(figures: ComparedFigures): object {
  return {
    requests: figures.requests,
    ...Object.fromEntries(FIGURES.map((figure) => [figure, differenceOf(figures[figure])])),
  };
}

function differenceOf({ a, b, change, low, high, finding }: Difference): object {
  return { a, b, change: digits(change), low: digits(low), high: digits(high), finding };
}

/** No interval is as exact as its sixth digit. */
function digits(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(6));
}
