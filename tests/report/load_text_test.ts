import assert from "node:assert/strict";
import { formatAskedRate, loadText } from "../../src/report/verdict.ts";

Deno.test("a load is told of in users, or in the open model in passes", () => {
  assert.equal(loadText({ users: 1, arrivalRate: null }), "1 user");
  assert.equal(loadText({ users: 1200, arrivalRate: null }), "1,200 users");
  assert.equal(loadText({ users: 1200, arrivalRate: 20_000 }), "20,000 iterations/s");
});

Deno.test("a rate that was asked for has decimals only where it was asked for so", () => {
  assert.deepEqual([0, 200, 0.25, 12.5].map(formatAskedRate), ["0", "200", "0.25", "12.5"]);
});
