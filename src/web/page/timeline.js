// @ts-check
/**
 * What the charts of a run show: their lines, their data, and a description in words for screen
 * readers.
 *
 * @module
 */

import { formatAge, formatAmount, formatClock, formatMilliseconds, formatRate } from "./format.js";

/** @typedef {import("../../stats/snapshot.ts").TimelineSecond} Second */

/**
 * What charts show: the whole run, or a part of it.
 *
 * @typedef {"run" | import("../../stats/snapshot.ts").History["kind"]} SubjectKind
 */

/**
 * How the values of a chart are to be read.
 *
 * @typedef {object} Reading
 * @property {SubjectKind} kind
 * @property {number} stepSeconds How many seconds a value covers.
 */

/**
 * One line of a chart.
 *
 * @typedef {object} ChartLine
 * @property {string} label
 * @property {string} [groupLabel] The label if the subject is a group.
 * @property {string} color The name of a CSS variable.
 * @property {(second: Second) => number | null} value
 * @property {(value: number) => string} format Adds the unit.
 * @property {"line" | "area" | "bars"} style Bars are for values that are usually 0; no bar is drawn
 * for 0.
 */

/**
 * One chart over the course of a run.
 *
 * @typedef {object} ChartSpec
 * @property {string} id
 * @property {string} title
 * @property {string} [groupTitle] The title if the subject is a group.
 * @property {readonly ChartLine[]} lines
 * @property {readonly SubjectKind[]} [kinds] Of which subjects there is such a chart; by default, of all.
 * @property {boolean} [isOpen] Only for runs of the open model.
 * @property {(value: number) => string} axis Formats a tick of the value axis.
 * @property {(timeline: readonly Second[], reading: Reading) => string} describe Describes the chart in one
 * or two sentences.
 */

/**
 * The charts of a run, from top to bottom.
 *
 * @type {readonly ChartSpec[]}
 */
export const RUN_CHARTS = [
  {
    id: "users",
    title: "Users",
    kinds: ["run", "class"],
    lines: [{
      label: "Users",
      color: "--series-users",
      value: ({ users }) => users,
      format: (value) => formatAmount(value, "user"),
      style: "area",
    }],
    axis: axisNumber,
    describe: describeUsers,
  },
  {
    id: "rates",
    title: "Requests and failures per second",
    groupTitle: "Groups and failures per second",
    lines: [
      {
        label: "Requests",
        groupLabel: "Groups",
        color: "--series-requests",
        value: ({ requests }) => requests,
        format: (value) => `${formatRate(value)}/s`,
        style: "area",
      },
      {
        label: "Failures",
        color: "--series-failures",
        value: ({ failures }) => failures,
        format: (value) => `${formatRate(value)}/s`,
        style: "bars",
      },
    ],
    axis: axisNumber,
    describe: describeRates,
  },
  {
    id: "latency",
    title: "Response times of successful requests",
    groupTitle: "Durations of successful groups",
    lines: [
      percentileLine("p50", "--series-p50"),
      percentileLine("p95", "--series-p95"),
      percentileLine("p99", "--series-p99"),
    ],
    axis: axisMilliseconds,
    describe: describeLatency,
  },
  {
    id: "iterations",
    title: "Iterations per second",
    kinds: ["run"],
    isOpen: true,
    lines: [
      iterationsLine("Started", "--series-requests", ({ started }) => started, "area"),
      iterationsLine("Due", "--series-users", ({ scheduled }) => scheduled, "line"),
      iterationsLine("Dropped", "--series-failures", ({ dropped }) => dropped, "bars"),
    ],
    axis: axisNumber,
    describe: describeIterations,
  },
  {
    id: "delay",
    title: "Start delay of iterations",
    kinds: ["run"],
    isOpen: true,
    lines: [{
      label: "p95",
      color: "--series-p95",
      value: ({ iterations }) => iterations?.startDelayP95 ?? null,
      format: formatMilliseconds,
      style: "line",
    }],
    axis: axisMilliseconds,
    describe: describeDelay,
  },
];

/** A shorter part of a second has too few requests for a rate. */
export const SHORTEST_SECOND = 0.5;

/**
 * The seconds that charts show. Counting starts and ends within a second, so the first and the last may be
 * shorter than the others: their counts are scaled to a whole second, or they are left out.
 *
 * @param {Pick<import("../live_view.ts").LiveView, "timeline" | "durationSeconds" | "pausedSeconds" | "live">} view
 * @returns {readonly Second[]}
 */
