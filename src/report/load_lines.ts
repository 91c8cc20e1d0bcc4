/**
 * The load of a run in the live panel: users, passes, the step that it is in.
 *
 * @module
 */

import { LATE_START_MS, MANY_DROPPED } from "../stats/pass_limits.ts";
import type { IterationSummary, Snapshot } from "../stats/snapshot.ts";
import { formatAskedRate, loadText } from "./load_text.ts";
import { label } from "./panel_label.ts";
import { formatCount, formatRate, formatShare } from "./quantity.ts";
import { type Span, span } from "./styled_line.ts";
import { percentileLine } from "./traffic_lines.ts";

/**
 * How much load there is, and how much there should be.
 *
 * @param startRate passes that have started a second of late; null where nobody knows.
 */
export function loadLines(
  snapshot: Snapshot,
  startRate: number | null,
  columns: number,
): Span[][] {
  const { arrivalRate, breakingPoint, statistics: { iterations } } = snapshot;
  return [
    arrivalRate === null ? userLine(snapshot) : busyLine(snapshot),
    ...(iterations === null && arrivalRate === null
      ? []
      : [passLine(snapshot, startRate, columns >= SHARE_COLUMNS)]),
    ...(breakingPoint === null ? [] : [stepLine(snapshot)]),
  ];
}

/** How long passes took by themselves, and how late they began; only the open model has these. */
export function passTimeLines({ arrivalRate, statistics: { iterations } }: Snapshot): Span[][] {
  if (arrivalRate === null || iterations === null) return [];
  return [
    percentileLine("service", iterations.serviceTimeMs),
    percentileLine(
      "start delay",
      iterations.startDelayMs,
      (ms) => ms > LATE_START_MS ? "warning" : "plain",
    ),
  ];
}

/** Where a line is shorter, the colour of what was dropped has to do. */
const SHARE_COLUMNS = 72;

function userLine({ users }: Snapshot): Span[] {
  const reached = users.current === users.target;
  return [
    label("users"),
    span(formatCount(users.current), "strong"),
    span(reached ? "" : ` of ${formatCount(users.target)}`),
  ];
}

function busyLine({ users, statistics: { iterations } }: Snapshot): Span[] {
  // What a lost worker had under way was begun, and will never end.
  const busy = Math.min(users.current, iterations === null ? 0 : underWay(iterations));
  const tone = busy > 0 && busy >= users.target ? "warning" : "strong";
  return [
    label("users"),
    span(formatCount(busy), tone),
    span(` of ${formatCount(users.target)} busy`),
  ];
}

function underWay({ started, completed }: IterationSummary): number {
  return Math.max(0, started - completed);
}

function passLine(
  { arrivalRate, statistics }: Snapshot,
  startRate: number | null,
  withShare: boolean,
): Span[] {
  const { scheduled = 0, started = 0, completed = 0, dropped = 0 } = statistics.iterations ?? {};
  if (arrivalRate === null) {
    return [label("passes"), span(formatCount(completed), "strong"), span(" completed")];
  }
  const queued = Math.max(0, scheduled - started - dropped);
  const lost = scheduled === 0 ? 0 : dropped / scheduled;
  const share = dropped === 0 || !withShare ? "" : ` (${formatShare(lost)})`;
  return [
    label("passes"),
    span(formatRate(startRate), "strong"),
    span(` of ${formatAskedRate(arrivalRate)}/s`),
    span("   queued ", "quiet"),
    span(formatCount(queued), queued > 0 ? "warning" : "plain"),
    span("   dropped ", "quiet"),
    span(
      `${formatCount(dropped)}${share}`,
      dropped === 0 ? "plain" : lost > MANY_DROPPED ? "bad" : "warning",
    ),
  ];
}

function stepLine({ users, arrivalRate, breakingPoint }: Snapshot): Span[] {
  const { passed, broke, threshold } = breakingPoint!;
  const best = passed === null ? [] : [span("   passed ", "quiet"), span(loadText(passed), "good")];
  if (broke === null) {
    const now = loadText({ users: users.target, arrivalRate });
    return [label("step"), span(now, "strong"), ...best];
  }
  const reason = threshold === null ? "" : `, ${threshold}`;
  return [label("step"), span(`broke at ${loadText(broke)}${reason}`, "bad"), ...best];
}
