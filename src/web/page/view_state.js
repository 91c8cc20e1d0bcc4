// @ts-check
/**
 * Keeps a view up to date from the events of the stream.
 *
 * @module
 */

import { historyKey } from "./subjects.js";

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
    pausedSeconds: update.pausedSeconds,
    pauses: update.pauses,
    complete: update.complete,
    users: update.users,
    exitCode: update.exitCode,
    totals: update.totals,
    requests: updatedRequests(view.requests, update.requests, update.durationSeconds),
    classes: updatedClasses(view.classes, update.classes, update.durationSeconds),
    groups: updatedRows(view.groups, update.groups),
    metrics: updatedMetrics(view.metrics, update.metrics, update.durationSeconds),
    checks: updatedRows(view.checks, update.checks),
    histories: updatedHistories(view.histories, update.histories, update.historyKeys),
    heatMap: updatedHeatMap(view.heatMap, update.heatMap),
    tracedRequests: update.tracedRequests ?? view.tracedRequests,
    failureSamples: update.failureSamples.length === 0
      ? view.failureSamples
      : [...view.failureSamples, ...update.failureSamples],
    workerLogs: { ...view.workerLogs, ...update.workerLogs },
    failures: update.failures ?? view.failures,
    userErrors: update.userErrors ?? view.userErrors,
    thresholds: update.thresholds ?? view.thresholds,
    annotations: update.annotations ?? view.annotations,
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
 * Replaces rows and adds new ones, in the order of names and methods.
 *
 * @template {{ readonly name: string, readonly method?: string }} Row
 * @param {readonly Row[]} rows
 * @param {readonly Row[]} changed
 * @param {(row: Row) => Row} [aged] An unchanged row, now that time has passed.
 * @param {(row: Row, old: Row) => Row} [merged] What replaces a row that has changed.
 * @returns {readonly Row[]}
 */
function updatedRows(rows, changed, aged, merged = (row) => row) {
  if (changed.length === 0 && aged === undefined) return rows;
  const changedByKey = new Map(changed.map((row) => [keyOf(row), row]));
  const updated = rows.map((row) => {
    const key = keyOf(row);
    const replacement = changedByKey.get(key);
    if (replacement === undefined) return aged === undefined ? row : aged(row);
    changedByKey.delete(key);
    return merged(replacement, row);
  });
  if (changedByKey.size === 0) return updated;
  return [...updated, ...changedByKey.values()].sort(byNameThenMethod);
}

/**
 * @param {LiveView["requests"]} rows
 * @param {LiveView["requests"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["requests"]}
 */
function updatedRequests(rows, changed, durationSeconds) {
  return updatedRows(
    rows,
    changed,
    (row) => ({
      ...withRate(row, durationSeconds),
      tags: row.tags.map((part) => withRate(part, durationSeconds)),
    }),
    (row, { tags }) => ({ ...row, tags: updatedTags(tags, row.tags, durationSeconds) }),
  );
}

/**
 * @param {LiveView["requests"][number]["tags"]} parts
 * @param {LiveView["requests"][number]["tags"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["requests"][number]["tags"]}
 */
function updatedTags(parts, changed, durationSeconds) {
  const named = (/** @type {typeof parts} */ rows) =>
    rows.map((part) => ({ ...part, name: part.tags }));
  return updatedRows(named(parts), named(changed), (part) => withRate(part, durationSeconds))
    .map(({ name: _, ...part }) => part);
}

/**
 * @param {LiveView["classes"]} rows
 * @param {LiveView["classes"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["classes"]}
 */
function updatedClasses(rows, changed, durationSeconds) {
  return updatedRows(
    rows,
    changed,
    (row) => ({ ...row, totals: withRate(row.totals, durationSeconds) }),
  );
}

/**
 * @param {LiveView["metrics"]} rows
 * @param {LiveView["metrics"]} changed
 * @param {number} durationSeconds
 * @returns {LiveView["metrics"]}
 */
function updatedMetrics(rows, changed, durationSeconds) {
  return updatedRows(
    rows,
    changed,
    (row) =>
      row.type === "counter" ? { ...row, perSecond: perSecondOf(row.value, durationSeconds) } : row,
  );
}

/**
 * To six digits, as the summary has it.
 *
 * @param {number} value
 * @param {number} seconds
 */
