// @ts-check
/**
 * What the charts of a run show: their lines, their data, and a description in words for screen
 * readers.
 *
 * @module
 */

import {
  formatAmount,
  formatClock,
  formatExact,
  formatMilliseconds,
  formatRate,
} from "./format.js";
import { busiestRow, describeHeat, rowMs, rowText } from "./heat_map.js";

/** @typedef {import("./timeline.js").Second} Second */
/** @typedef {import("./timeline.js").Reading} Reading */
/** @typedef {import("./timeline.js").SubjectKind} SubjectKind */
/** @typedef {import("./heat_map.js").HeatColumns} HeatColumns */

/**
 * One line of a chart.
 *
 * @typedef {object} ChartLine
 * @property {string} label
 * @property {string} [groupLabel] The label if the subject is a group.
 * @property {string} color The name of a CSS variable.
 * @property {(second: Second, heat: HeatColumns) => number | null} value
 * @property {(value: number) => string} format Adds the unit.
 * @property {"line" | "area" | "bars" | "none"} style Bars are for values that are usually 0; no bar is drawn
 * for 0. Without a style, a value is only in the legend.
 * @property {string} [band] The area between this line and the one before has this colour: the name of a CSS
 * variable.
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
 * @property {boolean} [isHeat] It is the heat map.
 * @property {boolean} [isHalf] It takes half of a wide page.
 * @property {(timeline: readonly Second[], heat: HeatColumns) => boolean} [isUseful] The chart is hidden unless
 * this is true.
 * @property {(value: number) => string} axis Formats a tick of the value axis.
 * @property {(timeline: readonly Second[], reading: Reading, heat: HeatColumns) => string} describe Describes
 * the chart in a few sentences.
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
      { ...percentileLine("p95", "--series-p95"), band: "--series-p95-band" },
      { ...percentileLine("p99", "--series-p99"), band: "--series-p99-band" },
    ],
    axis: axisMilliseconds,
    describe: describeLatency,
  },
  {
    id: "heat",
    title: "All response times of successful requests",
    kinds: ["run"],
    isHeat: true,
    // Summaries of earlier versions have none.
    isUseful: (_timeline, { columns }) => columns.length > 0,
    lines: [{
      label: "Most",
      color: "--heat-many",
      value: ({ second }, heat) => busiestRow(heat.cellsAt(second)),
      format: rowText,
      style: "none",
    }, {
      label: "Slowest",
      color: "--heat-few",
      value: ({ second }, heat) => heat.cellsAt(second).at(-1)?.row ?? null,
      format: (row) => `up to ${formatMilliseconds(rowMs(row + 1))}`,
      style: "none",
    }],
    axis: (row) => axisMilliseconds(Number(rowMs(row).toPrecision(2))),
    describe: (_timeline, _reading, heat) => describeHeat(heat),
  },
  {
    id: "iterations",
    title: "Iterations per second",
    kinds: ["run"],
    isOpen: true,
    isHalf: true,
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
    title: "Start delay and service time of iterations",
    kinds: ["run"],
    isOpen: true,
    isHalf: true,
    lines: [
      timeLine("Service p50", "--series-p50", ({ iterations }) => iterations?.serviceTimeP50),
      {
        ...timeLine("Service p95", "--series-p95", ({ iterations }) => iterations?.serviceTimeP95),
        band: "--series-p95-band",
      },
      timeLine("Delay p95", "--series-p99", ({ iterations }) => iterations?.startDelayP95),
    ],
    axis: axisMilliseconds,
    describe: describeDelay,
  },
  {
    id: "connections",
    title: "Connections opened per second",
    kinds: ["run"],
    isHalf: true,
    isUseful: hasConnections,
    lines: [{
      label: "Opened",
      color: "--series-users",
      value: ({ connections }) => connections?.opened ?? 0,
      format: (value) => `${formatRate(value)}/s`,
      style: "area",
    }],
    axis: axisNumber,
    describe: describeConnections,
  },
  {
    id: "ttfb",
    title: "Time to first byte",
    kinds: ["run"],
    isHalf: true,
    isUseful: hasConnections,
    lines: [
      timeLine("p50", "--series-p50", ({ connections }) => connections?.ttfbP50),
      {
        ...timeLine("p95", "--series-p95", ({ connections }) => connections?.ttfbP95),
        band: "--series-p95-band",
      },
    ],
    axis: axisMilliseconds,
    describe: describeFirstByte,
  },
];

/**
 * Whether there is anything to see in the charts of connections.
 *
 * @param {readonly Second[]} timeline
 * @returns {boolean}
 */
function hasConnections(timeline) {
  return timeline.some(({ connections }) => connections !== undefined);
}

/**
 * The data of one chart: the times, then one array for each line. Null makes a gap in a line.
 *
 * @param {ChartSpec} spec
 * @param {readonly Second[]} timeline
 * @param {HeatColumns} heat
 * @returns {[number[], ...(number | null)[][]]}
 */
export function chartColumns(spec, timeline, heat) {
  // The values of a second are known when it ends, so its point is at its end.
  return [
    timeline.map(({ second }) => second + 1),
    ...spec.lines.map(({ value, style }) =>
      timeline.map((second) => {
        if (style === "none") return null;
        return style === "bars" ? value(second, heat) || null : value(second, heat);
      })
    ),
  ];
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
 * @param {(second: Second) => number | null | undefined} value
 * @returns {ChartLine}
 */
function timeLine(label, color, value) {
  return {
    label,
    color,
    value: (second) => value(second) ?? null,
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
  const { serviceTimeP50 = null, serviceTimeP95 = null } = timeline.at(-1)?.iterations ?? {};
  const service = serviceTimeP50 === null
    ? ""
    : ` In the last second, iterations took ${formatMilliseconds(serviceTimeP50)} at the median, ` +
      `and ${formatMilliseconds(serviceTimeP95)} at the 95th percentile.`;
  return `At ${formatClock(last.second + 1)} the 95th percentile of the start delay was ` +
    `${formatMilliseconds(delay(last))}. It was highest at ${formatClock(worst.second + 1)}: ` +
    `${formatMilliseconds(delay(worst))}.${service}`;
}

/** @type {ChartSpec["describe"]} */
function describeConnections(timeline) {
  const last = timeline.at(-1);
  if (last === undefined) return "No data yet.";
  const opened = (/** @type {Second} */ { connections }) => connections?.opened ?? 0;
  const all = timeline.reduce((sum, second) => sum + opened(second), 0);
  const most = timeline.reduce((high, row) => opened(row) > opened(high) ? row : high);
  return `${amount(opened(last), "connection")} opened in the last second, ` +
    `${formatExact(Math.round(all))} in all. Most were opened at ${
      formatClock(most.second + 1)
    }: ` +
    `${formatExact(Math.round(opened(most)))}.`;
}

/** @type {ChartSpec["describe"]} */
function describeFirstByte(timeline) {
  const time = (/** @type {Second} */ { connections }) => connections?.ttfbP95 ?? null;
  const timed = timeline.filter((second) => time(second) !== null);
  const last = timed.at(-1);
  if (last === undefined) return "No response has begun yet.";
  const worst = timed.reduce((most, row) => (time(row) ?? 0) > (time(most) ?? 0) ? row : most);
  return `At ${formatClock(last.second + 1)} the median was ` +
    `${formatMilliseconds(last.connections?.ttfbP50 ?? null)}, the 95th percentile ` +
    `${formatMilliseconds(time(last))}. The 95th was highest at ${
      formatClock(worst.second + 1)
    }: ` +
    `${formatMilliseconds(time(worst))}.`;
}
