// @ts-check
/**
 * What the page knows of a run, kept up to date from the events of its stream. Pure.
 *
 * @module
 */

/** @typedef {import("../live_view.ts").LiveView} LiveView */
/** @typedef {import("../live_view.ts").LiveUpdate} LiveUpdate */
/** @typedef {import("../live_view.ts").LogLine} LogLine */

/** Lines of the log that are kept, as the server keeps them. */
const MAX_LOG_LINES = 200;

/**
 * A view after what has changed.
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
    breakingPoint: update.breakingPoint ?? view.breakingPoint,
    timeline: updatedTimeline(view.timeline, update.timeline),
  };
}

/**
 * A view after more lines of the log.
 *
 * @param {LiveView} view
 * @param {readonly LogLine[]} lines
 * @returns {LiveView}
 */
export function loggedView(view, lines) {
  const log = [...view.live.log, ...lines].slice(-MAX_LOG_LINES);
  return { ...view, live: { ...view.live, log } };
}

/**
 * @param {LiveView["requests"]} rows
 * @param {LiveView["requests"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["requests"]}
 */
function updatedRequests(rows, changed, durationSeconds) {
  const news = new Map(changed.map((row) => [keyOf(row), row]));
  const updated = rows.map((row) => {
    const key = keyOf(row);
    const replaced = news.get(key);
    if (replaced === undefined) return { ...row, rate: rateOf(row.requests, durationSeconds) };
    news.delete(key);
    return replaced;
  });
  return news.size === 0 ? updated : [...updated, ...news.values()].sort(byNameThenMethod);
}

/**
 * Only the end of it ever changes, so what comes first is kept as it is.
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
  const between = timeline.slice(kept).filter(({ second }) => !replaced.has(second));
  const end = [...between, ...changed].sort((a, b) => a.second - b.second);
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
