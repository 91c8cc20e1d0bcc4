import assert from "node:assert/strict";
import { createServer, type Socket as Peer } from "node:net";
import type { Socket, SocketHandler, Sockets } from "../../src/net/socket.ts";
import { projectPath } from "../support/paths.ts";
import { Recorder, socketContract } from "./socket_contract.ts";

/** A server on one address; its connections do not end by themselves. */
export async function serveAt(
  address: string,
  accept: (peer: Peer) => void,
): Promise<AsyncDisposable & { readonly port: number; readonly remotes: string[] }> {
  const peers = new Set<Peer>();
  const remotes: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (peer) => {
    remotes.push(peer.remoteAddress ?? "");
    peers.add(peer);
    peer.on("error", () => {});
    peer.on("close", () => peers.delete(peer));
    accept(peer);
  });
  await new Promise<void>((resolve) =>
    server.listen({ host: address, port: 0, backlog: 4096 }, resolve)
  );
  return {
    port: (server.address() as { port: number }).port,
    remotes,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const peer of peers) peer.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the sockets of one {@link pingPong} share. */
interface Exchanges {
  left: number;
  opening: number;
  /** Called when all are open. */
  readonly opened: () => void;
  /** Called when none are left, or one of the connections fails. */
  readonly done: () => void;
  failures: number;
}

/** Sends a message again as soon as its answer has arrived. */
class PingPong implements SocketHandler {
  answers = 0;
  socket: Socket | null = null;
  readonly #shared: Exchanges;

  constructor(shared: Exchanges) {
    this.#shared = shared;
  }

  send(): void {
    this.socket!.write(PING);
  }

  onOpen(): void {
    if (--this.#shared.opening === 0) this.#shared.opened();
  }

  onData(_: Uint8Array<ArrayBuffer>, length: number): void {
    // A segment of four bytes arrives as a whole.
    assert.equal(length, PING.length);
    this.answers++;
    if (--this.#shared.left <= 0) this.#shared.done();
    else this.send();
  }

  onEnd(): void {
    this.onError();
  }

  onDrain(): void {}

  onError(): void {
    this.#shared.failures++;
    this.#shared.opened();
    this.#shared.done();
  }
}

const PING = new TextEncoder().encode("ping");

/** Lets sockets make some exchanges in total; returns those of each. */
async function pingPong(
  sockets: Sockets,
  { users, exchanges }: { readonly users: number; readonly exchanges: number },
): Promise<number[]> {
  const accepted = Promise.withResolvers<void>();
  let left = users;
  await using server = await serveAt("127.0.0.1", (peer) => {
    peer.setNoDelay(true);
    peer.on("data", (chunk) => peer.write(chunk));
    if (--left === 0) accepted.resolve();
  });
  const to = { address: "127.0.0.1", port: server.port, localAddress: null };
  const opened = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const shared = {
    left: exchanges,
    opening: users,
    opened: opened.resolve,
    done: done.resolve,
    failures: 0,
  };
  const all = Array.from({ length: users }, () => {
    const user = new PingPong(shared);
    user.socket = sockets.open(to, user);
    return user;
  });
  await opened.promise;
  // Otherwise the first ones would have finished before the server has seen the last ones.
  await accepted.promise;
  for (const user of all) user.send();
  await done.promise;
  for (const { socket } of all) socket!.close();
  assert.equal(shared.failures, 0);
  return all.map(({ answers }) => answers);
}

/** Runs `socket_child.ts` to its end; returns the lines that it prints. */
async function runChild(
  args: readonly string[],
  { openFiles }: { readonly openFiles?: number } = {},
): Promise<string[]> {
  const script = projectPath("tests/support/socket_child.ts");
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", script, ...args];
  const [program, ...words] = openFiles === undefined
    ? command
    : ["sh", "-c", 'ulimit -n "$0"; exec "$@"', String(openFiles), ...command];
  const child = new Deno.Command(program!, { args: words, env: { NO_COLOR: "1" } });
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  assert.deepEqual([code, text.decode(stderr)], [0, ""]);
  return text.decode(stdout).trim().split("\n");
}

/** Tests that sockets of TCP do what the interface says. */
export function tcpContract(sockets: Sockets): void {
  const { kind } = sockets;
  const test = (name: string, fn: () => Promise<void>): void => {
    Deno.test(`${kind}: ${name}`, fn);
  };

  socketContract({
    name: kind,
    open: (port, handler) =>
      sockets.open({ address: "127.0.0.1", port, localAddress: null }, handler),
    drain: () => sockets.drain(),
    writesAtOnce: true,
    knowsResets: true,
  });

  const opened = async (
    address: string,
    port: number,
    localAddress: string | null = null,
  ): Promise<Recorder> => {
    const client = new Recorder();
    client.socket = client.call(() => sockets.open({ address, port, localAddress }, client));
    await client.until(({ events }) => events.length > 0);
    return client;
  };

  test("connections leave from the address that is asked for", async () => {
    if (Deno.build.os !== "linux") return;
    await using server = await serveAt("127.0.0.1", (peer) => peer.write("hello"));
    for (const local of ["127.0.0.5", "127.0.0.6", "127.0.0.5"]) {
      const client = await opened("127.0.0.1", server.port, local);
      await client.has("data");
      client.socket!.close();
    }
    assert.deepEqual(server.remotes, ["127.0.0.5", "127.0.0.6", "127.0.0.5"]);
  });

  test("IPv6", async () => {
    await using server = await serveAt("::1", (peer) => peer.write("hello"));
    const client = await opened("::1", server.port);
    await client.has("data");
    assert.equal(client.text, "hello");
    client.socket!.close();
  });

  test("a connection that is reset at once fails, whether or not it was seen open", async () => {
    await using server = await serveAt("127.0.0.1", (peer) => void peer.resetAndDestroy());
    for (let round = 0; round < 20; round++) {
      const client = await opened("127.0.0.1", server.port);
      await client.has("error");
      assert.match(client.events.join(), /^(open,)?error ECONNRESET$/);
      client.socket!.close();
    }
  });

  test("2,000 sockets at once", async () => {
    const counts = await pingPong(sockets, { users: 2_000, exchanges: 10_000 });
    assert.ok(counts.every((count) => count > 0));
  });

  test("1,000 busy sockets get equal turns", async () => {
    const counts = await pingPong(sockets, { users: 1_000, exchanges: 30_000 });
    // With `Deno.connect`, most of them made one exchange, and some a hundred times as many.
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    assert.ok(least >= 20 && most <= 45, `${least} to ${most} exchanges`);
  });

  test("without a descriptor, opening fails with EMFILE, and open sockets still work", async () => {
    if (Deno.build.os === "windows") return;
    await using server = await serveAt(
      "127.0.0.1",
      (peer) => peer.on("data", (x) => peer.write(x)),
    );
    const lines = await runChild(["few-descriptors", kind, String(server.port)], { openFiles: 80 });
    assert.deepEqual(lines, ["error EMFILE", "echoed", "opened again"]);
  });

  test("nothing keeps the process alive once all sockets are closed", async () => {
    await using server = await serveAt("127.0.0.1", () => {});
    const [ms] = await runChild(["exit", kind, String(server.port)]);
    // A wait that is not ended takes ten seconds.
    assert.ok(Number(ms) < 3_000, `${ms} ms after the last one was closed`);
  });
}
