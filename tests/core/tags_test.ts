import assert from "node:assert/strict";
import { readTags, tagText } from "../../src/core/tags.ts";

Deno.test("a tag is quoted if its value needs it, and read again", () => {
  for (const value of ["hit", "x, y", "", " z", 'a"b\\', "{}"]) {
    const text = tagText("cache", value);
    assert.deepEqual(readTags(text), [["cache", value]]);
    assert.equal(text.includes('"'), value !== "hit");
  }
});
