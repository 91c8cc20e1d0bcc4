// @ts-check
/// <reference lib="dom" />
/**
 * The top of the page: the state of the run, its time, its verdict, and the tiles.
 *
 * @module
 */

import { byId, element, setAttribute, setText } from "./dom.js";
import { formatAge, formatClock } from "./format.js";
import { tiles, TilesView } from "./tiles.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveState} LiveState */

/** Shows the headline of a run. */
export class HeadView {
  #tiles = new TilesView(byId("tiles"));

  /**
   * @param {LiveView} view
   * @returns {void}
   */
  update(view) {
    const { live, exitCode, runId, mode, name } = view;
    const state = stateBadge(live);
    const shown = live.paused ? { ...state, text: pauseText(view) } : state;
    const time = timeText(live);
    byId("run-head").hidden = false;
    showBadge(byId("state"), shown);
    showBadge(byId("verdict"), live.verdict);
    // Screen readers announce changes of state, and the verdict only at the end.
    setText(
      byId("state-announced"),
      exitCode === null ? state.text : `${state.text}. ${live.verdict.text}`,
    );
    setText(byId("time"), time);
    setText(byId("run-id"), `Run ${runId}, ${mode}`);
    const progress = progressOf(live);
    const bar = byId("progress", HTMLProgressElement);
    bar.hidden = progress === null || live.state === "stopped";
    bar.value = progress ?? 0;
    setText(bar, time);
    const title = byId("run-name");
    title.hidden = name === null;
    setText(title, name ?? "");
    setAttribute(title, "title", name);
    document.title = [`${state.text} ${time}`, ...(name === null ? [] : [name]), "aiotest"]
      .join(" · ");
    showLabels(byId("labels"), view.labels);
    showRunEnd(byId("run-end"), view);
    this.#tiles.update(tiles(view));
  }
}

/**
 * Shows the labels of a run, such as `env=staging`. Hidden if it has none.
 *
 * @param {HTMLElement} list
 * @param {LiveView["labels"]} labels
 * @returns {void}
 */
function showLabels(list, labels) {
  const texts = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  list.hidden = texts.length === 0;
  const shown = [...list.children].map(({ textContent }) => textContent);
  if (JSON.stringify(shown) === JSON.stringify(texts)) return;
  list.replaceChildren(...texts.map((text) => element("li", { text })));
}

/**
 * Says how the code of the test has ended the run. Hidden if it has not.
 *
 * @param {HTMLElement} target
 * @param {Pick<LiveView, "runEnd" | "live">} view
 * @returns {void}
 */
function showRunEnd(target, { runEnd, live: { ended } }) {
  target.hidden = ended === null;
  setText(target, ended === null ? "" : `${ended.charAt(0).toUpperCase()}${ended.slice(1)}`);
  target.classList.toggle("bad", runEnd?.kind === "fail");
}

/**
 * A short text and its meaning.
 *
 * @typedef {object} Badge
 * @property {string} text
 * @property {"good" | "bad" | "warning" | "accent" | "quiet"} tone
 */

/** @type {Readonly<Record<LiveState["state"], Badge>>} */
const STATE_BADGES = {
  ready: { text: "Ready", tone: "quiet" },
  spawning: { text: "Starting users", tone: "accent" },
  running: { text: "Running", tone: "accent" },
  stopping: { text: "Stopping", tone: "warning" },
  stopped: { text: "Ended", tone: "quiet" },
};

/**
 * The state of a run.
 *
 * @param {Pick<LiveState, "state" | "paused" | "waitingFor">} live
 * @returns {Badge}
 */
export function stateBadge({ state, paused, waitingFor }) {
  if (paused) return { text: "Paused", tone: "warning" };
  if (waitingFor === null) return STATE_BADGES[state];
  return { text: `${waitingFor.charAt(0).toUpperCase()}${waitingFor.slice(1)}`, tone: "quiet" };
}

/**
 * How long a run has been paused: `Paused for 12 s`.
 *
 * @param {{ readonly pauses: LiveView["pauses"], readonly live: Pick<LiveState, "elapsedSeconds"> }} view
 * @returns {string}
 */
export function pauseText({ pauses, live: { elapsedSeconds } }) {
  const from = pauses.at(-1)?.from ?? elapsedSeconds;
  const seconds = Math.max(0, Math.floor(elapsedSeconds - from));
  return `Paused for ${seconds < 60 ? `${seconds} s` : formatAge(seconds * 1000)}`;
}

/**
 * The elapsed and planned time without pauses: `0:42 of 2:00`.
 *
 * @param {Pick<LiveState, "loadSeconds" | "plannedSeconds">} live
 * @returns {string}
 */
export function timeText({ loadSeconds, plannedSeconds }) {
  const elapsed = formatClock(loadSeconds);
  return plannedSeconds === null ? elapsed : `${elapsed} of ${formatClock(plannedSeconds)}`;
}

/**
 * The elapsed share of the planned time, 0 to 1; null if the run has no planned end.
 *
 * @param {Pick<LiveState, "loadSeconds" | "plannedSeconds">} live
 * @returns {number | null}
 */
export function progressOf({ loadSeconds, plannedSeconds }) {
  if (plannedSeconds === null || plannedSeconds <= 0) return null;
  return Math.min(1, loadSeconds / plannedSeconds);
}

/**
 * @param {Element} target
 * @param {Badge} badge
 */
function showBadge(target, { text, tone }) {
  setText(target, text);
  setAttribute(target, "class", `badge ${tone}`);
}
