import fc from "fast-check";
import assert from "node:assert/strict";
import { clippedText } from "../../src/cluster/peer_text.ts";

const anyText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

Deno.test("a text that can be sent stays as it is", () => {
  for (const text of ["", "/search", "検索", "👩‍👩‍👧", "\0\n", "a\ufeff", "x".repeat(30)]) {
    assert.equal(clippedText(text, 30), text);
  }
});

Deno.test("every text can be sent after that, and comes back out of UTF-8 as it was", () => {
  fc.assert(fc.property(anyText, (text) => {
    const clipped = clippedText(text, 30);
    assert.ok(clipped.length <= 30);
    assert.equal(new TextDecoder().decode(new TextEncoder().encode(clipped)), clipped);
    assert.equal(clippedText(clipped, 30), clipped);
  }));
});

Deno.test("texts that differ only in what is changed stay apart", () => {
  const start = "x".repeat(29);
  const texts = [
    `${start}ab`,
    `${start}ac`,
    "\ud800",
    "\ud801",
    "\udc00",
    "\ufeffa",
    "\ufffda",
    "a",
  ];
  assert.equal(new Set(texts.map((text) => clippedText(text, 30))).size, texts.length);
});

Deno.test("a text is cut to its length, the digest of all of it included", () => {
  assert.equal(clippedText("x".repeat(31), 30), `${"x".repeat(21)}…c4f4e3eb`);
  assert.equal(clippedText("\ufeffab", 30), "\ufffdab…e8c4aa5f");
});
