// @ts-check
/**
 * What the charts of a run can show: all requests, or the history of a name, a user class or a group.
 *
 * @module
 */

import { ROUNDING, SHORTEST_SECOND } from "./timeline.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../../stats/snapshot.ts").History} History */
/** @typedef {import("./timeline.js").Second} Second */

/** The key of all requests, which is what charts show at first. */
export const ALL = "";

/**
 * A choice.
 *
 * @typedef {object} Subject
 * @property {string} key
 * @property {string} text
 */

/**
 * Choices of the same kind.
 *
 * @typedef {object} SubjectGroup
 * @property {string} title
 * @property {readonly Subject[]} subjects
 */

/** @type {readonly (readonly [kind: History["kind"], title: string])[]} */
const KINDS = [["class", "User classes"], ["group", "Groups"], ["request", "Requests"]];

/** A longer name is cut. */
const MAX_TEXT = 100;

/**
 * The choices beside all requests.
 *
 * @param {Pick<LiveView, "histories">} view
 * @returns {readonly SubjectGroup[]} Empty if there is nothing to choose.
 */
export function subjectGroups({ histories }) {
  return KINDS.map(([kind, title]) => ({
    title,
    subjects: histories.filter((history) => history.kind === kind)
      .map((history) => ({ key: historyKey(history), text: subjectText(history) })),
  })).filter(({ subjects }) => subjects.length > 0);
}

/**
 * The key of a history.
 *
 * @param {import("../histories.ts").HistoryKey} history
 * @returns {string}
 */
export function historyKey({ kind, method, name }) {
  return JSON.stringify([kind, method, name]);
}

/**
 * @param {History} history
 * @returns {string}
 */
function subjectText({ method, name }) {
  const text = method === "" ? name : `${method} ${name}`;
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…` : text;
}

/**
 * The rows of a history as charts show them: with counts per second, and zeros where nothing was counted.
 * The first and the last may cover less time than the others, or are left out if they cover too little.
 *
 * @param {History} history
 * @param {Pick<LiveView, "timeline" | "durationSeconds" | "pausedSeconds" | "live">} view
 * @returns {readonly Second[]}
 */
export function historySeconds(history, { timeline, durationSeconds, pausedSeconds, live }) {
  const { stepSeconds: step } = history;
  const first = timeline[0];
  const last = timeline.at(-1);
  if (first === undefined || last === undefined) return [];
  const { state, elapsedSeconds } = live;
  const start = Math.max(first.second, elapsedSeconds - durationSeconds - pausedSeconds);
  // During the run, a second is reported when it has ended.
  const end = state === "stopped" ? Math.min(last.second + 1, elapsedSeconds) : last.second + 1;
  const indexes = new Map(history.seconds.map((second, index) => [second, index]));
  const lags = longestLags(timeline, step);
  /** @type {Second[]} */
  const seconds = [];
  for (let from = first.second - first.second % step; from <= last.second; from += step) {
    const length = Math.min(from + step, end) - Math.max(from, start);
    if (length < SHORTEST_SECOND) continue;
    const index = indexes.get(from);
    seconds.push({
      second: Math.min(from + step - 1, last.second),
      maxLagMs: lags.get(from) ?? 0,
      ...(index === undefined ? NOTHING : {
        users: history.users?.[index] ?? 0,
        requests: perSecond(history.requests[index], length),
        failures: perSecond(history.failures[index], length),
        p50: history.p50[index] ?? null,
        p95: history.p95[index] ?? null,
        p99: history.p99[index] ?? null,
      }),
    });
  }
  return seconds;
}

const NOTHING = { users: 0, requests: 0, failures: 0, p50: null, p95: null, p99: null };

/**
 * @param {number | undefined} count
 * @param {number} length
 * @returns {number}
 */
function perSecond(count = 0, length) {
  const whole = Math.round(length);
  return count / (Math.abs(length - whole) <= ROUNDING ? whole : length);
}

/**
 * @param {readonly Second[]} timeline
 * @param {number} step
 * @returns {ReadonlyMap<number, number>}
 */
function longestLags(timeline, step) {
  /** @type {Map<number, number>} */
  const lags = new Map();
  for (const { second, maxLagMs } of timeline) {
    const from = second - second % step;
    lags.set(from, Math.max(lags.get(from) ?? 0, maxLagMs));
  }
  return lags;
}
