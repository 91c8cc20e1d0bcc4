import { RUNTIME_FLAGS } from "../../build/project.ts";
import { sleep, systemClock } from "../../src/core/clock.ts";
import type { Summary } from "../../src/report/summary.ts";
import type { LatencySummary } from "../../src/stats/snapshot.ts";
import { projectPath } from "./paths.ts";
import { cpuSeconds, memoryOf, waitedSeconds } from "./process_usage.ts";
import { SimulatedCrew } from "./simulated_crew.ts";
import type { ExactRow } from "./simulated_load.ts";

/** What is run. */
export interface SimulatedRunOptions {
  readonly workers: number;
  /** How long the test lasts once all of them have joined. */
  readonly seconds: number;
  /** Over how much of each second the workers' reports are spread; 0: all come in the same moment. */
  readonly spreadMs: number;
  /** Called when the master's process is there, before anybody joins. */
  readonly onMaster?: (pid: number) => Promise<void>;
  /** Called when the test has begun for all workers. */
  readonly onBegun?: (crew: SimulatedCrew) => Promise<void>;
}

/** What came of it. */
export interface SimulatedRun {
  /** Until all had been let in, having come in the same moment. */
  readonly joinMs: number;
  /** From a report's sending to its ACK. */
  readonly delayMs: LatencySummary;
  readonly reports: number;
  /** Share of one core that the master had, from the 2nd second of the test to its end. */
  readonly masterCpu: number;
  /** Bytes that the master had resident at the end of each second of the test. */
  readonly residentBytes: readonly number[];
  /** How long the master, and the thread of the workers, had no core although they could have run. */
  readonly waitedMs: number;
  /** What the workers have sent, and what the master has counted of it, by method and name. */
  readonly sent: readonly ExactRow[];
  readonly counted: readonly ExactRow[];
  /** Whether each worker knows that everything of it was counted. */
  readonly drained: boolean;
  readonly summary: Summary;
}

const TOKEN = "simulated";
const TEST_FILE = projectPath("bench/support/idle_user_test.ts");
const JOIN_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 60_000;

/** Runs the real master, as a process, with simulated workers in this one. */
export async function runSimulated(options: SimulatedRunOptions): Promise<SimulatedRun> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const master = await startMaster([
    ...["--expect-workers", options.workers, "-u", options.workers, "-r", options.workers],
    ...["-t", options.seconds, "--json", json],
  ].map(String));
  try {
    await options.onMaster?.(master.pid);
    using crew = new SimulatedCrew({
      size: options.workers,
      spreadMs: options.spreadMs,
      masterPort: master.port,
      token: TOKEN,
      testfileHash: await hashOf(TEST_FILE),
    });
    const joinMs = await crew.until(({ joins }) => joins > 0, JOIN_LIMIT_MS);
    await crew.until(({ begun }) => begun, JOIN_LIMIT_MS);
    const [usage] = await Promise.all([
      watch(master.pid, options.seconds, crew),
      options.onBegun?.(crew),
    ]);
    const { code, stderr } = await master.ended;
    const text = await Deno.readTextFile(json);
    if (code > 1 || text === "") throw new Error(`the master exited with ${code}:\n${stderr}`);
    const summary: Summary = JSON.parse(text);
    return {
      joinMs,
      delayMs: crew.delays.summary(),
      reports: crew.delays.count,
      ...usage,
      sent: crew.load.rows(),
      counted: summary.requests.map(exactRow),
      drained: crew.workers.every(({ drained }) => drained),
      summary,
    };
  } finally {
    master.kill();
    await master.ended;
    await Deno.remove(json);
  }
}

interface MasterProcess {
  readonly pid: number;
  readonly port: number;
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
  /** Nothing where it has ended already. */
  kill(): void;
}

async function startMaster(args: readonly string[]): Promise<MasterProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", ...RUNTIME_FLAGS, projectPath("cli.ts"), "-f", TEST_FILE],
      ...["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0", ...args],
    ],
    env: { NO_COLOR: "1", AIOTEST_NO_WEB: "1", AIOTEST_TOKEN: TOKEN },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let stderr = "";
  let running = true;
  const listening = Promise.withResolvers<number>();
  const read = async (): Promise<void> => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      const port = /Waiting for workers at 127\.0\.0\.1:(\d+)\./.exec(stderr)?.[1];
      if (port !== undefined) listening.resolve(Number(port));
    }
  };
  const ended = Promise.all([child.status, read()]).then(([{ code }]) => {
    running = false;
    listening.reject(new Error(`the master exited with ${code}:\n${stderr}`));
    return { code, stderr };
  });
  return {
    pid: child.pid,
    port: await listening.promise,
    ended,
    kill: () => {
      if (running) child.kill("SIGKILL");
    },
  };
}

type Usage = Pick<SimulatedRun, "masterCpu" | "residentBytes" | "waitedMs">;

/** What the run takes, from the moment at which the test begins. */
async function watch(pid: number, seconds: number, crew: SimulatedCrew): Promise<Usage> {
  const beganAt = systemClock.now();
  const waited = { master: waitedSeconds(pid), own: waitedSeconds(null) };
  const residentBytes: number[] = [];
  let from = { at: 0, cpu: 0 };
  let masterCpu = 0;
  let masterWaited = 0;
  // Within its last second, the test may already be over.
  for (let second = 1; second < seconds; second++) {
    await sleep(systemClock, Math.max(0, beganAt + second * 1000 - systemClock.now()));
    residentBytes.push((await memoryOf(pid)).resident);
    masterWaited = waitedSeconds(pid) - waited.master;
    const now = { at: systemClock.now(), cpu: await cpuSeconds(pid) };
    if (second === 1) from = now;
    else masterCpu = (now.cpu - from.cpu) * 1000 / (now.at - from.at);
  }
  await crew.until(({ drained }) => drained, STOP_LIMIT_MS);
  const ownWaited = waitedSeconds(null) - waited.own;
  try {
    masterWaited = waitedSeconds(pid) - waited.master;
  } catch (error) {
    // It has written its report and gone by now; what it waited at the end is unknown then.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await crew.ended;
  return { masterCpu, residentBytes, waitedMs: (masterWaited + ownWaited) * 1000 };
}

function exactRow(row: Summary["requests"][number]): ExactRow {
  const { method, name, requests, failures, retries, bytesReceived, bytesSent, latencyMs } = row;
  const { min, max, p50, p95, p99 } = latencyMs;
  return {
    method,
    name,
    requests,
    failures,
    retries,
    bytesReceived,
    bytesSent,
    latencyMs: { min: min!, max: max!, p50: p50!, p95: p95!, p99: p99! },
  };
}

async function hashOf(path: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(path))).toHex();
}
