import { type Clock, systemClock } from "../../src/core/clock.ts";
import { UsageError } from "../../src/core/errors.ts";
import { serveWeb } from "../../src/core/web_server.ts";
import type { PartialLoad, ResolvedLoad } from "../../src/load/load.ts";
import type { RunHistory } from "../../src/report/run_history.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import type { DashboardControl, RunStarter } from "../../src/web/control.ts";
import { LogTail } from "../../src/web/feed.ts";
import { DashboardServer } from "../../src/web/server.ts";
import { runMetadata } from "./run_metadata.ts";
import { emptySnapshot, snapshot } from "./snapshots.ts";

/** A run that carries out commands and records them. */
export class FakeRun implements DashboardControl {
  /** The current snapshot. */
  now: Snapshot;
  canStart: boolean;
  /** The error that every command causes; null: commands succeed. */
  commandError: string | null = null;
  /** The commands it has received. */
  readonly commands: unknown[] = [];
  /** What follows the run; undefined: nothing. */
  series?: RunStarter;

  constructor(now: Snapshot = snapshot(), canStart = false) {
    this.now = now;
    this.canStart = canStart;
  }

  /** A run that waits to be started. */
  static waiting(): FakeRun {
    return new FakeRun(emptySnapshot(), true);
  }

  snapshot(): Snapshot {
    return this.now;
  }

  start(load: PartialLoad | null): ResolvedLoad | null {
    this.#record(["start", load]);
    this.canStart = false;
    this.now = snapshot({ state: "spawning" });
    return load === null ? null : { users: 10, rate: 2, ...load };
  }

  pause(): void {
    this.#record(["pause"]);
    this.now = snapshot({ pauses: [{ from: 10, to: null }] });
  }

  resume(): void {
    this.#record(["resume"]);
    this.now = snapshot({ elapsedSeconds: 12, pausedSeconds: 2, pauses: [{ from: 10, to: 12 }] });
  }

  stop(): void {
    this.#record(["stop"]);
    this.now = snapshot({ state: "stopping" });
  }

  stopWorker(id: string): void {
    this.#record(["stopWorker", id]);
  }

  changeLoad(load: PartialLoad): ResolvedLoad {
    this.#record(["changeLoad", load]);
    return { users: 10, rate: 2, ...load };
  }

  #record(command: unknown): void {
    if (this.commandError !== null) throw new UsageError(this.commandError);
    this.commands.push(command);
  }
}

/** Settings of a {@link TestDashboard}; by default, it has no token and listens at a free loopback port. */
export interface TestDashboardOptions {
  readonly run?: FakeRun;
  readonly bindHost?: string;
  readonly allowedHosts?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly basePath?: string;
  readonly token?: string;
  readonly clock?: Clock;
  readonly maxConnections?: number;
  readonly history?: RunHistory;
}

/** A dashboard that listens at a port. */
export interface TestDashboard {
  readonly run: FakeRun;
  readonly server: DashboardServer;
  readonly port: number;
  /** `127.0.0.1:PORT`, the `Host` of requests. */
  readonly host: string;
  readonly log: LogTail;
  /** Its log messages. */
  readonly logged: string[];
}

/** Runs a function with a dashboard, and closes it. */
export async function withDashboard(
  options: TestDashboardOptions,
  use: (dashboard: TestDashboard) => Promise<void>,
): Promise<void> {
  const { run = new FakeRun(), bindHost = "127.0.0.1", token = null } = options;
  const log = new LogTail();
  const logged: string[] = [];
  const server = new DashboardServer({
    control: run,
    bindHost,
    port: 0,
    maxConnections: options.maxConnections ?? 256,
    hostname: "testhost",
    allowedHosts: options.allowedHosts ?? [],
    trustedProxies: options.trustedProxies ?? [],
    basePath: options.basePath ?? "",
    tls: null,
    token,
    clock: options.clock ?? systemClock,
    version: "1.2.3",
    metadata: () => runMetadata({ version: "1.2.3" }),
    log,
    serve: serveWeb,
    metrics: () => "aiotest_up 1\n",
    reported: () => ({ snapshot: run.now, exitCode: 0, metadata: runMetadata }),
    history: options.history ?? null,
    info: (text) => logged.push(text),
    warn: (text) => logged.push(text),
  });
  const port = await server.start();
  try {
    await use({ run, server, port, host: `127.0.0.1:${port}`, log, logged });
  } finally {
    await server.close();
  }
}

/** A response as received from the socket. */
export interface RawResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A request that is sent byte for byte. */
export interface RawRequest {
  readonly method?: string;
  /** As written in the request line. */
  readonly path?: string;
  /** Null omits `Host`. */
  readonly host?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a request that no HTTP client would send, and reads the whole response. */
export async function sendRaw(
  { port, host: own }: Pick<TestDashboard, "port" | "host">,
  { method = "GET", path = "/", host = own, headers = {}, body = "" }: RawRequest,
): Promise<RawResponse> {
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
  return parseResponse(await new Response(conn.readable).text());
}

function parseResponse(text: string): RawResponse {
  const end = text.indexOf("\r\n\r\n");
  const [status = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = new Headers();
  for (const field of fields) {
    const colon = field.indexOf(":");
    headers.append(field.slice(0, colon), field.slice(colon + 1).trim());
  }
  return { status: Number(status.split(" ")[1]), headers, body: text.slice(end + 4) };
}

/** The headers of a command from the page itself. */
export const FROM_PAGE = { "X-Aiotest": "1", "Content-Type": "application/json" };
