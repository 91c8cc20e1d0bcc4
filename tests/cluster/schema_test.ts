import fc from "fast-check";
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
  json,
  list,
  optional,
  row,
  text,
  tuple,
  union,
  word,
} from "../../src/cluster/schema.ts";
import { arbitraryOf } from "../support/arbitraries.ts";

interface Case {
  readonly name: string;
  readonly field: Field<unknown>;
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
  readonly expected: string;
}

/** A value of every type that the decoder returns. */
const ODD = [null, undefined, [], {}, "1", new Uint8Array(20), true, 1.5, NaN];

const oddExcept = (...types: string[]): unknown[] =>
  ODD.filter((one) => !types.includes(one instanceof Uint8Array ? "bytes" : typeof one));

const CASES: readonly Case[] = [
  {
    name: "count",
    field: count,
    valid: [0, 1, Number.MAX_SAFE_INTEGER],
    invalid: [...ODD, -1, 2 ** 53, Infinity, 0.5],
    expected: "a whole number of 0 or more",
  },
  {
    name: "finite",
    field: finite,
    valid: [0, -1.5, Number.MAX_VALUE],
    invalid: [...oddExcept("number"), NaN, Infinity, -Infinity],
    expected: "a finite number",
  },
  {
    name: "amount",
    field: amount(),
    valid: [0, 1.5, Number.MAX_VALUE],
    invalid: [...oddExcept("number"), NaN, Infinity, -0.1],
    expected: "a finite number of 0 or more",
  },
  {
    name: "amount within bounds",
    field: amount(0.5, 2),
    valid: [0.5, 2],
    invalid: [0.4, 2.1, NaN],
    expected: "a number from 0.5 to 2",
  },
  {
    name: "flag",
    field: flag,
    valid: [true, false],
    invalid: [...oddExcept("boolean"), 0, 1],
    expected: "true or false",
  },
  {
    name: "text",
    field: text(3),
    valid: ["", "abc", "検索語"],
    invalid: [...oddExcept("string"), "abcd"],
    expected: "a string of at most 3 characters",
  },
  {
    name: "bytes",
    field: bytes(1, 2),
    valid: [new Uint8Array(1), new Uint8Array(2)],
    invalid: [...ODD, new Uint8Array(0), [1]],
    expected: "1 to 2 bytes",
  },
  {
    name: "word",
    field: word("on", "off"),
    valid: ["on", "off"],
    invalid: [...ODD, "toString", "__proto__", "ON"],
    expected: "one of: on, off",
  },
  {
    name: "counts",
    field: counts(6),
    valid: [{}, { Buyer: 3, Reader: 0 }, { a: 1, valueO: 2 }],
    invalid: [...ODD.filter((one) => one?.constructor !== Object), { a: -1 }, { a: "1" }, {
      toolong: 1,
    }],
    expected: "a map of whole numbers by names of at most 6 characters",
  },
];

for (const { name, field, valid, invalid, expected } of CASES) {
  Deno.test(`${name} reads valid values unchanged, and says what it expects of all others`, () => {
    for (const value of valid) {
      assert.equal(field.read(value), value);
      assert.equal(field.write(value), value);
    }
    for (const value of invalid) {
      assert.equal(field.read(value), undefined, `took ${String(value)}`);
      assert.equal(field.fault(value, "ACK.seq"), `ACK.seq must be ${expected}`);
    }
  });
}

Deno.test("clipped text is cut when it is written, and refused when it is too long to be read", () => {
  const field = clipped(12);
  assert.equal(field.write("short"), "short");
  assert.equal(field.read(field.write("much longer than that")), "muc…89c8cdda");
  assert.equal(field.read("much longer than that"), undefined);
});

Deno.test("an optional field has a value for when it is missing", () => {
  const field = optional(count, 7);
  assert.equal(field.missing, 7);
  assert.equal(field.read(3), 3);
  assert.equal(field.read("3"), undefined);
  assert.equal(count.missing, undefined);
});

const pair = tuple(clipped(12), count);

const point = row({ name: text(5), x: count, last: optional(flag, false) });

