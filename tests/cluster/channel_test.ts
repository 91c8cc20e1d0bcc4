import assert from "node:assert/strict";
import { Channel } from "../../src/cluster/channel.ts";
import { encodeMessage } from "../../src/cluster/codec.ts";
import { type Message, ProtocolError } from "../../src/cluster/protocol.ts";
import { type ByteStream, connect, listen } from "../../src/core/network.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { memoryStreams } from "../support/memory_stream.ts";

const MIB = 1024 * 1024;

function ping(number: number): Message {
  return { type: "PING", number };
}

function setup(size: number): Message {
  return { type: "SETUP", workerIndex: 0, options: "x".repeat(size) };
}

/** All messages until the channel ends. */
async function receiveAll(channel: Channel): Promise<Message[]> {
  const all: Message[] = [];
  for (let message; (message = await channel.receive()) !== null;) all.push(message);
  return all;
}

/** A stream, and the size of each write to it. */
function watched(stream: ByteStream): { stream: ByteStream; writes: number[] } {
  const writes: number[] = [];
  return {
    stream: {
      read: (into) => stream.read(into),
      write: (bytes) => {
        writes.push(bytes.length);
        return stream.write(bytes);
      },
      close: () => stream.close(),
    },
    writes,
  };
}

Deno.test("messages arrive in the order in which they were sent", async () => {
  const [here, there] = memoryStreams().map((stream) => new Channel(stream)) as [Channel, Channel];
  here.send(ping(1));
  here.sendFrame(encodeMessage(ping(2)));
  there.send(ping(3));
  assert.deepEqual([await there.receive(), await there.receive()], [ping(1), ping(2)]);
  assert.deepEqual(await here.receive(), ping(3));
});

Deno.test("messages sent in one turn are written together, and so are those sent during the write", async () => {
  const [near, far] = memoryStreams(10);
  const { stream, writes } = watched(near);
  const [here, there] = [new Channel(stream), new Channel(far)];
  for (let i = 0; i < 3; i++) here.send(ping(i));
  const size = encodeMessage(ping(0)).length;
  assert.equal(here.queuedBytes, 3 * size);
  await settle();
  for (let i = 3; i < 7; i++) here.send(ping(i));
  for (let i = 0; i < 7; i++) assert.deepEqual(await there.receive(), ping(i));
  await here.flushed();
  // A partial write is continued with the rest.
  assert.deepEqual(writes.filter((length) => length % size === 0), [3 * size, 4 * size]);
});

Deno.test("messages may be split anywhere in the stream", async () => {
  const [near, far] = memoryStreams(7);
  const [here, there] = [new Channel(near), new Channel(far)];
  const sent = Array.from({ length: 50 }, (_, i) => i % 5 === 0 ? setup(i) : ping(i));
  for (const message of sent) here.send(message);
  for (const message of sent) assert.deepEqual(await there.receive(), message);
});

Deno.test("large messages are accepted only from an admitted peer", async () => {
  const [near, far] = memoryStreams();
  const [here, there] = [new Channel(near), new Channel(far)];
  here.send(ping(1));
  here.send(setup(100_000));
  assert.deepEqual(await there.receive(), ping(1));
  there.admit();
  assert.deepEqual(await there.receive(), setup(100_000));
  there.send(setup(5000));
  await assert.rejects(here.receive(), {
    name: "ProtocolError",
    code: "protocol",
    message: "A message of 5011 bytes; at most 4096 are allowed",
  });
});

Deno.test("nothing is received after an invalid message", async () => {
  const [near, far] = memoryStreams();
  const there = new Channel(far);
  await near.write(new Uint8Array([0, 0, 0, 1, 0xc1, ...encodeMessage(ping(1))]));
  await assert.rejects(there.receive(), ProtocolError);
  assert.equal(await there.receive(), null);
});

Deno.test("messages sent before the peer closed are received", async () => {
  const [near, far] = memoryStreams();
  const [here, there] = [new Channel(near), new Channel(far)];
  here.send(ping(1));
  here.send({ type: "QUIT", why: "", stays: false });
  await here.flushed();
  here.close();
  assert.deepEqual(await receiveAll(there), [ping(1), { type: "QUIT", why: "", stays: false }]);
  assert.equal(there.closed, true);
});

Deno.test("messages that were read are received even after a write has failed", async () => {
  const [near, far] = memoryStreams();
  const [here, there] = [new Channel(near), new Channel(far)];
  here.send(ping(1));
  here.send({ type: "ERROR", code: "run", text: "The run is over" });
  await here.flushed();
  here.close();
  assert.deepEqual(await there.receive(), ping(1));
  there.send(ping(2));
  await there.flushed();
  assert.equal(there.closed, true);
  assert.deepEqual(await there.receive(), {
    type: "ERROR",
    code: "run",
    text: "The run is over",
  });
  assert.equal(await there.receive(), null);
});

