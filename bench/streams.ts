/**
 * Measures streams of server-sent events: whether every event is counted, and how exact the time to the first one is,
 * against a target that delays it and says for how long.
 * `deno task bench streams [--client http1|http2|fetch] [--streams N] [--seconds S] [--rate EVENTS_PER_SECOND]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { cpuSeconds, memoryOf } from "../tests/support/machine.ts";
import type { StreamCounts } from "../tests/support/stream_target.ts";
import { positive } from "./support/arguments.ts";
import { aiotestArgs } from "./support/contender.ts";
import { type Finding, finding, findingText, msText, note } from "./support/finding.ts";
import { sleep, startPinned } from "./support/process.ts";

const CORES = { target: 0, client: 1 } as const;

/** Users started per second. */
const START_RATE = 200;

/** Seconds that a run may take longer than its streams. */
const MARGIN_SECONDS = 60;

/** How exact the time to the first event must be, for 95 % of the streams. */
const EXACT_MS = 1;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** The server of streams, in a process of its own. */
class StreamServer {
  readonly host: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    child: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<Uint8Array>,
    host: string,
  ) {
    this.#child = child;
    this.#output = output;
    this.host = host;
  }

  static async start(...args: readonly string[]): Promise<StreamServer> {
    const script = new URL("./support/stream_server.ts", import.meta.url).pathname;
    const child = new Deno.Command("taskset", {
      args: ["-c", String(CORES.target), Deno.execPath(), "run", "-A", "--quiet", script, ...args],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const output = child.stdout.getReader();
    const { value } = await output.read();
    return new StreamServer(child, output, new TextDecoder().decode(value).trim());
  }

  /** Does nothing if it has ended. */
  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  /** Processor time so far. */
  cpuSeconds(): Promise<number> {
    return cpuSeconds(this.#child.pid);
  }

  /** Ends it; returns what it has counted. */
  async end(): Promise<StreamCounts> {
    this.#child.kill("SIGTERM");
    const { value } = await this.#output.read();
    await this.#child.status;
    return JSON.parse(new TextDecoder().decode(value));
  }
}

/** What a run of aiotest has needed. */
interface Needed {
  readonly summary: Summary;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

async function run(
  url: string,
  client: string,
  streams: number,
  seconds: number,
  folder: string,
): Promise<Needed> {
  const load = { url, connections: streams, seconds, folder, exchange: client };
  const aiotest = aiotestArgs(
    "streams_test.ts",
    load as Parameters<typeof aiotestArgs>[1],
    START_RATE,
  );
  const process = startPinned(CORES.client, Deno.execPath(), aiotest);
  let [cpu, peakBytes] = [0, 0];
  while (process.running) {
    try {
      [cpu, peakBytes] = [await cpuSeconds(process.pid), (await memoryOf(process.pid)).peak];
    } catch {
      // It has just ended.
    }
    await sleep(0.5);
  }
  const { code, printed } = await process.ended;
  if (code !== 0) {
    throw new Error(`aiotest exited with ${code}: ${printed.stderr}${printed.stdout}`);
  }
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
  return { summary, cpuSeconds: cpu, peakBytes };
}

function findings(
  { summary, cpuSeconds, peakBytes }: Needed,
  counts: StreamCounts,
  ofServer: number,
): Finding[] {
  const counter = (name: string): number => {
    const row = summary.metrics.find((one) => one.name === name);
    return row?.type === "counter" ? row.value : NaN;
  };
  const row = summary.metrics.find(({ name }) => name === "late_ms");
  if (row?.type !== "trend") throw new Error("no first event was measured");
  const { p50, p95, p99, max } = row.figures;
  const events = counter("stream_events");
  const perEvent = (cpu: number): string => `${(cpu / counts.events * 1e6).toFixed(1)} µs`;
  const read = counter("events_read");
  const { failures } = summary.totals;
  const { requests = 0 } = summary.requests.find(({ name }) => name === "events") ?? {};
  return [
    finding("streams", `${2 * requests}`, `${counts.begun}`, 2 * requests === counts.begun),
    finding("failures", `${failures}`, "0", failures === 0),
    finding(
      "events",
      `${events}`,
      `${counts.events}, as the server counts`,
      events === counts.events,
    ),
    finding(
      "events that the tests have read",
      `${read}`,
      `${counts.events}`,
      read === counts.events,
    ),
    finding(
      "time to the first event, compared with the server",
      `${msText(p95 ?? NaN)} later (p95)`,
      `at most ${EXACT_MS} ms`,
      p95 !== null && p95 <= EXACT_MS,
    ),
    note(
      "the same",
      `p50 ${msText(p50 ?? NaN)}, p99 ${msText(p99 ?? NaN)}, max ${msText(max ?? NaN)}`,
    ),
    note(
      "processor time per event",
      `${perEvent(cpuSeconds)}; of the server ${perEvent(ofServer)}`,
    ),
    note("memory", `${(peakBytes / 1e6).toFixed(0)} MB`),
  ];
}

const CLIENTS = ["http1", "http2", "fetch"];

const { values } = parseArgs({
  args: [...args],
  options: {
    client: { type: "string", default: "http1" },
    streams: { type: "string", default: "1000" },
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "10" },
  },
});
const { client } = values;
if (!CLIENTS.includes(client)) {
  throw new Error(`--client ${client}: expected ${CLIENTS.join(", ")}`);
}
const streams = Math.ceil(positive("streams", values.streams));
const seconds = positive("seconds", values.seconds);
const rate = positive("rate", values.rate);
const folder = await Deno.makeTempDir();
const server = await StreamServer.start(
  client === "http2" ? "2" : "1",
  String(Math.ceil(seconds * rate)),
  String(1000 / rate),
);
try {
  say(`${streams} streams with ${rate} events per second each, for ${seconds} s, over ${client}`);
  const limit = seconds + streams / START_RATE + MARGIN_SECONDS;
  const needed = await run(server.host, client, streams, limit, folder);
  const ofServer = await server.cpuSeconds();
  say(findings(needed, await server.end(), ofServer).map(findingText).join("\n"));
} finally {
  server.kill();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
