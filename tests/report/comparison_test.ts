import assert from "node:assert/strict";
import {
  compareRuns,
  type Comparison,
  comparisonExitCode,
  FIGURES,
} from "../../src/report/compare.ts";
import type { ComparedRun } from "../../src/report/summary.ts";
import { seeded } from "../support/cutting_target.ts";
import { type SimulatedRun, simulatedRun } from "../support/simulated_summary.ts";

const ONE = [{ name: "/", rate: 150, median: 20, spread: 0.1 }];
const THREE = [
  { name: "/fast", rate: 80, median: 5, spread: 0.2 },
  { name: "/slow", rate: 40, median: 90, spread: 0.1 },
  { name: "/wide", rate: 30, median: 30, spread: 0.5 },
];

/** Equal runs, and how often one of them may be taken for worse, of a hundred pairs. */
const EQUAL: readonly (readonly [label: string, run: SimulatedRun, allowed: number])[] = [
  ["a quiet target", { seconds: 10, names: ONE }, 1],
  ["seconds that differ by 3 %", { seconds: 20, names: ONE, noise: 0.03, memory: 0.5 }, 2],
  ["seconds that differ by 10 %", { seconds: 20, names: ONE, noise: 0.1, memory: 0.5 }, 5],
  ["noise that goes on for long", { seconds: 60, names: ONE, noise: 0.1, memory: 0.8 }, 5],
  ["stalls now and then", { seconds: 30, names: ONE, noise: 0.03, memory: 0.5, stalls: 0.05 }, 5],
  ["many stalls", { seconds: 15, names: ONE, noise: 0.03, memory: 0.5, stalls: 0.3 }, 5],
  ["three names", { seconds: 20, names: THREE, noise: 0.05, memory: 0.5, failing: 0.02 }, 5],
  ["a load that rises", { seconds: 20, names: ONE, noise: 0.03, memory: 0.5, ramp: 10 }, 5],
];

const PAIRS = 100;

for (const [at, [label, run, allowed]] of EQUAL.entries()) {
  Deno.test(`${label}: of ${PAIRS} pairs of equal runs at most ${allowed} are said to differ`, () => {
    const random = seeded(100 + at);
    let alarms = 0;
    for (let pair = 0; pair < PAIRS; pair++) {
      const [a, b] = [simulatedRun(run, random), simulatedRun(run, random)];
      if (compareRuns(a, b, 0.05).regressions > 0) alarms++;
    }
    assert.ok(alarms <= allowed, `${alarms} false alarms`);
  });
}

/** Runs quiet enough for it to be known. */
const SLOWER: readonly (readonly [label: string, run: SimulatedRun])[] = [
  ["a quiet target", { seconds: 6, names: ONE }],
  ["seconds that differ by 1 %", { seconds: 10, names: ONE, noise: 0.01, memory: 0.5 }],
  ["seconds that differ by 3 %", { seconds: 120, names: ONE, noise: 0.03, memory: 0.3 }],
  ["stalls now and then", { seconds: 30, names: ONE, noise: 0.005, stalls: 0.05 }],
  ["a load that rises", { seconds: 20, names: ONE, noise: 0.005, ramp: 4 }],
];

for (const [at, [label, run]] of SLOWER.entries()) {
  Deno.test(`${label}: a target that is 10 % slower is found every time`, () => {
    const random = seeded(200 + at);
    for (let pair = 0; pair < 50; pair++) {
      const [a, b] = [simulatedRun(run, random), simulatedRun({ ...run, slower: 1.1 }, random)];
      const comparison = compareRuns(a, b, 0.05);
      assert.equal(comparison.totals.p50.finding, "regression", `pair ${pair}`);
      assert.equal(comparisonExitCode(comparison), 3);
      assert.equal(compareRuns(b, a, 0.05).regressions, 0);
    }
  });
}

Deno.test("the bounds hold what is true for nearly all figures", () => {
  const random = seeded(300);
  let outside = 0;
  let all = 0;
  for (let pair = 0; pair < 100; pair++) {
    const run = { seconds: 30, names: ONE, noise: 0.03, memory: 0.3 };
    const [a, b] = [simulatedRun(run, random), simulatedRun({ ...run, slower: 1.1 }, random)];
    const { totals } = compareRuns(a, b, 0.05);
    for (const figure of ["mean", "p50", "p95", "p99"] as const) {
      const { low, high } = totals[figure];
      all++;
      if (low! > 0.1 || high! < 0.1) outside++;
    }
  }
  assert.ok(outside <= 0.03 * all, `${outside} of ${all}`);
});

function compared(a: Partial<SimulatedRun>, b: Partial<SimulatedRun>): Comparison {
  const run = { seconds: 20, names: ONE };
  const random = seeded(400);
  return compareRuns(
    simulatedRun({ ...run, ...a }, random),
    simulatedRun({ ...run, ...b }, random),
    0.05,
  );
}