Deno.test("a list reads and writes each of its items", () => {
  const points = list(point);
  const values = [{ name: "a", x: 1, last: true }, { name: "b", x: 2, last: false }];
  const sent = [["a", 1, true], ["b", 2, false]];
  assert.deepEqual(points.read(sent), values);
  assert.deepEqual(points.write(values), sent);
  assert.deepEqual(points.read([]), []);
});

Deno.test("a list names its first invalid item", () => {
  const wrong = [["a", 1, true], ["b", -2, false], 3];
  assert.equal(list(point).read(wrong), undefined);
  assert.equal(
    list(point).fault(wrong, "points"),
    "points[1].x must be a whole number of 0 or more",
  );
  assert.equal(list(point).read({ length: 0 }), undefined);
  assert.equal(list(point).fault({}, "points"), "points must be a list");
});

Deno.test("a list of lists names the invalid position", () => {
  const nested = list(list(count));
  assert.equal(nested.read([[1], [2, "3"]]), undefined);
  assert.equal(
    nested.fault([[1], [2, "3"]], "rows"),
    "rows[1][1] must be a whole number of 0 or more",
  );
});

Deno.test("a tuple has exactly its values", () => {
  assert.deepEqual(pair.read(["a", 1]), ["a", 1]);
  assert.deepEqual(pair.write(["longer than that", 1]), ["lon…6743eaf8", 1]);
  for (const wrong of [["a"], ["a", 1, 2], [], "ab"]) assert.equal(pair.read(wrong), undefined);
  assert.equal(pair.fault(["a"], "errors"), "errors must be a list of 2 values, not 1");
  assert.equal(pair.fault("ab", "errors"), "errors must be a list of 2 values");
  assert.equal(pair.read(["a", "b"]), undefined);
  assert.equal(pair.fault(["a", "b"], "errors"), "errors[1] must be a whole number of 0 or more");
});

Deno.test("only optional fields of a row may be missing", () => {
  assert.deepEqual(point.read(["a", 1]), { name: "a", x: 1, last: false });
  for (const wrong of [["a"], ["a", 1, true, 4], [], { name: "a", x: 1 }, null]) {
    assert.equal(point.read(wrong), undefined);
  }
  assert.equal(point.fault(["a"], "POINT"), "POINT must be a list of 3 values, not 1");
  assert.equal(point.fault(null, "POINT"), "POINT must be a list of 3 values");
  assert.equal(point.read(["a", 1, null]), undefined);
  assert.equal(point.fault(["a", 1, null], "POINT"), "POINT.last must be true or false");
});

const shapes = union({ POINT: { x: count, y: optional(finite, 0) }, EMPTY: {} });

Deno.test("a union reads and writes rows by their type", () => {
  assert.deepEqual(shapes.read(["POINT", 1, -2]), { type: "POINT", x: 1, y: -2 });
  assert.deepEqual(shapes.read(["POINT", 1]), { type: "POINT", x: 1, y: 0 });
  assert.deepEqual(shapes.write({ type: "POINT", x: 1, y: 2 }), ["POINT", 1, 2]);
  assert.deepEqual(shapes.read(["EMPTY"]), { type: "EMPTY" });
  assert.deepEqual(shapes.variants.EMPTY.write({ type: "EMPTY" }), ["EMPTY"]);
});

Deno.test("a union says which field of which type is invalid", () => {
  assert.equal(shapes.read(["POINT", -1]), undefined);
  assert.equal(
    shapes.fault(["POINT", -1], "A shape"),
    "POINT.x must be a whole number of 0 or more",
  );
  for (const sent of [["CIRCLE"], ["toString"], [], null, "POINT"]) {
    assert.equal(shapes.read(sent), undefined);
    assert.equal(shapes.fault(sent, "A shape"), "A shape of no known type");
  }
});

Deno.test("whatever a schema generates is read back as it was written", () => {
  const everything = row({
    count,
    finite,
    amount: amount(1, 2),
    flag,
    text: text(300),
    clipped: clipped(20),
    json: json(1000),
    bytes: bytes(1, 5),
    word: word("on", "off"),
    counts: counts(5),
    list: list(pair),
    shapes,
  });
  fc.assert(
    fc.property(arbitraryOf(everything), (value) => {
      assert.deepEqual(everything.read(everything.write(value)), value);
    }),
  );
});
