import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { decodeMessage, encodeMessage, msgpackProblem } from "../../src/cluster/codec.ts";
import { FrameReader } from "../../src/cluster/frames.ts";
import { type Message, ProtocolError } from "../../src/cluster/protocol.ts";
import { anyMessage, messages } from "../support/messages.ts";
import { lengthOf } from "../support/nightly.ts";
import { mutated, numbers } from "../support/mutations.ts";
import { delta, packedRequests, report } from "../support/reports.ts";
import { assignment } from "../support/assignments.ts";

const LIMIT = 1024 * 1024;

/** The messages in a stream that is split into pieces of these sizes. */
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

/** The error with which a payload is refused. */
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

/** A report of one entry with these texts. */
function reportOf(method: string, name: string, error: string): Message<"REPORT"> {
  return report({
    entries: [delta({ method, name, errors: [[error, 1]] })],
    histograms: [packedRequests(1)],
    userErrors: [[name, error, 1]],
  });
}

/** A message after it was encoded and decoded. */
function sent<T extends Message>(message: T): T {
  return decodeMessage(encodeMessage(message).subarray(4)) as T;
}

for (const [type, arbitrary] of Object.entries(messages)) {
  Deno.test(`${type} is decoded as it was encoded, wherever the stream is split`, () => {
    const sizes = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(2000)));
    fc.assert(
      fc.property(fc.array<Message>(arbitrary, { maxLength: 4 }), sizes, (messages, sizes) => {
        const stream = new Uint8Array(messages.flatMap((one) => [...encodeMessage(one)]));
        assert.deepEqual(received(stream, sizes), messages);
      }),
    );
  });
}

/** Messages, each of which is mutated in 100 ways. */
const RUNS = lengthOf({ short: 200, full: 2_000 });

Deno.test("mutated frames are either refused or valid messages", () => {
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
    { numRuns: RUNS },
  );
  assert.ok(outcomes.taken > RUNS / 2 && outcomes.refused > 5 * RUNS, JSON.stringify(outcomes));
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

Deno.test("refused: values that are not lists, and lists of unknown type", () => {
  const values = [1, "PING", {}, [], [1], [null], ["ping"], ["toString"], ["__proto__"], [[
    "PING",
  ]]];
  for (const value of values) {
    assert.equal(refusal(encode(value)), "A message of no known type");
  }
});

Deno.test("refused: invalid fields, by name", () => {
  assert.equal(
    refusal(encode(["ACK", -1])),
    "ACK.seq must be a whole number of 0 or more",
  );
  assert.equal(refusal(encode(["ACK"])), "ACK must be a list of 2 values, not 1");
});

Deno.test("keys of maps are strings, and never __proto__", () => {
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

Deno.test("names, methods and errors that are too long are cut and stay distinct", () => {
  const [{ method, name, errors }] = sent(
    reportOf("M".repeat(1001), "n".repeat(2001), "e".repeat(5000)),
  ).entries as [Message<"REPORT">["entries"][0]];
  assert.equal(method.length, 1000);
  assert.equal(name.length, 2000);
  assert.match(name, /^n{1991}…[0-9a-f]{8}$/);
  assert.equal(errors[0]![0].length, 1000);
  const other = sent(reportOf("GET", "n".repeat(2002), "")).entries[0]!.name;
  assert.notEqual(other, name);
});

Deno.test("the text of an ERROR is cut", () => {
  const text = "x".repeat(1001);
  assert.equal(sent({ type: "ERROR", code: "busy", text }).text.length, 1000);
});

Deno.test("ids are never cut, so the peer refuses one that is too long", () => {
  const frame = encodeMessage({ ...reportOf("GET", "/", ""), runId: "r".repeat(257) });
  assert.equal(
    refusal(frame.subarray(4)),
    "REPORT.runId must be a name of at most 256 visible characters",
  );
});

Deno.test("texts with lone surrogates are sent", () => {
  for (const length of [1, 40, 60, 300]) {
    const odd = "\ud800".repeat(length);
    const [{ name, errors }] = sent(reportOf(odd, odd, odd)).entries as [
      Message<"REPORT">["entries"][0],
    ];
    assert.ok(name.isWellFormed());
    assert.match(name, /^\ufffd+…[0-9a-f]{8}$/);
    assert.equal(errors[0]![0], name);
  }
});

Deno.test("names that differ only in a leading byte order mark stay distinct", () => {
  const names = ["a", "\ufeffa", "\ufeff".repeat(2) + "a"].map((start) => start + "a".repeat(300));
  const arrived = names.map((name) => sent(reportOf("GET", name, "")).entries[0]!.name);
  assert.equal(new Set(arrived).size, 3);
});

Deno.test("a message that is longer than a peer accepts is not encoded", () => {
  const report = { ...reportOf("GET", "/", ""), histograms: [new Uint8Array(LIMIT)] };
  assert.throws(
    () => encodeMessage(report),
    { name: "RangeError", message: /^A REPORT of 10486\d\d bytes; at most 1048576 are allowed$/ },
  );
});

const TOO_MANY_VALUES = "claims more values than it has bytes";
const CUT = "ends inside a value";
const DEEP = "is nested over 32 deep";

const value = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null)),
    fc.oneof(fc.string(), fc.string({ minLength: 30, maxLength: 70_000 }), fc.uint8Array()),
    fc.array(tie("value"), { maxLength: 40 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 20 }),
  ),
})).value;

