// @ts-check
/**
 * Keeps a view up to date from the events of the stream.
 *
 * @module
 */

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveUpdate} LiveUpdate */
/** @typedef {import("../live_view.ts").LogLine} LogLine */

/**
 * A view after an event `update`.
 *
 * @param {LiveView} view
 * @param {LiveUpdate} update
 * @returns {LiveView}
 */
export function updatedView(view, update) {
  return {
    ...view,
    live: { ...update.live, log: view.live.log },
    durationSeconds: update.durationSeconds,
    complete: update.complete,
    users: update.users,
    exitCode: update.exitCode,
    totals: update.totals,
    requests: updatedRequests(view.requests, update.requests, update.durationSeconds),
    failures: update.failures ?? view.failures,
    userErrors: update.userErrors ?? view.userErrors,
    thresholds: update.thresholds ?? view.thresholds,
    warnings: update.warnings ?? view.warnings,
    iterations: update.iterations ?? view.iterations,
    network: update.network ?? view.network,
    breakingPoint: update.breakingPoint ?? view.breakingPoint,
    timeline: updatedTimeline(view.timeline, update.timeline),
  };
}

/**
 * A view after an event `log`.
 *
 * @param {LiveView} view
 * @param {readonly LogLine[]} lines
 * @param {number} maxLines How many lines are kept.
 * @returns {LiveView}
 */
export function viewWithLog(view, lines, maxLines) {
  const log = [...view.live.log, ...lines].slice(-maxLines);
  return { ...view, live: { ...view.live, log } };
}

/**
 * @param {LiveView["requests"]} rows
 * @param {LiveView["requests"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["requests"]}
 */
function updatedRequests(rows, changed, durationSeconds) {
  const changedByKey = new Map(changed.map((row) => [keyOf(row), row]));
  const updated = rows.map((row) => {
    const key = keyOf(row);
    const replacement = changedByKey.get(key);
    if (replacement === undefined) return { ...row, rate: rateOf(row.requests, durationSeconds) };
    changedByKey.delete(key);
    return replacement;
  });
  if (changedByKey.size === 0) return updated;
  return [...updated, ...changedByKey.values()].sort(byNameThenMethod);
}

/**
 * Replaces seconds and adds new ones. Only the end of a timeline changes, so the rest is kept as is.
 *
 * @param {LiveView["timeline"]} timeline
 * @param {LiveView["timeline"]} changed
 * @returns {LiveView["timeline"]}
 */
function updatedTimeline(timeline, changed) {
  const first = changed[0];
  if (first === undefined) return timeline;
  let kept = timeline.length;
  while (kept > 0 && (timeline[kept - 1]?.second ?? 0) >= first.second) kept -= 1;
  const replaced = new Set(changed.map(({ second }) => second));
  const unchanged = timeline.slice(kept).filter(({ second }) => !replaced.has(second));
  const end = [...unchanged, ...changed].sort((a, b) => a.second - b.second);
  return [...timeline.slice(0, kept), ...end];
}

/** @param {{ method: string, name: string }} row */
function keyOf({ method, name }) {
  return `${method}\n${name}`;
}

/**
 * @param {number} requests
 * @param {number} seconds
 */
function rateOf(requests, seconds) {
  return seconds > 0 ? Math.round(requests / seconds * 1000) / 1000 : 0;
}

/**
 * @param {{ method: string, name: string }} a
 * @param {{ method: string, name: string }} b
 */
function byNameThenMethod(a, b) {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.method < b.method ? -1 : Number(a.method > b.method);
}