export function chartedSeconds({ timeline, durationSeconds, pausedSeconds, live }) {
  const { state, elapsedSeconds } = live;
  // During the run, a second is reported when it has ended.
  const end = state === "stopped" ? elapsedSeconds : Infinity;
  const start = elapsedSeconds - durationSeconds - pausedSeconds;
  const lengthOf = (/** @type {Second} */ { second }) =>
    Math.min(second + 1, end) - Math.max(second, start);
  const first = timeline[0];
  const last = timeline.at(-1);
  if (first === undefined || last === undefined) return timeline;
  if (lengthOf(first) > 1 - ROUNDING && lengthOf(last) > 1 - ROUNDING) return timeline;
  const long = timeline.filter((second) => lengthOf(second) >= SHORTEST_SECOND);
  return (long.length === 0 ? timeline.slice(0, 1) : long)
    .map((second) => scaled(second, lengthOf(second)));
}

/** Times in a view are rounded to milliseconds. */
export const ROUNDING = 0.002;

/**
 * @param {Second} second
 * @param {number} length
 * @returns {Second}
 */
function scaled(second, length) {
  if (length > 1 - ROUNDING || length <= 0) return second;
  const { requests, failures, iterations } = second;
  const perSecond = { ...second, requests: requests / length, failures: failures / length };
  if (iterations === undefined) return perSecond;
  const { scheduled, started, dropped } = iterations;
  return {
    ...perSecond,
    iterations: {
      ...iterations,
      scheduled: scheduled / length,
      started: started / length,
      dropped: dropped / length,
    },
  };
}

/**
 * The data of one chart: the times, then one array for each line. Null makes a gap in a line.
 *
 * @param {ChartSpec} spec
 * @param {readonly Second[]} timeline
 * @returns {[number[], ...(number | null)[][]]}
 */
export function chartColumns(spec, timeline) {
  // The values of a second are known when it ends, so its point is at its end.
  return [
    timeline.map(({ second }) => second + 1),
    ...spec.lines.map(({ value, style }) =>
      timeline.map((second) => style === "bars" ? value(second) || null : value(second))
    ),
  ];
}

/** A load generator that does not run for this long is marked in the charts, in milliseconds. */
export const STANDSTILL_MS = 1000;

/**
 * A time in which a load generator did not run, in seconds of the run. Its start and end are known to the
 * second, so the time is as long as it can be.
 *
 * @typedef {object} Standstill
 * @property {number} from
 * @property {number} to
 */

/**
 * The times in which a load generator did not run.
 *
 * @param {readonly Second[]} timeline
 * @returns {Standstill[]}
 */
export function standstills(timeline) {
  return timeline.filter(endsStandstill).map(
    ({ second, maxLagMs }) => ({ from: Math.max(0, second - maxLagMs / 1000), to: second + 1 }),
  );
}

/**
 * Explains values that cover more than a second; empty if they do not.
 *
 * @param {Reading} reading
 * @returns {string}
 */
export function stepNote({ stepSeconds }) {
  return stepSeconds === 1 ? "" : `Each value covers ${stepSeconds} seconds.`;
}

/**
 * Explains the marks of {@link standstills}; empty if there are none.
 *
 * @param {readonly Second[]} timeline
 * @returns {string}
 */
export function standstillNote(timeline) {
  const [longest] = timeline.filter(endsStandstill).sort((a, b) => b.maxLagMs - a.maxLagMs);
  return longest === undefined
    ? ""
    : `Shaded: a load generator did not run, for up to ${formatAge(longest.maxLagMs)} until ` +
      `${formatClock(longest.second)}. Latencies measured then include this time.`;
}

/**
 * @param {Second} second
 * @returns {boolean}
 */
function endsStandstill({ maxLagMs }) {
  return maxLagMs >= STANDSTILL_MS;
}

/**
 * Formats a number for an axis: `250`, `1.5K`, `2M`.
 *
 * @param {number} value
 * @returns {string}
 */
