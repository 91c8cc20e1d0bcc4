import assert from "node:assert/strict";
import { arrivalProblems, Warnings } from "../../src/runner/warnings.ts";
import { iterations, latencies } from "../support/snapshots.ts";

const BUSY = { peak: 50, max: 50 };
const ROOM = { peak: 14, max: 50 };
const ALL_BUSY = "because all 50 users were busy: allow more with --max-users, or lower the rate.";
const TOO_SLOW =
  "because this load generator was too slow: spread the load over more processes or " +
  "machines, or lower the rate.";

Deno.test("iterations that start in time cause no warning", () => {
  assert.deepEqual(arrivalProblems(iterations(), BUSY), []);
  const few = iterations({ dropped: 60, startDelayMs: { ...latencies(1), p99: 50 } });
  assert.deepEqual(arrivalProblems(few, BUSY), []);
});

Deno.test("more than 1 % dropped causes a warning, and so does a late 99th percentile", () => {
  const bad = iterations({ dropped: 61, startDelayMs: { ...latencies(1), p99: 50.1 } });
  assert.deepEqual(arrivalProblems(bad, BUSY), [
    `More than 1 % of the iterations were dropped, ${ALL_BUSY}`,
    `More than 1 % of the iterations started over 50 ms late, ${ALL_BUSY}`,
  ]);
});

Deno.test("if users were available, the load generator was too slow", () => {
  const late = iterations({ startDelayMs: { ...latencies(1), p99: 900 } });
  assert.deepEqual(arrivalProblems(late, ROOM), [
    `More than 1 % of the iterations started over 50 ms late, ${TOO_SLOW}`,
  ]);
  assert.deepEqual(arrivalProblems(iterations({ dropped: 3000 }), ROOM), [
    `More than 1 % of the iterations were dropped, ${TOO_SLOW}`,
  ]);
});

Deno.test("a run without iterations has no delay", () => {
  const none = iterations({ started: 0, startDelayMs: { ...latencies(1), p99: null } });
  assert.deepEqual(arrivalProblems(none, BUSY), []);
});

Deno.test("each warning is passed on and kept once, in order", () => {
  const seen: string[] = [];
  const warnings = new Warnings((text) => seen.push(text));
  warnings.add("b");
  warnings.addAll(["a", "b", "c"]);
  warnings.add("a");
  assert.deepEqual(seen, ["b", "a", "c"]);
  assert.deepEqual(warnings.texts, seen);
});
