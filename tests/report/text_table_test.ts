import assert from "node:assert/strict";
import { span } from "../../src/report/terminal.ts";
import { type TableColumn, textTable } from "../../src/report/text_table.ts";

const COLUMNS: TableColumn[] = [
  { title: "Count", align: "right" },
  { title: "Name", align: "left", elastic: true },
  { title: "Error", align: "left", elastic: true },
];

function table(rows: readonly (readonly string[])[], columns: number): string[] {
  const spans = rows.map((row) => row.map((text) => span(text)));
  const { header, rule, rows: lines } = textTable(COLUMNS, spans, { columns, color: false });
  return [header, rule, ...lines];
}

Deno.test("columns are as wide as their widest cell, and lines are not padded", () => {
  assert.deepEqual(table([["1", "/search", "HTTP 500"], ["22", "/", "TIMEOUT"]], 80), [
    "Count  Name     Error",
    "────────────────────────",
    "    1  /search  HTTP 500",
    "   22  /        TIMEOUT",
  ]);
});

Deno.test("gaps shrink before elastic columns do", () => {
  assert.deepEqual(table([["1", "/search/by/title", "HTTP 500"]], 31), [
    "Count Name             Error",
    "───────────────────────────────",
    "    1 /search/by/title HTTP 500",
  ]);
});

Deno.test("long cells share the space that short ones leave", () => {
  assert.deepEqual(table([["1", "/search/by/title/and/author", "HTTP 500"]], 30), [
    "Count Name            Error",
    "──────────────────────────────",
    "    1 /search…/author HTTP 500",
  ]);
});

Deno.test("lines are cut off if even the numbers do not fit", () => {
  for (const line of table([["123456", "/search", "HTTP 500"]], 8)) {
    assert.ok(line.length <= 8, line);
  }
});

Deno.test("columns are left out before names become illegible, the least important first", () => {
  const columns: TableColumn[] = [
    { title: "Name", align: "left", elastic: true },
    { title: "Count", align: "right" },
    { title: "Min", align: "right", leaveOut: 2 },
    { title: "Max", align: "right", leaveOut: 1 },
  ];
  const rows = [["/search/by/title/and/author", "1", "0.100", "5.00"].map((text) => span(text))];
  const lines = (width: number): readonly string[] => {
    const { header, rows: [row], leftOut } = textTable(columns, rows, {
      columns: width,
      color: false,
    });
    return [header, row!, leftOut.join(", ")];
  };
  assert.deepEqual(lines(29), [
    "Name         Count   Min  Max",
    "/searc…uthor     1 0.100 5.00",
    "",
  ]);
  assert.deepEqual(lines(28), [
    "Name              Count  Max",
    "/search/…d/author     1 5.00",
    "Min",
  ]);
  assert.deepEqual(lines(20), ["Name           Count", "/search…author     1", "Min, Max"]);
  assert.deepEqual(lines(12), ["Name   Count", "/se…or     1", "Min, Max"]);
});

Deno.test("wide characters do not break the alignment", () => {
  assert.deepEqual(table([["1", "検索", "HTTP 500"], ["2", "find", "HTTP 404"]], 80).slice(2), [
    "    1  検索  HTTP 500",
    "    2  find  HTTP 404",
  ]);
});

Deno.test("cells of a column that wraps continue on further lines, up to a limit", () => {
  const columns: TableColumn[] = [
    { title: "Count", align: "right" },
    { title: "Error", align: "left", elastic: true, wraps: true },
    { title: "Place", align: "left" },
  ];
  const lines = (error: string): readonly string[] =>
    textTable(columns, [[span("4"), span(error), span("shop.ts:5")]], {
      columns: 42,
      color: false,
    }).rows;
  assert.deepEqual(lines('"data" is unknown; did you mean form or body?'), [
    '    4  "data" is unknown; did    shop.ts:5',
    "       you mean form or body?",
  ]);
  assert.deepEqual(lines("short"), ["    4  short  shop.ts:5"]);
  const long = lines("a ".repeat(5000));
  assert.ok(long.length <= 8, `${long.length} lines`);
  assert.match(long.join(""), /…/);
});
