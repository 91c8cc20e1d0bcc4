/**
 * Checks that iterations start on time and evenly, by the target's clock.
 *
 * @module
 */

import { waitedSeconds } from "../../tests/support/machine.ts";
import { type ChiSquare, moreThan, poissonTest } from "./chi_square.ts";
import { type Finding, finding, msText, note, percentText } from "./finding.ts";
import { NotedTarget } from "./noted_target.ts";
import { pacedRun } from "./paced_run.ts";

/** The cores of target and client. */
export interface Cores {
  readonly target: number;
  readonly client: number;
}

const RATES = [5_000, 20_000];
const RATE_SECONDS = 20;
const RATE_TOLERANCE = 0.005;
/** The allowed 99th percentile of the start delay at the lower rate, in milliseconds. */
const DELAY_GOAL_MS = 5;

/** Compares the target's count with the schedule, at a low and at a high rate. */
export async function rateFindings(cores: Cores): Promise<Finding[]> {
  const findings: Finding[] = [];
  await using target = await NotedTarget.start(cores.target);
  for (const rate of RATES) {
    const waitedBefore = waitedSeconds(target.pid);
    const run = await pacedRun({
      url: target.url,
      cores: cores.client,
      seconds: RATE_SECONDS,
      load: ["--arrival-rate", String(rate)],
    });
    const { iterations, workers } = run.summary;
    const targetWaited = waitedSeconds(target.pid) - waitedBefore;
    const { atMs } = await target.takeNotes();
    const off = atMs.length / (rate * RATE_SECONDS) - 1;
    const delay = iterations!.startDelayMs.p99!;
    const name = `${rate} a second`;
    findings.push(
      finding(
        `${name}: requests that the target counted`,
        `${atMs.length} of ${rate * RATE_SECONDS}, off by ${percentText(off)}`,
        `within ${RATE_TOLERANCE * 100} %`,
        Math.abs(off) <= RATE_TOLERANCE,
      ),
      rate === RATES[0]
        ? finding(
          `${name}: p99 of start delay`,
          msText(delay),
          `${DELAY_GOAL_MS} ms at most`,
          delay <= DELAY_GOAL_MS,
        )
        : note(`${name}: p99 of start delay`, msText(delay)),
      note(
        `${name}: busiest second`,
        `${percentText(workers[0]!.cpuPeak)} of a core, ${workers[0]!.peakUsers} users`,
      ),
      note(
        `${name}: had no core, as others had it`,
        `${run.waitedSeconds.toFixed(2)} s, the target ${targetWaited.toFixed(2)} s`,
      ),
    );
  }
  return findings;
}

const POISSON = { rate: 400, windowMs: 100, windows: 100, stretches: 20 } as const;
const SIGNIFICANCE = 0.01;

/**
 * A chi-square test of the requests in each tenth of a second, for each ten seconds. With Poisson arrivals,
 * one test in a hundred rejects. The goal is missed if the number of rejections is less likely than 1 %.
 */
