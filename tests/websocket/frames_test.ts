import assert from "node:assert/strict";
import {
  CLOSE,
  closePayload,
  encodeFrame,
  FrameError,
  isCloseCode,
  MessageReader,
  TEXT,
} from "../../src/websocket/frames.ts";
import { mutated, numbers } from "../support/mutations.ts";
import { Utf8Validator } from "../../src/websocket/utf8.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const MAX = 1000;

/** A frame as a server sends it. @param first its first byte: FIN 0x80, reserved bits 0x70, opcode 0x0f. */
function frame(first: number, payload: string | Uint8Array = ""): Bytes {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const { length } = bytes;
  const head = length < 126
    ? [first, length]
    : length < 65_536
    ? [first, 126, length >> 8, length & 0xff]
    : [first, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Uint8Array.from([...head, ...bytes]);
}

function close(code: number, reason: string | Uint8Array = ""): Bytes {
  const bytes = typeof reason === "string" ? encoder.encode(reason) : reason;
  return frame(0x88, Uint8Array.from([code >> 8, code & 0xff, ...bytes]));
}

function joined(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

interface Reading {
  readonly events: string[];
  /** How many bytes were read before the error; -1 without one. */
  readonly failedAfter: number;
}

/** What a reader reports, given the bytes in parts of these sizes. */
function read(bytes: Uint8Array, sizes: (at: number) => number, maxMessageSize = MAX): Reading {
  const events: string[] = [];
  const text = (payload: Uint8Array): string => `[${[...payload]}]`;
  const reader = new MessageReader({
    onMessage: (message, wireBytes) =>
      void events.push(
        `${
          typeof message === "string" ? `text ${message}` : `bytes ${text(message)}`
        } ${wireBytes}`,
      ),
    onPing: (payload) => void events.push(`ping ${text(payload)}`),
    onPong: (payload) => void events.push(`pong ${text(payload)}`),
    onClose: (code, reason) => void events.push(`close ${code} ${reason}`.trimEnd()),
  }, { maxMessageSize, inflater: null });
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(Math.max(1, sizes(at)), bytes.length - at);
    // The buffer is the caller's, who uses it again.
    const part = bytes.slice(at, at + size);
    try {
      reader.feed(part, size);
    } catch (error) {
      assert.ok(error instanceof FrameError, String(error));
      events.push(`error ${error.closeCode}`);
      return { events, failedAfter: at + size };
    }
    part.fill(0xaa);
    at += size;
  }
  return { events, failedAfter: -1 };
}

/** Checks what a reader reports, wherever the bytes are cut. */
function expectEvents(bytes: Uint8Array, expected: readonly string[], max = MAX): void {
  assert.deepEqual(read(bytes, () => bytes.length, max).events, expected, "whole");
  assert.deepEqual(read(bytes, () => 1, max).events, expected, "byte by byte");
  if (bytes.length > 400) return;
  for (let cut = 1; cut < bytes.length; cut++) {
    const { events } = read(bytes, (at) => at === 0 ? cut : bytes.length, max);
    assert.deepEqual(events, expected, `cut after ${cut} bytes`);
  }
}

const FIN = 0x80;
const T = FIN | 1;
const B = FIN | 2;
const PING = FIN | 9;
const PONG = FIN | 10;
const EURO = encoder.encode("€");

const VALID: readonly (readonly [name: string, bytes: Uint8Array, events: string[]])[] = [
  ["empty text", frame(T), ["text  0"]],
  ["empty bytes", frame(B), ["bytes [] 0"]],
  ["text beyond ASCII", frame(T, "häß€😀"), ["text häß€😀 12"]],
  ["a byte order mark is text", frame(T, "\ufeffa"), ["text \ufeffa 4"]],
  ["NUL and noncharacters are text", frame(T, "\0\ufffe\uffff"), ["text \0\ufffe\uffff 7"]],
  ["bytes", frame(B, Uint8Array.of(0, 255, 128)), ["bytes [0,255,128] 3"]],
  ["125 bytes of text", frame(T, "*".repeat(125)), [`text ${"*".repeat(125)} 125`]],
  ["126 bytes of text", frame(T, "*".repeat(126)), [`text ${"*".repeat(126)} 126`]],
  ["several messages", joined(frame(T, "a"), frame(T, "b"), frame(B)), [
    "text a 1",
    "text b 1",
    "bytes [] 0",
  ]],
  ["two fragments", joined(frame(1, "ab"), frame(FIN, "c")), ["text abc 3"]],
  ["three empty fragments", joined(frame(1), frame(0), frame(FIN)), ["text  0"]],
  ["empty fragments around text", joined(frame(1), frame(0, "x"), frame(FIN)), ["text x 1"]],
  ["fragments of bytes", joined(frame(2, Uint8Array.of(1)), frame(FIN, Uint8Array.of(2))), [
    "bytes [1,2] 2",
  ]],
  [
    "a character in several fragments",
    joined(
      frame(1, EURO.subarray(0, 1)),
      frame(0, EURO.subarray(1, 2)),
      frame(FIN, EURO.subarray(2)),
    ),
    ["text € 3"],
  ],
  ["a ping", frame(PING, "hi"), ["ping [104,105]"]],
  ["a ping of 125 bytes", frame(PING, new Uint8Array(125)), [
    `ping [${[...new Uint8Array(125)]}]`,
  ]],
  ["a ping between fragments", joined(frame(1, "a"), frame(PING), frame(FIN, "b")), [
    "ping []",
    "text ab 2",
  ]],
  ["pongs", joined(frame(PONG, "x"), frame(T, "a")), ["pong [120]", "text a 1"]],
  ["a pong between fragments", joined(frame(1, "a"), frame(PONG), frame(FIN, "b")), [
    "pong []",
    "text ab 2",
  ]],
  ["a close without a code", frame(0x88), ["close 1005"]],
  ["a close with code and reason", close(1000, "bye €"), ["close 1000 bye €"]],
  ["the longest reason", close(1000, "r".repeat(123)), [`close 1000 ${"r".repeat(123)}`]],
  ["nothing is read after a close", joined(close(1001), frame(PING), Uint8Array.of(0xff)), [
    "close 1001",
  ]],
  ["a close between fragments", joined(frame(1, "a"), close(1000)), ["close 1000"]],
  ...[
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    3999,
    4000,
    4999,
  ]
    .map((code) => [`the close code ${code}`, close(code), [`close ${code}`]] as const)
    .map(([name, bytes, events]): [string, Uint8Array, string[]] => [name, bytes, [...events]]),
];

for (const [name, bytes, events] of VALID) {
  Deno.test(`reads ${name}, wherever it is cut`, () => expectEvents(bytes, events));
}

const INVALID: readonly (readonly [name: string, bytes: Uint8Array, code: number])[] = [
  ...[0x40, 0x20, 0x10, 0x70].map((bits) =>
    [`the reserved bits ${bits.toString(16)} in text`, frame(T | bits, "a"), 1002] as const
  ),
  ["a reserved bit in a ping", frame(PING | 0x40), 1002],
  ["a reserved bit in a close", frame(0x88 | 0x10), 1002],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) =>
    [`the opcode ${opcode}`, frame(FIN | opcode), 1002] as const
  ),
  ["a masked frame", Uint8Array.of(T, 0x81, 1, 2, 3, 4, 5), 1002],
  ["a ping of 126 bytes", Uint8Array.of(PING, 126, 0, 126), 1002],
  ["a close of 126 bytes", Uint8Array.of(0x88, 126, 0, 126), 1002],
  ["a ping with a length of 64 bits", Uint8Array.of(PING, 127), 1002],
  ["a ping in fragments", frame(9, "a"), 1002],
  ["a close in fragments", frame(8), 1002],
  ["a continuation without a message", frame(FIN, "a"), 1002],

  ["text inside a message", joined(frame(1, "a"), frame(T, "b")), 1002],
  ["bytes inside a message", joined(frame(1, "a"), frame(2, "b")), 1002],
  ["a short length in two bytes", Uint8Array.of(T, 126, 0, 125), 1002],
  ["a short length in eight bytes", Uint8Array.of(T, 127, 0, 0, 0, 0, 0, 0, 255, 255), 1002],
  ["a length of 64 bits", Uint8Array.of(B, 127, 0x80), 1002],
  ["half a close code", frame(0x88, Uint8Array.of(3)), 1002],
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535].map((code) =>
    [`the close code ${code}`, close(code), 1002] as const
  ),
  ["a reason that is not UTF-8", close(1000, Uint8Array.of(0xce, 0xba, 0xff)), 1007],
  ["a message that is too large", frame(B, new Uint8Array(MAX + 1)), 1009],
  ["fragments that are too large", joined(frame(2, new Uint8Array(MAX)), frame(FIN, "a")), 1009],
  ["an enormous message", Uint8Array.of(B, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255), 1009],
];

