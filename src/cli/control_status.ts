/**
 * What `aiotest control URL status` says about a run.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { sanitizeTerminal } from "../core/text.ts";
import {
  formatAmount,
  formatBound,
  formatCount,
  formatLatency,
  formatRate,
  formatShare,
} from "../report/quantity.ts";
import type { LiveView } from "../web/live_view.ts";
import type { RunEvent } from "./dashboard_client.ts";

/** The run that a status is about: what its events have said until now. */
export type KnownRun = Pick<LiveView, "runId" | "name"> & RunEvent;

/** The status of a run as one line. */
export function statusLine({ name, live, totals }: KnownRun): string {
  const { latencyMs, lowerBounds } = totals;
  const percentile = (figure: "p50" | "p95" | "p99"): string =>
    `${figure} ${formatBound(formatLatency(latencyMs[figure]), lowerBounds.includes(figure))}`;
  const share = totals.failures === 0 ? "" : ` (${formatShare(totals.errorRate)})`;
  const parts = [
    `${stateOf(live)} ${timeOf(live)}`,
    loadText(live),
    ...(live.workers.length > 1 ? [formatAmount(live.workers.length, "worker")] : []),
    `${formatCount(totals.requests)} requests`,
    `${formatRate(live.paused ? 0 : live.rates.requests)}/s`,
    `${formatCount(totals.failures)} failed${share}`,
    `${percentile("p50")} ${percentile("p95")} ${percentile("p99")} ms`,
  ];
  const head = name === null ? "" : `${sanitizeTerminal(name)}: `;
  return `${head}${parts.join(", ")}. ${live.verdict.text}.`;
}

function stateOf({ paused, waitingFor, state }: KnownRun["live"]): string {
  return paused ? "paused" : waitingFor ?? state;
}

function timeOf({ loadSeconds, plannedSeconds }: KnownRun["live"]): string {
  const elapsed = formatDuration(loadSeconds);
  return plannedSeconds === null ? elapsed : `${elapsed} of ${formatDuration(plannedSeconds)}`;
}

/** The load of a run as it is now. */
export function loadText({ users, arrivals }: KnownRun["live"]): string {
  if (arrivals === null) {
    return `${formatCount(users.current)} of ${formatAmount(users.target, "user")}`;
  }
  return `${formatRate(arrivals.rate)} iterations/s, ${formatCount(users.current)} of at most ` +
    formatAmount(users.target, "user");
}

/** The status of a run as the value that `--json` prints. */
export function statusValue({ runId, name, exitCode, live, totals }: KnownRun): object {
  return {
    runId,
    name,
    state: live.state,
    paused: live.paused,
    elapsedSeconds: live.elapsedSeconds,
    loadSeconds: live.loadSeconds,
    plannedSeconds: live.plannedSeconds,
    users: live.users,
    arrivals: live.arrivals,
    workers: live.workers.length,
    requests: totals.requests,
    failures: totals.failures,
    errorRate: totals.errorRate,
    rate: live.rates.requests,
    latencyMs: {
      p50: totals.latencyMs.p50,
      p95: totals.latencyMs.p95,
      p99: totals.latencyMs.p99,
    },
    verdict: live.verdict.text,
    exitCode,
  };
}
