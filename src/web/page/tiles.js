// @ts-check
/**
 * The figures at a glance. Pure.
 *
 * @module
 */

import {
  formatAmount,
  formatCount,
  formatExact,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "./format.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {NonNullable<LiveView["breakingPoint"]>["passed"]} Load */

/**
 * One figure.
 *
 * @typedef {object} Tile
 * @property {string} id
 * @property {string} label
 * @property {string} value
 * @property {string} note
 * @property {"bad" | null} tone
 */

/**
 * The figures of a run: of now while it goes on, of all of it once it has ended.
 *
 * @param {LiveView} view
 * @returns {readonly Tile[]}
 */
export function tiles(view) {
  const { live, totals, timeline } = view;
  const last = live.state === "stopped" ? null : timeline.at(-1);
  return [
    usersTile(view),
    ...iterationsTiles(view),
    rateTile(view),
    failuresTile(view),
    latencyTile("p50", "Median", totals.latencyMs.p50, last?.p50),
    latencyTile("p95", "95th percentile", totals.latencyMs.p95, last?.p95),
    latencyTile("p99", "99th percentile", totals.latencyMs.p99, last?.p99),
    ...breakingTiles(view),
  ];
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function usersTile({ live, users }) {
  if (live.state === "stopped") {
    const note = `${formatExact(users.final)} at the end`;
    return tile("users", "Users, at most", formatExact(users.peak), note);
  }
  const target = formatExact(live.users.target);
  const note = live.model === "open" ? `of ${target} at most` : `of ${target}`;
  return tile("users", "Users", formatExact(live.users.current), note);
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function rateTile({ live, totals }) {
  const again = totals.retries === 0 ? "" : `, ${formatAmount(totals.retries, "retry", "retries")}`;
  const all = `${formatCount(totals.requests)} in all`;
  return live.state === "stopped"
    ? tile("rate", "Requests a second", formatRate(totals.rate), `on average, ${all}${again}`)
    : tile("rate", "Requests a second", formatRate(live.rates.requests), `${all}${again}`);
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function failuresTile({ live, totals }) {
  const now = live.state === "stopped"
    ? " of requests"
    : `, now ${formatRate(live.rates.failures)}/s`;
  return {
    ...tile(
      "failures",
      "Failures",
      formatCount(totals.failures),
      `${formatShare(totals.errorRate)}${now}`,
    ),
    tone: totals.failures > 0 ? "bad" : null,
  };
}

/**
 * @param {string} id
 * @param {string} label
 * @param {number | null} overall
 * @param {number | null | undefined} now Undefined once there is none.
 * @returns {Tile}
 */
function latencyTile(id, label, overall, now) {
  const note = now === undefined ? "of the whole run" : `last second ${formatMilliseconds(now)}`;
  return tile(id, label, formatMilliseconds(overall), note);
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function iterationsTiles({ live, iterations }) {
  if (iterations === null) return [];
  const { completed, dropped, startDelayMs } = iterations;
  const value = formatCount(completed);
  if (live.model !== "open") return [tile("passes", "Passes", value, "completed")];
  const late = startDelayMs.p95 === null
    ? ""
    : `, late ${formatMilliseconds(startDelayMs.p95)} (p95)`;
  const note = `${formatCount(dropped)} dropped${late}`;
  return [{ ...tile("passes", "Passes", value, note), tone: dropped > 0 ? "bad" : null }];
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function breakingTiles({ breakingPoint }) {
  if (breakingPoint === null) return [];
  const { passed, broke } = breakingPoint;
  const note = broke === null ? "nothing broke so far" : `broke at ${loadText(broke)}`;
  return [tile("breaking", "Highest load that held", loadText(passed), note)];
}

/** @param {Load} load */
function loadText(load) {
  if (load === null) return "none";
  return load.arrivalRate === null
    ? formatAmount(load.users, "user")
    : `${formatRate(load.arrivalRate)}/s`;
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} value
 * @param {string} note
 * @returns {Tile}
 */
function tile(id, label, value, note) {
  return { id, label, value, note, tone: null };
}
