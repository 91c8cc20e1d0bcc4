import assert from "node:assert/strict";
import { setBounded } from "../../src/core/bounded_map.ts";

Deno.test("a new entry of a full map replaces the oldest one, and a known one stays where it is", () => {
  const map = new Map<string, number>();
  for (const [key, value] of [["a", 1], ["b", 2], ["a", 3], ["c", 4]] as const) {
    setBounded(map, key, value, 2);
  }
  assert.deepEqual([...map], [["b", 2], ["c", 4]]);
});
