import assert from "node:assert/strict";
import {
  clipped,
  count,
  flag,
  list,
  optional,
  row,
  text,
  tuple,
} from "../../src/cluster/schema.ts";

const pair = tuple<readonly [string, number]>(clipped(12), count);

interface Point {
  readonly name: string;
  readonly x: number;
  readonly last: boolean;
}

const point = row<Point>({ name: text(5), x: count, last: optional(flag, false) });

Deno.test("a list reads and writes each of its items", () => {
  const points = list(point);
  const values = [{ name: "a", x: 1, last: true }, { name: "b", x: 2, last: false }];
  const sent = [["a", 1, true], ["b", 2, false]];
  assert.deepEqual(points.read(sent), values);
  assert.deepEqual(points.write(values), sent);
  assert.deepEqual(points.read([]), []);
});

Deno.test("a list names its first item that is wrong", () => {
  const wrong = [["a", 1, true], ["b", -2, false], 3];
  assert.equal(list(point).read(wrong), undefined);
  assert.equal(
    list(point).fault(wrong, "points"),
    "points[1].x must be a whole number of 0 or more",
  );
  assert.equal(list(point).read({ length: 0 }), undefined);
  assert.equal(list(point).fault({}, "points"), "points must be a list");
});

Deno.test("a list of lists names where it is wrong", () => {
  const nested = list(list(count));
  assert.equal(nested.read([[1], [2, "3"]]), undefined);
  assert.equal(
    nested.fault([[1], [2, "3"]], "rows"),
    "rows[1][1] must be a whole number of 0 or more",
  );
});

Deno.test("a tuple has each of its values, and no more", () => {
  assert.deepEqual(pair.read(["a", 1]), ["a", 1]);
  assert.deepEqual(pair.write(["longer than that", 1]), ["lon…6743eaf8", 1]);
  for (const wrong of [["a"], ["a", 1, 2], [], "ab"]) assert.equal(pair.read(wrong), undefined);
  assert.equal(pair.fault(["a"], "errors"), "errors must be a list of 2 values, not 1");
  assert.equal(pair.fault("ab", "errors"), "errors must be a list of 2 values");
  assert.equal(pair.read(["a", "b"]), undefined);
  assert.equal(pair.fault(["a", "b"], "errors"), "errors[1] must be a whole number of 0 or more");
});

Deno.test("a row has each of its fields, and only optional ones may be missing", () => {
  assert.deepEqual(point.read(["a", 1]), { name: "a", x: 1, last: false });
  for (const wrong of [["a"], ["a", 1, true, 4], [], { name: "a", x: 1 }, null]) {
    assert.equal(point.read(wrong), undefined);
  }
  assert.equal(point.fault(["a"], "POINT"), "POINT must be a list of 3 values, not 1");
  assert.equal(point.fault(null, "POINT"), "POINT must be a list of 3 values");
  assert.equal(point.read(["a", 1, null]), undefined);
  assert.equal(point.fault(["a", 1, null], "POINT"), "POINT.last must be true or false");
});

Deno.test("a row may check its fields against each other", () => {
  const range = row<{ from: number; to: number }>(
    { from: count, to: count },
    ({ from, to }) => from <= to ? null : `ends at ${to}, before ${from}`,
  );
  assert.deepEqual(range.read([1, 2]), { from: 1, to: 2 });
  assert.equal(range.read([2, 1]), undefined);
  assert.equal(range.fault([2, 1], "RANGE"), "RANGE ends at 1, before 2");
  assert.equal(range.fault(["2", 1], "RANGE"), "RANGE.from must be a whole number of 0 or more");
});