export function axisNumber(value) {
  const units = ["", "K", "M", "G"];
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${Number(rest.toPrecision(4))}${units[unit]}`;
}

/**
 * Formats milliseconds for an axis: `0.5 ms`, `250 ms`, `1.5 s`.
 *
 * @param {number} value
 * @returns {string}
 */
export function axisMilliseconds(value) {
  if (value === 0) return "0";
  return value < 1000
    ? `${Number(value.toPrecision(4))} ms`
    : `${Number((value / 1000).toPrecision(4))} s`;
}

/**
 * @param {"p50" | "p95" | "p99"} percentile
 * @param {string} color
 * @returns {ChartLine}
 */
function percentileLine(percentile, color) {
  return {
    label: percentile,
    color,
    value: (second) => second[percentile],
    format: formatMilliseconds,
    style: "line",
  };
}

/**
 * @param {string} label
 * @param {string} color
 * @param {(iterations: NonNullable<Second["iterations"]>) => number} count
 * @param {ChartLine["style"]} style
 * @returns {ChartLine}
 */
function iterationsLine(label, color, count, style) {
  return {
    label,
    color,
    value: ({ iterations }) => iterations === undefined ? 0 : count(iterations),
    format: (value) => `${formatRate(value)}/s`,
    style,
  };
}

/** @type {ChartSpec["describe"]} */
function describeUsers(timeline) {
  const last = timeline.at(-1);
  if (last === undefined) return "No data yet.";
  const peak = timeline.reduce((most, { users }) => Math.max(most, users), 0);
  return `${formatAmount(last.users, "user")} at ${formatClock(last.second + 1)}, ` +
    `peak ${formatAmount(peak, "user")}.`;
}

/** @type {ChartSpec["describe"]} */
function describeRates(timeline, { kind, stepSeconds: step }) {
  const last = timeline.at(-1);
  if (last === undefined) return "No data yet.";
  const noun = kind === "group" ? "group" : "request";
  const busiest = timeline.reduce((most, row) => row.requests > most.requests ? row : most);
  const failed = timeline.filter(({ failures }) => failures > 0).length;
  const parts = step === 1 ? formatAmount(failed, "second") : formatAmount(failed, "interval");
  const failures = failed === 0 ? "No failures." : `${parts} of ${timeline.length} had failures.`;
  const when = step === 1 ? "in the last second" : `per second in the last ${step} seconds`;
  return `${amount(last.requests, noun)} and ${amount(last.failures, "failure")} ` +
    `${when}, peak ${amount(busiest.requests, noun)} at ` +
    `${formatClock(busiest.second + 1)}. ${failures}`;
}

/**
 * @param {number} count May have been scaled to a whole second.
 * @param {string} noun
 */
function amount(count, noun) {
  return formatAmount(Math.round(count), noun);
}

/** @type {ChartSpec["describe"]} */
function describeLatency(timeline, { kind }) {
  const timed = timeline.filter(({ p50 }) => p50 !== null);
  const last = timed.at(-1);
  if (last === undefined) return `No ${kind === "group" ? "durations" : "response times"} yet.`;
  const worst = timed.reduce((most, row) => (row.p99 ?? 0) > (most.p99 ?? 0) ? row : most);
  return `At ${formatClock(last.second + 1)} the median was ${formatMilliseconds(last.p50)}, the ` +
    `95th percentile ${formatMilliseconds(last.p95)}, the 99th ${formatMilliseconds(last.p99)}. ` +
    `The 99th was highest at ${formatClock(worst.second + 1)}: ${formatMilliseconds(worst.p99)}.`;
}

/** @type {ChartSpec["describe"]} */
function describeIterations(timeline) {
  const last = timeline.at(-1);
  if (last === undefined) return "No data yet.";
  const { scheduled, started, dropped } = last.iterations ??
    { scheduled: 0, started: 0, dropped: 0 };
  const seconds = timeline.filter(({ iterations }) => (iterations?.dropped ?? 0) > 0).length;
  return `${amount(scheduled, "iteration")} due, ${Math.round(started)} started and ` +
    `${Math.round(dropped)} dropped in the last second. ` +
    (seconds === 0
      ? "No second had dropped iterations."
      : `${formatAmount(seconds, "second")} of ${timeline.length} had dropped iterations.`);
}

/** @type {ChartSpec["describe"]} */
function describeDelay(timeline) {
  const delay = (/** @type {Second} */ { iterations }) => iterations?.startDelayP95 ?? null;
  const timed = timeline.filter((second) => delay(second) !== null);
  const last = timed.at(-1);
  if (last === undefined) return "No iterations have started yet.";
  const worst = timed.reduce((most, row) => (delay(row) ?? 0) > (delay(most) ?? 0) ? row : most);
  return `At ${formatClock(last.second + 1)} the 95th percentile was ` +
    `${formatMilliseconds(delay(last))}. It was highest at ${formatClock(worst.second + 1)}: ` +
    `${formatMilliseconds(delay(worst))}.`;
}
