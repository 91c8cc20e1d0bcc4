import assert from "node:assert/strict";
import { createServer, type Socket as Peer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";
import { lengthOf } from "../support/nightly.ts";
import { type FuzzedSockets, fuzzSockets } from "./socket_fuzz.ts";

/** What is tested: a way to open sockets, and a server for them. */
export interface SocketImplementation {
  readonly name: string;
  /** Opens a connection to 127.0.0.1. */
  open(port: number, handler: SocketHandler): Socket;
  /**
   * Makes a server that does not end connections by itself. It passes a connection to `track` at once, and
   * to `accept` when it is open. Plain TCP by default.
   */
  listen?: FuzzedSockets["listen"];
  /** Closes the server's side with a reset. By default, as sockets of `node:net` do. */
  reset?: FuzzedSockets["reset"];
  /** Whether a small write is done when the call returns. */
  readonly writesAtOnce: boolean;
  /** Delivers everything that has been received. */
  drain(): Promise<void>;
  /** Whether it can tell that the other side has reset a connection. */
  readonly knowsResets: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Writes down what happens on a socket. */
export class Recorder implements SocketHandler {
  /** `open`, `data`, `end`, `drain` and `error CODE`, with successive `data` once. */
  readonly events: string[] = [];
  text = "";
  bytes = 0;
  error: unknown = null;
  socket: Socket | null = null;
  /** Called after each event has been written down. */
  onEvent: (event: string) => void = () => {};
  /** Whether to keep the text that arrives. */
  keepsText = true;
  #calling = false;
  #waiting: (() => void)[] = [];

  /** Calls the socket. No event may happen inside. */
  call<T>(action: () => T): T {
    this.#calling = true;
    try {
      return action();
    } finally {
      this.#calling = false;
    }
  }

  /** Waits until a condition holds. */
  async until(condition: (recorder: Recorder) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Waits for an event that starts with these words. */
  async has(event: string): Promise<void> {
    await this.until(({ events }) => events.some((name) => name.startsWith(event)));
  }

  onOpen(): void {
    this.#add("open");
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    assert.ok(length > 0 && length <= bytes.length);
    this.bytes += length;
    if (this.keepsText) this.text += decoder.decode(bytes.subarray(0, length));
    this.#add("data");
  }

  onEnd(): void {
    this.#add("end");
  }

  onDrain(): void {
    this.#add("drain");
  }

  onError(error: unknown): void {
    this.error = error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    this.#add(`error ${code}`);
  }

  #add(event: string): void {
    assert.ok(!this.#calling, `${event} inside a call`);
    if (event !== "data" || this.events.at(-1) !== "data") this.events.push(event);
    this.onEvent(event);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A server whose connections do not end by themselves. */
interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly peers: ReadonlySet<Peer>;
  /** The number of connections that are closed. */
  readonly closed: number;
}

const listenPlain: FuzzedSockets["listen"] = (track, accept) =>
  createServer({ allowHalfOpen: true }, (peer) => {
    track(peer);
    accept(peer);
  });

async function serve(
  { listen = listenPlain }: SocketImplementation,
  accept: (peer: Peer) => void,
): Promise<TestServer> {
  const peers = new Set<Peer>();
  let closed = 0;
  const track = (peer: Peer): void => {
    peers.add(peer);
    peer.on("error", () => {});
    peer.on("close", () => {
      peers.delete(peer);
      closed++;
    });
  };
  const server = listen(track, accept);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    port: address.port,
    peers,
    get closed(): number {
      return closed;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const peer of peers) peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The environment variable of a process that runs a single test. */
const ALONE = "AIOTEST_TEST_ALONE";

/** Runs one test of this file in a process of its own. */
async function runAlone(name: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", `--filter=/^${name}$/`, Deno.mainModule],
    env: { [ALONE]: "1", NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder();
  const output = text.decode(stdout) + text.decode(stderr);
  assert.equal(code, 0, output);
  assert.match(output, /1 passed/);
}

function open(
  implementation: SocketImplementation,
  port: number,
  recorder = new Recorder(),
): Recorder {
  recorder.socket = recorder.call(() => implementation.open(port, recorder));
  return recorder;
}

function reset(implementation: SocketImplementation, peer: Peer): void {
  if (implementation.reset === undefined) peer.resetAndDestroy();
  else implementation.reset(peer);
}

function write(recorder: Recorder, text: string): boolean {
  return recorder.call(() => recorder.socket!.write(encoder.encode(text)));
}

function close(recorder: Recorder): void {
  recorder.call(() => recorder.socket!.close());
}

/** Time for events that must not happen. */
function nothingMore(): Promise<void> {
  return delay(20);
}

function unusedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Tests that an implementation of sockets does what the interface says. */
export function socketContract(implementation: SocketImplementation): void {
  const test = (name: string, fn: () => Promise<void>): void => {
    Deno.test(`${implementation.name}: ${name}`, fn);
  };

  test("opens, sends, receives, and learns of the end, after which it can still send", async () => {
    let received = "";
    const whole = Promise.withResolvers<void>();
    await using server = await serve(implementation, (peer) => {
      peer.on("data", (chunk) => {
        received += chunk;
        if (received === "hello") peer.end("welcome");
        if (received === "hello and bye") whole.resolve();
      });
    });
    const client = open(implementation, server.port);
    await client.has("open");
    assert.equal(write(client, "hello"), implementation.writesAtOnce);
    if (implementation.writesAtOnce) assert.equal(client.socket!.unsent, 0);
    await client.has("end");
    assert.equal(client.text, "welcome");
    write(client, " and bye");
    await whole.promise;
    const events = client.events.filter((event) => event !== "drain");
    assert.deepEqual(events, ["open", "data", "end"]);
    close(client);
  });

  test("a port without a listener: one error with its code", async () => {
    const client = open(implementation, unusedPort());
    await client.has("error");
    await nothingMore();
    assert.deepEqual(client.events, ["error ECONNREFUSED"]);
    close(client);
  });

  test("data in any cuts", async () => {
    const pieces = Array.from({ length: 200 }, (_, index) => `${index},`.repeat(index % 7 + 1));
    await using server = await serve(implementation, async (peer) => {
      peer.setNoDelay(true);
      for (const piece of pieces) {
        peer.write(piece);
        if (piece.length % 3 === 0) await delay(0);
      }
      peer.end();
    });
    const client = open(implementation, server.port);
    await client.has("end");
    assert.equal(client.text, pieces.join(""));
    close(client);
  });

  test("10 MB both ways at the same time, with back-pressure", async () => {
    const size = 10_000_000;
    const resumed = Promise.withResolvers<void>();
    const whole = Promise.withResolvers<number>();
    await using server = await serve(implementation, (peer) => {
      let received = 0;
      peer.pause();
      peer.on("data", (chunk) => {
        received += chunk.length;
        if (received === size) whole.resolve(received);
      });
      peer.write(new Uint8Array(size).fill(7));
      resumed.promise.then(() => peer.resume());
    });
    const client = new Recorder();
    client.keepsText = false;
    open(implementation, server.port, client);
    await client.has("open");
    assert.equal(client.call(() => client.socket!.write(new Uint8Array(size - 3))), false);
    assert.ok(
      client.socket!.unsent > 0 && client.socket!.unsent < size,
      `${client.socket!.unsent}`,
    );
    assert.equal(write(client, "end"), false);
    await nothingMore();
    assert.ok(!client.events.includes("drain"));
    resumed.resolve();
    await client.has("drain");
    assert.equal(client.socket!.unsent, 0);
    await whole.promise;
    await client.until(({ bytes }) => bytes === size);
    assert.equal(client.events.filter((event) => event === "drain").length, 1);
    close(client);
  });

  test("while it is paused, nothing is read, and the other side has to wait", async () => {
    const size = 32_000_000;
    let isSent = false;
    await using server = await serve(implementation, (peer) => {
      peer.write(new Uint8Array(size).fill(7), () => isSent = true);
      peer.end();
    });
    const client = new Recorder();
    client.keepsText = false;
    const paused = Promise.withResolvers<number>();
    client.onEvent = (event) => {
      if (event !== "data") return;
      client.onEvent = () => {};
      client.socket!.pause();
      paused.resolve(client.bytes);
    };
    open(implementation, server.port, client);
    const before = await paused.promise;
    await delay(100);
    assert.equal(client.bytes, before);
    assert.ok(!isSent);
    client.call(() => client.socket!.resume());
    await client.has("end");
    assert.equal(client.bytes, size);
    assert.deepEqual(client.events, ["open", "data", "end"]);
    close(client);
  });

  test("a pause also holds back what has arrived, the end, and a loss", async () => {
    await using server = await serve(implementation, (peer) => {
      peer.on("data", (chunk) => {
        if (String(chunk) === "end") return peer.end("the last words");
        peer.write("the last words", () => reset(implementation, peer));
      });
    });
    for (const ask of ["end", "reset"]) {
      const client = open(implementation, server.port);
      await client.has("open");
      client.call(() => client.socket!.pause());
      write(client, ask);
      await delay(50);
      assert.deepEqual(client.events.filter((event) => event !== "drain"), ["open"]);
      for (let turn = 0; turn < 3; turn++) {
        client.call(() => client.socket!.resume());
        client.call(() => client.socket!.pause());
      }
      client.call(() => client.socket!.resume());
      await client.has(ask === "end" ? "end" : "error");
      if (ask === "end") assert.equal(client.text, "the last words");
      close(client);
    }
  });

  test("a paused socket can be closed", async () => {
    await using server = await serve(implementation, (peer) => peer.end("words"));
    const client = open(implementation, server.port);
    await client.has("open");
    client.call(() => client.socket!.pause());
    await delay(20);
    const before = [...client.events];
    close(client);
    await nothingMore();
    assert.deepEqual(client.events, before);
  });

  if (implementation.writesAtOnce) {
    test("a write within the limits of the system has no drain", async () => {
      await using server = await serve(implementation, (peer) => peer.pipe(peer));
      const client = open(implementation, server.port);
      await client.has("open");
      for (let index = 0; index < 50; index++) assert.ok(write(client, "x".repeat(100)));
      await client.until(({ bytes }) => bytes === 5000);
      assert.ok(!client.events.includes("drain"));
      close(client);
    });
  }

  test("what arrived before a reset is delivered first", async () => {
    await using server = await serve(implementation, (peer) => {
      peer.on("data", () => {});
      peer.write("the last words", () => reset(implementation, peer));
    });
    const client = open(implementation, server.port);
    await client.has("error");
    await nothingMore();
    assert.equal(client.text, "the last words");
    assert.deepEqual(client.events, ["open", "data", "error ECONNRESET"]);
    close(client);
  });

  test("what arrived before writing failed is delivered first", async () => {
    await using server = await serve(implementation, (peer) => {
      // With bytes that nothing reads, the system resets the connection.
      peer.once("data", () => {
        peer.pause();
        peer.write("413", () => setTimeout(() => peer.destroy(), 20));
      });
    });
    const client = new Recorder();
    client.onEvent = (event) => {
      if (event === "open" || event === "drain") write(client, "x".repeat(1_000_000));
    };
    open(implementation, server.port, client);
    await client.has("error");
    assert.equal(client.text, "413");
    assert.match(client.events.at(-1)!, /^error (ECONNRESET|EPIPE|UnexpectedEof)/);
    assert.ok(write(client, "more"), "a lost connection takes everything");
    await nothingMore();
    assert.equal(client.events.filter((event) => event.startsWith("error")).length, 1);
    close(client);
  });

  if (implementation.knowsResets) {
    test("after the end, a probe tells whether the connection has been reset", async () => {
      await using server = await serve(implementation, (peer) => {
        peer.once("data", () => peer.destroy());
      });
      const client = open(implementation, server.port);
      await client.has("open");
      write(client, "first");
      await client.until(({ events }) => /end|error/.test(events.at(-1)!));
      if (client.events.includes("end")) {
        write(client, "this makes the other system answer with a reset");
        await nothingMore();
      } else if (!/RESET|EPIPE/.test(client.events.at(-1)!)) {
        await client.socket!.wasReset(encoder.encode("\r\n"));
        await nothingMore();
      }
      assert.equal(await client.socket!.wasReset(encoder.encode("\r\n")), true);
      close(client);
    });

    test("after a mere end, the probe says no", async () => {
      await using server = await serve(implementation, (peer) => {
        peer.resume();
        peer.end();
      });
      const client = open(implementation, server.port);
      await client.has("end");
      assert.equal(await client.socket!.wasReset(encoder.encode("\r\n")), false);
      assert.deepEqual(client.events, ["open", "end"]);
      close(client);
    });
  }

  for (const moment of ["open", "data", "end", "error", "drain"]) {
    test(`closed inside the callback of ${moment}, nothing follows`, async () => {
      await using server = await serve(implementation, (peer) => {
        if (moment === "drain") peer.resume();
        else if (moment === "error") peer.write("some bytes", () => reset(implementation, peer));
        else peer.write("some bytes", () => peer.end());
      });
      const client = new Recorder();
      client.keepsText = false;
      let last = "";
      client.onEvent = (event) => {
        assert.equal(last, "", `${event} after ${last}`);
        if (event === "open" && moment === "drain") {
          client.socket!.write(new Uint8Array(10_000_000));
        }
        if (!event.startsWith(moment)) return;
        last = event;
        client.socket!.close();
        client.socket!.close();
        client.socket!.write(encoder.encode("too late"));
      };
      open(implementation, server.port, client);
      await client.has(moment);
      await nothingMore();
      for (let turn = 0; turn < 200 && server.closed === 0; turn++) {
        for (const peer of server.peers) if (!peer.destroyed) peer.write("anyone?");
        await delay(5);
      }
      // A TLS server of node:tls does not notice it before its own handshake has ended.
      if (moment !== "open" || implementation.listen === undefined) assert.equal(server.closed, 1);
    });
  }

  test("closed before it is open: no callback", async () => {
    await using server = await serve(implementation, () => {});
    const client = open(implementation, server.port);
    close(client);
    await nothingMore();
    assert.deepEqual(client.events, []);
  });

  test("a handler can be replaced at any time, also in a callback", async () => {
    await using server = await serve(implementation, (peer) => peer.pipe(peer));
    const first = new Recorder();
    const second = new Recorder();
    first.onEvent = (event) => {
      if (event !== "open") return;
      first.socket!.handler = second;
      first.socket!.write(encoder.encode("hello"));
    };
    open(implementation, server.port, first);
    await second.has("data");
    assert.equal(second.text, "hello");
    assert.deepEqual(first.events, ["open"]);
    close(first);
  });

  test("a callback can open other sockets and close those that are ready as well", async () => {
    await using server = await serve(
      implementation,
      (peer) => peer.on("data", (x) => peer.write(x)),
    );
    const clients = Array.from({ length: 20 }, () => open(implementation, server.port));
    for (const client of clients) await client.has("open");
    let opened: Recorder | null = null;
    let answered = 0;
    for (const client of clients) {
      client.onEvent = (event) => {
        if (event === "drain") return;
        answered++;
        opened = open(implementation, server.port);
        for (const other of clients) other.socket!.close();
      };
      write(client, "to all at once");
    }
    await clients[0]!.until(() => true);
    const end = performance.now() + 5_000;
    while (opened === null && performance.now() < end) await delay(1);
    await (opened as Recorder | null)!.has("open");
    assert.equal(answered, 1);
    close(opened!);
  });

  test("drain delivers what has arrived on all sockets", async () => {
    await using server = await serve(implementation, (peer) => {
      peer.write("hi");
      peer.resume();
    });
    const clients = Array.from({ length: 300 }, () => open(implementation, server.port));
    for (const client of clients) await client.has("data");
    const arrived = Promise.withResolvers<void>();
    for (const peer of server.peers) peer.write("more", () => arrived.resolve());
    await arrived.promise;
    const end = performance.now() + 50;
    while (performance.now() < end);
    await implementation.drain();
    assert.equal(clients.filter(({ text }) => text === "himore").length, clients.length);
    for (const client of clients) close(client);
  });

  test("no descriptor is left open", async () => {
    if (Deno.build.os !== "linux") return;
    // Tests of other files run in this process at the same time, and open descriptors as well.
    if (!Deno.env.has(ALONE)) {
      return await runAlone(`${implementation.name}: no descriptor is left open`);
    }
    await using server = await serve(implementation, (peer) => {
      peer.on("data", (text) => {
        if (String(text) === "end") peer.end();
        else if (String(text) === "reset") reset(implementation, peer);
      });
      peer.on("end", () => peer.end());
    });
    const round = async (index: number): Promise<void> => {
      const client = open(implementation, index % 5 === 4 ? unused : server.port);
      await client.has(index % 5 === 4 ? "error" : "open");
      if (index % 5 === 1) write(client, "end");
      if (index % 5 === 2) write(client, "reset");
      if (index % 5 === 1 || index % 5 === 2) await client.until(({ events }) => events.length > 1);
      close(client);
    };
    const unused = unusedPort();
    const descriptors = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
    for (let index = 0; index < 10; index++) await round(index);
    while (server.peers.size > 0) await delay(1);
    const before = descriptors();
    for (let index = 0; index < 100; index++) await round(index);
    while (server.peers.size > 0) await delay(1);
    for (let turn = 0; turn < 500 && descriptors() > before; turn++) await delay(10);
    assert.ok(descriptors() <= before, `${descriptors()} after ${before}`);
  });

  test("both sides count the same exchanges, ends and resets", async () => {
    const seed = Number(Deno.env.get("AIOTEST_FUZZ_SEED") ?? Date.now() % 2 ** 31);
    const exchanges = lengthOf({ short: implementation.listen ? 1_000 : 5_000, full: 1_000_000 });
    const fuzzed = {
      open: implementation.open,
      listen: implementation.listen ?? listenPlain,
      reset: (peer: Peer) => reset(implementation, peer),
    };
    await fuzzSockets(fuzzed, { seed, users: 200, exchanges });
  });
}

/** Takes what is reported like an uncaught error, until it is disposed of. */
export class ReportedErrors implements Disposable {
  readonly errors: unknown[] = [];
  readonly #take = (event: ErrorEvent): void => {
    event.preventDefault();
    this.errors.push(event.error);
  };

  constructor() {
    globalThis.addEventListener("error", this.#take);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("error", this.#take);
  }
}
