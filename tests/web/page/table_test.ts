import assert from "node:assert/strict";
import { matchingParts, visibleRows, wordsOf } from "../../../src/web/page/table.js";

interface Row {
  readonly name: string;
  readonly type: string;
  readonly ms: number | null;
}

const ROWS: readonly Row[] = [
  { name: "item 10", type: "GET", ms: 3 },
  { name: "Item 9", type: "POST", ms: null },
  { name: "basket", type: "GET", ms: 12 },
  { name: "orders", type: "POST", ms: 3 },
];
const COLUMNS: Parameters<typeof visibleRows<Row>>[1] = [
  { title: "Name", kind: "text", text: ({ name }) => name },
  { title: "Type", kind: "label", text: ({ type }) => type },
  { title: "ms", kind: "number", text: ({ ms }) => String(ms), value: ({ ms }) => ms },
];

function names(column: number | null, descending: boolean, filter = ""): string[] {
  return visibleRows(ROWS, COLUMNS, { column, descending }, wordsOf(filter))
    .map(({ name }) => name);
}

Deno.test("names are sorted naturally", () => {
  assert.deepEqual(names(null, false), ROWS.map(({ name }) => name));
  assert.deepEqual(names(0, false), ["basket", "Item 9", "item 10", "orders"]);
  assert.deepEqual(names(0, true), ["orders", "item 10", "Item 9", "basket"]);
});

Deno.test("rows without a value are last, and equal rows keep their order", () => {
  assert.deepEqual(names(2, false), ["item 10", "orders", "basket", "Item 9"]);
  assert.deepEqual(names(2, true), ["basket", "item 10", "orders", "Item 9"]);
});

Deno.test("a filter matches rows that contain all its words in text columns", () => {
  assert.deepEqual(names(null, false, " ITEM "), ["item 10", "Item 9"]);
  assert.deepEqual(names(null, false, "item post"), ["Item 9"]);
  assert.deepEqual(names(null, false, "12"), []);
});

Deno.test("a row is found by the words of its parts, and then shows the parts that have them", () => {
  const parts = ["cache=hit", "cache=miss, size=large", "cache=miss"]
    .map((name, index): Row => ({ name, type: "", ms: index }));
  const [search, basket] = [ROWS[0]!, ROWS[2]!];
  const order = { column: 2, descending: true };
  const found = (filter: string): [string[], string[]] => [
    visibleRows(
      [search, basket],
      COLUMNS,
      order,
      wordsOf(filter),
      (row) => row === search ? parts : [],
    ).map(({ name }) => name),
    matchingParts(search, parts, COLUMNS, order, wordsOf(filter)).map(({ name }) => name),
  ];
  assert.deepEqual(found("miss"), [["item 10"], ["cache=miss", "cache=miss, size=large"]]);
  assert.deepEqual(found("item miss large"), [["item 10"], ["cache=miss, size=large"]]);
  assert.deepEqual(found("item"), [["item 10"], []]);
  assert.deepEqual(found("get"), [["basket", "item 10"], []]);
  assert.deepEqual(found("hit large"), [[], []]);
});
