/**
 * The files of `--csv`. Four of them have the columns of Locust's files in the same order, for tools that
 * read those. Further columns follow them. The others are about what a test file says and measures itself.
 * Unknown values are `N/A`.
 *
 * @module
 */

import type {
  History,
  LatencySummary,
  MetricRow,
  RequestTotals,
  Snapshot,
  TimelineSecond,
} from "../stats/snapshot.ts";
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
  return csvText(
    [[
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
    ]],
    requests.values().map((one) => row(one.method, one.name, one)),
    [totals].values().map((all) => row("", ALL, all)),
  );
}

/**
 * A row for each second. Total counts up to it are exact, but total latencies are only known in the
 * last row.
 *
 * @param full whether there are rows for names as well, before those of all names: for those of which the history
 *   is known, and at the end of each of its steps.
 */
export function historyCsv(snapshot: Snapshot, full = false): Iterable<string> {
  return csvText([HISTORY_TITLES], historyRows(snapshot, full));
}

const HISTORY_TITLES: readonly string[] = [
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
];

function* historyRows(snapshot: Snapshot, full: boolean): Generator<CsvCell[]> {
  const { statistics: { totals, timeline, requests, histories }, startedAt } = snapshot;
  // If counts were reset, the first second is a later one.
  const since = (startedAt ?? 0) / 1000;
  const all = new CountsSoFar();
  const names = full
    ? histories.filter(({ kind }) => kind === "request").map((history) =>
      new NameHistory(
        history,
        requests.find(({ method, name }) => method === history.method && name === history.name),
      )
    )
    : [];
  for (const [index, second] of timeline.entries()) {
    const isLast = index === timeline.length - 1;
    const time = Math.floor(since + Math.min(second.second + 1, snapshot.elapsedSeconds));
    for (const name of names) yield* name.rowsUpTo(second, time, isLast);
    yield [
      time,
      second.users,
      "",
      ALL,
      second.requests,
      second.failures,
      ...percentilesOfSecond(second),
      ...all.add(second),
      ...totalsSoFar(isLast ? totals : null),
    ];
  }
}

/** Requests and failures since the start. */
class CountsSoFar {
  #requests = 0;
  #failures = 0;

  add({ requests, failures }: Pick<TimelineSecond, "requests" | "failures">): CsvCell[] {
    this.#requests += requests;
    this.#failures += failures;
    return [this.#requests, this.#failures];
  }
}

/** The rows of one name, from its history. */
class NameHistory {
  readonly #history: History;
  readonly #totals: RequestTotals | null;
  readonly #counts = new CountsSoFar();
  #at = 0;

  constructor(history: History, totals: RequestTotals | undefined) {
    this.#history = history;
    this.#totals = totals ?? null;
  }

