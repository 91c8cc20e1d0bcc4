// @ts-check
/**
 * The seconds of a run as charts show them.
 *
 * @module
 */

import { formatAge, formatClock } from "./format.js";

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
  const { requests, failures, iterations, connections } = second;
  const perSecond = {
    ...second,
    requests: requests / length,
    failures: failures / length,
    ...(connections === undefined
      ? {}
      : { connections: { ...connections, opened: connections.opened / length } }),
  };
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