for (const [name, bytes, code] of INVALID) {
  Deno.test(`refuses ${name} with ${code}`, () => {
    expectEvents(bytes, [`error ${code}`]);
    expectEvents(joined(frame(T, "before"), bytes), ["text before 6", `error ${code}`]);
  });
}

/** Bytes that are not UTF-8, and how many of them are needed to know it; 0 if only the end tells. */
const NOT_UTF8: readonly (readonly [bytes: number[], knownAfter: number])[] = [
  [[0x80], 1],
  [[0xbf, 0x61], 1],
  [[0x61, 0xff], 2],
  [[0xfe], 1],
  [[0xc0, 0x80], 1],
  [[0xc1, 0xbf], 1],
  [[0xe0, 0x9f, 0xbf], 2],
  [[0xf0, 0x8f, 0xbf, 0xbf], 2],
  [[0xed, 0xa0, 0x80], 2],
  [[0xed, 0xbf, 0xbf], 2],
  [[0xf4, 0x90, 0x80, 0x80], 2],
  [[0xf5, 0x80, 0x80, 0x80], 1],
  [[0xf8, 0x88, 0x80, 0x80, 0x80], 1],
  [[0xce, 0xba, 0xe1, 0xbd, 0xb9, 0x61, 0xed, 0xa0], 8],
  [[0xc3, 0x61], 2],
  [[0xe2, 0x82, 0x61], 3],
  [[0xc3], 0],
  [[0xe2, 0x82], 0],
  [[0xf0, 0x9f, 0x98], 0],
];