  /**
   * The rows of the steps that end with this second.
   *
   * @param time in seconds since 1970.
   */
  *rowsUpTo(
    { second, users }: TimelineSecond,
    time: number,
    isLast: boolean,
  ): Generator<CsvCell[]> {
    const { method, name, stepSeconds, seconds } = this.#history;
    const [requests, failures] = [this.#history.requests, this.#history.failures];
    for (; this.#at < seconds.length; this.#at++) {
      const end = seconds[this.#at]! + stepSeconds - 1;
      if (end > second && !isLast) return;
      const at = this.#at;
      const counts = { requests: requests[at]!, failures: failures[at]! };
      const [p50 = null, p95 = null, p99 = null] = [
        this.#history.p50[at],
        this.#history.p95[at],
        this.#history.p99[at],
      ];
      yield [
        time,
        users,
        method,
        name,
        rounded(counts.requests / stepSeconds),
        rounded(counts.failures / stepSeconds),
        ...percentilesOfSecond({ p50, p95, p99 }),
        ...this.#counts.add(counts),
        ...totalsSoFar(isLast && at === seconds.length - 1 ? this.#totals : null),
      ];
    }
  }
}

/** What is only known at the end. */
function totalsSoFar(totals: RequestTotals | null): CsvCell[] {
  return totals === null
    ? [null, null, null, null, null, null, null]
    : [...timesOf(totals), ...unfinishedOf(totals)];
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

/** A row for each user class. */
export function classesCsv({ statistics }: Snapshot): Iterable<string> {
  return csvText([
    [
      "Class",
      "Peak Users",
      "Completed Iterations",
      "Dropped Iterations",
      "Request Count",
      "Failure Count",
      "Requests/s",
      ...DURATION_TITLES,
      ...UNFINISHED_TITLES,
    ],
    ...statistics.classes.map(({ name, peakUsers, completed, iterations, totals }) => [
      name,
      peakUsers,
      completed,
      iterations?.dropped ?? null,
      totals.requests,
      totals.failures,
      rounded(totals.rate),
      ...durationsOf(totals.latencyMs),
      ...unfinishedOf(totals),
    ]),
  ]);
}

/** A row for each group. Times are those of successful ones. */
export function groupsCsv({ statistics }: Snapshot): Iterable<string> {
  return csvText([
    [
      "Group",
      "Count",
      "Failure Count",
      ...DURATION_TITLES,
      "Average Time In Requests",
      ...UNFINISHED_TITLES,
    ],
    ...statistics.groups.map(({ name, count, failures, durationMs, requestsMs, unfinished }) => [
      name,
      count,
      failures,
      ...durationsOf(durationMs),
      rounded(requestsMs.mean),
      unfinished.count,
      rounded(unfinished.oldestMs),
    ]),
  ]);
}

/** A row for each check. */
export function checksCsv({ statistics }: Snapshot): Iterable<string> {
  return csvText([
    ["Check", "Passed", "Failed", "Rate"],
    ...statistics.checks.map(({ name, passed, failed, rate }) => [name, passed, failed, rate]),
  ]);
}

/** A row for each metric of the test file. Columns that do not belong to its type are `N/A`. */
export function metricsCsv({ statistics }: Snapshot): Iterable<string> {
  return csvText([
    [
      "Metric",
      "Type",
      "Unit",
      "Value",
      "Per Second",
      "Count",
      "Average",
      "Min",
      "Max",
      ...METRIC_FIGURES.map(([title]) => title),
    ],
    ...statistics.metrics.map(metricCells),
  ]);
}

function metricCells(row: MetricRow): CsvCell[] {
  const cells = (
    { unit = null, value = null, perSecond = null, count = null, figures = {} }: {
      readonly unit?: string | null;
      readonly value?: number | null;
      readonly perSecond?: number | null;
      readonly count?: number | null;
      readonly figures?: Partial<LatencySummary>;
    },
  ): CsvCell[] => [
    row.name,
    row.type,
    unit,
    value,
    perSecond,
    count,
    ...[figures.mean, figures.min, figures.max].map((figure) => figure ?? null),
    ...METRIC_FIGURES.map(([, figure]) => figures[figure] ?? null),
  ];
  switch (row.type) {
    case "counter":
      return cells({ value: row.value, perSecond: row.perSecond });
    case "gauge":
      return cells({ value: row.value, figures: { min: row.min, max: row.max } });
    case "rate":
      return cells({ value: row.rate, count: row.total });
    case "trend":
      return cells({ unit: row.unit, count: row.count, figures: row.figures });
  }
}

const METRIC_FIGURES = [
  ["50%", "p50"],
  ["75%", "p75"],
  ["90%", "p90"],
  ["95%", "p95"],
  ["99%", "p99"],
  ["99.9%", "p999"],
  ["99.99%", "p9999"],
] as const;

const DURATION_TITLES: readonly string[] = [
  "Average Time",
  "Min Time",
  "Max Time",
  ...METRIC_FIGURES.map(([title]) => title),
];

function durationsOf(ms: LatencySummary): CsvCell[] {
  return [ms.mean, ms.min, ms.max, ...METRIC_FIGURES.map(([, figure]) => ms[figure])].map(rounded);
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

function percentilesOfSecond(
  { p50, p95, p99 }: Pick<TimelineSecond, "p50" | "p95" | "p99">,
): CsvCell[] {
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
