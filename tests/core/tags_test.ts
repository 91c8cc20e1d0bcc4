import fc from "fast-check";
import assert from "node:assert/strict";
import { MAX_TAGS_TEXT, readTags, type Tags, tagsText } from "../../src/core/tags.ts";

Deno.test("tags are a text in the order of their keys", () => {
  const texts: readonly [tags: Tags, text: string][] = [
    [{}, ""],
    [{ cache: "hit" }, "cache=hit"],
    [{ size: "large", cache: true }, "cache=true, size=large"],
    [{ b: 1.5, a: 2n, c: undefined }, "a=2, b=1.5"],
    [{ a: "x, y", b: "", c: " z", d: 'a"b\\' }, 'a="x, y", b="", c=" z", d="a\\"b\\\\"'],
    [{ a: "one\ntwo\u0000\u202e\u2028" }, 'a="one two   "'],
    [{ a: "x".repeat(101) }, `a=${"x".repeat(99)}…`],
    [{ a: "\ud800" }, "a=\ufffd"],
  ];
  for (const [tags, text] of texts) assert.equal(tagsText(tags), text);
});

Deno.test("tags that are not names and plain values are rejected", () => {
  const problems: readonly [tags: unknown, problem: string][] = [
    ["hit", "tags: 'hit', expected an object such as { cache: \"hit\" }"],
    [null, 'tags: null, expected an object such as { cache: "hit" }'],
    [["hit"], "tags: [ 'hit' ], expected an object such as { cache: \"hit\" }"],
    [{ a: null }, "tags: a is null, expected a string, a number or a boolean"],
    [{ a: {} }, "tags: a is {}, expected a string, a number or a boolean"],
    [
      { "a b": 1 },
      "tags: 'a b' is not a valid key; expected a letter, then letters, digits, _, - and ., 50 " +
      "characters at most",
    ],
    [
      { class: "A" },
      "tags: class is the name of the user class in thresholds; use another key",
    ],
    [
      Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, i])),
      "tags: 11 tags, expected at most 10",
    ],
  ];
  for (const [tags, message] of problems) {
    assert.throws(() => tagsText(tags as Tags), { name: "TypeError", message });
  }
});

Deno.test("what is written is read again, and is not too long", () => {
  const key = fc.stringMatching(/^[A-Za-z_][\w.-]{0,49}$/).filter((key) => key !== "class");
  const tags = fc.dictionary(key, fc.oneof(fc.string(), fc.double(), fc.boolean()), {
    minKeys: 1,
    maxKeys: 10,
  });
  fc.assert(fc.property(tags, (tags) => {
    const text = tagsText(tags);
    const read = readTags(text);
    assert.ok(typeof read !== "string", `${text}: ${read}`);
    assert.deepEqual(read.map(([key]) => key), Object.keys(tags).sort());
    assert.equal(tagsText(Object.fromEntries(read)), text);
    assert.ok(text.length <= MAX_TAGS_TEXT);
  }));
});
