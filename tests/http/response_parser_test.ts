import fc from "fast-check";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { WireError } from "../../src/http/request_error.ts";
import { ChunkedBody, ResponseParser, Slab } from "../../src/http/response_parser.ts";
import { lengthOf } from "../support/nightly.ts";
import { CASES, expected } from "./parser_cases.ts";
import { bytesOf, outcomeOf, textOf } from "./parser_outcome.ts";

const MAX_BODY = 1000;
const FUZZ_ROUNDS = lengthOf({ short: 4_000, full: 20_000 });

/** All places to cut a short response, and some places to cut a long one. */
function cutsOf(length: number): number[] {
  const cuts = Array.from({ length }, (_, at) => at);
  return length < 2000
    ? cuts
    : cuts.filter((at) => at < 60 || at > length - 30 || at % 4999 === 0 || at % 8192 < 2);
}

for (const parserCase of CASES) {
  const { name, wire, method = "GET", ends = false } = parserCase;
  Deno.test(`${name}: the same however it is cut`, () => {
    const bytes = bytesOf(wire);
    const feeding = { method, ends };
    const outcome = expected(parserCase);
    const parser = new ResponseParser(MAX_BODY);
    assert.deepEqual(outcomeOf(parser, bytes, [], feeding), outcome, "in one read");
    for (const cut of cutsOf(bytes.length)) {
      assert.deepEqual(outcomeOf(parser, bytes, [cut], feeding), outcome, `cut at ${cut}`);
    }
    const everywhere = Array.from(bytes, (_, at) => at);
    assert.deepEqual(outcomeOf(parser, bytes, everywhere, feeding), outcome, "byte by byte");
  });
}

