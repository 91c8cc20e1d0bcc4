import fc from "fast-check";
import assert from "node:assert/strict";
import { jsonParts } from "../../src/report/json_parts.ts";
import { joined } from "../support/texts.ts";

Deno.test("JSON in parts is the text that JSON.stringify returns, apart from lists of numbers", () => {
  const json = fc.jsonValue({ noUnicodeString: false, maxDepth: 5 });
  fc.assert(fc.property(json, fc.constantFrom(0, 1, 2, 4), (value, indent) => {
    const text = joined(jsonParts(value, indent));
    const expected = JSON.stringify(value, null, indent);
    const hasColumns = indent > 0 && /\[\s*(?:null|-?\d)/.test(expected);
    if (hasColumns) assert.equal(JSON.stringify(JSON.parse(text)), JSON.stringify(value));
    else assert.equal(text, expected);
  }));
});

Deno.test("a list of numbers is on one line, and is written in short parts", () => {
  const value = { p50: [1.5, null, -3], none: [], mixed: [1, "a"] };
  assert.equal(
    joined(jsonParts(value, 2)),
    `{
  "p50": [1.5, null, -3],
  "none": [],
  "mixed": [
    1,
    "a"
  ]
}`,
  );
  assert.equal(joined(jsonParts(value, 0)), JSON.stringify(value));
  const long = Array.from({ length: 10_000 }, (_, second) => second);
  const parts = [...jsonParts({ long }, 2)];
  assert.deepEqual(JSON.parse(joined(parts)), { long });
  assert.ok(parts.every(({ length }) => length < 1000));
});

Deno.test("fields without a value are left out, and list elements without one are null", () => {
  const value = { a: undefined, b: [undefined, { c: undefined, d: {} }], e: { f: undefined } };
  assert.equal(joined(jsonParts(value, 2)), JSON.stringify(value, null, 2));
});

Deno.test("rows are made one at a time, while they are written", () => {
  let made = 0;
  const rows = Array.from({ length: 3 }, (_, row) => row).values().map((row) => {
    made++;
    return { row };
  });
  let text = "";
  const madeAt: number[] = [];
  for (const part of jsonParts({ rows }, 0)) {
    if (part.includes("row")) madeAt.push(made);
    text += part;
  }
  assert.equal(text, '{"rows":[{"row":0},{"row":1},{"row":2}]}');
  assert.deepEqual(madeAt, [0, 1, 2, 3]);
});
