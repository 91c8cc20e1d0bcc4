import { formatDuration } from "../core/duration.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { attendance, awaited } from "./attendance.ts";
import { formatAskedRate } from "./load_text.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { recentSeconds } from "./recent_seconds.ts";

/** Seconds that the rate and the percentiles of the line are taken from. */
const WINDOW_SECONDS = 5;

/**
 * A run in one line, for where no panel can be drawn: rate and latencies are those of the last five
 * seconds, the counts those of the whole run. Of a run that waits for its workers, it says so.
 *
 * @param startRate passes that have started a second of late; null where nobody knows.
 */
export function progressLine(snapshot: Snapshot, startRate: number | null = null): string {
  const { users, state, elapsedSeconds, mode, workers } = snapshot;
  const head = [formatDuration(elapsedSeconds).padStart(6), state.padEnd(8)];
  const waiting = awaited(snapshot);
  if (waiting !== null) return [...head, waiting].join("  ");
  const { totals, timeline } = snapshot.statistics;
  const { rate, p50, p95, p99 } = recentSeconds(timeline, WINDOW_SECONDS);
  const share = totals.failures === 0 ? "" : ` (${formatShare(totals.errorRate)})`;
  return [
    ...head,
    `${users.current}/${users.target} users`,
    ...(mode === "distributed" ? [`workers ${attendance(workers)}`] : []),
    ...passes(snapshot, startRate),
    `${formatRate(rate)} req/s`,
    `${formatCount(totals.requests)} reqs`,
    `${formatCount(totals.failures)} failed${share}`,
    `p50 ${formatLatency(p50)} p95 ${formatLatency(p95)} p99 ${formatLatency(p99)} ms`,
    ...crossed(snapshot),
  ].join("  ");
}

/** In the open model, what became of the schedule. */
function passes({ arrivalRate, statistics }: Snapshot, startRate: number | null): string[] {
  if (arrivalRate === null) return [];
  const { scheduled = 0, started = 0, dropped = 0 } = statistics.iterations ?? {};
  const queued = Math.max(0, scheduled - started - dropped);
  return [
    `${formatRate(startRate)}/${formatAskedRate(arrivalRate)} passes/s`,
    `${formatCount(queued)} queued`,
    `${formatCount(dropped)} dropped`,
  ];
}

function crossed({ thresholds }: Snapshot): string[] {
  const { length } = thresholds.filter(({ passed }) => !passed);
  return length === 0 ? [] : [`${length} of ${thresholds.length} thresholds crossed`];
}
