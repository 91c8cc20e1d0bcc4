/**
 * One run of a contender, measured from outside: by the requests that nginx served and the system's figures
 * about the process, in a window that leaves out start and end.
 *
 * @module
 */

import { cpuSeconds, type Memory, memoryOf } from "../../tests/support/machine.ts";
import type { Contender, Load, OwnResult } from "./contender.ts";
import { disturbance, machineState } from "./disturbance.ts";
import { startInstructionCount } from "./instructions.ts";
import type { Nginx } from "./nginx.ts";
import type { Cores } from "./pace.ts";
import { type Pinned, sleep, startPinned } from "./process.ts";
import type { Scenario } from "./scenario.ts";

/** The figures of one run. */
export interface Measurement {
  /** Requests per second that nginx served in the window. */
  readonly rate: number;
  /** Processor time of the contender per request. */
  readonly cpuMicroseconds: number;
  /** Instructions of the contender per request, without those of the kernel; `null` if not countable. */
  readonly instructions: number | null;
  /** The share of its core that nginx used. Near 1, nginx limited the rate. */
  readonly targetCore: number;
  /** The share of a core that other programs used. */
  readonly disturbed: number;
  /** At the end of the window. */
  readonly memory: Memory;
  /** All requests that nginx served during the run. */
  readonly served: number;
  /** The result that the contender reports for the run. */
  readonly own: OwnResult;
}

/** How a contender is measured. */
export interface MeasureOptions {
  /** The length of the window. */
  readonly seconds: number;
  readonly cores: Cores;
}

/** Seconds after all connections are open that are not measured, as code is being compiled. */
const WARM_UP_SECONDS = 1;
/** Connections that even the slowest contender opens per second. */
const OPENED_PER_SECOND = { plain: 1000, tls: 500 } as const;
/** Seconds that a contender runs in addition to start, warm-up and window. */
const MARGIN_SECONDS = 0.8;
const START_LIMIT_SECONDS = 30;
/** How many characters of a failed contender's output are shown. */
const REPORT_LENGTH = 2000;

/**
 * Runs a contender for `seconds` of measured time, pinned to a core.
 *
 * @throws if it fails, sends nothing, or ends before the end of the window.
 */
export async function measure(
  contender: Contender,
  nginx: Nginx,
  scenario: Pick<Scenario, "exchange" | "isTls" | "connections">,
  { seconds, cores }: MeasureOptions,
): Promise<Measurement> {
  const { exchange, isTls, connections } = scenario;
  const folder = await Deno.makeTempDir();
  const opening = connections / OPENED_PER_SECOND[isTls ? "tls" : "plain"];
  const openSeconds = WARM_UP_SECONDS + seconds + MARGIN_SECONDS;
  const url = nginx.url(exchange, isTls);
  const told = Math.ceil(opening + openSeconds);
  const load: Load = { url, exchange, connections, seconds: told, openSeconds, folder };
  try {
    const servedBefore = await nginx.served();
    const child = startPinned(cores.client, contender.program, contender.args(load));
    const handshakes = isTls && !contender.opensFirst ? sleep(opening) : null;
    try {
      if (exchange === "connect") await untilServed(child, nginx, servedBefore + connections);
      else await untilConnected(child, nginx, connections);
      // nginx counts connections before their handshakes, during which few requests are sent.
      await handshakes;
      await sleep(WARM_UP_SECONDS);
      const window = await observe(child, nginx, seconds, cores);
      const { code, printed } = await child.ended;
      if (code !== 0 && code !== contender.failureCode) throw new Error(`it exited with ${code}:`);
      const served = await nginx.served() - servedBefore;
      return { ...window, served, own: await contender.ownResult(printed, load) };
    } catch (error) {
      child.kill();
      const { printed } = await child.ended;
      // aiotest lists failures at the end of its report.
      const report = printed.stdout.trim().split("\n").slice(-8).join("\n").slice(-REPORT_LENGTH);
      throw new Error(`${(error as Error).message} ${printed.stderr.trim()}\n${report}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Resolves when nginx has this many connections.
 *
 * @throws if it does not get them in time, or if the process ends before.
 */
export async function untilConnected(
  child: Pick<Pinned, "running">,
  nginx: Nginx,
  connections: number,
): Promise<void> {
  const deadline = performance.now() + START_LIMIT_SECONDS * 1000;
  let open = 0;
  while (open < connections) {
    if (!child.running || performance.now() > deadline) {
      throw new Error(`it never had more than ${open} of ${connections} connections:`);
    }
    await sleep(0.02);
    open = Math.max(open, await nginx.connections());
  }
}

/** As {@link untilConnected}, for connections that are too short to be seen together. */
async function untilServed(child: Pinned, nginx: Nginx, requests: number): Promise<void> {
  const deadline = performance.now() + START_LIMIT_SECONDS * 1000;
  while (await nginx.served() < requests) {
    if (!child.running || performance.now() > deadline) throw new Error("it sent too little:");
    await sleep(0.02);
  }
}

type Window = Omit<Measurement, "served" | "own">;

async function observe(
  child: Pinned,
  nginx: Nginx,
  seconds: number,
  cores: Cores,
): Promise<Window> {
  const counting = await startInstructionCount(child.pid);
  const first = await requestCount(nginx);
  const before = await machineState(nginx.pid, await cpuSeconds(child.pid));
  const targetCpuBefore = await cpuSeconds(nginx.pid);
  await sleep(seconds);
  const instructions = await counting?.stop() ?? null;
  const last = await requestCount(nginx);
  const targetCpu = await cpuSeconds(nginx.pid) - targetCpuBefore;
  if (!child.running) throw new Error("it ended before its time:");
  const after = await machineState(nginx.pid, await cpuSeconds(child.pid));
  const requests = last.served - first.served;
  const elapsed = last.at - first.at;
  return {
    rate: requests / elapsed,
    cpuMicroseconds: (after.client - before.client) * 1e6 / requests,
    instructions: instructions === null ? null : instructions / requests,
    targetCore: targetCpu / elapsed,
    disturbed: disturbance(before, after, cores),
    memory: await memoryOf(child.pid),
  };
}

/** The requests that nginx has served at a moment, in seconds: while it is busy, its answer is late. */
async function requestCount(nginx: Nginx): Promise<{ served: number; at: number }> {
  const start = performance.now();
  const served = await nginx.served();
  return { served, at: (start + performance.now()) / 2000 };
}
