import assert from "node:assert/strict";
import { sparkline } from "../../src/report/live_panel.ts";

Deno.test("the largest value has the full bar, and only none has the lowest", () => {
  assert.equal(sparkline([0, 1, 500, 1000]), "▁▂▅█");
});

Deno.test("values that are all the same are all full", () => {
  assert.equal(sparkline([7, 7, 7]), "███");
});

Deno.test("a standstill is a flat line", () => {
  assert.equal(sparkline([0, 0, 0]), "▁▁▁");
});

Deno.test("no values make no line", () => {
  assert.equal(sparkline([]), "");
});