Deno.test("a failing stream ends the channel", async () => {
  const [near, far] = memoryStreams();
  const there = new Channel(far);
  const receiving = there.receive();
  near.cut();
  assert.equal(await receiving, null);
  assert.equal(there.closed, true);
});

Deno.test("a closed channel neither receives nor sends", async () => {
  const [near, far] = memoryStreams();
  const { stream, writes } = watched(near);
  const [here, there] = [new Channel(stream), new Channel(far)];
  there.send(ping(1));
  there.send(ping(2));
  assert.deepEqual(await here.receive(), ping(1));
  here.close();
  here.close();
  assert.equal(here.closed, true);
  assert.equal(await here.receive(), null);
  here.send(ping(3));
  here.sendFrame(new Uint8Array(9 * MIB));
  assert.equal(here.queuedBytes, 0);
  await here.flushed();
  assert.deepEqual(writes, []);
});

Deno.test("closing ends a pending receive and a pending flush", async () => {
  const [near] = memoryStreams(1);
  const here = new Channel(near);
  here.send(ping(1));
  const [receiving, flushing] = [here.receive(), here.flushed()];
  await settle();
  here.close();
  assert.equal(await receiving, null);
  await flushing;
  assert.equal(here.queuedBytes, 0);
});

Deno.test("a flush waits until everything is written", async () => {
  const [near, far] = memoryStreams(10);
  const here = new Channel(near);
  await here.flushed();
  here.send(ping(1));
  const { length } = encodeMessage(ping(1));
  let flushed = false;
  const flushing = here.flushed().then(() => {
    flushed = true;
  });
  await settle();
  assert.deepEqual([flushed, here.queuedBytes], [false, length - 10]);
  await far.read(new Uint8Array(5));
  await flushing;
  assert.equal(here.queuedBytes, 0);
});

Deno.test("a peer that does not read is disconnected once more than 8 MiB are queued", async () => {
  const [near] = memoryStreams(0);
  const here = new Channel(near);
  for (let i = 0; i < 8; i++) here.sendFrame(new Uint8Array(MIB));
  await settle();
  assert.deepEqual([here.closed, here.queuedBytes], [false, 8 * MIB]);
  here.sendFrame(new Uint8Array(1));
  assert.deepEqual([here.closed, near.closed, here.queuedBytes], [true, true, 0]);
});

Deno.test("a refused peer is sent the reason, and then the channel is closed", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryStreams();
  const [here, there] = [new Channel(near), new Channel(far)];
  here.send(ping(1));
  here.refuse(new ProtocolError("token", "The token is wrong"), clock);
  here.refuse(new ProtocolError("busy", "Again"), clock);
  here.send(ping(2));
  assert.deepEqual(await receiveAll(there), [
    ping(1),
    { type: "ERROR", code: "token", text: "The token is wrong" },
  ]);
  assert.deepEqual([here.closed, near.closed, clock.pending], [true, true, 0]);
});

Deno.test("a refused peer that does not read is disconnected after 1 s", async () => {
  const clock = new FakeClock();
  const [near] = memoryStreams(0);
  const here = new Channel(near);
  here.refuse(new ProtocolError("protocol", "An empty message"), clock);
  assert.equal(await here.receive(), null);
  await clock.advance(999);
  assert.equal(here.closed, false);
  await clock.advance(1);
  assert.deepEqual([here.closed, near.closed], [true, true]);
});

Deno.test("refusing on a closed channel does nothing", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryStreams();
  const [here, there] = [new Channel(near), new Channel(far)];
  here.close();
  here.refuse(new ProtocolError("busy", "Later"), clock);
  assert.deepEqual([await receiveAll(there), clock.pending], [[], 0]);
});

Deno.test("a thousand messages each way over TCP", async () => {
  const listener = listen({ hostname: "127.0.0.1", port: 0, tls: null });
  const accepting = listener.accept();
  const here = new Channel(
    await connect({ hostname: "127.0.0.1", port: listener.port, tls: null }),
  );
  const there = new Channel((await accepting)!.stream);
  listener.close();
  for (const channel of [here, there]) channel.admit();
  const sent = Array.from({ length: 1000 }, (_, i) => i % 50 === 0 ? setup(200 * i) : ping(i));
  const send = async (channel: Channel): Promise<void> => {
    for (const message of sent) {
      channel.send(message);
      if (channel.queuedBytes > MIB) await channel.flushed();
    }
  };
  const receive = async (channel: Channel): Promise<void> => {
    for (const message of sent) assert.deepEqual(await channel.receive(), message);
  };
  await Promise.all([send(here), send(there), receive(here), receive(there)]);
  here.close();
  assert.equal(await there.receive(), null);
  assert.deepEqual([here.closed, there.closed], [true, true]);
});
