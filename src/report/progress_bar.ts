/**
 * How far a run is, as the first line of the live panel.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { awaited } from "./attendance.ts";
import { STATE_TONES } from "./gauges.ts";
import { label } from "./panel_label.ts";
import { type Span, span } from "./styled_line.ts";

/**
 * The state of a run, a bar, and how much time is left; without a planned time, how much went by. Of a
 * run that waits for its workers, it says so.
 */
export function progressBar(snapshot: Snapshot, columns: number): Span[] {
  const { state, elapsedSeconds, plannedSeconds } = snapshot;
  const head = label(state, STATE_TONES[state]);
  const waiting = awaited(snapshot);
  if (waiting !== null) return [head, span(waiting, "strong")];
  const elapsed = formatDuration(elapsedSeconds);
  if (plannedSeconds === null) return [head, span(elapsed)];
  // Users that are stopping outlive the plan, and a bar has no more than its length.
  const share = plannedSeconds === 0 ? 1 : Math.min(1, elapsedSeconds / plannedSeconds);
  const planned = formatDuration(plannedSeconds);
  // Long enough for any second of the run, so that the bar does not change its length all the time.
  const longest = PERCENT_COLUMNS + 2 * longestDuration(plannedSeconds) +
    `  of ${planned},  left`.length;
  const length = Math.max(0, Math.min(LONGEST_BAR, columns - head.text.length - longest));
  const done = Math.floor(share * length);
  const left = state === "stopping" || state === "stopped" || share === 1
    ? ""
    : `, ${formatDuration(Math.ceil(plannedSeconds - elapsedSeconds))} left`;
  return [
    head,
    span("█".repeat(done), STATE_TONES[state]),
    span("░".repeat(length - done), "quiet"),
    span(`${Math.floor(share * 100)}%  `.padStart(length > 0 ? PERCENT_COLUMNS : 0), "strong"),
    span(`${elapsed} of ${planned}${left}`),
  ];
}

/** A longer bar would say no more. */
const LONGEST_BAR = 60;

/** A space, the number, its sign, and two spaces. */
const PERCENT_COLUMNS = 7;

/** Characters of the longest of all durations up to this one. */
function longestDuration(seconds: number): number {
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) return `${hours}h59m59s`.length;
  const minutes = Math.floor(seconds / 60);
  return minutes > 0 ? `${minutes}m59s`.length : `${Math.floor(seconds)}s`.length;
}
