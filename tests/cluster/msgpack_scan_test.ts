import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { msgpackProblem } from "../../src/cluster/codec.ts";

const MANY = "claims more values than it has bytes";
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

Deno.test("whatever an encoder makes is one value, and neither a part of it nor more is", () => {
  fc.assert(fc.property(value, fc.nat(), (value, at) => {
    const bytes = encode(value);
    assert.equal(msgpackProblem(bytes), null);
    const problem = msgpackProblem(bytes.subarray(0, at % bytes.length));
    assert.ok(problem === MANY || problem === CUT, `cut: ${problem}`);
    assert.equal(msgpackProblem(new Uint8Array([...bytes, at])), "goes on behind its value");
  }));
});

Deno.test("bytes with no problem never end too early for the decoder", () => {
  const byte = fc.oneof(fc.nat(255), fc.integer({ min: 0x80, max: 0xdf }), fc.nat(3));
  const bytes = fc.array(byte, { minLength: 1, maxLength: 40 }).map((all) => new Uint8Array(all));
  fc.assert(
    fc.property(bytes, (bytes) => {
      if (msgpackProblem(bytes) !== null) return;
      try {
        decode(bytes);
      } catch (error) {
        // Which keys a map may have is none of the scan's business.
        assert.match(String(error), /key/);
      }
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("bytes that the decoder takes have no problem, extensions apart", () => {
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
    { numRuns: 20_000 },
  );
});

const REFUSED: readonly (readonly [name: string, bytes: Uint8Array, problem: string])[] = [
  ["nothing at all", new Uint8Array(0), MANY],
  ["a list of 2^32 - 1", new Uint8Array([0xdd, 255, 255, 255, 255, ...Array(495).fill(0)]), MANY],
  ["a map of 2^32 - 1", new Uint8Array([0xdf, 255, 255, 255, 255, ...Array(495).fill(0)]), MANY],
  ["a map of 65,535", new Uint8Array([0xde, 255, 255, ...Array(65_535).fill(0xa0)]), MANY],
  ["lists in lists that claim more than is left", new Uint8Array([0x92, 0x93, 1, 1]), MANY],
  ["lists that claim the same bytes", new Uint8Array([0x92, 0xdc, 0, 4, 1, 1, 1, 1]), MANY],
  ["10,000 nested lists", nested(10_000), DEEP],
  ["33 nested lists", nested(33), DEEP],
  ["33 nested lists, the last one empty", nested(32).fill(0x90, 32), DEEP],
  ["33 nested maps", new Uint8Array(67).fill(0x81).map((one, i) => i % 2 ? 1 : one), DEEP],
  ["a text of 2^32 - 1", new Uint8Array([0xdb, 255, 255, 255, 255, 65]), CUT],
  ["bytes of 2^32 - 1", new Uint8Array([0xc6, 255, 255, 255, 255, 65]), CUT],
  ["a length that is cut", new Uint8Array([0xdb, 0, 0]), CUT],
  ["a float that is cut", new Uint8Array([0xcb, 0, 0, 0]), CUT],
  ["the code that is none", new Uint8Array([0xc1]), "holds the byte 0xc1, which begins no value"],
  ["two values", new Uint8Array([1, 2]), "goes on behind its value"],
  ...[0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8].map((code) =>
    [
      `the extension 0x${code.toString(16)}`,
      new Uint8Array([code, ...Array(20).fill(1)]),
      `holds the byte 0x${code.toString(16)}, which begins no value`,
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
