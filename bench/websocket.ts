/**
 * Measures WebSocket users: how much memory 10,000 connections take that do nothing, and whether the messages of
 * 2,000 users who chat are counted as the server counts them.
 * `deno task bench websocket [--idle N] [--users N] [--seconds S]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { cpuSeconds, memoryOf } from "../tests/support/machine.ts";
import { positive } from "./support/arguments.ts";
import { aiotestArgs } from "./support/contender.ts";
import { type Finding, finding, findingText, msText, note } from "./support/finding.ts";
import { type Pinned, sleep, startPinned } from "./support/process.ts";

const CORES = { target: 0, client: 1 } as const;

/** Users started per second. */
const START_RATE = 500;

const MEMORY_GOAL = 400e6;

/** Seconds within which all users must have connected, and all must have left. */
const LIMIT_SECONDS = 120;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

interface Counts {
  readonly open: number;
  readonly received: number;
  readonly sent: number;
}

/** The chat server, in a process of its own. */
class ChatServer implements Disposable {
  readonly host: string;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, host: string) {
    this.#child = child;
    this.host = host;
  }

  static async start(): Promise<ChatServer> {
    const script = new URL("./support/chat_server.ts", import.meta.url).pathname;
    const child = new Deno.Command("taskset", {
      args: ["-c", String(CORES.target), Deno.execPath(), "run", "-A", "--quiet", script],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    return new ChatServer(child, `127.0.0.1:${new TextDecoder().decode(value).trim()}`);
  }

  async counts(): Promise<Counts> {
    return await (await fetch(`http://${this.host}/counts`)).json();
  }

  async untilOpen(connections: number, { running }: Pinned): Promise<void> {
    for (let left = LIMIT_SECONDS * 4; left > 0 && running; left--) {
      if ((await this.counts()).open >= connections) return;
      await sleep(0.25);
    }
    throw new Error(`there are ${(await this.counts()).open} connections, and not ${connections}`);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

function start(
  server: ChatServer,
  tag: string,
  connections: number,
  seconds: number,
  folder: string,
): Pinned {
  const load = { url: `ws://${server.host}`, connections, seconds, folder, exchange: tag };
  const args = aiotestArgs(
    "websocket_test.ts",
    load as Parameters<typeof aiotestArgs>[1],
    START_RATE,
  );
  return startPinned(CORES.client, Deno.execPath(), args);
}

async function ended({ ended: outcome }: Pinned, folder: string): Promise<Summary> {
  const { code, printed } = await outcome;
  if (code !== 0) {
    throw new Error(`aiotest exited with ${code}: ${printed.stderr}${printed.stdout}`);
  }
  return JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
}

function metric({ metrics }: Summary, name: string): number {
  const row = metrics.find((one) => one.name === name);
  return row?.type === "counter" ? row.value : 0;
}

async function idle(connections: number, seconds: number, folder: string): Promise<Finding[]> {
  using server = await ChatServer.start();
  const run = start(server, "idle", connections, 10 * LIMIT_SECONDS, folder);
  try {
    await server.untilOpen(connections, run);
    const [from, cpu] = [performance.now(), await cpuSeconds(run.pid)];
    await sleep(seconds);
    const share = (await cpuSeconds(run.pid) - cpu) / ((performance.now() - from) / 1000);
    const { peak } = await memoryOf(run.pid);
    const { open } = await server.counts();
    const left = performance.now();
    Deno.kill(run.pid, "SIGINT");
    const summary = await ended(run, folder);
    const exitMs = performance.now() - left;
    return [
      finding("idle connections", `${open}`, `${connections}`, open === connections),
      finding("memory", `${(peak / 1e6).toFixed(0)} MB`, "at most 400 MB", peak <= MEMORY_GOAL),
      note("core", `${(share * 100).toFixed(1)} %`),
      finding("failures", `${summary.totals.failures}`, "0", summary.totals.failures === 0),
      note("from Ctrl-C to the end of the process", msText(exitMs)),
    ];
  } finally {
    run.kill();
  }
}

async function chat(users: number, seconds: number, folder: string): Promise<Finding[]> {
  using server = await ChatServer.start();
  const startSeconds = users / START_RATE;
  const run = start(server, "chat", users, startSeconds + seconds, folder);
  try {
    const summary = await ended(run, folder);
    const { received, sent } = await server.counts();
    const sentHere = metric(summary, "ws_messages_sent");
    const receivedHere = metric(summary, "ws_messages_received");
    const { failures } = summary.totals;
    const trips = summary.requests.find(({ name }) => name === "say");
    return [
      finding(
        "messages sent",
        `${sentHere}`,
        `${received}, as the server counts`,
        sentHere === received,
      ),
      finding(
        "messages received",
        `${receivedHere}`,
        `${sent}, as the server counts`,
        receivedHere === sent,
      ),
      finding("failures", `${failures}`, "0", failures === 0),
      note("messages per second", ((sent + received) / (startSeconds + seconds)).toFixed(0)),
      note("round trips", `${trips?.requests}, p50 ${msText(trips?.latencyMs?.p50 ?? NaN)}`),
    ];
  } finally {
    run.kill();
  }
}

const { values } = parseArgs({
  args: [...args],
  options: {
    idle: { type: "string", default: "10000" },
    users: { type: "string", default: "2000" },
    seconds: { type: "string", default: "10" },
  },
});
const seconds = positive("seconds", values.seconds);
const folder = await Deno.makeTempDir();
try {
  const connections = Math.ceil(positive("idle", values.idle));
  say(`${connections} connections that do nothing`);
  say((await idle(connections, seconds, folder)).map(findingText).join("\n"));
  const users = Math.ceil(positive("users", values.users));
  say(`${users} users who chat in rooms of ten, each a message per second`);
  say((await chat(users, seconds, folder)).map(findingText).join("\n"));
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
