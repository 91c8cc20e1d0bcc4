/**
 * The four files of `--csv`: the columns and the order are those of Locust's files, so that what reads
 * those reads these. `N/A` stands for what is not known.
 *
 * @module
 */

import { Histogram } from "../stats/histogram.ts";
import type { RequestTotals, Snapshot, TimelineSecond } from "../stats/snapshot.ts";

// Rows as CSV by RFC 4180, which a spreadsheet can open without running any of it.

/** What a cell holds: null becomes `N/A`. */
type CsvCell = string | number | null;

/**
 * The text of a CSV file: a line for each row, ended by CR and LF.
 *
 * Numbers stay numbers. In a text, an apostrophe is put before what a spreadsheet would take for a
 * formula, at the start and after whatever some of them end a cell with.
 */
export function csvText(rows: readonly (readonly CsvCell[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

/** What no number known is written as. */
const NONE = "N/A";

/**
 * A formula's first character, as ASCII or in full width, with what may stand before it: quotes and
 * spaces that a spreadsheet leaves out, at the start or where one that is set to semicolons or tabs
 * begins a cell.
 */
const FORMULA = /(^|[;\t\r\n])(["'\s]*)(?=[=+\-@＝＋－＠])/g;

/** A tab or a line break at the start is left out by some, and what follows then is the start. */
const BREAK = /^[\t\r\n]/;

function cellText(cell: CsvCell): string {
  if (cell === null) return NONE;
  return typeof cell === "number" ? String(cell) : quoted(defused(cell));
}

function defused(text: string): string {
  const safe = text.replace(FORMULA, "$1$2'");
  return BREAK.test(safe) ? `'${safe}` : safe;
}

function quoted(text: string): string {
  return /[",;\t-\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The percentiles' columns, each with its share; the last one is the maximum. */
const PERCENTILES: readonly (readonly [title: string, share: number])[] = [
  ["50%", 0.5],
  ["66%", 0.66],
  ["75%", 0.75],
  ["80%", 0.8],
  ["90%", 0.9],
  ["95%", 0.95],
  ["98%", 0.98],
  ["99%", 0.99],
  ["99.9%", 0.999],
  ["99.99%", 0.9999],
  ["100%", 1],
];

const TITLES = PERCENTILES.map(([title]) => title);

const ALL = "Aggregated";

/** A row for each method and name, and one of all at the end. */
export function statsCsv({ statistics, durationSeconds }: Snapshot): string {
  const { requests, totals } = statistics;
  const row = (method: string, name: string, of: RequestTotals): CsvCell[] => [
    method,
    name,
    of.requests,
    of.failures,
    ...timesOf(of),
    rounded(of.rate),
    rounded(durationSeconds > 0 ? of.failures / durationSeconds : 0),
    ...percentilesOf(of),
  ];
  return csvText([
    [
      "Type",
      "Name",
      "Request Count",
      "Failure Count",
      "Median Response Time",
      "Average Response Time",
      "Min Response Time",
      "Max Response Time",
      "Average Content Size",
      "Requests/s",
      "Failures/s",
      ...TITLES,
    ],
    ...requests.map((one) => row(one.method, one.name, one)),
    row("", ALL, totals),
  ]);
}

/**
 * A row for each second. What is counted up to it is exact; latencies of all requests up to it are
 * known at the end only.
 */
export function historyCsv({ statistics, startedAt, ...run }: Snapshot): string {
  const { totals, timeline } = statistics;
  // Counting may have begun after the start: the first second is then a later one.
  const since = (startedAt ?? 0) / 1000;
  let requests = 0;
  let failures = 0;
  const row = (second: TimelineSecond, isLast: boolean): CsvCell[] => {
    requests += second.requests;
    failures += second.failures;
    return [
      Math.floor(since + Math.min(second.second + 1, run.elapsedSeconds)),
      second.users,
      "",
      ALL,
      second.requests,
      second.failures,
      ...percentilesOfSecond(second),
      requests,
      failures,
      ...(isLast ? timesOf(totals) : [null, null, null, null, null]),
    ];
  };
  return csvText([
    [
      "Timestamp",
      "User Count",
      "Type",
      "Name",
      "Requests/s",
      "Failures/s",
      ...TITLES,
      "Total Request Count",
      "Total Failure Count",
      "Total Median Response Time",
      "Total Average Response Time",
      "Total Min Response Time",
      "Total Max Response Time",
      "Total Average Content Size",
    ],
    ...timeline.map((second, i) => row(second, i === timeline.length - 1)),
  ]);
}

/** A row for each error of a method and name, the most frequent first. */
export function failuresCsv({ statistics }: Snapshot): string {
  return csvText([
    ["Method", "Name", "Error", "Occurrences"],
    ...statistics.failures.map(({ method, name, error, count }) => [method, name, error, count]),
  ]);
}

/** A row for each error that the code of users threw, the most frequent first. */
export function exceptionsCsv({ statistics, mode, workers }: Snapshot): string {
  const node = mode === "local" ? workers.map(({ id }) => id).join(", ") : null;
  return csvText([
    ["Count", "Message", "Traceback", "Nodes"],
    ...statistics.userErrors.map(({ user, error, count }) => [count, error, `in ${user}`, node]),
  ]);
}

/** Median, mean, minimum, maximum, and the mean size of a body. */
function timesOf({ latencyMs, bytesReceived, requests }: RequestTotals): CsvCell[] {
  const { p50, mean, min, max } = latencyMs;
  return [
    ...[p50, mean, min, max].map(rounded),
    requests === 0 ? 0 : rounded(bytesReceived / requests),
  ];
}

function percentilesOf({ histogram: source, latencyMs }: RequestTotals): CsvCell[] {
  const { min, max } = latencyMs;
  if (min === null || max === null) return PERCENTILES.map(() => null);
  const histogram = new Histogram();
  histogram.merge(source);
  // The middle of a bucket may lie outside of what was measured.
  return histogram.percentiles(PERCENTILES.map(([, share]) => share))
    .map((ms, i) => rounded(PERCENTILES[i]![1] === 1 ? max : Math.min(Math.max(ms, min), max)));
}

function percentilesOfSecond({ p50, p95, p99 }: TimelineSecond): CsvCell[] {
  const known = new Map([[0.5, p50], [0.95, p95], [0.99, p99]]);
  return PERCENTILES.map(([, share]) => rounded(known.get(share) ?? null));
}

/** To three decimals, as the summary has it. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000;
}
