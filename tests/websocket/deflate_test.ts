import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from "node:zlib";
import { deflated, deflateTerms, Inflater } from "../../src/websocket/deflate.ts";
import { FrameError, MessageReader } from "../../src/websocket/frames.ts";
import { numbers } from "../support/mutations.ts";

const encoder = new TextEncoder();
const KEEPING = { serverForgets: false, clientBits: 15 };
const FORGETTING = { serverForgets: true, clientBits: 15 };

/** Compresses messages as a server does that refers to earlier ones. */
class Deflater {
  readonly #stream;
  readonly #parts: Uint8Array[] = [];

  constructor(windowBits: number) {
    this.#stream = createDeflateRaw({ windowBits });
    this.#stream.on("data", (part: Uint8Array) => this.#parts.push(part));
  }

  async deflate(message: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    this.#parts.length = 0;
    this.#stream.write(message);
    await new Promise<void>((resolve) => {
      this.#stream.flush(constants.Z_SYNC_FLUSH, () => resolve());
    });
    const whole = Buffer.concat(this.#parts);
    return Uint8Array.from(whole.subarray(0, whole.length - 4));
  }
}

for (const windowBits of [9, 12, 15]) {
  Deno.test(`messages that refer to earlier ones are inflated; windows of ${windowBits} bits`, async () => {
    const deflater = new Deflater(windowBits);
    const inflater = new Inflater(KEEPING);
    const below = numbers(windowBits);
    const noise = Uint8Array.from({ length: 100_000 }, () => below(256));
    for (let round = 0; round < 60; round++) {
      // Parts of the same noise can only be compressed by referring to what was sent before.
      const from = below(3) * 1000;
      const message = noise.subarray(from, from + below(round % 10 === 0 ? 90_000 : 3000));
      const data = await deflater.deflate(message);
      assert.deepEqual(
        inflater.inflate(data, 100_000),
        Uint8Array.from(message),
        `message ${round}`,
      );
    }
  });
}

Deno.test("messages of a server that forgets are inflated one by one", () => {
  const inflater = new Inflater(FORGETTING);
  for (const text of ["", "a", "hello hello hello", "x".repeat(100_000)]) {
    const data = deflateRawSync(encoder.encode(text), { finishFlush: constants.Z_SYNC_FLUSH });
    const message = inflater.inflate(Uint8Array.from(data.subarray(0, -4)), 100_000);
    assert.equal(new TextDecoder().decode(message), text);
  }
});

Deno.test("a compression bomb ends with 1009, and corrupt data with 1007", () => {
  for (const terms of [KEEPING, FORGETTING]) {
    const inflater = new Inflater(terms);
    const code = (data: Uint8Array): number => {
      try {
        inflater.inflate(Uint8Array.from(data), 1000);
      } catch (error) {
        assert.ok(error instanceof FrameError);
        return error.closeCode;
      }
      return 0;
    };
    const sized = (size: number): Uint8Array =>
      deflateRawSync(new Uint8Array(size), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    assert.equal(code(sized(1000)), 0);
    assert.equal(code(sized(1001)), 1009);
    assert.equal(code(sized(50_000_000)), 1009);
    assert.equal(code(sized(1000)), 0);
    assert.equal(code(Uint8Array.of(0xff, 0xff, 0xff)), 1007);
  }
});

Deno.test("what the client compresses, a server can inflate; what gets longer is sent as it is", () => {
  for (const clientBits of [9, 10, 15]) {
    const text = "abcdefgh".repeat(5000);
    const data = deflated(encoder.encode(text), { serverForgets: false, clientBits })!;
    assert.ok(data.length < 1000);
    const back = new Inflater(FORGETTING).inflate(data, 100_000);
    assert.equal(new TextDecoder().decode(back), text);
  }
  assert.equal(deflated(encoder.encode("short"), KEEPING), null);
  assert.equal(deflated(crypto.getRandomValues(new Uint8Array(1000)), KEEPING), null);
  const eight = { serverForgets: false, clientBits: 8 };
  assert.equal(deflated(new Uint8Array(1000), eight), null);
});

Deno.test("the reader inflates compressed messages, also in fragments, and refuses the bit elsewhere", () => {
  const data = deflateRawSync(encoder.encode("hello hello hello"), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).subarray(0, -4);
  const half = data.length >> 1;
  const frame = (first: number, part: Uint8Array): number[] => [first, part.length, ...part];
  const messages: unknown[] = [];
  const reader = (): MessageReader =>
    new MessageReader({
      onMessage: (message, wireBytes) => void messages.push([message, wireBytes]),
      onPing: () => {},
      onPong: () => {},
      onClose: () => {},
    }, { maxMessageSize: 1000, inflater: new Inflater(KEEPING) });
  const whole = Uint8Array.from([
    ...frame(0xc1, data),
    ...frame(0x41, data.subarray(0, half)),
    ...frame(0x89, new Uint8Array(0)),
    ...frame(0x80, data.subarray(half)),
    ...frame(0x81, encoder.encode("plain")),
  ]);
  const expected = [["hello hello hello", data.length], ["hello hello hello", data.length], [
    "plain",
    5,
  ]];
  reader().feed(whole, whole.length);
  assert.deepEqual(messages.splice(0), expected);
  const slow = reader();
  for (const byte of whole) slow.feed(Uint8Array.of(byte), 1);
  assert.deepEqual(messages.splice(0), expected);
  for (const first of [0xc9, 0xc8, 0xa1, 0x91]) {
    assert.throws(() => reader().feed(Uint8Array.of(first, 0), 2), FrameError);
  }
  const bad = Uint8Array.from([...frame(0x41, data.subarray(0, half)), ...frame(0xc0, data)]);
  assert.throws(() => reader().feed(bad, bad.length), FrameError);
});

Deno.test("compressed text that is not UTF-8 is refused with 1007", () => {
  const data = deflateRawSync(Uint8Array.of(0x61, 0xff), { finishFlush: constants.Z_SYNC_FLUSH })
    .subarray(0, -4);
  const reader = new MessageReader(
    { onMessage: () => {}, onPing: () => {}, onPong: () => {}, onClose: () => {} },
    { maxMessageSize: 1000, inflater: new Inflater(KEEPING) },
  );
  const bytes = Uint8Array.from([0xc1, data.length, ...data]);
  assert.throws(() => reader.feed(bytes, bytes.length), { closeCode: 1007 });
});

/** The parameters of an answer: windows of all sizes, and each side that keeps its context or does not. */
function* answers(): Iterable<[serverBits: number, clientBits: number, more: string]> {
  for (let bits = 8; bits <= 15; bits++) {
    for (const server of ["", "; server_no_context_takeover"]) {
      for (const client of ["", "; client_no_context_takeover"]) {
        yield [bits, 15, server + client];
        yield [15, bits, server + client];
        yield [bits, bits, server + client];
      }
    }
  }
}

Deno.test("both directions pass with all parameters that a server can answer", async () => {
  const below = numbers(7);
  const words = Array.from({ length: 200 }, () => String(below(1_000_000)));
  // The last one is larger than any window.
  const sizes = [0, 16, 64, 1024, 40_000];
  const messages = sizes.map((size) => {
    let text = "";
    while (text.length < size) text += words[below(words.length)];
    return encoder.encode(text.slice(0, size));
  });
  for (const [serverBits, clientBits, more] of answers()) {
    const header = "permessage-deflate" + more +
      (serverBits < 15 ? `; server_max_window_bits=${serverBits}` : "") +
      (clientBits < 15 ? `; client_max_window_bits=${clientBits}` : "");
    const terms = deflateTerms(header);
    assert.ok(terms !== null && typeof terms === "object", header);
    const inflater = new Inflater(terms);
    // zlib cannot compress with 8 bits.
    const bits = Math.max(9, serverBits);
    let deflater = new Deflater(bits);
    for (const message of messages) {
      const down = await deflater.deflate(message);
      const text = Buffer.from(inflater.inflate(down, 40_000));
      assert.ok(text.equals(message), `${header}: ${message.length}`);
      if (more.includes("server_no")) deflater = new Deflater(bits);
      const up = deflated(message, terms);
      assert.equal(up === null, message.length < 64 || clientBits === 8, header);
      if (up === null) continue;
      // A server with a smaller window refuses what refers further back.
      const back = inflateRawSync(Uint8Array.from([...up, 0, 0, 0xff, 0xff]), {
        windowBits: clientBits,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      assert.ok(back.equals(message), `${header}: ${message.length}`);
    }
  }
});

Deno.test("only answers to the offer are accepted", () => {
  assert.equal(deflateTerms(null), null);
  assert.equal(deflateTerms(""), null);
  assert.deepEqual(deflateTerms("permessage-deflate"), KEEPING);
  assert.deepEqual(deflateTerms("Permessage-Deflate; server_no_context_takeover"), FORGETTING);
  assert.deepEqual(
    deflateTerms('permessage-deflate; client_max_window_bits="10"; client_no_context_takeover'),
    { serverForgets: false, clientBits: 10 },
  );
  assert.deepEqual(deflateTerms("permessage-deflate;server_max_window_bits=8"), KEEPING);
  for (
    const wrong of [
      "x-webkit-deflate-frame",
      "permessage-deflate, permessage-deflate",
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=16",
      "permessage-deflate; client_max_window_bits=07",
      "permessage-deflate; server_max_window_bits",
      "permessage-deflate; server_no_context_takeover=1",
      "permessage-deflate; unknown",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ]
  ) assert.equal(typeof deflateTerms(wrong), "string", wrong);
});