export async function poissonFindings(cores: Cores): Promise<Finding[]> {
  const { rate, windowMs, windows, stretches } = POISSON;
  const stretchMs = windowMs * windows;
  await using target = await NotedTarget.start(cores.target);
  let dueAtMs: readonly number[] = [];
  await pacedRun({
    url: target.url,
    cores: cores.client,
    traced: (all) => dueAtMs = all.beganAtMs,
    // In the first second, users are still being started.
    seconds: stretchMs * stretches / 1000 + 2,
    load: ["--arrival-rate", String(rate), "--arrivals", "poisson"],
  });
  const { atMs } = await target.takeNotes();
  const from = atMs[0]! + 1000;
  const mean = rate * windowMs / 1000;
  const rejections = (times: readonly number[]): number => {
    const counts = countsIn(times, from, windowMs, windows * stretches);
    return Array.from(
      { length: stretches },
      (_, at) => counts.slice(at * windows, (at + 1) * windows),
    )
      .filter((stretch) => poissonTest(stretch, mean).p < SIGNIFICANCE).length;
  };
  const rejected = rejections(atMs);
  let allowed = 0;
  while (moreThan(allowed, stretches, SIGNIFICANCE) > SIGNIFICANCE + 1e-9) allowed++;
  const pooled = (times: readonly number[]): ChiSquare =>
    poissonTest(countsIn(times, from, windowMs, windows * stretches), mean);
  const all = pooled(atMs);
  return [
    finding(
      `chi-square tests at ${SIGNIFICANCE * 100} % that reject`,
      `${rejected} of ${stretches}, each of ${windows} windows of ${windowMs} ms`,
      `${allowed} at most`,
      rejected <= allowed,
    ),
    finding(
      "one test of all windows",
      `p = ${all.p.toFixed(3)} (${all.statistic.toFixed(1)}, ${all.degrees} degrees of freedom)`,
      `p of ${SIGNIFICANCE} or more`,
      all.p >= SIGNIFICANCE,
    ),
    // These are not affected by delays of client or target.
    note(
      "the same for the times when iterations were due",
      `${rejections(dueAtMs)} of ${stretches} reject, all windows p = ${
        pooled(dueAtMs).p.toFixed(3)
      }`,
    ),
  ];
}

function countsIn(
  atMs: readonly number[],
  from: number,
  windowMs: number,
  windows: number,
): number[] {
  const counts = new Array<number>(windows).fill(0);
  for (const at of atMs) {
    const window = Math.floor((at - from) / windowMs);
    if (window >= 0 && window < windows) counts[window]!++;
  }
  return counts;
}

const INTERLEAVED = { rate: 200, seconds: 20, workers: 2 } as const;
/** The goal for the share of requests that follow one of the other worker. */
const ALTERNATING_GOAL = 0.95;
/** The allowed lead of one worker over the other, in requests. */
const AHEAD_GOAL = 2;

/** The order of the requests of two workers, by the target's clock. */
export async function interleavingFindings(cores: Cores): Promise<Finding[]> {
  const { rate, seconds, workers } = INTERLEAVED;
  await using target = await NotedTarget.start(cores.target);
  await pacedRun({
    url: target.url,
    cores: [cores.target, cores.client],
    seconds,
    load: ["--arrival-rate", String(rate), "--processes", String(workers)],
  });
  const { atMs, paths, pathIndices } = await target.takeNotes();
  const counts = paths.map((_, index) => pathIndices.filter((one) => one === index).length);
  let ahead = 0;
  let alternating = 0;
  let lead = 0;
  for (const [at, index] of pathIndices.entries()) {
    lead += index === 0 ? 1 : -1;
    ahead = Math.max(ahead, Math.abs(lead));
    if (at > 0 && index !== pathIndices[at - 1]) alternating++;
  }
  const share = alternating / (pathIndices.length - 1);
  const gaps = atMs.slice(1).map((at, index) => at - atMs[index]!).sort((a, b) => a - b);
  const gapAt = (part: number): string => msText(gaps[Math.floor(part * (gaps.length - 1))]!);
  return [
    finding(
      "requests of all workers",
      `${counts.join(" + ")} = ${atMs.length}`,
      `${rate * seconds}, in equal parts`,
      atMs.length === rate * seconds && counts.length === workers &&
        counts.every((count) => count === rate * seconds / workers),
    ),
    finding(
      "the largest lead of one worker",
      `${ahead} requests`,
      `${AHEAD_GOAL} at most`,
      ahead <= AHEAD_GOAL,
    ),
    finding(
      "requests that follow one of the other worker",
      percentText(share),
      `${ALTERNATING_GOAL * 100} % or more`,
      share >= ALTERNATING_GOAL,
    ),
    note(
      `gaps, of ${1000 / rate} ms in the schedule`,
      `p1 ${gapAt(0.01)}, p50 ${gapAt(0.5)}, p99 ${gapAt(0.99)}`,
    ),
  ];
}