for (const [bytes, knownAfter] of NOT_UTF8) {
  const hex = Uint8Array.from(bytes).toHex();
  Deno.test(`text of the bytes ${hex} is refused with the first wrong byte`, () => {
    const payload = Uint8Array.from(bytes);
    expectEvents(frame(T, payload), ["error 1007"]);
    expectEvents(joined(frame(1), frame(FIN, payload)), ["error 1007"]);
    for (let cut = 0; cut <= payload.length; cut++) {
      const fragments = [frame(1, payload.subarray(0, cut)), frame(FIN, payload.subarray(cut))];
      expectEvents(joined(...fragments), ["error 1007"]);
    }
    if (knownAfter === 0) return;
    // More is announced than is sent.
    const begun = joined(Uint8Array.of(1, 100), payload);
    assert.equal(read(begun, () => 1).failedAfter, 2 + knownAfter);
    expectEvents(begun, ["error 1007"]);
  });
}

Deno.test("every character is accepted, in one part and byte by byte", () => {
  for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 97) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const bytes = encoder.encode(String.fromCodePoint(code));
    const validator = new Utf8Validator();
    for (const byte of bytes) assert.ok(validator.accepts(Uint8Array.of(byte)), code.toString(16));
  }
});

Deno.test("the validator agrees with the decoder on any bytes that it refuses", () => {
  const below = numbers(7);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(
      { length: 1 + below(6) },
      () => below(4) === 0 ? below(128) : 128 + below(128),
    );
    let decodes = true;
    try {
      decoder.decode(bytes, { stream: false });
    } catch {
      decodes = false;
    }
    const accepts = new Utf8Validator().accepts(bytes);
    // A character that is not complete can still become one.
    if (decodes) assert.ok(accepts, bytes.toHex());
    if (!accepts) assert.ok(!decodes, bytes.toHex());
  }
});

