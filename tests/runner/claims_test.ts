import assert from "node:assert/strict";
import { PendingAssignments } from "../../src/runner/allocation.ts";

Deno.test("a worker may run the most of what it was told since it was last heard", () => {
  const claims = new PendingAssignments();
  assert.equal(claims.most("a", 0), 0);
  claims.told("a", 1, [2, 5]);
  claims.told("a", 2, [4, 1]);
  claims.told("a", 3, [3, 3]);
  assert.deepEqual([0, 1].map((cls) => claims.most("a", cls)), [4, 5]);
  assert.equal(claims.heard("a", 2), true);
  assert.deepEqual([0, 1].map((cls) => claims.most("a", cls)), [4, 3]);
  assert.equal(claims.heard("a", 3), true);
  assert.deepEqual([0, 1].map((cls) => claims.most("a", cls)), [3, 3]);
});

Deno.test("what was heard already, or by nobody known, changes nothing", () => {
  const claims = new PendingAssignments();
  claims.told("a", 5, [2]);
  assert.deepEqual([claims.heard("a", 5), claims.heard("a", 1), claims.heard("b", 9)], [
    false,
    false,
    false,
  ]);
  // A number that was never told comes from a peer that errs.
  assert.equal(claims.heard("a", 77), false);
  assert.equal(claims.most("a", 0), 2);
});

Deno.test("who is gone runs nothing", () => {
  const claims = new PendingAssignments();
  claims.told("a", 1, [2]);
  claims.told("b", 2, [3]);
  claims.keep(new Set(["b"]));
  assert.deepEqual([claims.most("a", 0), claims.most("b", 0)], [0, 3]);
});

Deno.test("all is confirmed once each worker has heard the last that it was told", () => {
  const claims = new PendingAssignments();
  assert.equal(claims.confirmed, true);
  claims.told("a", 1, [2]);
  claims.told("b", 2, [3]);
  claims.heard("a", 1);
  assert.equal(claims.confirmed, false);
  claims.heard("b", 2);
  assert.equal(claims.confirmed, true);
  claims.told("a", 3, [1]);
  claims.heard("a", 1);
  assert.equal(claims.confirmed, false);
  claims.keep(new Set(["b"]));
  assert.equal(claims.confirmed, true);
});
