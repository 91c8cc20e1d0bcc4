import assert from "node:assert/strict";
import { Warnings } from "../../src/runner/run_watch.ts";

Deno.test("each warning is told and kept once, in the order in which they came", () => {
  const told: string[] = [];
  const warnings = new Warnings((text) => told.push(text));
  warnings.add("b");
  warnings.addAll(["a", "b", "c"]);
  warnings.add("a");
  assert.deepEqual(told, ["b", "a", "c"]);
  assert.deepEqual(warnings.texts, told);
});