Deno.test("messages of all lengths around the limits of heads arrive", () => {
  for (const length of [65_535, 65_536, 70_000]) {
    const bytes = frame(B, new Uint8Array(length).fill(7));
    for (const size of [1, 997, 65_536, bytes.length]) {
      const { events } = read(bytes, () => size, 100_000);
      assert.equal(events.length, 1);
      assert.ok(events[0]!.endsWith(` ${length}`));
    }
  }
});

Deno.test("a message of exactly the limit arrives, in one frame and in fragments", () => {
  assert.equal(read(frame(B, new Uint8Array(MAX)), () => 99).failedAfter, -1);
  const parts = joined(frame(2, new Uint8Array(MAX - 1)), frame(FIN, "a"), frame(T, "b"));
  assert.deepEqual(read(parts, () => 7).events.at(-1), "text b 1");
});

Deno.test("a thousand fragments of a byte are one message", () => {
  const parts = Array.from({ length: MAX }, (_, index) => frame(index === 0 ? 1 : 0, "x"));
  const bytes = joined(...parts, frame(FIN));
  assert.deepEqual(read(bytes, () => 5).events, [`text ${"x".repeat(MAX)} ${MAX}`]);
});

Deno.test("mutated frames are read alike wherever they are cut, and never crash the reader", () => {
  const below = numbers(11);
  const seeds = VALID.map(([, bytes]) => bytes);
  for (let round = 0; round < 3000; round++) {
    const bytes = mutated(joined(seeds[below(seeds.length)]!, seeds[below(seeds.length)]!), below);
    const whole = read(bytes, () => bytes.length);
    assert.deepEqual(read(bytes, () => 1).events, whole.events, bytes.toHex());
    assert.deepEqual(read(bytes, () => 1 + below(9)).events, whole.events, bytes.toHex());
  }
});

/** What a server reads of a frame of a client. */
function unmasked(bytes: Uint8Array): { first: number; payload: string; key: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  assert.ok((bytes[1]! & 0x80) !== 0, "not masked");
  const short = bytes[1]! & 0x7f;
  const at = short < 126 ? 2 : short === 126 ? 4 : 10;
  const length = short < 126
    ? short
    : short === 126
    ? view.getUint16(2)
    : Number(view.getBigUint64(2));
  assert.equal(bytes.length, at + 4 + length);
  const mask = bytes.subarray(at, at + 4);
  const payload = bytes.slice(at + 4).map((byte, index) => byte ^ mask[index % 4]!);
  return { first: bytes[0]!, payload: new TextDecoder().decode(payload), key: view.getUint32(at) };
}

Deno.test("frames of a client are masked, whole, and have the shortest length", () => {
  for (const length of [0, 1, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 70_001]) {
    const text = "abcdefg".repeat(Math.ceil(length / 7)).slice(0, length);
    const bytes = encodeFrame(TEXT, encoder.encode(text), 0x89abcdef);
    assert.deepEqual(unmasked(bytes), { first: 0x81, payload: text, key: 0x89abcdef });
    const head = length < 126 ? 6 : length < 65_536 ? 8 : 14;
    assert.equal(bytes.length, head + length);
  }
  assert.equal(encodeFrame(TEXT, encoder.encode("x"), 1, true)[0], 0xc1);
  assert.deepEqual(unmasked(encodeFrame(CLOSE, closePayload(1005, ""), 5)).payload, "");
});

Deno.test("a close has its code in two bytes, and its reason", () => {
  assert.deepEqual([...closePayload(1001, "é")], [3, 233, 0xc3, 0xa9]);
});

Deno.test("the codes that can be sent are those that can be received", () => {
  for (let code = 0; code < 6000; code++) {
    const isAccepted = read(close(code), () => 4).failedAfter < 0;
    assert.equal(isCloseCode(code), isAccepted, String(code));
  }
});
