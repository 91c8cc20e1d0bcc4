/**
 * Compares latencies under light load with those that wrk reports. A target answers after 10 ms. FastHttpUser
 * sends 1,000 requests per second (50 users, 20 requests per second each), and wrk about as many, in turns.
 * `deno task bench light [--runs N] [--seconds S]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { positive } from "./support/arguments.ts";
import { median } from "./support/comparison.ts";
import { aiotestArgs, type Printed } from "./support/contender.ts";
import { startPinned } from "./support/process.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;
const USERS = 50;

/**
 * Users started per second. Each sends a request every 50 ms from its start on, so requests are spread
 * evenly. Users that start at once would send bursts, whose requests wait for each other at the target.
 */
const START_RATE = 1000;

/** With 10 ms per answer, they send about as many requests as the users. */
const WRK_CONNECTIONS = 10;

/** The allowed difference of the medians, in milliseconds. */
const GOAL = 0.1;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

interface SlowTarget {
  readonly url: string;
  stop(): Promise<void>;
}

async function startTarget(): Promise<SlowTarget> {
  const child = new Deno.Command("taskset", {
    args: ["-c", String(TARGET_CORE), Deno.execPath(), "run", "-A", "bench/support/slow_target.ts"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: url } = await reader.read();
  if (url === undefined) throw new Error("the target did not start");
  return {
    url: url.trim(),
    stop: async () => {
      await reader.cancel();
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

async function run(program: string, args: readonly string[]): Promise<Printed> {
  const { code, printed } = await startPinned(CLIENT_CORE, program, args).ended;
  if (code !== 0) throw new Error(`${program} exited with ${code}: ${printed.stderr}`);
  return printed;
}

/** The median latency of FastHttpUser, in milliseconds. */
async function aiotestMedian(url: string, seconds: number): Promise<number> {
  const folder = await Deno.makeTempDir();
  const load = { url, exchange: "get", connections: USERS, seconds, folder } as const;
  await run(Deno.execPath(), aiotestArgs("paced_user_test.ts", load, START_RATE));
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
  await Deno.remove(folder, { recursive: true });
  return summary.totals.latencyMs.p50!;
}

const MS = { us: 0.001, ms: 1, s: 1000 } as const;

/** The median latency of wrk, in milliseconds. */
async function wrkMedian(url: string, seconds: number): Promise<number> {
  const args = ["-t1", `-c${WRK_CONNECTIONS}`, `-d${seconds}s`, "--latency", url];
  const found = /^\s*50%\s+([\d.]+)(us|ms|s)$/m.exec((await run("wrk", args)).stdout)!;
  return Number(found[1]) * MS[found[2] as keyof typeof MS];
}

const { values } = parseArgs({
  args: [...args],
  options: {
    runs: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
  },
});
const runs = Math.ceil(positive("runs", values.runs));
const seconds = Math.ceil(positive("seconds", values.seconds));
const target = await startTarget();
const ours: number[] = [];
const theirs: number[] = [];
try {
  for (let i = 1; i <= runs; i++) {
    theirs.push(await wrkMedian(target.url, seconds));
    ours.push(await aiotestMedian(target.url, seconds));
    say(
      `run ${i}: wrk ${theirs.at(-1)!.toFixed(3)} ms, FastHttpUser ${ours.at(-1)!.toFixed(3)} ms`,
    );
  }
} finally {
  await target.stop();
}
const difference = median(ours) - median(theirs);
say(
  `p50: wrk ${median(theirs).toFixed(3)} ms, FastHttpUser ${median(ours).toFixed(3)} ms, ` +
    `difference ${difference.toFixed(3)} ms (goal: within ${GOAL} ms: ` +
    `${Math.abs(difference) <= GOAL ? "met" : "MISSED"})`,
);
Deno.exit(0);
