// @ts-check
/**
 * What stands at the top of the page, in words: state, time and verdict. Pure.
 *
 * @module
 */

import { formatAmount, formatClock, formatShare } from "./format.js";

/** @typedef {import("../live_view.ts").LiveView} LiveView */

/**
 * A word with how good it is.
 *
 * @typedef {object} Badge
 * @property {string} text
 * @property {"good" | "bad" | "warning" | "accent" | "quiet"} tone
 */

/** Exit codes that say which way a run failed; see `src/core/exit_code.ts`. */
const FAILED_BY = new Map([
  [3, "a threshold was crossed"],
  [4, "the cluster failed"],
  [130, "interrupted"],
]);

/**
 * What the run is doing.
 *
 * @param {LiveView} view
 * @returns {Badge}
 */
export function stateBadge({ live }) {
  const { state, workers, expectedWorkers } = live;
  if (state === "ready") {
    const present = workers.filter((worker) => !["lost", "left"].includes(worker.state)).length;
    return expectedWorkers !== null && present < expectedWorkers
      ? { text: `Waiting: ${present} of ${formatAmount(expectedWorkers, "worker")}`, tone: "quiet" }
      : { text: "Ready", tone: "quiet" };
  }
  if (state === "spawning") return { text: "Starting users", tone: "accent" };
  if (state === "running") return { text: "Running", tone: "accent" };
  return state === "stopping"
    ? { text: "Stopping", tone: "warning" }
    : { text: "Ended", tone: "quiet" };
}

/**
 * How the run has ended, or how it looks so far.
 *
 * @param {LiveView} view
 * @returns {Badge}
 */
export function verdictBadge({ exitCode, totals, thresholds, userErrors, complete, live }) {
  const failed = totals.failures > 0
    ? `${formatAmount(totals.failures, "failure")} (${formatShare(totals.errorRate)})`
    : null;
  const thrown = userErrors.reduce((sum, { count }) => sum + count, 0);
  const crossed = thresholds.filter(({ passed }) => !passed).length;
  if (exitCode !== null && exitCode !== 0) {
    const reason = FAILED_BY.get(exitCode) ?? failed ??
      (thrown > 0 ? formatAmount(thrown, "user error") : `exit code ${exitCode}`);
    return { text: `Failed: ${reason}`, tone: "bad" };
  }
  if (exitCode === 0) {
    return totals.requests === 0
      ? { text: "Nothing measured", tone: "warning" }
      : { text: "Passed", tone: "good" };
  }
  if (crossed > 0 && totals.requests > 0) {
    return { text: `${formatAmount(crossed, "threshold")} crossed`, tone: "bad" };
  }
  if (failed !== null) return { text: failed, tone: "bad" };
  if (thrown > 0) return { text: formatAmount(thrown, "user error"), tone: "bad" };
  if (!complete && live.state === "stopped") return { text: "Counts incomplete", tone: "warning" };
  return totals.requests === 0
    ? { text: "No requests yet", tone: "quiet" }
    : { text: "No failures", tone: "good" };
}

/**
 * How long it has run, and is to: `0:42 of 2:00`.
 *
 * @param {LiveView} view
 * @returns {string}
 */
export function timeText({ live: { elapsedSeconds, plannedSeconds } }) {
  const elapsed = formatClock(elapsedSeconds);
  return plannedSeconds === null ? elapsed : `${elapsed} of ${formatClock(plannedSeconds)}`;
}

/**
 * Share of its planned time that the run has behind it, 0 to 1; null where none is planned.
 *
 * @param {LiveView} view
 * @returns {number | null}
 */
export function progressOf({ live: { elapsedSeconds, plannedSeconds } }) {
  if (plannedSeconds === null || plannedSeconds <= 0) return null;
  return Math.min(1, elapsedSeconds / plannedSeconds);
}
