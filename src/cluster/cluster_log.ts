/**
 * What `-L DEBUG` says about assignments, states and reports of a cluster, on both sides. Names come from another
 * node, so they are cleaned.
 *
 * @module
 */

import { debugLog } from "../core/debug_log.ts";
import { peerText } from "../core/text.ts";
import type { ArrivalAssignment, Assignment, Message } from "./protocol.ts";

/** Logs what a worker is to run. @param whom such as `to w1`, or `from the master`. */
export function logAssignment(whom: string, assignment: Assignment): void {
  if (!debugLog.isOn) return;
  const { revision, classes, rate, arrivals } = assignment;
  const users = Object.entries(classes).filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} of ${peerText(name)}`);
  const what = [
    ...(users.length === 0 ? [] : [`${users.join(", ")}, ${rate} users per second`]),
    ...arrivals.map(arrivalText),
  ];
  const text = what.length === 0 ? "no users" : what.join("; ");
  debugLog.add("cluster", `Assignment ${revision} ${whom}: ${text}.`);
}

function arrivalText({ rate, since, classes, index, of, over }: ArrivalAssignment): string {
  const whose = classes.length === 0 ? "all classes" : classes.map(peerText).join(", ");
  if (over) return `no more arrivals of ${whose}`;
  const share = of === 1 ? "all of them" : `share ${index + 1} of ${of}`;
  return `${rate} arrivals per second of ${whose} since ${since.toFixed(1)} s, ${share}`;
}

/** Logs what a worker says it is doing. */
export function logState(workerId: string, { state, users }: Message<"STATE">): void {
  if (debugLog.isOn) {
    debugLog.add("cluster", `Worker ${workerId} is ${state}; users: ${users}.`);
  }
}

/** What the master does with a report. */
const VERDICTS = {
  apply: "counted",
  again: "known already",
  gap: "not counted, because one before it is missing",
} as const;

/** Logs a report that the master has received. */
export function logReport(
  workerId: string,
  { seq, from, to, entries, final }: Message<"REPORT">,
  verdict: keyof typeof VERDICTS,
): void {
  if (!debugLog.isOn) return;
  const what = `${
    final ? "the last one, " : ""
  }seconds ${from} to ${to}, entries: ${entries.length}`;
  debugLog.add("cluster", `Report ${seq} of ${workerId} is ${VERDICTS[verdict]}: ${what}.`);
}

/** Logs that a worker has sent a report, for the first time or again. @param newest the last one's number. */
export function logReportSent(bytes: number, newest: number): void {
  if (!debugLog.isOn) return;
  debugLog.add("cluster", `A report of ${bytes} bytes is sent; the newest is number ${newest}.`);
}

/** Logs that the master has a report. */
export function logReportAcknowledged(seq: number): void {
  if (debugLog.isOn) debugLog.add("cluster", `Report ${seq} is acknowledged.`);
}