Deno.test("a parser reports what has arrived so far", () => {
  const parser = new ResponseParser(MAX_BODY);
  const feed = (text: string): boolean => parser.feed(bytesOf(text), text.length);
  parser.begin("GET");
  assert.equal(parser.started, false);
  assert.equal(feed("H"), false);
  assert.equal(parser.started, true);
  assert.throws(() => parser.message, /no complete response/);
  assert.equal(feed("TTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), false);
  assert.equal(parser.continues, 1);
  assert.equal(feed("Content-Length: 1\r\n\r\nab"), true);
  assert.equal(parser.surplus, true);
  assert.equal(parser.message.reusable, false);
  assert.equal(parser.end(), true);

  parser.begin("GET");
  assert.deepEqual([parser.started, parser.continues, parser.surplus], [false, 0, false]);
  assert.throws(() => parser.message, /no complete response/);
  assert.equal(feed("HTTP/1.1 204 No\r\n\r\n"), true);
  assert.equal(parser.surplus, false);
  parser.forget();
  assert.throws(() => parser.message, /no complete response/);
});

Deno.test("errors show what a server sent instead of HTTP, and how much of a body arrived", () => {
  const parser = new ResponseParser(MAX_BODY);
  const feed = (text: string): boolean => parser.feed(bytesOf(text), text.length);
  parser.begin("GET");
  assert.throws(
    () => feed("SSH-2.0-OpenSSH\r\n"),
    new WireError(
      "BAD_RESPONSE",
      'not HTTP/1.0 or HTTP/1.1: it starts with "SSH-2.0-OpenSSH\\r\\n"',
    ),
  );
  for (const settings of ["\0\0\0", "\0\0\x12"]) {
    parser.begin("GET");
    assert.throws(
      () => feed(`${settings}\x04\0\0\0\0\0`),
      new WireError("BAD_RESPONSE", "the server answers in HTTP/2, not in HTTP/1.1"),
    );
  }
  parser.begin("GET");
  feed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  assert.throws(
    () => parser.end(),
    new WireError(
      "INCOMPLETE_BODY",
      "the server closed the connection inside the body, after 3 of 10 bytes",
    ),
  );
});

Deno.test("messages keep their bytes while others are parsed into the same slab", () => {
  const slab = new Slab();
  const parsers = [new ResponseParser(100_000, slab), new ResponseParser(100_000, slab)];
  const sizes = [0, 1, 100, 900, 1100, 8000, 70_000];
  const kept = Array.from({ length: 100 }, (_, i) => {
    const body = `${i % 10}`.repeat(sizes[i % sizes.length]!);
    const head = `HTTP/1.1 200 OK\r\nX-Number: ${i}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const bytes = bytesOf(head + body);
    const cut = i % bytes.length;
    const parser = parsers[i % 2]!;
    parser.begin("GET");
    if (!parser.feed(bytes.slice(0, cut), cut)) parser.feed(bytes.slice(cut), bytes.length - cut);
    return { head, body, message: parser.message };
  });
  for (const { head, body, message } of kept) {
    assert.equal(textOf(message.head), head);
    assert.equal(message.body.map(textOf).join(""), body);
  }
});

Deno.test("a body in one piece has its own buffer, and is the same each time", () => {
  const lengths = ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "abc"];
  const chunks = ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"];
  const parser = new ResponseParser(MAX_BODY);
  for (const reads of [lengths, [lengths.join("")], chunks, [chunks.join("")]]) {
    parser.begin("GET");
    for (const read of reads) parser.feed(bytesOf(read), read.length);
    const [piece] = parser.message.body;
    assert.deepEqual(new Uint8Array(piece!.buffer), bytesOf("abc"));
    assert.equal(parser.message.body[0], piece);
  }
});

/** Returns a generator of random whole numbers below a bound, reproducible by its seed. */
function generator(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

/** Bytes with a meaning for the parser, which are inserted more often than others. */
const TELLING = bytesOf("\r\n\t :,;=0159afHTP/-\0\x7f\x80");

function mutated(bytes: Uint8Array, below: (bound: number) => number): Uint8Array {
  const at = below(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + below(12));
  const before = bytes.subarray(0, at);
  const byte = below(2) === 0 ? TELLING[below(TELLING.length)]! : below(256);
  switch (below(5)) {
    case 0:
      return bytes.map((old, i) => i === at ? old ^ (1 << below(8)) : old);
    case 1:
      return new Uint8Array([...before, byte, ...bytes.subarray(at)]);
    case 2:
      return new Uint8Array([...before, ...bytes.subarray(to)]);
    case 3:
      return before;
    default:
      return new Uint8Array([...bytes.subarray(0, to), ...bytes.subarray(at)]);
  }
}

Deno.test("mutated responses give a response or a WireError, the same however they are cut", () => {
  const seed = Number(Deno.env.get("AIOTEST_FUZZ_SEED") ?? Date.now() % 2 ** 31);
  const below = generator(seed);
  const short = CASES.filter(({ wire }) => wire.length > 0 && wire.length < 400);
  const reused = new ResponseParser(MAX_BODY);
  let responses = 0;
  for (let round = 0; round < FUZZ_ROUNDS; round++) {
    const { wire, method = "GET" } = short[below(short.length)]!;
    let bytes: Uint8Array = bytesOf(wire);
    for (let changes = below(4); changes >= 0; changes--) bytes = mutated(bytes, below);
    const cuts = Array.from({ length: below(6) }, () => below(bytes.length + 1));
    const feeding = { method, ends: below(2) === 0 };
    const told = `AIOTEST_FUZZ_SEED=${seed}, round ${round}: ${JSON.stringify(textOf(bytes))}`;
    try {
      const whole = outcomeOf(new ResponseParser(MAX_BODY), bytes, [], feeding);
      const cut = outcomeOf(reused, bytes, cuts.sort((a, b) => a - b), feeding);
      assert.deepEqual(cut, whole, `cut at ${cuts}`);
      if (whole.status > 0) responses++;
    } catch (error) {
      throw new Error(told, { cause: error });
    }
  }
  // If few responses stay valid, or few become invalid, the test proves nothing.
  assert.ok(
    responses > FUZZ_ROUNDS / 20 && responses < FUZZ_ROUNDS * 0.9,
    `${responses} responses`,
  );
});

const quoted = fc.stringMatching(/^[\t -~]*$/).map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
const token = fc.stringMatching(/^[a-z]+$/);
const extension = fc.oneof(token, fc.tuple(token, fc.oneof(token, quoted)).map((p) => p.join("=")));

/** The data of a chunk, the notation of its size, and its extensions. */
const chunk = fc.record({
  data: fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 40 }),
  zeros: fc.constantFrom("", "0", "000000"),
  upper: fc.boolean(),
  extensions: fc.array(extension, { maxLength: 3 }),
});

Deno.test("chunks are decoded to the original data, and bytes after them are not touched", () => {
  fc.assert(
    fc.property(
      fc.array(chunk, { maxLength: 8 }),
      fc.array(extension, { maxLength: 2 }),
      fc.array(fc.nat(), { maxLength: 6 }),
      (chunks, lastExtensions, cuts) => {
        const body = chunks.map(({ data }) => data).join("");
        const last = ["0", ...lastExtensions].join(";");
        const wire = chunks.map(({ data, zeros, upper, extensions }) => {
          const size = zeros + data.length.toString(16);
          const line = [upper ? size.toUpperCase() : size, ...extensions].join(";");
          return `${line}\r\n${data}\r\n`;
        }).join("") + `${last}\r\n`;
        const bytes = bytesOf(`${wire}behind`);
        const decoder = new ChunkedBody(body.length);
        decoder.begin();
        let decoded = "";
        let from = 0;
        for (const to of [...cuts.map((cut) => cut % wire.length), bytes.length].sort(ascending)) {
          const over = decoder.decode(bytes, from, to);
          decoded += textOf(bytes.subarray(decoder.dataStart, decoder.dataEnd));
          assert.equal(over, to === bytes.length);
          from = decoder.at;
        }
        assert.equal(decoded, body);
        assert.equal(decoder.length, body.length);
        assert.equal(textOf(bytes.subarray(from)), "behind");
      },
    ),
  );
});

function ascending(a: number, b: number): number {
  return a - b;
}

Deno.test("an aborted body leaves nothing for the next one", () => {
  const decoder = new ChunkedBody(1000);
  for (const cut of ["3", "3;a", "3\r", "3\r\n", "3\r\nab", "3\r\nabc\r", "0\r\n"]) {
    decoder.begin();
    decoder.decode(bytesOf(cut), 0, cut.length);
    decoder.begin();
    const whole = bytesOf("2\r\nxy\r\n0\r\n");
    assert.equal(decoder.decode(whole, 0, whole.length), true);
    assert.equal(textOf(whole.subarray(decoder.dataStart, decoder.dataEnd)), "xy");
    assert.equal(decoder.length, 2);
  }
});

Deno.test("copies do not change, however many follow", () => {
  const slab = new Slab();
  const source = new Uint8Array(2000);
  const copies = Array.from({ length: 200 }, (_, i) => {
    source.fill(i);
    const at = slab.copy(source, i, i + i * 5);
    return slab.bytes.subarray(at, at + i * 5);
  });
  source.fill(255);
  for (const [i, copy] of copies.entries()) assert.deepEqual(copy, new Uint8Array(i * 5).fill(i));
});

Deno.test("only small copies go into a slab", () => {
  assert.deepEqual([0, 300, 8192, 8193, 100_000].map((size) => new Slab().takes(size)), [
    true,
    true,
    true,
    false,
    false,
  ]);
});

/** The bytes of memory that the pieces of a body keep, without what each piece itself takes. */
function kept(body: readonly Uint8Array<ArrayBuffer>[]): number {
  const buffers = new Set(body.map(({ buffer }) => buffer));
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

Deno.test("a body that arrives byte by byte is kept in few pieces", () => {
  const parser = new ResponseParser(1_000_000);
  parser.begin("GET");
  const head = bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
  parser.feed(head, head.length);
  const sent = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  for (let at = 0; at < sent.length; at++) parser.feed(sent.slice(at, at + 1), 1);
  const { body } = parser.message;
  assert.ok(body.length < 1200, `${body.length} pieces`);
  assert.deepEqual(Buffer.concat(body), Buffer.from(sent));
});

Deno.test("pieces that are not tiny are not copied", () => {
  const parser = new ResponseParser(10_000_000);
  parser.begin("GET");
  const head = bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 6000000\r\n\r\n");
  parser.feed(head, head.length);
  for (let i = 0; i < 3000; i++) parser.feed(new Uint8Array(2000).fill(i), 2000);
  const { body } = parser.message;
  assert.equal(body.length, 3000);
  assert.ok(body.every((piece, i) => piece.length === 2000 && piece[0] === i % 256));
});

Deno.test("the framing of tiny chunks is not kept with their data", () => {
  const parser = new ResponseParser(1_000_000);
  parser.begin("GET");
  const head = bytesOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  parser.feed(head, head.length);
  const chunks = bytesOf("000000000001\r\nx\r\n".repeat(200));
  for (let i = 0; i < 80; i++) parser.feed(chunks, chunks.length);
  const end = bytesOf("0\r\n\r\n");
  assert.equal(parser.feed(end, end.length), true);
  const { body, bodyLength } = parser.message;
  assert.equal(bodyLength, 16_000);
  assert.ok(kept(body) <= 2 * bodyLength + 10_000, `${kept(body)} bytes`);
});
