import fc from "fast-check";
import assert from "node:assert/strict";
import { sanitizeTerminal } from "../../src/core/text.ts";
import {
  columnsOf,
  fit,
  renderLine,
  shorten,
  span,
  wrap,
  wrapSpans,
} from "../../src/report/terminal.ts";
import { anyName } from "../support/texts.ts";

Deno.test("columns are counted as in terminals", () => {
  const expected: [string, number][] = [
    ["", 0],
    ["search", 6],
    ["Zürich", 6],
    ["検索", 4],
    ["한국", 4],
    ["Ｆｕｌｌ", 8],
    ["e\u0301", 1],
    ["か\u3099", 2],
    ["🚀", 2],
    ["🇩🇪", 2],
    ["❤", 1],
    ["❤\ufe0f", 2],
    ["a\u200bb", 2],
    ["…█▁─␛", 5],
  ];
  for (const [text, columns] of expected) assert.equal(columnsOf(text), columns, text);
});

Deno.test("a long text loses its middle", () => {
  assert.equal(shorten("/api/v1/users/orders", 20), "/api/v1/users/orders");
  assert.equal(shorten("/api/v1/users/orders", 19), "/api/v1/u…rs/orders");
  assert.equal(shorten("/api/v1/users/orders", 2), "/…");
  assert.equal(shorten("/api/v1/users/orders", 1), "…");
  assert.equal(shorten("/api/v1/users/orders", 0), "");
});

Deno.test("a wide character is not cut in two", () => {
  assert.equal(shorten("検索検索検索", 6), "検…索");
  assert.equal(shorten("検索検索検索", 7), "検…検索");
});

Deno.test("a shortened text never exceeds its columns, and keeps its ends", () => {
  fc.assert(fc.property(anyName, fc.integer({ min: 0, max: 100 }), (text, columns) => {
    const clean = sanitizeTerminal(text);
    const short = shorten(clean, columns);
    assert.ok(columnsOf(short) <= columns);
    if (short !== clean && columns > 0) {
      const [head, tail] = [
        short.slice(0, short.indexOf("…")),
        short.slice(short.lastIndexOf("…") + 1),
      ];
      assert.ok(clean.startsWith(head) && clean.endsWith(tail));
    }
  }));
});

Deno.test("a fitted text has exactly its columns, and is aligned", () => {
  assert.equal(fit("12", 4, "right"), "  12");
  assert.equal(fit("検索", 6, "left"), "検索  ");
  assert.equal(fit("/search", 5, "left"), "/s…ch");
});

Deno.test("wrapped text keeps all its words", () => {
  assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrap("one", 7), ["one"]);
  assert.deepEqual(wrap("", 7), [""]);
});

Deno.test("a word that is longer than a line is broken", () => {
  assert.deepEqual(wrap("a longerthanthat b", 7), ["a", "longert", "hanthat", "b"]);
  assert.deepEqual(wrap("検索検索", 5), ["検索", "検索"]);
  assert.deepEqual(wrap("検索", 1), ["検索"]);
});

Deno.test("wrapped spans keep their tones", () => {
  const spans = [span("10 started"), span(", "), span("2 dropped (20%)", "bad")];
  const wide = wrapSpans(spans, { columns: 80, color: true });
  assert.deepEqual(wide, ["10 started, \x1b[31m2 dropped (20%)\x1b[0m"]);
  const narrow = wrapSpans(spans, { columns: 12, color: true });
  assert.deepEqual(narrow, ["10 started,", "\x1b[31m2 dropped\x1b[0m", "\x1b[31m(20%)\x1b[0m"]);
});

Deno.test("colors only add escape sequences around spans", () => {
  const line = [span("a", "strong"), span(" "), span("b", "quiet"), span("c", "bad")];
  assert.equal(renderLine(line, 80, false), "a bc");
  assert.equal(renderLine(line, 80, true), "\x1b[1ma\x1b[0m \x1b[2mb\x1b[0m\x1b[31mc\x1b[0m");
});

Deno.test("spaces are not colored", () => {
  assert.equal(renderLine([span("  ", "bad")], 80, true), "  ");
});

Deno.test("the span that exceeds the line is shortened, and the rest is left out", () => {
  const line = [span("abc "), span("defghij"), span("klm")];
  assert.equal(renderLine(line, 9, false), "abc de…ij");
  assert.equal(renderLine(line, 4, false), "abc ");
});

Deno.test("a span cannot contain escape sequences", () => {
  assert.equal(renderLine([span("\x1b[31mred", "good")], 80, true), "\x1b[32m␛[31mred\x1b[0m");
});
