import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../src/cluster/codec.ts";
import { FrameReader, ProtocolError } from "../../src/cluster/frames.ts";
import type { Message, Report } from "../../src/cluster/protocol.ts";
import { anyMessage, messages } from "../support/messages.ts";
import { mutated, numbers } from "../support/mutations.ts";
import { delta, packedRequests, report } from "../support/reports.ts";
import { assignment } from "../support/assignments.ts";

const LIMIT = 1024 * 1024;

/** The messages in a stream that is cut into pieces of these sizes. */
function received(stream: Uint8Array<ArrayBuffer>, sizes: Iterator<number>): Message[] {
  const reader = new FrameReader(LIMIT);
  const found: Message[] = [];
  for (let at = 0; at < stream.length;) {
    const end = at + sizes.next().value;
    reader.push(stream.subarray(at, end));
    for (let next; (next = reader.next()) !== null;) found.push(decodeMessage(next));
    at = end;
  }
  return found;
}

/** What a payload is refused with. */
function refusal(payload: Uint8Array): string {
  try {
    decodeMessage(payload);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `threw ${error}`);
    assert.equal(error.code, "protocol");
    return error.message;
  }
  assert.fail("it was taken");
}

/** A report with one name, whose texts are these. */
function reportOf(method: string, name: string, error: string): Report {
  return report({
    deltas: [delta({ method, name, failures: 1, errors: [[error, 1]] })],
    histograms: [packedRequests(1)],
    errors: [[name, error, 1]],
  });
}

/** What became of a message on its way. */
function sent<T extends Message>(message: T): T {
  return decodeMessage(encodeMessage(message).subarray(4)) as T;
}

for (const [type, arbitrary] of Object.entries(messages)) {
  Deno.test(`${type} comes out as it went in, however the stream is cut`, () => {
    const sizes = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(2000)));
    fc.assert(
      fc.property(fc.array<Message>(arbitrary, { maxLength: 4 }), sizes, (messages, sizes) => {
        const stream = new Uint8Array(messages.flatMap((one) => [...encodeMessage(one)]));
        assert.deepEqual(received(stream, sizes), messages);
      }),
    );
  });
}