Deno.test("more is allowed where that is asked for", () => {
  const random = seeded(500);
  const run = { seconds: 20, names: ONE };
  const [a, b] = [simulatedRun(run, random), simulatedRun({ ...run, slower: 1.1 }, random)];
  assert.ok(compareRuns(a, b, 0.05).regressions > 0);
  const { regressions, totals } = compareRuns(a, b, 0.2);
  assert.equal(regressions, 0);
  assert.equal(totals.p50.finding, "worse");
});

Deno.test("a lower rate is a regression, and so are errors where there were none", () => {
  const { totals } = compared({}, { slower: 1.2, failing: 0.05 });
  assert.equal(totals.rate.finding, "regression");
  assert.ok(totals.rate.high! < -0.05);
  assert.equal(totals.errorRate.finding, "regression");
  assert.ok(totals.errorRate.low! > 0);
  assert.equal(compared({ failing: 0.05 }, { failing: 0.05 }).totals.errorRate.finding, "unclear");
  assert.equal(compared({ failing: 0.05 }, {}).totals.errorRate.finding, "better");
});

Deno.test("one slower name of several is found, and the others are not accused", () => {
  const slowed = THREE.map((one) => one.name === "/slow" ? { ...one, median: 110 } : one);
  const { requests } = compared({ names: THREE }, { names: slowed });
  const found = requests.filter(({ p50 }) => p50.finding === "regression");
  assert.deepEqual(found.map(({ name }) => name), ["/slow"]);
});

Deno.test("names that only one run has are named, and not compared", () => {
  const { requests, onlyInA, onlyInB } = compared({ names: THREE }, { names: THREE.slice(1) });
  assert.deepEqual(requests.map(({ name }) => name), ["/slow", "/wide"]);
  assert.deepEqual(onlyInA, [{ method: "GET", name: "/fast" }]);
  assert.deepEqual(onlyInB, []);
  const nothing = compared({ names: THREE }, { names: ONE });
  assert.deepEqual([nothing.requests, nothing.onlyInB.length], [[], 1]);
});

Deno.test("an only name is the totals, and counts once", () => {
  const { figures, requests, totals } = compared({}, {});
  assert.equal(figures, FIGURES.length);
  const { method, name, ...row } = requests[0]!;
  assert.deepEqual([method, name], ["GET", "/"]);
  assert.deepEqual(row, totals);
  assert.equal(compared({ names: THREE }, { names: THREE }).figures, 4 * FIGURES.length);
});

Deno.test("runs that are too short, or sent too little, tell nothing", () => {
  const few = [{ name: "/", rate: 0.5, median: 20, spread: 0.1 }];
  for (
    const comparison of [compared({ seconds: 3 }, { slower: 3 }), compared({ names: few }, {})]
  ) {
    assert.equal(comparison.regressions, 0);
    assert.equal(
      comparison.unclear,
      comparison.figures - (comparison.totals.errorRate.finding === "same" ? 1 : 0),
    );
    assert.equal(comparison.totals.p50.low, null);
  }
});

Deno.test("a run without requests can be compared", () => {
  const idle: ComparedRun = {
    ...simulatedRun({ seconds: 5, names: [] }, seeded(1)),
    timeline: [{ second: 0, requests: 0, failures: 0, p50: null, p95: null, p99: null }],
  };
  const other = simulatedRun({ seconds: 5, names: ONE }, seeded(1));
  for (const [a, b] of [[idle, idle], [idle, other], [other, idle]] as const) {
    const { regressions, requests } = compareRuns(a, b, 0.05);
    assert.deepEqual([regressions, requests], [0, []]);
  }
});

Deno.test("runs of different lengths are compared as far as both go", () => {
  const { totals, warnings } = compared({ seconds: 30 }, { slower: 1.1 });
  assert.equal(totals.p50.finding, "regression");
  assert.deepEqual(warnings, ["A took 30.0s, and B 20.0s."]);
});

Deno.test("of a run whose start did not count, the seconds begin later", () => {
  const random = seeded(700);
  const run = { seconds: 20, names: ONE, noise: 0.05 };
  const [a, b] = [simulatedRun(run, random), simulatedRun(run, random)];
  const later = { ...b, timeline: b.timeline.map((one) => ({ ...one, second: one.second + 30 })) };
  assert.deepEqual(compareRuns(a, later, 0.05), compareRuns(a, b, 0.05));
});

Deno.test("a run is the same as itself", () => {
  const run = simulatedRun({ seconds: 20, names: THREE, noise: 0.1, stalls: 0.1 }, seeded(600));
  const { regressions, totals, requests } = compareRuns(run, run, 0.05);
  assert.equal(regressions, 0);
  for (const row of [totals, ...requests]) {
    for (const figure of FIGURES) {
      const { change, low, high } = row[figure];
      assert.equal(change, 0);
      assert.ok(low! <= 0 && high! >= 0, `${figure}: ${low} to ${high}`);
    }
  }
});
