import assert from "node:assert/strict";
import { arrivalProblems } from "../../src/runner/run_watch.ts";
import { iterations } from "../support/open_snapshots.ts";
import { latencies } from "../support/snapshots.ts";

const BUSY = { peak: 50, max: 50 };
const ROOM = { peak: 14, max: 50 };
const ALL_BUSY = "as all 50 users were busy: allow more with --max-users, or lower the rate.";
const TOO_SLOW = "as this generator was itself too slow: spread the load over more processes or " +
  "machines, or lower the rate.";

Deno.test("passes that begin in time are no problem", () => {
  assert.deepEqual(arrivalProblems(iterations(), BUSY), []);
  const few = iterations({ dropped: 60, startDelayMs: { ...latencies(1), p99: 50 } });
  assert.deepEqual(arrivalProblems(few, BUSY), []);
});

Deno.test("more than one in a hundred that was dropped is one, and so is one that began late", () => {
  const bad = iterations({ dropped: 61, startDelayMs: { ...latencies(1), p99: 50.1 } });
  assert.deepEqual(arrivalProblems(bad, BUSY), [
    `More than 1 % of the passes were dropped, ${ALL_BUSY}`,
    `More than 1 % of the passes began over 50 ms late, ${ALL_BUSY}`,
  ]);
});

Deno.test("where users were to be had, it was the generator", () => {
  const late = iterations({ startDelayMs: { ...latencies(1), p99: 900 } });
  assert.deepEqual(arrivalProblems(late, ROOM), [
    `More than 1 % of the passes began over 50 ms late, ${TOO_SLOW}`,
  ]);
  assert.deepEqual(arrivalProblems(iterations({ dropped: 3000 }), ROOM), [
    `More than 1 % of the passes were dropped, ${TOO_SLOW}`,
  ]);
});

Deno.test("a run in which no pass began has no delay", () => {
  const none = iterations({ started: 0, startDelayMs: { ...latencies(1), p99: null } });
  assert.deepEqual(arrivalProblems(none, BUSY), []);
});
