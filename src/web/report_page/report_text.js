// @ts-check
/**
 * The texts of a report: about the run, its configuration, and the machine.
 *
 * @module
 */

import {
  formatAmount,
  formatClock,
  formatExact,
  formatMilliseconds,
  formatShare,
} from "../page/format.js";

/** @typedef {import("../report_content.ts").ReportContent} ReportContent */

/** The load models in words. */
const LOAD_MODELS = {
  closed: "closed (users)",
  open: "open (arrival rate)",
  mixed: "both: open (arrival rate) and closed (users), by user class",
};

/**
 * A name and its value.
 *
 * @typedef {readonly [name: string, value: string]} Fact
 */

/**
 * The page's title.
 *
 * @param {ReportContent} content
 * @returns {string}
 */
export function titleOf({ verdict: { word }, metadata: { test }, view: { name, startedAt } }) {
  const started = startedAt === null ? "" : `, ${timeText(startedAt)}`;
  return `${word}: ${name === null ? test : `${name} (${test})`}${started} · aiotest`;
}

/**
 * The grounds for the verdict, as a sentence.
 *
 * @param {ReportContent} content
 * @returns {string}
 */
export function verdictSentence({ verdict: { reasons }, view: { exitCode, live } }) {
  if (exitCode === null) return `After ${formatClock(live.elapsedSeconds)}: ${reasons}.`;
  return `${reasons.charAt(0).toUpperCase()}${reasons.slice(1)}.`;
}

/**
 * Facts about the run.
 *
 * @param {ReportContent} content
 * @returns {readonly Fact[]}
 */
export function runFacts({ view, metadata }) {
  const {
    startedAt,
    endedAt,
    durationSeconds,
    pausedSeconds,
    exitCode,
    mode,
    workers,
    users,
    live,
  } = view;
  const labels = Object.entries(view.labels).map(([label, value]) => `${label}=${value}`);
  const usersAtEnd = exitCode === null
    ? `${formatExact(live.users.current)} when this was written`
    : `${formatExact(users.final)} at end`;
  return [
    ...(view.name === null ? [] : [/** @type {Fact} */ (["Name", view.name])]),
    ...(labels.length === 0 ? [] : [/** @type {Fact} */ (["Labels", labels.join(", ")])]),
    ["Test", metadata.test],
    ["Started", startedAt === null ? "no user started" : timeText(startedAt)],
    ["Ended", endedAt === null ? "in progress" : timeText(endedAt)],
    [
      "Measured",
      `${durationSeconds} s${pausedSeconds > 0 ? `, paused for ${pausedSeconds} s` : ""}`,
    ],
    ["Mode", mode === "local" ? "local" : `distributed, ${formatAmount(workers.length, "worker")}`],
    ["Load model", LOAD_MODELS[live.model]],
    ["Users", `peak ${formatExact(users.peak)}, ${usersAtEnd}`],
    ["Exit code", exitCode === null ? "none yet" : String(exitCode)],
    ["Run ID", view.runId],
  ];
}

/**
 * Facts about the machine that wrote the report.
 *
 * @param {ReportContent} content
 * @returns {readonly Fact[]}
 */
export function machineFacts({ view: { mode, workers, network }, metadata: { machine, program } }) {
  const { hostname, cores, system } = machine;
  const peak = workers.reduce((highest, { cpuPeak }) => Math.max(highest, cpuPeak), 0);
  return [
    [mode === "local" ? "Host" : "Host of the master", hostname],
    ["Cores", cores === 0 ? "unknown" : String(cores)],
    ["System", system],
    ["Version", program],
    ["Sockets", socketsText(workers)],
    ...networkFacts(network),
    [
      workers.length > 1 ? "CPU peak of the busiest worker" : "CPU peak",
      workers.length === 0 ? "no workers" : `${Math.round(peak * 100)}% of a core`,
    ],
  ];
}

/**
 * What the system said about connections.
 *
 * @param {ReportContent["view"]["network"]} network
 * @returns {readonly Fact[]}
 */
function networkFacts(network) {
  if (network === null) return [];
  const { samples, retransmitting, roundTripMs: { p50, p99 } } = network;
  return [
    ["Round trip", `${formatMilliseconds(p50)} median, ${formatMilliseconds(p99)} p99`],
    [
      "Sampled connections",
      `${formatExact(samples)}, ${formatExact(retransmitting)} had sent data again`,
    ],
  ];
}

/** Workers that are named one by one. */
const MAX_NAMED = 3;

/**
 * How connections to the target are implemented: as all workers have it, or with those that differ.
 *
 * @param {ReportContent["view"]["workers"]} workers
 * @returns {string}
 */
function socketsText(workers) {
  /** @type {Map<string, string[]>} */
  const ids = new Map();
  for (const { id, sockets } of workers) {
    if (sockets !== null) ids.set(sockets, [...ids.get(sockets) ?? [], id]);
  }
  const [usual, ...others] = [...ids].sort(([, a], [, b]) => b.length - a.length);
  if (usual === undefined) return "unknown";
  const exceptions = others.map(([kind, workers]) => {
    const more = workers.length - MAX_NAMED;
    const names = workers.slice(0, MAX_NAMED).join(", ");
    return `; ${kind} on ${names}${more > 0 ? ` and ${formatExact(more)} more` : ""}`;
  });
  return usual[0] + exceptions.join("");
}

/**
 * How many iterations were scheduled, started, completed, interrupted and dropped; null if they are
 * not counted.
 *
 * @param {ReportContent["view"]} view
 * @returns {string | null}
 */
export function iterationsSentence({ iterations, live }) {
  if (iterations === null) return null;
  const { scheduled, started, completed, interrupted, dropped } = iterations;
  const cutOff = interrupted === 0 ? "" : `, ${formatExact(interrupted)} interrupted`;
  const counts = `${formatExact(started)} started, ${formatExact(completed)} completed${cutOff}`;
  if (live.model === "closed") return `${counts}.`;
  const share = scheduled === 0 ? 0 : dropped / scheduled;
  const droppedText = dropped === 0
    ? "none dropped"
    : `${formatExact(dropped)} dropped (${formatShare(share)})`;
  return `${formatExact(scheduled)} scheduled, ${counts}, ${droppedText}.`;
}

/**
 * A time: `2026-03-05 10:29:59 UTC`.
 *
 * @param {string} iso
 * @returns {string}
 */
function timeText(iso) {
  return iso.replace(/^([\d-]+)T([\d:]+)(?:\.\d+)?Z$/, "$1 $2 UTC");
}
