/**
 * A stall of the target, as measured in the open and in the closed model.
 *
 * @module
 */

import type { Summary } from "../../src/report/summary.ts";
import { type Finding, finding, msText, note } from "./finding.ts";
import { NotedTarget } from "./noted_target.ts";
import { pacedRun, type Traced } from "./paced_run.ts";
import { sleep } from "./process.ts";

/** Duration, load and stall. */
export const STALL = { seconds: 30, rate: 2000, users: 20, afterSeconds: 10, ms: 1400 } as const;

/** A number of users of which one is always free. */
const ENOUGH_USERS = 5000;

/** Milliseconds. Figures that show the stall are above, others are below. */
const SHOWN_MS = 900;
const UNSEEN_MS = 20;

/** The figures of one run. */
export interface StallRun {
  readonly summary: Summary;
  /** Requests that the target counted. */
  readonly counted: number;
  readonly traced: Traced;
  /** Start and end of the stall, in milliseconds since 1970. */
  readonly stalled: readonly [from: number, to: number];
}

/** The open model with few and with many users, and the closed model. */
export interface StallRuns {
  readonly few: StallRun;
  readonly many: StallRun;
  readonly closed: StallRun;
}

/** Runs all three, with target and client on separate cores. */
export async function runStalls(targetCore: number, clientCore: number): Promise<StallRuns> {
  const { rate, users } = STALL;
  await using target = await NotedTarget.start(targetCore);
  const open = (most: number): string[] => [
    ...["--arrival-rate", String(rate), "--max-users", String(most)],
  ];
  // Each user of the file starts 100 iterations per second, so together they start as many as are due.
  const closed = ["-u", String(users), "-r", "1000"];
  return {
    few: await runStall(target, clientCore, open(users)),
    many: await runStall(target, clientCore, open(ENOUGH_USERS)),
    closed: await runStall(target, clientCore, closed),
  };
}

async function runStall(
  target: NotedTarget,
  cores: number,
  load: readonly string[],
): Promise<StallRun> {
  const { seconds, afterSeconds, ms } = STALL;
  let traced: Traced | null = null;
  let stalled: StallRun["stalled"] | null = null;
  const { summary } = await pacedRun({
    url: target.url,
    cores,
    seconds,
    load,
    traced: (all) => traced = all,
    meanwhile: async () => {
      await target.untilAsked();
      await sleep(afterSeconds);
      stalled = await target.stall(ms);
    },
  });
  const { atMs } = await target.takeNotes();
  return { summary, counted: atMs.length, traced: traced!, stalled: stalled! };
}

/** Compares the figures with their goals. */
export function stallFindings({ few, many, closed }: StallRuns): Finding[] {
  const { users, rate, seconds } = STALL;
  const findings: Finding[] = [];
  for (const [run, most] of [[few, users], [many, ENOUGH_USERS]] as const) {
    const { totals, iterations } = run.summary;
    const { scheduled, started, dropped, startDelayMs, serviceTimeMs } = iterations!;
    const latency = totals.latencyMs.p99!;
    const service = serviceTimeMs.p99!;
    const model = `open, ${most} users`;
    const isExact = started === run.counted && started + dropped === scheduled;
    findings.push(
      finding(
        `${model}: p99 of latency`,
        msText(latency),
        `over ${SHOWN_MS} ms`,
        latency > SHOWN_MS,
      ),
      most === users
        ? finding(
          `${model}: p99 of service time`,
          msText(service),
          `under ${UNSEEN_MS} ms`,
          service < UNSEEN_MS,
        )
        : finding(
          `${model}: p99 of service time`,
          msText(service),
          `over ${SHOWN_MS} ms`,
          service > SHOWN_MS,
        ),
      note(`${model}: p99 of start delay`, msText(startDelayMs.p99!)),
      finding(
        `${model}: iterations`,
        `${scheduled} scheduled, ${started} started, ${dropped} dropped, ${run.counted} requests ` +
          "counted by the target",
        `${rate * seconds} scheduled, as many counted as started`,
        isExact && Math.abs(scheduled - rate * seconds) <= 1,
      ),
    );
  }
  const { requests, latencyMs } = closed.summary.totals;
  findings.push(
    note(
      `closed, ${users} users: p99 of latency`,
      `${msText(latencyMs.p99!)} (max ${msText(latencyMs.max!)}), of ${requests} requests`,
    ),
  );
  return findings;
}