Deno.test("200,000 changed frames are refused, or are messages like any other", () => {
  const outcomes = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(anyMessage, fc.integer(), (message, seed) => {
      const below = numbers(seed);
      const original = encodeMessage(message);
      for (let i = 0; i < 100; i++) {
        const frame = mutated(original, below);
        try {
          for (const taken of received(frame, [1 + below(40), LIMIT].values())) {
            assert.equal(sent(taken).type, taken.type);
            outcomes.taken++;
          }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          assert.ok(error.message.length < 1000);
          outcomes.refused++;
        }
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(outcomes.taken > 1000 && outcomes.refused > 10_000, JSON.stringify(outcomes));
});

const MANY = "A message claims more values than it has bytes";

const BOMBS: readonly (readonly [name: string, payload: Uint8Array, refusal: string])[] = [
  ["500 bytes that claim a list of 2^32 - 1", claim(0xdd, 495), MANY],
  ["500 bytes that claim a map of 2^32 - 1", claim(0xdf, 495), MANY],
  [
    "lists nested 10,000 deep",
    new Uint8Array(10_001).fill(0x91, 0, 10_000),
    "A message is nested over 32 deep",
  ],
  [
    "maps nested 10,000 deep",
    new Uint8Array(30_000).map((_, i) => [0x81, 0xa1, 97][i % 3]!),
    "A message is nested over 32 deep",
  ],
  ["a megabyte of empty lists", new Uint8Array([...claim(0xdd, 0), ...new Uint8Array(9)]), MANY],
  ["a text of 2^32 - 1", claim(0xdb, 3), "A message ends inside a value"],
];

function claim(code: number, rest: number): Uint8Array {
  return new Uint8Array([code, 255, 255, 255, 255, ...Array(rest).fill(0xc0)]);
}

for (const [name, payload, expected] of BOMBS) {
  Deno.test(`refused: ${name}`, () => {
    assert.equal(refusal(payload), expected);
  });
}

Deno.test("refused: what is no list, and what has no known type", () => {
  const values = [1, "PING", {}, [], [1], [null], ["ping"], ["toString"], ["__proto__"], [[
    "PING",
  ]]];
  for (const value of values) {
    assert.equal(refusal(encode(value)), "A message of no known type");
  }
});

Deno.test("refused: fields that are not what they have to be, by name", () => {
  assert.equal(
    refusal(encode(["ACK", -1])),
    "ACK.seq must be a whole number of 0 or more",
  );
  assert.equal(refusal(encode(["ACK"])), "ACK must be a list of 2 values, not 1");
});

Deno.test("a key of a map is a text, and not that of a prototype", () => {
  const target = (classes: readonly number[]): Uint8Array =>
    new Uint8Array(
      [...encode(["TARGET", 1, "?", 1, 1, []])].flatMap((byte, i, all) =>
        byte === 0xa1 ? classes : all[i - 1] === 0xa1 ? [] : byte
      ),
    );
  const proto = [...encode("__proto__")];
  assert.match(refusal(target([0x81, ...proto, 1])), /__proto__ is not allowed/);
  assert.match(refusal(target([0x81, 5, 1])), /a key that is no text/);
  assert.match(refusal(target([0x81, 0x90, 1])), /a key that is no text/);
  const message = decodeMessage(target([0x81, ...encode("constructor"), 1]));
  assert.deepEqual(message, assignment({ classes: { constructor: 1 }, stopTimeout: 1 }));
});

Deno.test("names, methods and errors that are too long are cut, and stay apart", () => {
  const [{ method, name, errors }] = sent(
    reportOf("M".repeat(1001), "n".repeat(2001), "e".repeat(5000)),
  ).deltas as [Report["deltas"][0]];
  assert.equal(method.length, 1000);
  assert.equal(name.length, 2000);
  assert.match(name, /^n{1991}…[0-9a-f]{8}$/);
  assert.equal(errors[0]![0].length, 1000);
  const other = sent(reportOf("GET", "n".repeat(2002), "")).deltas[0]!.name;
  assert.notEqual(other, name);
});

Deno.test("the text of an error is cut", () => {
  const text = "x".repeat(1001);
  assert.equal(sent({ type: "ERROR", code: "busy", text }).text.length, 1000);
});

Deno.test("an id is never cut: the peer refuses one that is too long", () => {
  const frame = encodeMessage({ ...reportOf("GET", "/", ""), runId: "r".repeat(257) });
  assert.equal(refusal(frame.subarray(4)), "REPORT.runId must be a text of at most 256 characters");
});

Deno.test("texts that UTF-16 cannot have are sent all the same", () => {
  for (const length of [1, 40, 60, 300]) {
    const odd = "\ud800".repeat(length);
    const [{ name, errors }] = sent(reportOf(odd, odd, odd)).deltas as [Report["deltas"][0]];
    assert.ok(name.isWellFormed());
    assert.match(name, /^\ufffd+…[0-9a-f]{8}$/);
    assert.equal(errors[0]![0], name);
    assert.equal(sent({ ...reportOf("GET", "/", ""), runId: odd.slice(0, 20) }).seq, 1);
  }
});

Deno.test("a byte order mark in front of a name is no reason to lose it", () => {
  const names = ["a", "\ufeffa", "\ufeff".repeat(2) + "a"].map((start) => start + "a".repeat(300));
  const arrived = names.map((name) => sent(reportOf("GET", name, "")).deltas[0]!.name);
  assert.equal(new Set(arrived).size, 3);
});

Deno.test("a message that no peer would take is not encoded", () => {
  const report = { ...reportOf("GET", "/", ""), histograms: [new Uint8Array(LIMIT)] };
  assert.throws(
    () => encodeMessage(report),
    { name: "RangeError", message: /^A REPORT of 10486\d\d bytes, where 1048576 are allowed$/ },
  );
});
