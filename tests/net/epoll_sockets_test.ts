import assert from "node:assert/strict";
import { createServer, type Socket as Peer } from "node:net";
import { networkInterfaces } from "node:os";
import { socketChoice } from "../../src/net/choose_sockets.ts";
import { serveAt, tcpContract } from "./tcp_contract.ts";
import { Recorder, ReportedErrors } from "./socket_contract.ts";

const { sockets, fallback } = socketChoice();

if (Deno.build.os === "linux") {
  Deno.test("epoll is chosen on Linux", () => {
    assert.deepEqual([sockets.kind, fallback], ["epoll", null]);
  });

  tcpContract(sockets);

  Deno.test("epoll: an IPv6 address can have a zone, by name or by number", async () => {
    const local = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).filter(({ address }) =>
        address.startsWith("fe80:")
      )
        .map(({ address, scopeid }) => ({ name, ip: address.split("%")[0], index: scopeid }))
    )[0];
    const zones = local === undefined ? [] : [local.name, local.index];
    await using server = await serveAt("::", (peer) => peer.write("hello"));
    const open = (address: string): Recorder => {
      const client = new Recorder();
      client.socket = sockets.open({ address, port: server.port, localAddress: null }, client);
      return client;
    };
    for (const zone of zones) {
      const client = open(`${local!.ip}%${zone}`);
      await client.has("data");
      client.socket!.close();
    }
    for (const wrong of ["fe80::1%nowhere", "127.0.0.1%lo", "localhost", "1.2.3", "::1%"]) {
      const client = open(wrong);
      await client.has("error");
      assert.deepEqual(client.events, ["error EINVAL"]);
      assert.match(String(client.error), /is not an IP address/);
      client.socket!.close();
    }
  });

  Deno.test("epoll: a connection that cannot leave from an address says why", async () => {
    const open = async (address: string, localAddress: string): Promise<string> => {
      const client = new Recorder();
      client.socket = sockets.open({ address, port: 9, localAddress }, client);
      await client.has("error");
      client.socket.close();
      const { code, message } = client.error as Error & { code: string };
      return `${code}: ${message}`;
    };
    assert.equal(
      await open("127.0.0.1", "203.0.113.9"),
      "EADDRNOTAVAIL: Cannot assign requested address (os error 99)",
    );
    assert.equal(
      await open("127.0.0.1", "::1"),
      "EINVAL: a connection to an IPv4 address cannot leave from ::1",
    );
    assert.match(await open("127.0.0.1", "localhost"), /^EINVAL: localhost is not an IP address/);
  });

  Deno.test("epoll: events of a closed socket do not reach one that got its descriptor", async () => {
    await using server = await serveAt("127.0.0.1", (peer) => peer.write("hello"));
    await using closed = await serveAt("127.0.0.1", () => {});
    await closed[Symbol.asyncDispose]();
    const clients = Array.from({ length: 20 }, () => new Recorder());
    const others: Recorder[] = [];
    const opened = Promise.withResolvers<void>();
    for (const client of clients) {
      client.onEvent = (event) => {
        // All have data now, and their events are in the same batch.
        if (event !== "data") return;
        for (const { socket } of clients) socket!.close();
        for (let i = 0; i < clients.length; i++) {
          const other = new Recorder();
          const to = { address: "127.0.0.1", port: closed.port, localAddress: null };
          other.socket = sockets.open(to, other);
          others.push(other);
        }
        opened.resolve();
      };
      const to = { address: "127.0.0.1", port: server.port, localAddress: null };
      client.socket = sockets.open(to, client);
    }
    await opened.promise;
    for (const other of others) {
      await other.has("error");
      other.socket!.close();
    }
    assert.deepEqual(
      others.map(({ events }) => events.join()),
      others.map(() => "error ECONNREFUSED"),
    );
  });

  Deno.test("epoll: promise jobs run after a few events, however many sockets are ready", async () => {
    const peers: Peer[] = [];
    await using server = await serveAt("127.0.0.1", (peer) => void peers.push(peer));
    const done = Promise.withResolvers<void>();
    const size = 200_000;
    let [left, together, most] = [USERS * size, 0, 0];
    const clients = Array.from({ length: USERS }, () => {
      const client = new Recorder();
      client.keepsText = false;
      let seen = 0;
      client.onEvent = (event) => {
        if (event !== "data") return;
        most = Math.max(most, ++together);
        if (together === 1) queueMicrotask(() => together = 0);
        left -= client.bytes - seen;
        seen = client.bytes;
        if (left === 0) done.resolve();
      };
      const to = { address: "127.0.0.1", port: server.port, localAddress: null };
      client.socket = sockets.open(to, client);
      return client;
    });
    for (const client of clients) await client.has("open");
    while (peers.length < USERS) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const peer of peers) peer.write(new Uint8Array(size));
    await done.promise;
    assert.ok(most <= 128, `${most} events before a promise job`);
    for (const { socket } of clients) socket!.close();
  });

  Deno.test("epoll: an error of a handler is reported, and neither its socket nor others are lost", async () => {
    await using server = await pushing();
    using reported = new ReportedErrors();
    const [thrower, other] = [new Recorder(), new Recorder()];
    for (const client of [thrower, other]) {
      client.keepsText = false;
      client.socket = sockets.open(server.to, client);
    }
    const thrown = new Error("of a handler");
    let left = 3;
    thrower.onEvent = (event) => {
      if (event === "data" && left-- > 0) throw thrown;
    };
    await thrower.has("end");
    await other.has("end");
    assert.deepEqual([thrower.bytes, other.bytes], [SIZE, SIZE]);
    assert.deepEqual(reported.errors, [thrown, thrown, thrown]);
    thrower.socket!.close();
    other.socket!.close();
  });

  Deno.test("epoll: the system tells the round-trip time of open connections", async () => {
    await using server = await pushing();
    const clients = Array.from({ length: 5 }, () => {
      const client = new Recorder();
      client.keepsText = false;
      client.socket = sockets.open(server.to, client);
      return client;
    });
    for (const client of clients) await client.has("end");
    const infos = sockets.tcpInfo!(3);
    assert.equal(infos.length, 3);
    for (const { rttMs, retransmits } of infos) {
      assert.ok(rttMs > 0 && rttMs < 1_000, `${rttMs}`);
      assert.ok(Number.isInteger(retransmits) && retransmits >= 0 && retransmits < 100);
    }
    assert.equal(sockets.tcpInfo!(100).length, 5);
    for (const { socket } of clients) socket!.close();
    assert.deepEqual(sockets.tcpInfo!(100), []);
  });
}

/** Many more than the events that are handled at once. */
const USERS = 1_000;

/** More than one read takes. */
const SIZE = 500_000;

/** A server that sends some bytes and ends. */
async function pushing(): Promise<
  AsyncDisposable & { readonly to: Parameters<typeof sockets.open>[0] }
> {
  const server = createServer({ allowHalfOpen: true }, (peer) => {
    peer.on("error", () => {});
    peer.resume();
    peer.end(new Uint8Array(SIZE));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    to: { address: "127.0.0.1", port, localAddress: null },
    async [Symbol.asyncDispose](): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
