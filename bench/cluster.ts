/**
 * Measures the cost of many workers for their master, and of a master for its workers. `deno task bench
 * cluster [--workers N,N] [--seconds S] [--busy N] [--runs N]` also writes bench/results/cluster.json.
 *
 * The first part runs the real master on core 0, and simulated workers without users in this process, on
 * core 1. Each worker reports 20 names with 30 requests every second, all at the same moment; real workers
 * take turns. Processor time and memory of the master are the system's figures. Workers measure the time
 * from sending a report to its ACK, and the longest silence of their links. With `--busy`, that many endless
 * loops compete for the core of the master.
 *
 * The second part runs FastHttpUser against nginx on the same two cores: in turns as two workers of a
 * master (`--processes 2`) and as two separate runs; `--runs 0` leaves it out.
 *
 * @module
 */

import { deepEqual } from "node:assert/strict";
import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { runSimulated, type SimulatedRun } from "../tests/support/simulated_run.ts";
import { positive } from "./support/arguments.ts";
import { median } from "./support/comparison.ts";
import { isInstalled, pin, type Pinned, startPinned } from "./support/process.ts";
import { compareSharing } from "./support/sharing.ts";

const MASTER_CORE = 0;
const WORKERS_CORE = 1;
const RESULT = "bench/results/cluster.json";

/** Share of a core that a master with 1,000 workers may use. */
const CPU_GOAL = 0.7;

/** By how many megabytes its memory may grow after {@link EARLY_SECOND}. */
const GROWTH_GOAL = 64;
const EARLY_SECOND = 5;

/** Seconds of a run of FastHttpUser in which requests are counted. */
const SHARING_SECONDS = 3;

interface SizeRow {
  readonly workers: number;
  readonly joinSeconds: number;
  readonly reports: number;
  readonly masterCpu: number;
  readonly earlyBytes: number;
  readonly lateBytes: number;
  readonly ackMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly microsPerReport: number;
  readonly linksLost: number;
  readonly longestSilenceMs: number;
  readonly longestPingMs: number;
  readonly exact: boolean;
  /** The load average of the machine in the minute before. */
  readonly loadBefore: number;
}

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

async function measureSize(workers: number, seconds: number): Promise<SizeRow> {
  const loadBefore = Deno.loadavg()[0]!;
  const run = await runSimulated({
    workers,
    seconds,
    spreadMs: 0,
    onMaster: (pid) => pin(pid, MASTER_CORE),
  });
  const { p50, p99, max } = run.delayMs;
  return {
    workers,
    joinSeconds: run.joinMs / 1000,
    reports: run.reports,
    masterCpu: run.masterCpu,
    earlyBytes: run.residentBytes[EARLY_SECOND - 1] ?? NaN,
    lateBytes: run.residentBytes.at(-1) ?? NaN,
    ackMs: { p50: p50!, p99: p99!, max: max! },
    microsPerReport: run.microsPerReport,
    linksLost: run.linksLost,
    longestSilenceMs: run.longestSilenceMs,
    longestPingMs: run.longestPingMs,
    exact: isExact(run),
    loadBefore,
  };
}

function isExact({ counted, sent, drained, summary }: SimulatedRun): boolean {
  try {
    deepEqual(counted, sent);
  } catch {
    return false;
  }
  return drained && summary.complete;
}

