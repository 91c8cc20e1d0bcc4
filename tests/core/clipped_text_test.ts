import fc from "fast-check";
import assert from "node:assert/strict";
import { clippedText } from "../../src/core/clipped_text.ts";

const anyText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
  .map((units) => String.fromCharCode(...units));

Deno.test("sendable text is not changed", () => {
  for (const text of ["", "/search", "検索", "👩‍👩‍👧", "\0\n", "a\ufeff", "x".repeat(30)]) {
    assert.equal(clippedText(text, 30), text);
  }
});

Deno.test("every clipped text survives UTF-8 unchanged", () => {
  fc.assert(fc.property(anyText, (text) => {
    const clipped = clippedText(text, 30);
    assert.ok(clipped.length <= 30);
    assert.equal(new TextDecoder().decode(new TextEncoder().encode(clipped)), clipped);
    assert.equal(clippedText(clipped, 30), clipped);
  }));
});

Deno.test("texts that differ only in the replaced part stay different", () => {
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

Deno.test("clipped text has exactly the maximum length, including the digest of the original", () => {
  assert.equal(clippedText("x".repeat(31), 30), `${"x".repeat(21)}…c4f4e3eb`);
  assert.equal(clippedText("\ufeffab", 30), "\ufffdab…e8c4aa5f");
});
