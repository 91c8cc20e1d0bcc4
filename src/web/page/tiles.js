// @ts-check
/// <reference lib="dom" />
/**
 * The tiles: the most important figures of a run.
 *
 * @module
 */

import { element, place, setAttribute, setText } from "./dom.js";
import {
  formatAge,
  formatAmount,
  formatBound,
  formatCount,
  formatExact,
  formatMilliseconds,
  formatRate,
  formatShare,
  LOWER_BOUND_HINT,
} from "./format.js";

/** @typedef {Omit<import("../live_view.ts").LiveView, "requests">} LiveView */

/**
 * One figure.
 *
 * @typedef {object} Tile
 * @property {string} id
 * @property {string} label
 * @property {string} value
 * @property {string} note
 * @property {"bad" | null} tone
 * @property {string | null} [hint] Explains the value.
 */

/**
 * The figures of a run: current ones while it is in progress, those of the whole run afterwards.
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
    ...unfinishedTiles(view),
    ...inProgressTiles(view),
    latencyTile("p50", "Median", totals, last?.p50),
    latencyTile("p95", "95th percentile", totals, last?.p95),
    latencyTile("p99", "99th percentile", totals, last?.p99),
    ...breakingPointTiles(view),
  ];
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function usersTile({ live, users }) {
  if (live.state === "stopped") {
    return tile(
      "users",
      "Peak users",
      formatExact(users.peak),
      `${formatExact(users.final)} at end`,
    );
  }
  const target = formatExact(live.users.target);
  const note = live.model === "closed" ? `target ${target}` : `maximum ${target}`;
  return tile("users", "Users", formatExact(live.users.current), note);
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function iterationsTiles({ live, iterations }) {
  if (iterations === null) return [];
  const { completed, interrupted, dropped, startDelayMs } = iterations;
  const value = formatCount(completed);
  const cutOff = interrupted === 0 ? "" : `, ${formatCount(interrupted)} interrupted`;
  if (live.model === "closed") {
    return [tile("iterations", "Iterations", value, `completed${cutOff}`)];
  }
  const delay = startDelayMs.p95 === null
    ? ""
    : `, delay p95 ${formatMilliseconds(startDelayMs.p95)}`;
  const note = `${formatCount(dropped)} dropped${cutOff}${delay}`;
  return [{ ...tile("iterations", "Iterations", value, note), tone: dropped > 0 ? "bad" : null }];
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function rateTile({ live, totals }) {
  const retries = totals.retries === 0
    ? ""
    : `, ${formatAmount(totals.retries, "retry", "retries")}`;
  const total = `${formatCount(totals.requests)} total${retries}`;
  return live.state === "stopped"
    ? tile("rate", "Requests per second", formatRate(totals.rate), `average, ${total}`)
    : tile("rate", "Requests per second", formatRate(live.rates.requests), total);
}

/**
 * @param {LiveView} view
 * @returns {Tile}
 */
function failuresTile({ live, totals }) {
  const rest = live.state === "stopped"
    ? " of requests"
    : `, now ${formatRate(live.rates.failures)}/s`;
  const { failureLatencyMs } = totals;
  const took = failureLatencyMs === null
    ? ""
    : `, median ${formatMilliseconds(failureLatencyMs.p50)}`;
  const note = `${formatShare(totals.errorRate)}${rest}${took}`;
  return {
    ...tile("failures", "Failures", formatCount(totals.failures), note),
    tone: totals.failures > 0 ? "bad" : null,
  };
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function unfinishedTiles({ totals: { unfinished: { count, oldestMs } } }) {
  if (oldestMs === null) return [];
  const note = `oldest ${formatAge(oldestMs)}`;
  return [{ ...tile("unfinished", "Unfinished", formatCount(count), note), tone: "bad" }];
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function inProgressTiles({ live: { state, inProgress: { count, oldestMs } } }) {
  if (state === "stopped") return [];
  const note = oldestMs === null ? "no request" : `oldest ${formatAge(oldestMs)}`;
  return [tile("in-progress", "In progress", formatCount(count), note)];
}

/**
 * @param {"p50" | "p95" | "p99"} figure
 * @param {string} label
 * @param {LiveView["totals"]} totals
 * @param {number | null | undefined} lastSecond Undefined if there is no last second.
 * @returns {Tile}
 */
function latencyTile(figure, label, { latencyMs, lowerBounds }, lastSecond) {
  const isBound = lowerBounds.includes(figure);
  const value = formatBound(formatMilliseconds(latencyMs[figure]), isBound);
  const note = lastSecond === undefined
    ? "whole run"
    : `last second ${formatMilliseconds(lastSecond)}`;
  return isBound
    ? { ...tile(figure, label, value, `lower bound, ${note}`), hint: LOWER_BOUND_HINT }
    : tile(figure, label, value, note);
}

/**
 * @param {LiveView} view
 * @returns {Tile[]}
 */
function breakingPointTiles({ breakingPoint }) {
  if (breakingPoint === null) return [];
  const { className, passedText, brokeText } = breakingPoint;
  const result = brokeText === null ? "not exceeded so far" : `exceeded at ${brokeText}`;
  const note = className === null ? result : `${className}: ${result}`;
  return [tile("breaking", "Highest passing load", passedText ?? "none", note)];
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

/**
 * @typedef {object} ShownTile
 * @property {HTMLElement} box
 * @property {HTMLElement} label
 * @property {HTMLElement} value
 * @property {HTMLElement} note
 */

/** Shows tiles in a list. */
export class TilesView {
  #list;
  /** @type {Map<string, ShownTile>} */
  #tiles = new Map();

  /** @param {HTMLElement} list a `dl` */
  constructor(list) {
    this.#list = list;
  }

  /**
   * @param {readonly Tile[]} tiles
   * @returns {void}
   */
  update(tiles) {
    place(this.#list, tiles.map((tile) => this.#show(tile)));
  }

  /** @param {Tile} tile */
  #show({ id, label, value, note, tone, hint = null }) {
    const shown = this.#tiles.get(id) ?? this.#add(id);
    setText(shown.label, label);
    setText(shown.value, value);
    setText(shown.note, note);
    setAttribute(shown.value, "title", hint);
    setAttribute(shown.value, "class", tone === null ? "tile-value" : `tile-value ${tone}`);
    return shown.box;
  }

  /** @param {string} id */
  #add(id) {
    const label = element("dt");
    const value = element("dd", { class: "tile-value" });
    const note = element("dd", { class: "tile-note quiet" });
    const box = element("div", { class: "tile card", id: `tile-${id}` }, [label, value, note]);
    const shown = { box, label, value, note };
    this.#tiles.set(id, shown);
    return shown;
  }
}
