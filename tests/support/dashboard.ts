import { type Clock, systemClock } from "../../src/core/clock.ts";
import { UsageError } from "../../src/core/errors.ts";
import { serveWeb } from "../../src/core/network.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { DashboardControl } from "../../src/web/control.ts";
import { LogTail } from "../../src/web/feed.ts";
import { DashboardServer } from "../../src/web/server.ts";
import { reportFacts } from "./report_facts.ts";
import { emptySnapshot, snapshot } from "./snapshots.ts";

/** A run that does what it is told, and remembers it. */
export class ScriptedRun implements DashboardControl {
  /** What it is like now. */
  now: Snapshot;
  canStart: boolean;
  /** Why it refuses whatever it is told; null: it obeys. */
  refusal: string | null = null;
  /** What it was told. */
  readonly orders: unknown[] = [];

  constructor(now: Snapshot = snapshot(), canStart = false) {
    this.now = now;
    this.canStart = canStart;
  }

  /** A run that waits for somebody to start it. */
  static waiting(): ScriptedRun {
    return new ScriptedRun(emptySnapshot(), true);
  }

  snapshot(): Snapshot {
    return this.now;
  }

  start(target: ResolvedLoad | null): void {
    this.#take(["start", target]);
    this.canStart = false;
    this.now = snapshot({ state: "spawning" });
  }

  stop(): void {
    this.#take(["stop"]);
    this.now = snapshot({ state: "stopping" });
  }

  changeLoad(target: ResolvedLoad): void {
    this.#take(["target", target]);
  }

  #take(order: unknown): void {
    if (this.refusal !== null) throw new UsageError(this.refusal);
    this.orders.push(order);
  }
}

/** How a dashboard of a test differs from one at a free port of loopback without a token. */
export interface TestDashboardOptions {
  readonly run?: ScriptedRun;
  readonly bindHost?: string;
  readonly token?: string;
  readonly clock?: Clock;
}

/** A dashboard that really listens. */
export interface TestDashboard {
  readonly run: ScriptedRun;
  readonly server: DashboardServer;
  readonly port: number;
  /** `127.0.0.1:PORT`, what a request's `Host` says. */
  readonly host: string;
  readonly log: LogTail;
  /** What it has logged. */
  readonly said: string[];
}

/** Opens a dashboard, has it used, and closes it. */
export async function withDashboard(
  options: TestDashboardOptions,
  use: (dashboard: TestDashboard) => Promise<void>,
): Promise<void> {
  const { run = new ScriptedRun(), bindHost = "127.0.0.1", token = null } = options;
  const log = new LogTail();
  const said: string[] = [];
  const server = new DashboardServer({
    control: run,
    bindHost,
    port: 0,
    hostname: "testhost",
    token,
    clock: options.clock ?? systemClock,
    version: "1.2.3",
    log,
    serve: serveWeb,
    metrics: () => "aiotest_up 1\n",
    reported: () => ({ snapshot: run.now, exitCode: 0, metadata: reportFacts }),
    info: (text) => said.push(text),
    warn: (text) => said.push(text),
  });
  const port = server.start();
  try {
    await use({ run, server, port, host: `127.0.0.1:${port}`, log, said });
  } finally {
    await server.close();
  }
}

/** A response as it came over the socket. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** Where and as whom a raw request is sent. */
export interface RawRequest {
  readonly method?: string;
  /** As it stands in the request line. */
  readonly path?: string;
  /** Null leaves out `Host`. */
  readonly host?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request byte for byte, as no client of HTTP would, and reads the answer to its end. */
export async function sendRaw(
  { port, host: own }: Pick<TestDashboard, "port" | "host">,
  { method = "GET", path = "/", host = own, headers = {}, body = "" }: RawRequest,
): Promise<RawAnswer> {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(host === null ? [] : [`Host: ${host}`]),
    "Connection: close",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === "" ? [] : [`Content-Length: ${new TextEncoder().encode(body).length}`]),
  ];
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const writer = conn.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`));
  writer.releaseLock();
  return parseAnswer(await new Response(conn.readable).text());
}

function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [status = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim());
  }
  return { status: Number(status.split(" ")[1]), headers, body: text.slice(end + 4) };
}

/** The headers of a change from the page itself. */
export const FROM_PAGE = { "X-Aiotest": "1", "Content-Type": "application/json" };