function sizeText(row: SizeRow): string {
  const { workers, joinSeconds, reports, masterCpu, earlyBytes, lateBytes, ackMs, exact } = row;
  const { microsPerReport, linksLost, longestSilenceMs, longestPingMs } = row;
  const [early, late] = [earlyBytes, lateBytes].map((bytes) => (bytes / 1e6).toFixed(0));
  const grown = (lateBytes - earlyBytes) / 2 ** 20;
  const ms = [ackMs.p50, ackMs.p99, ackMs.max].map((time) => time.toFixed(0));
  return [
    `${workers} workers, all in after ${joinSeconds.toFixed(1)} s:`,
    `  master: ${(masterCpu * 100).toFixed(0)} % of a core, ` +
    `${microsPerReport.toFixed(0)} µs per report ` +
    `(goal: under ${CPU_GOAL * 100} %: ${masterCpu < CPU_GOAL ? "met" : "MISSED"}), ` +
    `${early} MB after ${EARLY_SECOND} s, ${late} MB at the end ` +
    `(goal: under ${GROWTH_GOAL} MiB more: ${grown < GROWTH_GOAL ? "met" : "MISSED"})`,
    `  ${reports} reports, acknowledged after ${ms[0]} ms at the median, ${ms[1]} ms at the ` +
    `99th percentile, ${ms[2]} ms at most`,
    `  links lost: ${linksLost} (goal: none: ${linksLost === 0 ? "met" : "MISSED"}); longest ` +
    `silence of a link: ${longestSilenceMs.toFixed(0)} ms, longest PING: ` +
    `${longestPingMs.toFixed(0)} ms`,
    `  totals ${exact ? "exact" : "WRONG"}; load of the machine before: ${
      row.loadBefore.toFixed(1)
    }`,
  ].join("\n");
}

/**
 * Competes for the master's core. Real workers have cores of their own, so the simulated ones keep theirs. It
 * ends after two minutes of processor time if the benchmark is killed.
 */
function busyLoop(): Pinned {
  const loop = "ulimit -t 120; while :; do :; done";
  return startPinned(MASTER_CORE, "sh", ["-c", loop]);
}

async function measureSharing(): Promise<object> {
  const loadBefore = Deno.loadavg()[0]!;
  const sharing = await compareSharing({ runs, seconds: SHARING_SECONDS, say });
  const [distributed, separate] = [median(sharing.distributed), median(sharing.separate)];
  const ratio = distributed / separate;
  say(
    `FastHttpUser on two cores: ${distributed.toFixed(0)} requests/s as two workers of a master, ` +
      `${separate.toFixed(0)} as two runs: ${
        ratio.toFixed(3)
      } of their rate; load of the machine ` +
      `before: ${loadBefore.toFixed(1)}`,
  );
  return { ...sharing, seconds: SHARING_SECONDS, ratio, loadBefore };
}

const { values } = parseArgs({
  args: [...args],
  options: {
    workers: { type: "string", default: "10,100,1000" },
    seconds: { type: "string", default: "20" },
    busy: { type: "string", default: "0" },
    runs: { type: "string", default: "5" },
  },
});
const sizes = values.workers.split(",").map((text) => Math.ceil(positive("workers", text)));
const seconds = Math.max(EARLY_SECOND + 1, Math.ceil(positive("seconds", values.seconds)));
const busy = values.busy === "0" ? 0 : Math.ceil(positive("busy", values.busy));
const runs = values.runs === "0" ? 0 : Math.ceil(positive("runs", values.runs));
for (const program of ["nginx", "taskset"]) {
  if (!await isInstalled(program)) throw new Error(`${program} is not installed`);
}
const date = new Date().toISOString();
await pin(Deno.pid, WORKERS_CORE);
const rows: SizeRow[] = [];
for (const workers of sizes) {
  const loops = Array.from({ length: busy }, busyLoop);
  try {
    const row = await measureSize(workers, seconds);
    rows.push(row);
    say(sizeText(row));
  } finally {
    for (const loop of loops) loop.kill();
    await Promise.all(loops.map(({ ended }) => ended));
  }
}
const sharing = runs === 0 ? null : await measureSharing();
const result = {
  date,
  cores: navigator.hardwareConcurrency,
  seconds,
  busy,
  rows,
  sharing,
};
await Deno.mkdir(RESULT.slice(0, RESULT.lastIndexOf("/")), { recursive: true });
await Deno.writeTextFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
say(`Written to ${RESULT}`);
Deno.exit(0);
