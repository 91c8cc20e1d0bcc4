import assert from "node:assert/strict";
import { toRow } from "../../bench/support/comparison.ts";
import { goalTable, judge, type Verdict } from "../../bench/support/goals.ts";
import { canRun } from "../../bench/support/contender.ts";
import { SCENARIOS } from "../../bench/support/scenario.ts";
import { measurement, RIVAL_RATE } from "./measurements.ts";

const SCENARIO = SCENARIOS.find(({ name }) => name === "get-64")!;
const PLAN = { users: 64, planned: 1 };
const WRK = toRow("wrk", [measurement({ rate: RIVAL_RATE })], PLAN);

function judged(run: Parameters<typeof measurement>[0]): Verdict[] {
  return judge(SCENARIO, [WRK, toRow("FastHttpUser", [measurement(run)], PLAN)]);
}

function missed(run: Parameters<typeof measurement>[0]): string[] {
  return judged(run).filter(({ met }) => !met).map(({ what }) => what);
}

Deno.test("each goal of a scenario is judged", () => {
  assert.deepEqual(judged({}).map(({ what, measured, goal, met }) => [what, measured, goal, met]), [
    ["share of wrk's rate", "0.800", "≥ 0.72", true],
    ["fairness, p10 / p90 of users", "0.97", "≥ 0.90", true],
    ["resident memory", "100 MB", "≤ 110 MB", true],
    ["mean latency against users ÷ rate", "+0.0 %", "within 5 %", true],
    ["p50 against users ÷ rate", "−1.2 %", "within 10 %", true],
    ["failed requests", "0", "≤ 0", true],
  ]);
});

Deno.test("each goal can be missed on its own", () => {
  assert.deepEqual(missed({ rate: 71_000, own: { p50Ms: 0.9 } }), ["share of wrk's rate"]);
  assert.deepEqual(missed({ own: { fairness: 0.89 } }), ["fairness, p10 / p90 of users"]);
  assert.deepEqual(missed({ peak: 1.11e8 }), ["resident memory"]);
  assert.deepEqual(missed({ own: { meanMs: 0.7 } }), ["mean latency against users ÷ rate"]);
  assert.deepEqual(missed({ own: { p50Ms: 0.5 } }), ["p50 against users ÷ rate"]);
  assert.deepEqual(missed({ own: { failures: { ECONNRESET: 1 } } }), ["failed requests"]);
});

Deno.test("a starving run is fast, and misses the rest", () => {
  const starving = { fairness: 0.01, meanMs: 20, p50Ms: 0.1, failures: { CONNECT_TIMEOUT: 900 } };
  assert.deepEqual(missed({ rate: 99_000, own: starving }), [
    "fairness, p10 / p90 of users",
    "mean latency against users ÷ rate",
    "p50 against users ÷ rate",
    "failed requests",
  ]);
});

Deno.test("costs are compared by processor time", () => {
  const scenario = SCENARIOS.find(({ name }) => name === "post-64")!;
  const rows = [
    toRow("sockets-loop", [measurement({ cpuMicroseconds: 20 })], PLAN),
    toRow("FastHttpUser", [measurement({ cpuMicroseconds: 31 })], PLAN),
  ];
  const [cost] = judge(scenario, rows);
  assert.equal(cost?.measured, "1.55");
  assert.equal(cost?.met, false);
});

Deno.test("goals whose contenders did not run are left out", () => {
  const alone = judge(SCENARIO, [toRow("FastHttpUser", [measurement({})], PLAN)]);
  assert.ok(alone.every(({ what }) => what !== "share of wrk's rate"));
  assert.equal(alone.length, 5);
  assert.deepEqual(judge(SCENARIO, [WRK]), []);
});

Deno.test("the table names scenario, contender, figure and goal", () => {
  const lines = goalTable(judged({ peak: 2e8 })).split("\n");
  assert.match(lines[3]!, /^get-64 +FastHttpUser +resident memory +200 MB +≤ 110 MB +MISSED$/);
});

Deno.test("contenders and rivals of all goals run in their scenario", () => {
  for (const scenario of SCENARIOS) {
    for (const { contender, rate, cost } of scenario.goals) {
      for (const name of [contender, rate?.of ?? contender, cost?.of ?? contender]) {
        assert.ok(scenario.contenders.includes(name), `${name} in ${scenario.name}`);
      }
    }
    for (const name of scenario.contenders) assert.ok(canRun(name, scenario), name);
  }
});
