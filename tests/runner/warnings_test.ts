import assert from "node:assert/strict";
import { arrivalProblems, unfinishedProblems, Warnings } from "../../src/runner/warnings.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import {
  codeRow,
  iterations,
  latencies,
  requestRow,
  statistics,
  unfinishedAt,
} from "../support/snapshots.ts";

const BUSY = { peak: 50, max: 50 };
const ANSWERING = statistics();
const ROOM = { peak: 14, max: 50 };
const ALL_BUSY = "because all 50 users were busy: allow more with --max-users, or lower the rate.";
const TOO_SLOW =
  "because this load generator was too slow: spread the load over more processes or " +
  "machines, or lower the rate.";

Deno.test("iterations that start in time cause no warning", () => {
  assert.deepEqual(arrivalProblems(iterations(), BUSY, ANSWERING), []);
  const few = iterations({ dropped: 60, startDelayMs: { ...latencies(1), p99: 50 } });
  assert.deepEqual(arrivalProblems(few, BUSY, ANSWERING), []);
});

Deno.test("more than 1 % dropped causes a warning, and so does a late 99th percentile", () => {
  const bad = iterations({ dropped: 61, startDelayMs: { ...latencies(1), p99: 50.1 } });
  assert.deepEqual(arrivalProblems(bad, BUSY, ANSWERING), [
    `More than 1 % of the iterations were dropped, ${ALL_BUSY}`,
    `More than 1 % of the iterations started over 50 ms late, ${ALL_BUSY}`,
  ]);
});

Deno.test("if users were available, the load generator was too slow", () => {
  const late = iterations({ startDelayMs: { ...latencies(1), p99: 900 } });
  assert.deepEqual(arrivalProblems(late, ROOM, ANSWERING), [
    `More than 1 % of the iterations started over 50 ms late, ${TOO_SLOW}`,
  ]);
  assert.deepEqual(arrivalProblems(iterations({ dropped: 3000 }), ROOM, ANSWERING), [
    `More than 1 % of the iterations were dropped, ${TOO_SLOW}`,
  ]);
});

Deno.test("a run without iterations has no delay", () => {
  const none = iterations({ started: 0, startDelayMs: { ...latencies(1), p99: null } });
  assert.deepEqual(arrivalProblems(none, BUSY, ANSWERING), []);
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

/** Counts with these requests that were answered, that failed without an answer, and that were cut off. */
function countsOf(answered: number, failed: number, cutOff: readonly number[]): Statistics {
  return statistics({
    requests: [
      requestRow({ requests: answered, failures: 0, codes: [codeRow({ requests: answered })] }),
      requestRow({ requests: failed, failures: failed, codes: [codeRow({ code: 0 })] }),
      requestRow({
        requests: 0,
        codes: [],
        histogram: new Histogram(),
        ...unfinishedAt(...cutOff),
      }),
    ].filter(({ requests, unfinished }) => requests > 0 || unfinished.count > 0),
  });
}

Deno.test("more users are advised only where answers come", () => {
  const bad = iterations({ dropped: 500 });
  const advice = (of: Statistics): boolean =>
    /--max-users/.test(arrivalProblems(bad, { peak: 50, max: 50 }, of).join());
  const hung = Array<number>(25).fill(5_000);
  assert.equal(advice(countsOf(1000, 0, [])), true);
  assert.equal(advice(countsOf(1000, 0, hung.slice(1))), true);
  assert.equal(advice(countsOf(1000, 0, hung)), false);
  assert.equal(advice(countsOf(1000, 1001, [])), false);
  assert.deepEqual(arrivalProblems(bad, { peak: 50, max: 50 }, countsOf(1000, 0, hung)), [
    "More than 1 % of the iterations were dropped, because all 50 users were busy: they waited for a " +
    "target that did not answer.",
  ]);
});

Deno.test("many unfinished requests cause a warning, and so does one that had waited far longer", () => {
  const problems = (answered: number, ...cutOff: number[]): string[] =>
    unfinishedProblems(countsOf(answered, 0, cutOff).totals);
  assert.deepEqual(problems(1000), []);
  // The longest answer takes 0.48 s.
  assert.deepEqual(problems(98, 100, 200), []);
  assert.deepEqual(problems(1000, 4_790), []);
  assert.deepEqual(problems(1000, 4_810), [
    "Unfinished: 1 of 1001 requests had no answer when their users were stopped, the oldest for 4.81 s. " +
    "The longest request that ended took 0.48 s.",
  ]);
  assert.equal(problems(97, 100, 200).length, 1);
  assert.deepEqual(problems(0, 2_000, 11_000), [
    "Unfinished: 2 of 2 requests had no answer when their users were stopped, the oldest for 11.00 s. " +
    "No request was answered.",
  ]);
});
