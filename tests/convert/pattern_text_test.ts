import assert from "node:assert/strict";
import { patternText } from "../../src/convert/pattern_text.ts";

const ANY = { min: 0, max: Infinity };

for (
  const pattern of [
    "^[A-Z]{3}-\\d{4}$",
    "^\\+?[1-9]\\d{1,14}$",
    "^(acct|cus)_[A-Za-z0-9]{8,}$",
    "^#[0-9a-fA-F]{6}$",
    "^([0-9a-f]{2}:){5}[0-9a-f]{2}$",
    "^(?!-)[a-z0-9-]+(?<!-)$",
    "^\\p{Lu}\\p{L}*$",
    "[^a-z]+",
    "^\\S*$",
    "^$",
    // Valid without the flag `u` only.
    "^[\\w-.]+\\-x$",
  ]
) {
  Deno.test(`a text is made that matches ${pattern}`, () => {
    const text = patternText(pattern, ANY);
    assert.ok(text !== null);
    assert.match(text, new RegExp(pattern, pattern.includes("\\p") ? "u" : ""));
  });
}

Deno.test("a text has the length that is asked for", () => {
  assert.equal(patternText("^[a-z]+$", { min: 12, max: 20 })?.length, 12);
  assert.equal(patternText("^.{8,}$", ANY)?.length, 8);
  assert.match(patternText("abc", { min: 10, max: 10 })!, /^.*abc.*$/);
  assert.equal(patternText("^[a-z]{10}$", { min: 0, max: 5 }), null);
});

Deno.test("texts for different numbers differ", () => {
  const texts = [0, 1, 2].map((variant) => patternText("^[A-Z]{2}$", ANY, variant));
  assert.equal(new Set(texts).size, 3);
});

Deno.test("what cannot be solved has no text, and takes no time", () => {
  for (const pattern of ["[", "(?=x)y", "^(a+)+(?=b)$", "(((a{1000}){1000}){1000})"]) {
    assert.equal(patternText(pattern, ANY), null, pattern);
  }
});
