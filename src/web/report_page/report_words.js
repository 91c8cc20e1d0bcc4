// @ts-check
/**
 * What a report says in words: of the run, of its configuration, and of the machine. Pure.
 *
 * @module
 */

import { formatAmount, formatClock, formatExact, formatShare } from "../page/format.js";

/** @typedef {import("../report_content.ts").ReportContent} ReportContent */

/**
 * Something with its name.
 *
 * @typedef {readonly [name: string, value: string]} Fact
 */

/**
 * The page's title.
 *
 * @param {ReportContent} content
 * @returns {string}
 */
export function titleOf({ verdict: { word }, facts: { test }, view: { startedAt } }) {
  const when = startedAt === null ? "" : `, ${timeText(startedAt)}`;
  return `${word}: ${test}${when} · aiotest`;
}

/**
 * What speaks for the verdict, as a sentence.
 *
 * @param {ReportContent} content
 * @returns {string}
 */
export function verdictSentence({ verdict: { facts }, view: { exitCode, live } }) {
  const [first = "", ...rest] = facts;
  const sentence = `${first.toUpperCase()}${rest.join("")}.`;
  return exitCode === null ? `After ${formatClock(live.elapsedSeconds)}: ${facts}.` : sentence;
}

/**
 * What the run was.
 *
 * @param {ReportContent} content
 * @returns {readonly Fact[]}
 */
export function runFacts({ view, facts }) {
  const { startedAt, endedAt, durationSeconds, exitCode, mode, workers, users, live } = view;
  return [
    ["Test", facts.test],
    ["Started", startedAt === null ? "no user started" : timeText(startedAt)],
    ["Ended", endedAt === null ? "it has not" : timeText(endedAt)],
    ["Counted", `${durationSeconds} s`],
    ["Mode", mode === "local" ? "local" : `distributed, ${formatAmount(workers.length, "worker")}`],
    [
      "Load model",
      live.model === "open" ? "open: a schedule starts passes" : "closed: users start passes",
    ],
    ["Users", `${formatExact(users.peak)} at most, ${formatExact(users.final)} at the end`],
    ["Exit code", exitCode === null ? "none yet" : String(exitCode)],
    ["Run", view.runId],
  ];
}

/**
 * Where the report was written.
 *
 * @param {ReportContent} content
 * @returns {readonly Fact[]}
 */
export function machineFacts({ view: { mode, workers }, facts: { machine, program } }) {
  const { hostname, cores, system } = machine;
  const peak = workers.reduce((most, { cpuPeak }) => Math.max(most, cpuPeak), 0);
  return [
    [mode === "local" ? "Host" : "Host of the master", hostname],
    ["Cores", String(cores)],
    ["System", system],
    ["Version", program],
    [
      workers.length > 1 ? "CPU peak of the busiest worker" : "CPU peak",
      workers.length === 0 ? "no worker" : `${Math.round(peak * 100)}% of a core`,
    ],
  ];
}

/**
 * What became of the passes that were to start; null where they are not counted.
 *
 * @param {ReportContent["view"]} view
 * @returns {string | null}
 */
export function iterationsSentence({ iterations, live }) {
  if (iterations === null) return null;
  const { scheduled, started, completed, dropped } = iterations;
  const done = `${formatExact(started)} started, ${formatExact(completed)} completed`;
  if (live.model !== "open") return `${done}.`;
  const share = scheduled === 0 ? 0 : dropped / scheduled;
  const lost = dropped === 0
    ? "none dropped"
    : `${formatExact(dropped)} dropped (${formatShare(share)})`;
  return `${formatExact(scheduled)} scheduled, ${done}, ${lost}.`;
}

/**
 * A moment: `2026-03-05 10:29:59 UTC`.
 *
 * @param {string} iso
 * @returns {string}
 */
function timeText(iso) {
  return iso.replace(/^([\d-]+)T([\d:]+)(?:\.\d+)?Z$/, "$1 $2 UTC");
}
