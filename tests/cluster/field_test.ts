import assert from "node:assert/strict";
import {
  amount,
  bytes,
  clipped,
  count,
  counts,
  type Field,
  finite,
  flag,
  optional,
  text,
  word,
} from "../../src/cluster/schema.ts";

interface Case {
  readonly name: string;
  readonly field: Field<unknown>;
  readonly right: readonly unknown[];
  readonly wrong: readonly unknown[];
  readonly needed: string;
}

/** Values of every type that the decoder makes. */
const ODD = [null, undefined, [], {}, "1", new Uint8Array(20), true, 1.5, NaN];

const oddExcept = (...types: string[]): unknown[] =>
  ODD.filter((one) => !types.includes(one instanceof Uint8Array ? "bytes" : typeof one));

const CASES: readonly Case[] = [
  {
    name: "count",
    field: count,
    right: [0, 1, Number.MAX_SAFE_INTEGER],
    wrong: [...ODD, -1, 2 ** 53, Infinity, 0.5],
    needed: "a whole number of 0 or more",
  },
  {
    name: "finite",
    field: finite,
    right: [0, -1.5, Number.MAX_VALUE],
    wrong: [...oddExcept("number"), NaN, Infinity, -Infinity],
    needed: "a finite number",
  },
  {
    name: "amount",
    field: amount(),
    right: [0, 1.5, Number.MAX_VALUE],
    wrong: [...oddExcept("number"), NaN, Infinity, -0.1],
    needed: "a finite number of 0 or more",
  },
  {
    name: "amount within bounds",
    field: amount(0.5, 2),
    right: [0.5, 2],
    wrong: [0.4, 2.1, NaN],
    needed: "a number from 0.5 to 2",
  },
  {
    name: "flag",
    field: flag,
    right: [true, false],
    wrong: [...oddExcept("boolean"), 0, 1],
    needed: "true or false",
  },
  {
    name: "text",
    field: text(3),
    right: ["", "abc", "検索語"],
    wrong: [...oddExcept("string"), "abcd"],
    needed: "a text of at most 3 characters",
  },
  {
    name: "bytes",
    field: bytes(1, 2),
    right: [new Uint8Array(1), new Uint8Array(2)],
    wrong: [...ODD, new Uint8Array(0), [1]],
    needed: "1 to 2 bytes",
  },
  {
    name: "word",
    field: word<"on" | "off">({ on: true, off: true }),
    right: ["on", "off"],
    wrong: [...ODD, "toString", "__proto__", "ON"],
    needed: "one of: on, off",
  },
  {
    name: "counts",
    field: counts(6),
    right: [{}, { Buyer: 3, Reader: 0 }, { a: 1, valueO: 2 }],
    wrong: [...ODD.filter((one) => one?.constructor !== Object), { a: -1 }, { a: "1" }, {
      toolong: 1,
    }],
    needed: "a map of whole numbers by names of at most 6 characters",
  },
];

for (const { name, field, right, wrong, needed } of CASES) {
  Deno.test(`${name} takes what is right as it is, and says what it needs of the rest`, () => {
    for (const value of right) {
      assert.equal(field.read(value), value);
      assert.equal(field.write(value), value);
    }
    for (const value of wrong) {
      assert.equal(field.read(value), undefined, `took ${String(value)}`);
      assert.equal(field.fault(value, "ACK.seq"), `ACK.seq must be ${needed}`);
    }
  });
}

Deno.test("a clipped text is cut when it is sent, and refused when it comes too long", () => {
  const field = clipped(12);
  assert.equal(field.write("short"), "short");
  assert.equal(field.read(field.write("much longer than that")), "muc…89c8cdda");
  assert.equal(field.read("much longer than that"), undefined);
});

Deno.test("an optional field is as it was, and says what it is when it is missing", () => {
  const field = optional(count, 7);
  assert.equal(field.missing, 7);
  assert.equal(field.read(3), 3);
  assert.equal(field.read("3"), undefined);
  assert.equal(count.missing, undefined);
});
