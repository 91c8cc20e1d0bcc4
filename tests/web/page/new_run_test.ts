import assert from "node:assert/strict";
import { parseDuration } from "../../../src/core/duration.ts";
import { classNote, durationText, numberOf } from "../../../src/web/page/new_run.js";

Deno.test("a class says how many of the users it has", () => {
  const one = { name: "A", weight: 3, fixedCount: 0, hasLoad: false, tests: [] };
  assert.equal(classNote(one), "weight 3");
  assert.equal(classNote({ ...one, fixedCount: 1 }), "1 user");
  assert.equal(classNote({ ...one, fixedCount: 2 }), "2 users");
  assert.equal(classNote({ ...one, hasLoad: true }), "a load of its own");
});

Deno.test("a run time is written as the command line reads it", () => {
  const texts = [[8, "8s"], [0.5, "0.5s"], [90, "1m30s"], [3600, "1h"], [
    5430,
    "1h30m30s",
  ]] as const;
  for (const [seconds, text] of texts) {
    assert.equal(durationText(seconds), text);
    assert.equal(parseDuration(text), seconds);
  }
});

Deno.test("what is no number is left to the server", () => {
  assert.deepEqual([" 5 ", "0.5", "", " ", "many", "Infinity"].map(numberOf), [
    ...[5, 0.5, null, null, "many", "Infinity"],
  ]);
});
