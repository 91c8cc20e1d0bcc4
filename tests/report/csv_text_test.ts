import { parse } from "csv-parse/sync";
import fc from "fast-check";
import assert from "node:assert/strict";
import { csvText } from "../../src/report/csv.ts";

/** The only cell of a file. */
function cell(text: string): string {
  const rows: string[][] = parse(csvText([[text, 1]]));
  return rows[0]![0]!;
}

Deno.test("cells are quoted where they have to be, and numbers are as they are", () => {
  assert.equal(csvText([["a", 1, 2.5, -3, null]]), "a,1,2.5,-3,N/A\r\n");
  assert.equal(csvText([['"', "a,b", "a\nb", "a b", " a"]]), '"""","a,b","a\nb",a b," a"\r\n');
  assert.equal(csvText([]), "");
});

Deno.test("what a spreadsheet would run is defused", () => {
  for (
    const [text, expected] of [
      ["=HYPERLINK(0)", "'=HYPERLINK(0)"],
      ["+1", "'+1"],
      ["-1", "'-1"],
      ["@SUM(A1)", "'@SUM(A1)"],
      ["\t=1", "'\t'=1"],
      ["\r=1", "'\r'=1"],
      ["\ta", "'\ta"],
      ["\r", "'\r"],
      [' "=1', " \"'=1"],
      ["'=1", "''=1"],
      ["＝1+1", "'＝1+1"],
      ["a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0"],
      ['a\n"=1', "a\n\"'=1"],
      ["a\t+1", "a\t'+1"],
    ]
  ) assert.equal(cell(text!), expected);
});

Deno.test("what no spreadsheet would run stays as it is", () => {
  for (
    const text of ["/search?q=1", "a-b", "GET", "a, -1", "x;jsessionid=1", "", '</script>"', "a@b"]
  ) {
    assert.equal(cell(text), text);
  }
});

Deno.test("whatever is written can be read, and begins with no formula", () => {
  const text = fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n\"';, a1＝") });
  const rows = fc.array(fc.array(text, { minLength: 3, maxLength: 3 }), { minLength: 1 });
  fc.assert(fc.property(rows, (rows) => {
    const read = parse(csvText(rows), { relax_column_count: false, record_delimiter: "\r\n" });
    assert.equal(read.length, rows.length);
    for (const [r, row] of (read as string[][]).entries()) {
      for (const [c, found] of row.entries()) {
        assert.ok(!/(?:^|[;\t\r\n])["\s]*[=+\-@＝]/.test(found), JSON.stringify(found));
        assert.equal(found.replaceAll("'", ""), rows[r]![c]!.replaceAll("'", ""));
      }
    }
  }));
});
