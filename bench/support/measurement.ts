/**
 * One run of a contender, measured from outside: by the requests that nginx served and the system's figures
 * about the process, in a window that leaves out start and end.
 *
 * @module
 */

import { cpuSeconds, type Memory, memoryOf } from "../../tests/support/machine.ts";
import type { Contender, Load, OwnCount } from "./contender.ts";
import type { Nginx } from "./nginx.ts";
import { type Pinned, sleep, startPinned } from "./process.ts";
import type { Scenario } from "./scenario.ts";

/** The figures of one run. */
export interface Measurement {
  /** Requests per second that nginx served in the window. */
  readonly rate: number;
  /** Processor time of the contender per request. */
  readonly cpuMicroseconds: number;
  /** The share of its core that nginx used. Near 1, nginx limited the rate. */
  readonly targetCore: number;
  /** At the end of the window. */
  readonly memory: Memory;
  /** All requests that nginx served during the run. */
  readonly served: number;
  /** The result that the contender reports for the run. */
  readonly own: OwnCount;
}

/** Seconds after all connections are open that are not measured, as code is being compiled. */
const WARM_UP_SECONDS = 1;
/** Connections that even the slowest contender opens per second. */
const OPENED_A_SECOND = 1000;
/** Seconds that a contender runs in addition to start, warm-up and window. */
const MARGIN_SECONDS = 1;
const START_LIMIT_SECONDS = 30;

/**
 * Runs a contender for `seconds` of measured time, pinned to a core.
 *
 * @throws if it fails, sends nothing, or ends before the end of the window.
 */
export async function measure(
  contender: Contender,
  nginx: Nginx,
  scenario: Scenario,
  { seconds, core }: { readonly seconds: number; readonly core: number },
): Promise<Measurement> {
  const { exchange, isTls, connections } = scenario;
  const folder = await Deno.makeTempDir();
  const told = Math.ceil(
    connections / OPENED_A_SECOND + WARM_UP_SECONDS + seconds + MARGIN_SECONDS,
  );
  const url = nginx.url(exchange, isTls);
  const load: Load = { url, exchange, connections, seconds: told, folder };
  try {
    const servedBefore = await nginx.served();
    const child = startPinned(core, contender.program, contender.args(load));
    try {
      await untilConnected(child, nginx, connections);
      await sleep(WARM_UP_SECONDS);
      const window = await observe(child, nginx, seconds);
      const { code, printed } = await child.ended;
      if (code !== 0) throw new Error(`it exited with ${code}:`);
      const served = await nginx.served() - servedBefore;
      return { ...window, served, own: await contender.ownCount(printed, load) };
    } catch (error) {
      child.kill();
      const { printed } = await child.ended;
      // aiotest lists failures at the end of its report.
      const report = printed.stdout.trim().split("\n").slice(-8).join("\n");
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

type Window = Pick<Measurement, "rate" | "cpuMicroseconds" | "targetCore" | "memory">;

async function observe(child: Pinned, nginx: Nginx, seconds: number): Promise<Window> {
  const start = performance.now();
  const servedAtStart = await nginx.served();
  const cpuAtStart = await cpuSeconds(child.pid);
  const targetCpuAtStart = await cpuSeconds(nginx.pid);
  await sleep(seconds);
  const requests = await nginx.served() - servedAtStart;
  const elapsed = (performance.now() - start) / 1000;
  const targetCpu = await cpuSeconds(nginx.pid) - targetCpuAtStart;
  if (!child.running) throw new Error("it ended before its time:");
  return {
    rate: requests / elapsed,
    cpuMicroseconds: (await cpuSeconds(child.pid) - cpuAtStart) * 1e6 / requests,
    targetCore: targetCpu / elapsed,
    memory: await memoryOf(child.pid),
  };
}
