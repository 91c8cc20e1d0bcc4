/**
 * The four files of `--csv`, with the columns of Locust's files in the same order, for tools that read
 * those. Further columns follow them. Unknown values are `N/A`.
 *
 * @module
 */

import type { RequestTotals, Snapshot, TimelineSecond } from "../stats/snapshot.ts";
import { PHASES } from "../stats/stats_delta.ts";
import { RequestMeasure } from "../stats/threshold_metrics.ts";

/** The columns of percentiles with their shares; the last one is the maximum. */
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

/** The last columns, which Locust does not have. */
const UNFINISHED_TITLES = ["Unfinished Count", "Oldest Unfinished Time"];

/** The columns after those: connections, and two percentiles of each phase. */
const PHASE_TITLES: readonly string[] = [
  "Connections Opened",
  "Connections Reused",
  ...["DNS", "Connect", "TLS", "First Byte", "Download"]
    .flatMap((title) => [`${title} Time 50%`, `${title} Time 95%`]),
];

const ALL = "Aggregated";

/** A row for each method and name, and a row for all of them at the end. */
export function statsCsv({ statistics, durationSeconds }: Snapshot): Iterable<string> {
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
    ...unfinishedOf(of),
    ...phasesOf(of),
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
      ...UNFINISHED_TITLES,
      ...PHASE_TITLES,
    ],
    ...requests.map((one) => row(one.method, one.name, one)),
    row("", ALL, totals),
  ]);
}

/**
 * A row for each second. Total counts up to it are exact, but total latencies are only known in the
 * last row.
 */
export function historyCsv({ statistics, startedAt, ...run }: Snapshot): Iterable<string> {
  const { totals, timeline } = statistics;
  // If counts were reset, the first second is a later one.
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
      ...(isLast ? unfinishedOf(totals) : [null, null]),
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
      ...UNFINISHED_TITLES.map((title) => `Total ${title}`),
    ],
  ], timeline.values().map((second, i) => row(second, i === timeline.length - 1)));
}

/** A row for each error of a method and name, the most frequent first. */
export function failuresCsv({ statistics }: Snapshot): Iterable<string> {
  return csvText(
    [["Method", "Name", "Error", "Occurrences"]],
    statistics.failures.values()
      .map(({ method, name, error, count }) => [method, name, error, count]),
  );
}

/** A row for each error thrown by the code of users, the most frequent first. */
export function exceptionsCsv({ statistics, mode, workers }: Snapshot): Iterable<string> {
  const node = mode === "local" ? workers.map(({ id }) => id).join(", ") : null;
  return csvText([
    ["Count", "Message", "Traceback", "Nodes"],
    ...statistics.userErrors.map(({ user, error, place, count }) => [
      count,
      error,
      place === null ? `in ${user}` : `in ${user}, at ${place}`,
      node,
    ]),
  ]);
}

/** Median, mean, minimum and maximum latency, and the mean size of a response body. */
function timesOf({ latencyMs, bytesReceived, requests }: RequestTotals): CsvCell[] {
  const { p50, mean, min, max } = latencyMs;
  return [
    ...[p50, mean, min, max].map(rounded),
    requests === 0 ? 0 : rounded(bytesReceived / requests),
  ];
}

/** With unfinished requests, each is the higher one of the percentiles with and without their ages. */
function percentilesOf(totals: RequestTotals): CsvCell[] {
  if (totals.latencyMs.max === null) return PERCENTILES.map(() => null);
  const measure = new RequestMeasure([totals], []);
  return PERCENTILES.map(([, share]) => rounded(measure.percentile(share)));
}

/** The number of unfinished requests, and the highest of their ages in milliseconds. */
function unfinishedOf({ unfinished: { count, oldestMs } }: RequestTotals): CsvCell[] {
  return [count, rounded(oldestMs)];
}

function phasesOf({ phases: { opened, reused, figures } }: RequestTotals): CsvCell[] {
  return [
    opened,
    reused,
    ...PHASES.flatMap((phase) => [figures[phase].p50, figures[phase].p95]).map(rounded),
  ];
}

function percentilesOfSecond({ p50, p95, p99 }: TimelineSecond): CsvCell[] {
  const known = new Map([[0.5, p50], [0.95, p95], [0.99, p99]]);
  return PERCENTILES.map(([, share]) => rounded(known.get(share) ?? null));
}

/** To three decimals, as in the summary. */
function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1000) / 1000;
}

/** The content of a cell; `null` becomes `N/A`. */
type CsvCell = string | number | null;

/**
 * The lines of a CSV file according to RFC 4180: one for each row, ended by CR and LF.
 *
 * Names come from the target, so a spreadsheet must not evaluate them. An apostrophe precedes anything
 * in a string that it could take for a formula, at the start and after the delimiters of other dialects.
 */
export function* csvText(
  ...tables: readonly Iterable<readonly CsvCell[]>[]
): Generator<string> {
  for (const rows of tables) {
    for (const row of rows) yield `${row.map(cellText).join(",")}\r\n`;
  }
}

/** The text for unknown values. */
const NONE = "N/A";

/**
 * The first character of a formula, in ASCII or full width, at the start of a string or after a
 * semicolon, tab or line break, which start a cell in other dialects. Quotes and spaces before it are
 * included, because some spreadsheets ignore them.
 */
const FORMULA = /(^|[;\t\r\n])(["'\s]*)(?=[=+\-@＝＋－＠])/g;

/** A tab or line break at the start, which some spreadsheets ignore. */
const BREAK = /^[\t\r\n]/;

function cellText(cell: CsvCell): string {
  if (cell === null) return NONE;
  return typeof cell === "number" ? String(cell) : quoted(escapeFormulas(cell));
}

function escapeFormulas(text: string): string {
  const safe = text.replace(FORMULA, "$1$2'");
  return BREAK.test(safe) ? `'${safe}` : safe;
}

function quoted(text: string): string {
  return /[",;\t-\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
