import assert from "node:assert/strict";
import { reportedLoad } from "../../src/runner/load_driver.ts";

Deno.test("a load of users has no arrival rate", () => {
  assert.deepEqual(reportedLoad({ users: 30, rate: 2 }), { users: 30, arrivalRate: null });
});

Deno.test("an open load's users are those that it may have", () => {
  assert.deepEqual(reportedLoad({ arrivalRate: 0.5, maxUsers: 20 }), {
    users: 20,
    arrivalRate: 0.5,
  });
});
