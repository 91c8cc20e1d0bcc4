import assert from "node:assert/strict";
import { countedRuns, median, tableOf, toRow } from "../../bench/support/comparison.ts";
import { ratioOf } from "../../bench/support/checkouts.ts";
import { measurement } from "./measurements.ts";

const PLAN = { users: 64, planned: 5 };

Deno.test("the median of an even number of values is between the middle ones", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 6]), 5.5);
});

Deno.test("disturbed runs do not count", () => {
  const quiet = [100, 101, 102].map((rate) => measurement({ rate }));
  const disturbed = [50, 60].map((rate) => measurement({ rate, disturbed: 0.3 }));
  const row = toRow("wrk", [...disturbed, ...quiet], PLAN);
  assert.equal(row.rate, 101);
  assert.equal(row.disturbed, 2);
  assert.match(tableOf([row]), /2 of 5/);
});

Deno.test("if most runs were disturbed, all count", () => {
  const quiet = [100, 101].map((rate) => measurement({ rate }));
  const disturbed = [50, 60, 70].map((rate) => measurement({ rate, disturbed: 0.3 }));
  assert.equal(countedRuns([...quiet, ...disturbed], 3).length, 5);
  assert.equal(toRow("wrk", [...quiet, ...disturbed], PLAN).rate, 70);
});

Deno.test("the mean is compared with the client's own rate, the median with that of nginx", () => {
  const row = toRow("FastHttpUser", [
    measurement({ rate: 64_000, own: { rate: 32_000, meanMs: 2, p50Ms: 1.05 } }),
  ], PLAN);
  assert.equal(row.meanDeviation, 0);
  assert.ok(Math.abs(row.p50Deviation! - 0.05) < 1e-9);
});

Deno.test("figures that a contender does not report are left out", () => {
  const own = { meanMs: null, p50Ms: null, p99Ms: null, fairness: null };
  const row = toRow("locust", [measurement({ own })], PLAN);
  assert.equal(row.meanDeviation, null);
  assert.equal(row.fairness, null);
  assert.doesNotMatch(tableOf([row]), /p50|fair|instr|disturbed/);
});

Deno.test("of failures and peaks, the worst run counts, disturbed or not", () => {
  const row = toRow("FastHttpUser", [
    measurement({ own: { failures: { CONNECT_TIMEOUT: 3 } }, disturbed: 0.5 }),
    measurement({ own: { failures: { CONNECT_TIMEOUT: 1, ECONNRESET: 2 } }, peak: 2e8 }),
    ...[1, 2, 3].map(() => measurement({})),
  ], PLAN);
  assert.deepEqual(row.failures, { CONNECT_TIMEOUT: 3, ECONNRESET: 2 });
  assert.equal(row.peakBytes, 2e8);
  assert.match(tableOf([row]), /3 CONNECT_TIMEOUT, 2 ECONNRESET/);
});

Deno.test("two checkouts are compared pair by pair", () => {
  const pair = (base: number, now: number) => ({
    base: measurement({ rate: base }),
    now: measurement({ rate: now }),
  });
  // Pairs on a machine that becomes slower: each pair is 10 % faster, although the medians are not.
  const pairs = [pair(100, 110), pair(50, 55), pair(40, 46)];
  assert.deepEqual(ratioOf(pairs, ({ rate }) => rate), { median: 1.1, min: 1.1, max: 1.15 });
});
