import { RUNTIME_FLAGS } from "../../build/project.ts";
import { sleep, systemClock, systemRandom } from "../../src/core/clock.ts";
import type { Summary } from "../../src/report/summary.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import type { LatencySummary } from "../../src/stats/snapshot.ts";
import { cpuSeconds, memoryOf, waitedSeconds } from "./machine.ts";
import { projectPath } from "./paths.ts";
import { type ExactRow, SimulatedLoad } from "./simulated_load.ts";
import { SimulatedWorker, type SimulatedWorkerOptions } from "./simulated_worker.ts";

/** Which workers a crew has. */
export interface CrewOptions
  extends Pick<SimulatedWorkerOptions, "masterPort" | "token" | "testfileHash"> {
  readonly size: number;
  /** Over how much of each second their reports are spread; 0: all come in the same moment. */
  readonly spreadMs: number;
}

/** So that a second has ended when it is reported. */
const AFTER_THE_SECOND_MS = 1;

/** Between two looks at the workers. */
const LOOK_MS = 10;

/** Simulated workers of one master, all in this process. */
export class SimulatedCrew {
  /** What they have counted. */
  readonly load = new SimulatedLoad(systemRandom);
  /** Milliseconds from the sending of each report to its ACK. */
  readonly delays = new Latencies();
  readonly workers: readonly SimulatedWorker[];
  /** Resolves when the master has sent all of them home. */
  readonly ended: Promise<void>;

  /** Starts all of them at once. */
  constructor({ size, spreadMs, masterPort, token, testfileHash }: CrewOptions) {
    const { load, delays } = this;
    const surroundings = { clock: systemClock, random: systemRandom };
    const common = { masterPort, token, testfileHash, load, delays, ...surroundings };
    this.workers = Array.from({ length: size }, (_, number) => {
      const reportAfterMs = AFTER_THE_SECOND_MS + spreadMs * number / size;
      return new SimulatedWorker({ ...common, number, reportAfterMs });
    });
    this.ended = Promise.all(this.workers.map((worker) => worker.run())).then(() => {});
    // Rejects the promise of everything that waits for the workers.
    this.ended.catch(() => {});
  }

  /** Ends all of them, if they have not ended yet. */
  [Symbol.dispose](): void {
    for (const worker of this.workers) worker.end();
  }

  /** How often workers have joined, all together. */
  get joins(): number {
    return this.workers.reduce((sum, { joins }) => sum + joins, 0);
  }

  /** Cuts all connections, in the same moment. */
  cut(): void {
    for (const worker of this.workers) worker.cut();
  }

  /**
   * Resolves with the milliseconds that it takes from now until something holds for every worker.
   *
   * @throws if it does not within `limitMs`, or if the crew has ended with an error.
   */
  async until(isSo: (worker: SimulatedWorker) => boolean, limitMs: number): Promise<number> {
    const from = systemClock.now();
    for (;;) {
      const passed = systemClock.now() - from;
      const missing = this.workers.filter((worker) => !isSo(worker)).length;
      if (missing === 0) return passed;
      if (passed > limitMs) throw new Error(`not so for ${missing} workers after ${limitMs} ms`);
      await Promise.race([sleep(systemClock, LOOK_MS), this.#failed]);
    }
  }

  /** Never resolves. */
  get #failed(): Promise<never> {
    return this.ended.then(() => new Promise<never>(() => {}));
  }
}

/** What is run. */
export interface SimulatedRunOptions {
  readonly workers: number;
  /** How long the test lasts once all of them have joined. */
  readonly seconds: number;
  /** Over how much of each second the workers' reports are spread; 0: all come in the same moment. */
  readonly spreadMs: number;
  /** Called when the master's process is there, before anybody joins. */
  readonly onMaster?: (pid: number) => Promise<void>;
  /** Called when the test has started for all workers. */
  readonly onBegun?: (crew: SimulatedCrew) => Promise<void>;
}

/** The results. */
export interface SimulatedRun {
  /** Until all had been let in, having come in the same moment. */
  readonly joinMs: number;
  /** From a report's sending to its ACK. */
  readonly delayMs: LatencySummary;
  readonly reports: number;
  /** Share of one core that the master had, from the 2nd second of the test to its end. */
  readonly masterCpu: number;
  /** Processor time of the master per report that it acknowledged in that time, in microseconds. */
  readonly microsPerReport: number;
  /** How often a worker had to join again after the test had started. */
  readonly linksLost: number;
  /** The longest time without a byte from the master on any link since the test started. */
  readonly longestSilenceMs: number;
  /** The longest time from a PING of a worker to its PONG since the test started. */
  readonly longestPingMs: number;
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
    // A master that did not get as far has written none.
    await Deno.remove(json).catch(() => {});
  }
}

