/**
 * One run of one contender, measured from outside: by what nginx served, and by what the system says
 * of the process, in a window of equal length that leaves out how it starts and how it ends.
 *
 * @module
 */

import type { Contender, Load, OwnCount, Printed } from "./contender.ts";
import type { Nginx } from "./nginx.ts";

/** What one run showed. */
export interface Measurement {
  /** Requests a second that nginx served within the window. */
  readonly rate: number;
  /** Processor time that the contender used for each of them. */
  readonly cpuMicroseconds: number;
  /** Its most resident memory, from its start to the window's end. */
  readonly peakBytes: number;
  /** All requests that nginx served, from the contender's start to its end. */
  readonly served: number;
  /** What the contender says of the same. */
  readonly own: OwnCount;
}

/** Seconds from the first request on that are not measured: users start, code is compiled. */
const WARM_UP_SECONDS = 1;
/** Seconds that a contender is told to run beyond the window. */
const MARGIN_SECONDS = 2;
const START_LIMIT_MS = 30_000;

/**
 * Runs a contender for `seconds` of measured time, pinned to a core.
 *
 * @throws where it fails, or sends nothing.
 */
export async function measure(
  contender: Contender,
  nginx: Nginx,
  { connections, seconds, core }: { connections: number; seconds: number; core: number },
): Promise<Measurement> {
  const folder = await Deno.makeTempDir();
  try {
    const told = seconds + MARGIN_SECONDS;
    const load: Load = { url: nginx.url, connections, seconds: told, folder };
    const args = await contender.args(load);
    const servedBefore = await nginx.served();
    const child = new Deno.Command("taskset", {
      args: ["-c", String(core), contender.program, ...args],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.output();
    let running = true;
    output.finally(() => running = false);
    const begun = async (): Promise<boolean> => {
      if (!running) throw new Error("it ended at once:");
      return await nginx.served() > servedBefore;
    };
    try {
      const window = await observe(child.pid, nginx, begun, seconds);
      const { code } = await output;
      if (code !== 0) throw new Error(`it exited with ${code}:`);
      const served = await nginx.served() - servedBefore;
      return { ...window, served, own: await contender.ownCount(printed(await output), load) };
    } catch (error) {
      kill(child);
      throw new Error(`${(error as Error).message} ${printed(await output).stderr.trim()}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Window = Pick<Measurement, "rate" | "cpuMicroseconds" | "peakBytes">;

async function observe(
  pid: number,
  nginx: Nginx,
  begun: () => Promise<boolean>,
  seconds: number,
): Promise<Window> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!await begun()) {
    if (performance.now() > deadline) throw new Error("it sent nothing:");
    await sleep(0.02);
  }
  await sleep(WARM_UP_SECONDS);
  const start = performance.now();
  const servedAtStart = await nginx.served();
  const cpuAtStart = await cpuSeconds(pid);
  await sleep(seconds);
  const requests = await nginx.served() - servedAtStart;
  const elapsed = (performance.now() - start) / 1000;
  return {
    rate: requests / elapsed,
    cpuMicroseconds: (await cpuSeconds(pid) - cpuAtStart) * 1e6 / requests,
    peakBytes: await peakBytes(pid),
  };
}

/** Ticks of /proc's clock in a second: the same on every Linux that Deno runs on. */
const TICKS = 100;

async function cpuSeconds(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The program's name is in brackets and may hold blanks; utime and stime are the 12th and 13th after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

async function peakBytes(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(text)![1]) * 1024;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

function printed({ stdout, stderr }: Deno.CommandOutput): Printed {
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
