import assert from "node:assert/strict";
import { type AskedLoad, ignoredFlags } from "../../src/cli/run_setup.ts";

function warnings(asked: Partial<AskedLoad>): string[] {
  return ignoredFlags({
    given: new Set(),
    arrivalRate: null,
    abortOnThreshold: false,
    shape: null,
    thresholds: [],
    ...asked,
  });
}

Deno.test("a shape decides the load", () => {
  assert.deepEqual(warnings({ shape: "TestShape", given: new Set(["users", "maxUsers"]) }), [
    "--users, --max-users are ignored: the shape TestShape decides the load.",
  ]);
  assert.deepEqual(warnings({ shape: "TestShape", given: new Set(["onBusy", "arrivals"]) }), []);
});

Deno.test("users are not asked for where passes are", () => {
  assert.deepEqual(warnings({ arrivalRate: 5, given: new Set(["users", "arrivalRate"]) }), [
    "--users is ignored: users come as --arrival-rate needs them.",
  ]);
  assert.deepEqual(warnings({ arrivalRate: 5, given: new Set(["maxUsers", "onBusy"]) }), []);
});

Deno.test("how passes come matters only where an arrival rate says that they do", () => {
  assert.deepEqual(warnings({ given: new Set(["maxUsers", "arrivals", "onBusy", "users"]) }), [
    "--max-users, --arrivals, --on-busy are ignored: there is no --arrival-rate.",
  ]);
});

Deno.test("a run without thresholds cannot be ended by one", () => {
  const warning = "--abort-on-threshold is ignored: there is no threshold.";
  assert.deepEqual(warnings({ abortOnThreshold: true }), [warning]);
  assert.deepEqual(warnings({ abortOnThreshold: true, thresholds: ["p95<1s"] }), []);
});