/** Lists of one list each. */
function nested(depth: number): Uint8Array {
  return new Uint8Array(depth + 1).fill(0x91, 0, depth);
}

Deno.test("encoded bytes are one value; fewer or more bytes are not", () => {
  fc.assert(fc.property(value, fc.nat(), (value, at) => {
    const bytes = encode(value);
    assert.equal(msgpackProblem(bytes), null);
    const problem = msgpackProblem(bytes.subarray(0, at % bytes.length));
    assert.ok(problem === TOO_MANY_VALUES || problem === CUT, `cut: ${problem}`);
    assert.equal(msgpackProblem(new Uint8Array([...bytes, at])), "continues after its value");
  }));
});

/** Random byte strings to try. */
const BYTES = lengthOf({ short: 4_000, full: 20_000 });

Deno.test("the decoder never runs out of bytes that were checked", () => {
  const byte = fc.oneof(fc.nat(255), fc.integer({ min: 0x80, max: 0xdf }), fc.nat(3));
  const bytes = fc.array(byte, { minLength: 1, maxLength: 40 }).map((all) => new Uint8Array(all));
  fc.assert(
    fc.property(bytes, (bytes) => {
      if (msgpackProblem(bytes) !== null) return;
      try {
        decode(bytes);
      } catch (error) {
        // The check does not cover the keys of maps.
        assert.match(String(error), /key/);
      }
    }),
    { numRuns: BYTES },
  );
});

Deno.test("bytes that the decoder accepts pass the check, except extensions", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(bytes, (bytes) => {
      try {
        decode(bytes);
      } catch {
        return;
      }
      const problem = msgpackProblem(bytes);
      assert.ok(problem === null || /0x(c[789]|d[4-8])/.test(problem), `${problem}`);
    }),
    { numRuns: BYTES },
  );
});

const REFUSED: readonly (readonly [name: string, bytes: Uint8Array, problem: string])[] = [
  ["nothing at all", new Uint8Array(0), TOO_MANY_VALUES],
  [
    "a list of 2^32 - 1",
    new Uint8Array([0xdd, 255, 255, 255, 255, ...Array(495).fill(0)]),
    TOO_MANY_VALUES,
  ],
  [
    "a map of 2^32 - 1",
    new Uint8Array([0xdf, 255, 255, 255, 255, ...Array(495).fill(0)]),
    TOO_MANY_VALUES,
  ],
  [
    "a map of 65,535",
    new Uint8Array([0xde, 255, 255, ...Array(65_535).fill(0xa0)]),
    TOO_MANY_VALUES,
  ],
  [
    "lists in lists that claim more than is left",
    new Uint8Array([0x92, 0x93, 1, 1]),
    TOO_MANY_VALUES,
  ],
  [
    "lists that claim the same bytes",
    new Uint8Array([0x92, 0xdc, 0, 4, 1, 1, 1, 1]),
    TOO_MANY_VALUES,
  ],
  ["10,000 nested lists", nested(10_000), DEEP],
  ["33 nested lists", nested(33), DEEP],
  ["33 nested lists, the last one empty", nested(32).fill(0x90, 32), DEEP],
  ["33 nested maps", new Uint8Array(67).fill(0x81).map((one, i) => i % 2 ? 1 : one), DEEP],
  ["a text of 2^32 - 1", new Uint8Array([0xdb, 255, 255, 255, 255, 65]), CUT],
  ["bytes of 2^32 - 1", new Uint8Array([0xc6, 255, 255, 255, 255, 65]), CUT],
  ["a length that is cut", new Uint8Array([0xdb, 0, 0]), CUT],
  ["a float that is cut", new Uint8Array([0xcb, 0, 0, 0]), CUT],
  ["the code that is none", new Uint8Array([0xc1]), "holds the byte 0xc1, which is not a type"],
  ["two values", new Uint8Array([1, 2]), "continues after its value"],
  ...[0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((code) =>
    [
      `the extension 0x${code.toString(16)}`,
      new Uint8Array([code, ...Array(20).fill(1)]),
      `holds the byte 0x${code.toString(16)}, which is not a type`,
    ] as const
  ),
];

for (const [name, bytes, problem] of REFUSED) {
  Deno.test(`refused: ${name}`, () => {
    assert.equal(msgpackProblem(bytes), problem);
  });
}

Deno.test("32 lists may be nested", () => {
  assert.equal(msgpackProblem(nested(32)), null);
});