interface MasterProcess {
  readonly pid: number;
  readonly port: number;
  readonly ended: Promise<{ readonly code: number; readonly stderr: string }>;
  /** Does nothing if it has ended. */
  kill(): void;
}

async function startMaster(args: readonly string[]): Promise<MasterProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", ...RUNTIME_FLAGS, projectPath("cli.ts"), "-f", TEST_FILE],
      ...["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", "0", ...args],
    ],
    env: { NO_COLOR: "1", AIOTEST_NO_WEB: "1", AIOTEST_NO_HISTORY: "1", AIOTEST_TOKEN: TOKEN },
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

type Usage = Pick<
  SimulatedRun,
  | "masterCpu"
  | "microsPerReport"
  | "residentBytes"
  | "waitedMs"
  | "linksLost"
  | "longestSilenceMs"
  | "longestPingMs"
>;

/** What the run takes, from the moment at which the test starts. */
async function watch(pid: number, seconds: number, crew: SimulatedCrew): Promise<Usage> {
  const beganAt = systemClock.now();
  const waited = { master: waitedSeconds(pid), own: waitedSeconds(null) };
  const residentBytes: number[] = [];
  let from = { at: 0, cpu: 0, reports: 0 };
  let masterCpu = 0;
  let microsPerReport = 0;
  const joinsBefore = crew.joins;
  // Joining is another matter than a running test.
  for (const worker of crew.workers) worker.longestPingMs = worker.longestSilenceMs = 0;
  let masterWaited = 0;
  // Within its last second, the test may already be over.
  for (let second = 1; second < seconds; second++) {
    await sleep(systemClock, Math.max(0, beganAt + second * 1000 - systemClock.now()));
    const usage = await usageOf(pid);
    // This process was late, and the run is over.
    if (usage === null) break;
    residentBytes.push(usage.residentBytes);
    masterWaited = usage.waitedSeconds - waited.master;
    const now = { at: systemClock.now(), cpu: usage.cpuSeconds, reports: crew.delays.count };
    if (second === 1) from = now;
    else {
      masterCpu = (now.cpu - from.cpu) * 1000 / (now.at - from.at);
      microsPerReport = (now.cpu - from.cpu) * 1e6 / Math.max(1, now.reports - from.reports);
    }
  }
  const usage = {
    linksLost: crew.joins - joinsBefore,
    longestSilenceMs: Math.max(...crew.workers.map((worker) => worker.longestSilenceMs)),
    longestPingMs: Math.max(...crew.workers.map((worker) => worker.longestPingMs)),
  };
  await crew.until(({ drained }) => drained, STOP_LIMIT_MS);
  const ownWaited = waitedSeconds(null) - waited.own;
  // If it has written its report and gone, what it waited at the end is unknown.
  masterWaited = ((await usageOf(pid))?.waitedSeconds ?? waited.master + masterWaited) -
    waited.master;
  await crew.ended;
  const waitedMs = (masterWaited + ownWaited) * 1000;
  return { ...usage, masterCpu, microsPerReport, residentBytes, waitedMs };
}

interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly waitedSeconds: number;
  readonly residentBytes: number;
}

/** What a process uses and has used; null if it has ended. */
async function usageOf(pid: number): Promise<ProcessUsage | null> {
  try {
    return {
      cpuSeconds: await cpuSeconds(pid),
      waitedSeconds: waitedSeconds(pid),
      residentBytes: (await memoryOf(pid)).resident,
    };
  } catch {
    // Its files are gone, or have no memory in them.
    return null;
  }
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
