import assert from "node:assert/strict";
import { FLAG, FRAME, MAX_PAYLOAD } from "../../src/http2/frames.ts";
import { OutgoingFrames } from "../../src/http2/outgoing_frames.ts";
import { bytesOf, PlayedSocket, ServerFrames } from "../support/http2_peer.ts";
import { settle } from "../support/fake_clock.ts";

const frames = new ServerFrames();

function blockOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at);
}

Deno.test("the frames of a turn are one write", async () => {
  const socket = new PlayedSocket();
  const outgoing = new OutgoingFrames(socket);
  outgoing.addHeaders(blockOf(3), 1, FLAG.endStream, MAX_PAYLOAD);
  outgoing.addHeaders(blockOf(300), 3, 0, MAX_PAYLOAD);
  outgoing.addData(blockOf(2), 3, FLAG.endStream);
  assert.deepEqual(socket.written, []);
  await settle();
  const end = FLAG.endHeaders;
  assert.deepEqual(socket.written, [bytesOf(
    frames.raw(FRAME.headers, end | FLAG.endStream, 1, blockOf(3)),
    frames.raw(FRAME.headers, end, 3, blockOf(300)),
    frames.raw(FRAME.data, FLAG.endStream, 3, blockOf(2)),
  )]);
});

Deno.test("a block that is too long continues in further frames", async () => {
  const socket = new PlayedSocket();
  const outgoing = new OutgoingFrames(socket);
  for (const length of [10, 11, 20, 21]) {
    outgoing.addHeaders(blockOf(length), 1, FLAG.endStream, 10);
    await settle();
    const parts: Uint8Array[] = [];
    for (let at = 0; at < length; at += 10) {
      const part = blockOf(length).subarray(at, at + 10);
      const flags = at + 10 >= length ? FLAG.endHeaders : 0;
      parts.push(
        at === 0
          ? frames.raw(FRAME.headers, flags | FLAG.endStream, 1, part)
          : frames.raw(FRAME.continuation, flags, 1, part),
      );
    }
    assert.deepEqual(socket.written.pop(), bytesOf(...parts), `${length} bytes`);
  }
});

Deno.test("memory is used again only after the socket has sent it", async () => {
  const socket = new PlayedSocket();
  const given: Uint8Array[] = [];
  const write = socket.write.bind(socket);
  socket.write = (bytes) => {
    given.push(bytes);
    return write(bytes);
  };
  const outgoing = new OutgoingFrames(socket);
  const send = async (byte: number): Promise<void> => {
    outgoing.addData(Uint8Array.of(byte), 1, 0);
    await settle();
  };
  await send(1);
  await send(2);
  assert.equal(given[1], given[0]);
  socket.isFull = true;
  await send(3);
  await send(4);
  assert.equal(given[2]!.at(-1), 3, "it is still to be sent");
  assert.equal(given[3]!.at(-1), 4);
  assert.deepEqual(socket.written.map((bytes) => bytes.at(-1)), [1, 2, 3, 4]);
});

Deno.test("a long body does not wait for the end of the turn, and after a stop nothing is written", async () => {
  const socket = new PlayedSocket();
  const outgoing = new OutgoingFrames(socket);
  const sizes = (): number[] => socket.written.map(({ length }) => length);
  for (let i = 0; i < 3; i++) outgoing.addData(new Uint8Array(8192), 1, 0);
  assert.deepEqual(sizes(), [8201, 8201]);
  outgoing.addData(new Uint8Array(MAX_PAYLOAD), 1, 0);
  assert.deepEqual(sizes(), [8201, 8201, 8201, 16_393]);
  outgoing.addData(new Uint8Array(1), 1, 0);
  outgoing.flush();
  outgoing.stop();
  outgoing.addData(new Uint8Array(1), 1, 0);
  await settle();
  assert.deepEqual(sizes().slice(4), [10]);
});
