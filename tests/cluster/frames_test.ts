import fc from "fast-check";
import assert from "node:assert/strict";
import { FrameReader } from "../../src/cluster/frames.ts";
import { ProtocolError } from "../../src/cluster/protocol.ts";

function frame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + payload.length);
  new DataView(bytes.buffer).setUint32(0, payload.length);
  bytes.set(payload, 4);
  return bytes;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** All messages in some pieces, which are pushed in a reused buffer. */
function read(reader: FrameReader, pieces: Iterable<Uint8Array>): Uint8Array[] {
  const buffer = new Uint8Array(4096);
  const found: Uint8Array[] = [];
  for (const piece of pieces) {
    buffer.set(piece);
    reader.push(buffer.subarray(0, piece.length));
    for (let next; (next = reader.next()) !== null;) found.push(next);
  }
  return found;
}

function* cut(bytes: Uint8Array, sizes: Iterator<number>): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = sizes.next().value;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function refused(text: string | RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProtocolError);
    assert.equal(error.code, "protocol");
    if (typeof text === "string") assert.equal(error.message, text);
    else assert.match(error.message, text);
    return true;
  };
}

Deno.test("messages are the same wherever the stream is split", () => {
  const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 20 });
  const sizes = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.nat(200)));
  fc.assert(fc.property(payloads, sizes, (payloads, sizes) => {
    const bytes = joined(payloads.map(frame));
    const found = read(new FrameReader(60), cut(bytes, sizes));
    assert.deepEqual(found, payloads);
  }));
});

Deno.test("a message may be as long as the limit, but not longer", () => {
  const reader = new FrameReader(16);
  assert.deepEqual(read(reader, [frame(new Uint8Array(16).fill(9))]), [new Uint8Array(16).fill(9)]);
  reader.push(new Uint8Array([0, 0, 0, 17]));
  assert.throws(() => reader.next(), refused("A message of 17 bytes; at most 16 are allowed"));
});

Deno.test("a length above the limit is refused before the message arrives", () => {
  const reader = new FrameReader(4096);
  reader.push(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
  assert.throws(
    () => reader.next(),
    refused("A message of 4294967295 bytes; at most 4096 are allowed"),
  );
});

Deno.test("other protocols are recognized", () => {
  const said = (text: string): void => {
    const reader = new FrameReader(4096);
    reader.push(new TextEncoder().encode(text));
    reader.next();
  };
  assert.throws(() => said("GET / HTTP/1.1"), refused(/^The peer uses HTTP/));
  assert.throws(() => said("\x16\x03\x01\x02\x00"), refused(/^The peer uses TLS: .* --tls-cert/));
  assert.throws(() => said("gibberish"), refused(/^A message of \d+ bytes/));
});

Deno.test("an empty message is refused", () => {
  const reader = new FrameReader(16);
  reader.push(new Uint8Array(4));
  assert.throws(() => reader.next(), refused("An empty message"));
});

Deno.test("raising the limit after a message applies to the next one", () => {
  const large = new Uint8Array(1000).fill(5);
  const reader = new FrameReader(16);
  reader.push(joined([frame(new Uint8Array([1])), frame(large)]));
  assert.deepEqual(reader.next(), new Uint8Array([1]));
  reader.limit = 1000;
  assert.deepEqual(reader.next(), large);
  assert.equal(reader.next(), null);
});

Deno.test("a large message may arrive byte by byte", () => {
  const payload = new Uint8Array(1024 * 1024);
  for (let i = 0; i < payload.length; i++) payload[i] = i % 251;
  const bytes = frame(payload);
  const reader = new FrameReader(payload.length);
  for (let at = 0; at < bytes.length - 1; at++) {
    reader.push(bytes.subarray(at, at + 1));
    if (reader.next() !== null) assert.fail(`a message after ${at} bytes`);
  }
  reader.push(bytes.subarray(-1));
  assert.deepEqual(reader.next(), payload);
});

Deno.test("nothing can be pushed before all messages are read", () => {
  const reader = new FrameReader(16);
  reader.push(frame(new Uint8Array([1])));
  assert.throws(() => reader.push(new Uint8Array([0])), /not all messages have been read/);
});
