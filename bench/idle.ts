/**
 * Measures what open connections cost that do nothing, and whether a run with them ends at once: 1,000 users
 * send a request once a minute, over connections that stay open. Then the run is interrupted; another one
 * ends by itself. `deno task bench idle [--users N] [--seconds S]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { cpuSeconds } from "../tests/support/machine.ts";
import { positive } from "./support/arguments.ts";
import { aiotestArgs } from "./support/contender.ts";
import {
  type Finding,
  finding,
  findingText,
  msText,
  note,
  percentText,
} from "./support/finding.ts";
import { untilConnected } from "./support/measurement.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";
import { type Pinned, sleep, startPinned } from "./support/process.ts";

const CORES = { target: 0, client: 1 } as const;

/** Users started per second. */
const START_RATE = 200;

/** Seconds after the start of the last user that are not measured. */
const SETTLING_SECONDS = 2;

/** The allowed share of a core. */
const CORE_GOAL = 0.01;

/** The allowed time until the process has ended, with its report. */
const EXIT_GOAL_MS = 100;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** A run, and the file with its result. */
interface IdleRun {
  readonly child: Pinned;
  readonly json: string;
}

function start(nginx: Nginx, users: number, seconds: number, folder: string): IdleRun {
  const load = { url: nginx.url("get", false), connections: users, seconds, folder };
  const args = aiotestArgs("idle_connections_test.ts", { ...load, exchange: "get" }, START_RATE);
  return {
    child: startPinned(CORES.client, Deno.execPath(), args),
    json: `${folder}/out.json`,
  };
}

async function ended({ child, json }: IdleRun): Promise<Summary> {
  const { code, printed } = await child.ended;
  if (code !== 0) {
    throw new Error(`aiotest exited with ${code}: ${printed.stderr}${printed.stdout}`);
  }
  return JSON.parse(await Deno.readTextFile(json));
}

/** Measures a run, and interrupts it. */
async function interrupted(
  nginx: Nginx,
  users: number,
  seconds: number,
  folder: string,
): Promise<Finding[]> {
  const told = Math.ceil(users / START_RATE + SETTLING_SECONDS + seconds) + 60;
  const run = start(nginx, users, told, folder);
  try {
    const share = await coreShare(run, nginx, users, seconds);
    const open = await nginx.connections();
    const signalled = performance.now();
    Deno.kill(run.child.pid, "SIGINT");
    const summary = await ended(run);
    const exitMs = performance.now() - signalled;
    return [
      finding("connections that stay open", `${open}`, `${users}`, open === users),
      finding("core", percentText(share), `below ${percentText(CORE_GOAL)}`, share < CORE_GOAL),
      finding("failed requests", `${summary.totals.failures}`, "0", summary.totals.failures === 0),
      exitFinding("from Ctrl-C to the end of the process", exitMs),
    ];
  } finally {
    run.child.kill();
  }
}

/** What a run uses of its core. */
async function coreShare(
  { child }: IdleRun,
  nginx: Nginx,
  users: number,
  seconds: number,
): Promise<number> {
  await untilConnected(child, nginx, users);
  await sleep(SETTLING_SECONDS);
  const [from, cpu] = [performance.now(), await cpuSeconds(child.pid)];
  await sleep(seconds);
  return (await cpuSeconds(child.pid) - cpu) / ((performance.now() - from) / 1000);
}

/** Measures a run with one user, which shows what a run costs without connections. */
async function alone(nginx: Nginx, seconds: number, folder: string): Promise<Finding[]> {
  const run = start(nginx, 1, Math.ceil(SETTLING_SECONDS + seconds) + 60, folder);
  try {
    return [note("core with one user", percentText(await coreShare(run, nginx, 1, seconds)))];
  } finally {
    run.child.kill();
    await run.child.ended;
  }
}

/** Lets a run end by itself. */
async function completed(nginx: Nginx, users: number, folder: string): Promise<Finding[]> {
  const run = start(nginx, users, Math.ceil(users / START_RATE) + SETTLING_SECONDS, folder);
  try {
    const { endedAt } = await ended(run);
    const exitMs = Date.now() - Date.parse(endedAt!);
    return [exitFinding("from the end of the test to the end of the process", exitMs)];
  } finally {
    run.child.kill();
  }
}

function exitFinding(what: string, ms: number): Finding {
  return finding(what, msText(ms), `within ${msText(EXIT_GOAL_MS)}`, ms <= EXIT_GOAL_MS);
}

const { values } = parseArgs({
  args: [...args],
  options: {
    users: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
  },
});
const users = Math.ceil(positive("users", values.users));
const folder = await Deno.makeTempDir();
const nginx = await startNginx(folder, CORES.target);
try {
  say(`${users} users that send a request once a minute`);
  const seconds = positive("seconds", values.seconds);
  const findings = await interrupted(nginx, users, seconds, folder);
  findings.push(...await completed(nginx, users, folder), ...await alone(nginx, seconds, folder));
  say(findings.map(findingText).join("\n"));
} finally {
  await nginx.stop();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