function perSecondOf(value, seconds) {
  return seconds > 0 ? Number((value / seconds).toPrecision(6)) : 0;
}

/**
 * @param {LiveView["histories"]} histories
 * @param {LiveView["histories"]} changed
 * @param {readonly import("../histories.ts").HistoryKey[] | null} keys Null: the histories are those of before.
 * @returns {LiveView["histories"]}
 */
function updatedHistories(histories, changed, keys) {
  if (changed.length === 0 && keys === null) return histories;
  const byKey = new Map(histories.map((history) => [historyKey(history), history]));
  for (const change of changed) {
    const key = historyKey(change);
    const old = byKey.get(key);
    byKey.set(
      key,
      old === undefined || old.stepSeconds !== change.stepSeconds
        ? change
        : updatedHistory(old, change),
    );
  }
  return (keys ?? histories).flatMap((key) => byKey.get(historyKey(key)) ?? []);
}

/** @typedef {import("../../stats/snapshot.ts").History} History */

/**
 * Replaces rows and adds new ones. Only the end of a history changes, so the rest is kept as is.
 *
 * @param {History} history
 * @param {History} change
 * @returns {History}
 */
function updatedHistory(history, change) {
  const first = change.seconds[0] ?? Infinity;
  let kept = history.seconds.length;
  while (kept > 0 && (history.seconds[kept - 1] ?? 0) >= first) kept -= 1;
  // Where each row of the end comes from: an index of the history, or that of the change after it.
  const { length } = history.seconds;
  const replaced = new Set(change.seconds);
  const end = [
    ...history.seconds.slice(kept).flatMap((second, index) =>
      replaced.has(second) ? [] : [{ second, index: kept + index }]
    ),
    ...change.seconds.map((second, index) => ({ second, index: length + index })),
  ].sort((a, b) => a.second - b.second);
  /**
   * @template Value
   * @param {readonly Value[]} old
   * @param {readonly Value[]} now
   * @returns {readonly Value[]}
   */
  const joined = (old, now) => [
    ...old.slice(0, kept),
    ...end.flatMap(({ index }) =>
      index < length ? old.slice(index, index + 1) : now.slice(index - length, index - length + 1)
    ),
  ];
  return {
    ...history,
    seconds: joined(history.seconds, change.seconds),
    requests: joined(history.requests, change.requests),
    failures: joined(history.failures, change.failures),
    p50: joined(history.p50, change.p50),
    p95: joined(history.p95, change.p95),
    p99: joined(history.p99, change.p99),
    users: history.users === null || change.users === null
      ? null
      : joined(history.users, change.users),
  };
}

/**
 * Replaces columns and adds new ones.
 *
 * @param {LiveView["heatMap"]} heatMap
 * @param {LiveUpdate["heatMap"]} change
 * @returns {LiveView["heatMap"]}
 */
function updatedHeatMap(heatMap, change) {
  if (change === null) return heatMap;
  if (change.stepSeconds !== heatMap.stepSeconds) return change;
  const columns = new Map(heatMap.seconds.map((second, at) => [second, heatMap.histograms[at]]));
  change.seconds.forEach((second, at) => columns.set(second, change.histograms[at]));
  const seconds = [...columns.keys()].sort((a, b) => a - b);
  return { ...heatMap, seconds, histograms: seconds.map((second) => columns.get(second) ?? "") };
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

/** @param {{ readonly name: string, readonly method?: string }} row */
function keyOf({ method = "", name }) {
  return `${method}\n${name}`;
}

/**
 * @template {{ readonly requests: number, readonly rate: number }} Row
 * @param {Row} row
 * @param {number} durationSeconds
 * @returns {Row}
 */
function withRate(row, durationSeconds) {
  return { ...row, rate: rateOf(row.requests, durationSeconds) };
}

/**
 * @param {number} requests
 * @param {number} seconds
 */
function rateOf(requests, seconds) {
  return seconds > 0 ? Math.round(requests / seconds * 1000) / 1000 : 0;
}

/**
 * @param {{ readonly name: string, readonly method?: string }} a
 * @param {{ readonly name: string, readonly method?: string }} b
 */
function byNameThenMethod(a, b) {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.method ?? "") < (b.method ?? "") ? -1 : Number((a.method ?? "") > (b.method ?? ""));
}
