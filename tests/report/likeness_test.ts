import assert from "node:assert/strict";
import { comparabilityProblems } from "../../src/report/compare.ts";
import { seeded } from "../support/cutting_target.ts";
import { simulatedRun } from "../support/simulated_summary.ts";

const NAMES = [{ name: "/", rate: 20, median: 10, spread: 0.1 }];
const RUN = simulatedRun({ seconds: 10, names: NAMES }, seeded(1));

Deno.test("of runs that are alike nothing is said", () => {
  assert.deepEqual(comparabilityProblems(RUN, { ...RUN, durationSeconds: 10.4 }), []);
});

Deno.test("each way in which runs are not alike is named", () => {
  const other = { ...RUN, mode: "distributed" as const, users: { peak: 1 }, complete: false };
  assert.deepEqual(comparabilityProblems(RUN, { ...other, durationSeconds: 70.2 }), [
    "A was local, and B was distributed.",
    "A had up to 20 users, and B up to 1 user.",
    "A took 10.0s, and B 1m10s.",
    "The counts of B are incomplete.",
  ]);
});

Deno.test("runs that are too short to tell anything are named as such", () => {
  const short = { ...RUN, durationSeconds: 3.1 };
  assert.deepEqual(comparabilityProblems(short, short), [
    "3.1s is too short to tell a difference from chance: at least 4 seconds are needed, and 30 are better.",
  ]);
});
