import { type AddressInfo, createServer, type Server } from "node:net";
import type { Summary } from "../../src/report/summary.ts";
import { projectPath } from "./paths.ts";
import { startAiotest } from "./process.ts";

/** What a cutting target does with a request that it has read whole. */
type Deed = "answer" | "last answer" | "silence" | "half a head" | "half a body";

/** How many of 1,000 requests it treats in each way. It answers the others normally. */
const DEEDS: readonly [Deed, number][] = [
  ["last answer", 10],
  ["silence", 20],
  ["half a head", 10],
  ["half a body", 10],
];

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

const BYTES: Readonly<Record<Deed, Uint8Array>> = {
  "answer": encoder.encode(`${HEAD}content-length: 10\r\n\r\n0123456789`),
  "last answer": encoder.encode(`${HEAD}connection: close\r\ncontent-length: 10\r\n\r\n0123456789`),
  "silence": new Uint8Array(0),
  "half a head": encoder.encode(HEAD.slice(0, 25)),
  "half a body": encoder.encode(`${HEAD}content-length: 10\r\n\r\n0123`),
};

/**
 * A server that counts the requests it has read, by method, and cuts connections at random: before,
 * inside and behind its answers. It never cuts one that it has not just read a request from, so every
 * request that was sent has been counted.
 */
export class CuttingTarget implements AsyncDisposable {
  readonly url: string;
  readonly counts = new Map<string, number>();
  readonly #listener: Deno.TcpListener;
  readonly #random: () => number;
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<void>;

  /** @param random decides; a seeded one makes it do the same again. */
  constructor(random: () => number) {
    this.#random = random;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#done = this.#accept();
  }

  /** All requests that were read. */
  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) connection.close();
    await this.#done;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      connection.setNoDelay(true);
      this.#open.add(connection);
      void this.#serve(connection).catch(() => {}).finally(() => {
        if (this.#open.delete(connection)) connection.close();
      });
    }
  }

  async #serve(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(4096);
    let text = "";
    for (;;) {
      const count = await connection.read(buffer);
      if (count === null) return;
      text += decoder.decode(buffer.subarray(0, count));
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) continue;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) continue;
      const method = text.slice(0, text.indexOf(" "));
      this.counts.set(method, (this.counts.get(method) ?? 0) + 1);
      text = "";
      const deed = this.#choose();
      for (let rest = BYTES[deed]; rest.length > 0;) {
        rest = rest.subarray(await connection.write(rest));
      }
      if (deed !== "answer") return;
    }
  }

  #choose(): Deed {
    let rest = this.#random() * 1000;
    for (const [deed, share] of DEEDS) {
      rest -= share;
      if (rest < 0) return deed;
    }
    return "answer";
  }
}

/** How a closing target ends a connection. */
export type Closing = "close" | "half-close" | "reset";

/**
 * A server that ends each connection right after its first answer, without announcing it, and counts the
 * requests that it has read.
 */
export class ClosingTarget implements AsyncDisposable {
  readonly url: string;
  requests = 0;
  readonly #server: Server;

  constructor(server: Server, how: Closing) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      let text = "";
      socket.on("data", (bytes) => {
        text += bytes.toString();
        const heads = text.split("\r\n\r\n");
        text = heads.pop()!;
        this.requests += heads.length;
        socket.write(BYTES.answer, () => {
          if (how === "close") socket.destroy();
          else if (how === "reset") socket.resetAndDestroy();
          else socket.end();
        });
      });
    });
  }

  static async start(how: Closing): Promise<ClosingTarget> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ClosingTarget(server, how);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Random numbers that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The outcome of requests over connections that were cut. */
export interface CutRun {
  readonly summary: Summary;
  /** Requests that the target read, by method. */
  readonly counts: ReadonlyMap<string, number>;
  /** Of the target's random numbers; AIOTEST_CUT_SEED sets it. */
  readonly seed: number;
}

/** Sends `quota` requests of several methods to a target that cuts connections at random. */
export async function runCuts(quota: number): Promise<CutRun> {
  const seed = Number(Deno.env.get("AIOTEST_CUT_SEED") ?? Date.now() % 2 ** 31);
  await using target = new CuttingTarget(seeded(seed));
  const json = await Deno.makeTempFile();
  const run = startAiotest(
    ["-f", projectPath("tests/e2e/fixtures/cut.ts"), "-H", target.url, "--json", json].concat(
      ["-u", "50", "-r", "1000", "--quota", String(quota)],
    ),
  );
  let ended = false;
  void run.finished.then(() => ended = true);
  // Retries come on top of the quota, and come at once: two looks at the same count are the end.
  for (let before = -1; !ended && (target.total < quota || target.total !== before);) {
    before = target.total;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  run.kill("SIGINT");
  const { stderr } = await run.finished;
  const text = await Deno.readTextFile(json);
  await Deno.remove(json);
  if (text === "") throw new Error(stderr);
  return { summary: JSON.parse(text), counts: new Map(target.counts), seed };
}
