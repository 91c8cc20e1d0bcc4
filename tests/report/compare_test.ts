import assert from "node:assert/strict";
import {
  comparabilityProblems,
  type ComparedFigures,
  compareRuns,
  type Comparison,
  comparisonExitCode,
  type Difference,
  errorDifference,
  FIGURES,
  type Finding,
  ratioDifference,
} from "../../src/report/compare.ts";
import {
  comparisonJson,
  comparisonReport,
  type NamedRun,
} from "../../src/report/compare_report.ts";
import type { ComparedRun } from "../../src/report/summary_reader.ts";
import type { LatencyFigure } from "../../src/stats/snapshot.ts";
import { seeded } from "../support/cutting_target.ts";
import { type SimulatedRun, simulatedRun } from "../support/simulated_summary.ts";
import { joined } from "../support/texts.ts";

const ONE = [{ name: "/", rate: 150, median: 20, spread: 0.1 }];
const THREE = [
  { name: "/fast", rate: 80, median: 5, spread: 0.2 },
  { name: "/slow", rate: 40, median: 90, spread: 0.1 },
  { name: "/wide", rate: 30, median: 30, spread: 0.5 },
];

/** Equal runs, and the maximum number of false alarms for a hundred pairs. */
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
  Deno.test(`${label}: of ${PAIRS} pairs of equal runs, at most ${allowed} are found to differ`, () => {
    const random = seeded(100 + at);
    let alarms = 0;
    for (let pair = 0; pair < PAIRS; pair++) {
      const [a, b] = [simulatedRun(run, random), simulatedRun(run, random)];
      if (compareRuns(a, b, 0.05).regressions > 0) alarms++;
    }
    assert.ok(alarms <= allowed, `${alarms} false alarms`);
  });
}

/** Runs with little enough noise to find the difference. */
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

Deno.test("the intervals contain the true value for nearly all figures", () => {
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

Deno.test("a higher tolerance allows a larger difference", () => {
  const random = seeded(500);
  const run = { seconds: 20, names: ONE };
  const [a, b] = [simulatedRun(run, random), simulatedRun({ ...run, slower: 1.1 }, random)];
  assert.ok(compareRuns(a, b, 0.05).regressions > 0);
  const { regressions, totals } = compareRuns(a, b, 0.2);
  assert.equal(regressions, 0);
  assert.equal(totals.p50.finding, "worse");
});

Deno.test("a lower rate is a regression, and so are new errors", () => {
  const { totals } = compared({}, { slower: 1.2, failing: 0.05 });
  assert.equal(totals.rate.finding, "regression");
  assert.ok(totals.rate.high! < -0.05);
  assert.equal(totals.errorRate.finding, "regression");
  assert.ok(totals.errorRate.low! > 0);
  assert.equal(compared({ failing: 0.05 }, { failing: 0.05 }).totals.errorRate.finding, "unclear");
  assert.equal(compared({ failing: 0.05 }, {}).totals.errorRate.finding, "better");
});

Deno.test("a run that was paused is compared as if it had not been", () => {
  const run = simulatedRun({ seconds: 30, names: ONE, noise: 0.1 }, seeded(900));
  const other = simulatedRun({ seconds: 30, names: ONE, noise: 0.1 }, seeded(901));
  // Seconds 10.5 to 15.5 of the paused one were a pause: what it touches is left out.
  const whole = run.timeline.filter(({ second }) => second !== 10);
  const paused = {
    ...run,
    pauses: [{ from: 10.5, to: 15.5 }],
    timeline: [
      ...whole.filter(({ second }) => second < 10),
      ...[10, 11, 12, 13, 14, 15].map((second) => ({
        ...{ second, requests: 0, failures: 0, p50: null, p95: null, p99: null },
      })),
      ...whole.filter(({ second }) => second > 10)
        .map((row) => ({ ...row, second: row.second + 5 })),
    ],
  };
  const closed = {
    ...run,
    timeline: whole.map((row) => ({ ...row, second: row.second - (row.second > 10 ? 1 : 0) })),
  };
  assert.deepEqual(compareRuns(other, paused, 0.1), compareRuns(other, closed, 0.1));
});

/** A simulated run whose totals and only name have unfinished requests. */
function withUnfinished(count: number, lowerBounds: readonly LatencyFigure[] = []): ComparedRun {
  const run = simulatedRun({ seconds: 20, names: ONE }, seeded(800));
  const bounded = { unfinished: { count }, lowerBounds };
  return {
    ...run,
    totals: { ...run.totals, ...bounded },
    requests: run.requests.map((row) => ({ ...row, ...bounded })),
  };
}

Deno.test("the share of unfinished requests is judged if a run has unfinished requests", () => {
  const [none, some, many] = [0, 5, 150].map((count) => withUnfinished(count)) as [
    ComparedRun,
    ComparedRun,
    ComparedRun,
  ];
  const finding = (a: ComparedRun, b: ComparedRun): Finding =>
    compareRuns(a, b, 0.05).totals.unfinishedRate.finding;
  assert.equal(finding(none, many), "regression");
  assert.equal(finding(some, many), "regression");
  assert.equal(finding(many, none), "better");
  assert.equal(finding(none, some), "unclear");
  const comparison = compareRuns(none, many, 0.05);
  assert.equal(comparison.figures, FIGURES.length);
  assert.deepEqual(comparison.requests[0]!.unfinished, { a: 0, b: 150 });
  assert.deepEqual(comparison.warnings, [
    "B has 150 unfinished requests: latencies with ≥ are lower bounds.",
  ]);
});

Deno.test("a latency that is a lower bound may be any higher", () => {
  const bounds: readonly LatencyFigure[] = ["mean", "p99"];
  const [exact, bounded] = [withUnfinished(0), withUnfinished(50, bounds)];
  const after = compareRuns(exact, bounded, 0.05).totals;
  assert.deepEqual([after.p50.finding, after.p50.high === null], ["same", false]);
  assert.deepEqual([after.p99.finding, after.p99.high], ["unclear", null]);
  // A slower target is certain, however long its unfinished requests would have taken.
  const slower = { ...simulatedRun({ seconds: 20, names: ONE, slower: 1.5 }, seeded(801)) };
  const worse = { ...slower, totals: { ...slower.totals, lowerBounds: bounds }, requests: [] };
  assert.equal(compareRuns(exact, worse, 0.05).totals.p99.finding, "regression");
  const before = compareRuns(bounded, exact, 0.05).totals;
  assert.deepEqual([before.p99.finding, before.p99.low], ["unclear", -1]);
  assert.equal(compareRuns(worse, exact, 0.05).totals.p99.finding, "better");
  assert.deepEqual(after.lowerBounds, { a: [], b: bounds });
});

Deno.test("a name that was never answered can be compared", () => {
  const run = withUnfinished(0);
  const never = {
    ...run.requests[0]!,
    ...{ requests: 0, errorRate: 0, rate: 0, unfinished: { count: 50 }, histogram: "" },
    latencyMs: { mean: 9000, p50: 9000, p95: 9000, p99: 9000 },
    lowerBounds: ["mean", "p50", "p95", "p99"] as const,
  };
  const other = { ...run.requests[0]!, name: "/other" };
  const before = { ...run, requests: [...run.requests, other] };
  const after = { ...run, requests: [never, other] };
  const { requests: [row] } = compareRuns(before, {
    ...after,
    totals: { ...run.totals, unfinished: { count: 50 } },
  }, 0.05);
  assert.equal(row!.unfinishedRate.finding, "regression");
  assert.equal(row!.p99.finding, "unclear");
});

Deno.test("the report marks lower bounds, and has a row for unfinished requests", () => {
  const figures: ComparedFigures = {
    ...COMPARED_FIGURES,
    unfinished: { a: 0, b: 59 },
    unfinishedRate: { a: 0, b: 0.01, change: 0.01, low: 0.006, high: 0.014, finding: "regression" },
    lowerBounds: { a: [], b: ["mean", "p99"] },
  };
  const rows = report({ totals: figures, requests: [{ method: "GET", name: "/", ...figures }] })
    .map((line) => line.trim());
  const row = (title: string): string | undefined => rows.find((line) => line.startsWith(title));
  assert.equal(
    row("Unfin%"),
    "Unfin%           0%   1.00%   +1.0pp  +0.60pp to +1.4pp   regression",
  );
  assert.match(row("Avg")!, /20\.0 +≥22\.0/);
  assert.match(row("99%")!, /- +≥50\.0/);
});

Deno.test("of several names, only the slower one is a regression", () => {
  const slowed = THREE.map((one) => one.name === "/slow" ? { ...one, median: 110 } : one);
  const { requests } = compared({ names: THREE }, { names: slowed });
  const found = requests.filter(({ p50 }) => p50.finding === "regression");
  assert.deepEqual(found.map(({ name }) => name), ["/slow"]);
});

Deno.test("names of only one run are listed and not compared", () => {
  const { requests, onlyInA, onlyInB } = compared({ names: THREE }, { names: THREE.slice(1) });
  assert.deepEqual(requests.map(({ name }) => name), ["/slow", "/wide"]);
  assert.deepEqual(onlyInA, [{ method: "GET", name: "/fast" }]);
  assert.deepEqual(onlyInB, []);
  const nothing = compared({ names: THREE }, { names: ONE });
  assert.deepEqual([nothing.requests, nothing.onlyInB.length], [[], 1]);
});

Deno.test("a single name equals the totals, and counts once", () => {
  const { figures, requests, totals } = compared({}, {});
  // There are no unfinished requests to compare.
  assert.equal(figures, FIGURES.length - 1);
  const { method, name, ...row } = requests[0]!;
  assert.deepEqual([method, name], ["GET", "/"]);
  assert.deepEqual(row, totals);
  assert.equal(compared({ names: THREE }, { names: THREE }).figures, 4 * (FIGURES.length - 1));
});

Deno.test("runs that are too short, or have too few requests, are unclear", () => {
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

Deno.test("runs of different lengths are compared over their common seconds", () => {
  const { totals, warnings } = compared({ seconds: 30 }, { slower: 1.1 });
  assert.equal(totals.p50.finding, "regression");
  assert.deepEqual(warnings, ["A took 30.0s, and B 20.0s."]);
});

Deno.test("the seconds of a run whose counts were reset start later", () => {
  const random = seeded(700);
  const run = { seconds: 20, names: ONE, noise: 0.05 };
  const [a, b] = [simulatedRun(run, random), simulatedRun(run, random)];
  const later = { ...b, timeline: b.timeline.map((one) => ({ ...one, second: one.second + 30 })) };
  assert.deepEqual(compareRuns(a, later, 0.05), compareRuns(a, b, 0.05));
});

Deno.test("a run compared with itself is the same", () => {
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

const CASES: readonly (readonly [low: number, high: number, lower: Finding, higher: Finding])[] = [
  [1.06, 1.2, "regression", "better"],
  [1.02, 1.2, "worse", "better"],
  [0.97, 1.04, "same", "same"],
  [0.97, 1.2, "unclear", "unclear"],
  [0.8, 1.2, "unclear", "unclear"],
  [0.8, 0.98, "better", "worse"],
  [0.8, 0.94, "better", "regression"],
];

for (const [low, high, ofLatency, ofRate] of CASES) {
  Deno.test(`a ratio from ${low} to ${high}: latency ${ofLatency}, rate ${ofRate}`, () => {
    const judgement = { interval: { low, high }, maxRegression: 0.05 };
    const b = 100 * (low + high) / 2;
    assert.equal(ratioDifference(100, b, { ...judgement, better: "lower" }).finding, ofLatency);
    assert.equal(ratioDifference(100, b, { ...judgement, better: "higher" }).finding, ofRate);
  });
}

Deno.test("a change is a share, and within its interval", () => {
  const interval = { low: 1.1001, high: Infinity };
  const judgement = { interval, maxRegression: 0.05, better: "lower" as const };
  const { a, b, change, low, high } = ratioDifference(20, 22, judgement);
  assert.deepEqual([a, b, high], [20, 22, null]);
  assert.ok(Math.abs(change! - 0.1) < 1e-12);
  assert.equal(low, change);
});

Deno.test("without values to compare, a difference is unclear", () => {
  const judgement = { interval: null, maxRegression: 0.05, better: "lower" as const };
  const nothing = { change: null, low: null, high: null, finding: "unclear" };
  assert.deepEqual(ratioDifference(null, 5, judgement), { a: null, b: 5, ...nothing });
  assert.deepEqual(ratioDifference(5, null, judgement), { a: 5, b: null, ...nothing });
  assert.deepEqual(ratioDifference(0, 5, judgement), { a: 0, b: 5, ...nothing });
  assert.deepEqual(ratioDifference(4, 5, judgement), { ...nothing, a: 4, b: 5, change: 0.25 });
});

const ERRORS: readonly (readonly [a: number, b: number, low: number, high: number, Finding])[] = [
  [0, 0, -0.01, 0.01, "same"],
  [0, 0.02, 0.001, 0.04, "regression"],
  [0, 0.001, -0.001, 0.003, "unclear"],
  [0.1, 0.12, 0.006, 0.034, "regression"],
  [0.1, 0.12, 0.004, 0.036, "worse"],
  [0.1, 0.1, -0.004, 0.004, "same"],
  [0.1, 0.05, -0.06, -0.04, "better"],
];

for (const [a, b, low, high, finding] of ERRORS) {
  Deno.test(`error rates ${a} and ${b}, ${low} to ${high} apart: ${finding}`, () => {
    const difference = errorDifference(a, b, { interval: { low, high }, maxRegression: 0.05 });
    assert.deepEqual(difference, { a, b, change: b - a, low, high, finding });
  });
}

Deno.test("error rates of too few requests are unclear", () => {
  const { finding, low } = errorDifference(0, 1, { interval: null, maxRegression: 0.05 });
  assert.deepEqual([finding, low], ["unclear", null]);
});

const ONE_NAME = [{ name: "/", rate: 20, median: 10, spread: 0.1 }];
const SHORT_RUN = simulatedRun({ seconds: 10, names: ONE_NAME }, seeded(1));

Deno.test("comparable runs cause no warnings", () => {
  assert.deepEqual(comparabilityProblems(SHORT_RUN, { ...SHORT_RUN, durationSeconds: 10.4 }), []);
});

Deno.test("every reason for which runs are not comparable is named", () => {
  const other = { ...SHORT_RUN, mode: "distributed" as const, users: { peak: 1 }, complete: false };
  assert.deepEqual(comparabilityProblems(SHORT_RUN, { ...other, durationSeconds: 70.2 }), [
    "A was local, and B was distributed.",
    "A had up to 20 users, and B up to 1 user.",
    "A took 10.0s, and B 1m10s.",
    "The counts of B are incomplete.",
  ]);
});

Deno.test("runs that are too short cause a warning", () => {
  const short = { ...SHORT_RUN, durationSeconds: 3.1 };
  assert.deepEqual(comparabilityProblems(short, short), [
    "3.1s is too short to tell a difference from chance: at least 4 seconds are needed, and 30 are better.",
  ]);
});

function difference(a: number, b: number, finding: Finding, half = 0.02): Difference {
  const change = b / a - 1;
  return { a, b, change, low: change - half, high: change + half, finding };
}

function noTimes(): ComparedFigures["failureLatencies"] {
  return { p50: { a: null, b: null, change: null }, p95: { a: null, b: null, change: null } };
}

const COMPARED_FIGURES: ComparedFigures = {
  requests: { a: 12_000, b: 10_900 },
  unfinished: { a: 0, b: 0 },
  rate: difference(400, 363.6, "worse", 0.05),
  errorRate: { a: 0, b: 0.004, change: 0.004, low: -0.0012, high: 0.0092, finding: "unclear" },
  unfinishedRate: { a: 0, b: 0, change: 0, low: -0.001, high: 0.001, finding: "same" },
  mean: difference(20, 22, "regression"),
  p50: difference(19, 21, "regression"),
  p95: { a: 30, b: 31, change: 1 / 30, low: -1, high: null, finding: "unclear" },
  p99: { a: null, b: 50, change: null, low: null, high: null, finding: "unclear" },
  failureLatencies: noTimes(),
  phases: { connect: noTimes(), ttfb: noTimes() },
  lowerBounds: { a: [], b: [] },
};

const COMPARISON: Comparison = {
  maxRegression: 0.05,
  confidence: 0.95,
  totals: COMPARED_FIGURES,
  requests: [{ method: "GET", name: "/search", ...COMPARED_FIGURES }],
  onlyInA: [],
  onlyInB: [],
  ...{ classes: [], groups: [], checks: [], metrics: [] },
  figures: 6,
  regressions: 2,
  unclear: 3,
  warnings: [],
};

const NAMED_RUN: NamedRun["run"] = {
  ...simulatedRun({ seconds: 30, names: [] }, seeded(1)),
  startedAt: "2026-03-05T10:29:59.900Z",
};
const RUNS = {
  a: { file: "before.json", run: NAMED_RUN },
  b: { file: "after.json", run: NAMED_RUN },
};

function report(comparison: Partial<Comparison> = {}, columns = 80): string[] {
  return comparisonReport({ ...COMPARISON, ...comparison }, RUNS, { columns, color: false })
    .split("\n");
}

Deno.test("the report shows two runs side by side, with the findings", () => {
  assert.deepEqual(report(), [
    "",
    "A  before.json: 2026-03-05T10:29:59Z, 30.0s, up to 20 users",
    "B  after.json: 2026-03-05T10:29:59Z, 30.0s, up to 20 users",
    "",
    "Latency in ms       A       B   Change  Interval            Finding",
    "──────────────────────────────────────────────────────────────────────",
    "GET /search",
    "  Reqs         12,000  10,900",
    "  Req/s         400.0   363.6    -9.1%  -14.1% to -4.1%     worse",
    "  Fail%            0%   0.40%  +0.40pp  -0.12pp to +0.92pp  unclear",
    "  Avg            20.0    22.0   +10.0%  +8.0% to +12.0%     regression",
    "  50%            19.0    21.0   +10.5%  +8.5% to +12.5%     regression",
    "  95%            30.0    31.0    +3.3%  -100% or more       unclear",
    "  99%               -    50.0        -  -                   unclear",
    "",
    "REGRESSION 2 figures are worse by more than 5%; 3 of 6 are unclear; longer runs",
    "           help (exit code 3)",
    "",
  ]);
});

Deno.test("the headings have the names and labels of the runs", () => {
  const named = { ...RUNS.a.run, name: "nightly", labels: { env: "staging" } };
  const { name: _, labels: __, ...old } = RUNS.b.run;
  const runs = { a: { ...RUNS.a, run: named }, b: { ...RUNS.b, run: old as ComparedRun } };
  const lines = comparisonReport(COMPARISON, runs, { columns: 100, color: false }).split("\n");
  assert.deepEqual(lines.slice(1, 3), [
    "A  before.json: nightly, 2026-03-05T10:29:59Z, 30.0s, up to 20 users, env=staging",
    "B  after.json: 2026-03-05T10:29:59Z, 30.0s, up to 20 users",
  ]);
});

Deno.test("connects and first bytes are compared without a finding, if a run has them", () => {
  const times = (p95: number): { p50: number; p95: number } => ({ p50: p95 / 2, p95 });
  const [a, b] = [[4, 20], [null, 25]].map(([connect, ttfb]): ComparedRun => {
    const { requests, totals, ...run } = SHORT_RUN;
    const phases = { connectMs: connect === null ? null : times(connect!), ttfbMs: times(ttfb!) };
    return {
      ...run,
      totals: { ...totals, phases },
      requests: requests.map((row) => ({ ...row, phases })),
    };
  });
  const comparison = compareRuns(a!, b!, 0.05);
  assert.deepEqual(comparison.totals.phases, {
    connect: { p50: { a: 2, b: null, change: null }, p95: { a: 4, b: null, change: null } },
    ttfb: { p50: { a: 10, b: 12.5, change: 0.25 }, p95: { a: 20, b: 25, change: 0.25 } },
  });
  const runs = { a: { file: "a.json", run: a! }, b: { file: "b.json", run: b! } };
  const lines = comparisonReport(comparison, runs, { columns: 80, color: false }).split("\n")
    .filter((line) => /Connect|First byte/.test(line))
    .map((line) => line.trim().split(/ {2,}/));
  assert.deepEqual(lines, [["Connect 95%", "4.00", "-", "-"], [
    "First byte 95%",
    "20.0",
    "25.0",
    "+25.0%",
  ]]);
  assert.equal(compareRuns(a!, SHORT_RUN, 0.05).totals.phases.ttfb.p95.b, null);
});

Deno.test("without a certain regression, the comparison passes", () => {
  assert.equal(
    report({ regressions: 0, unclear: 0 }).at(-2),
    "PASSED no figure is certainly worse by more than 5%",
  );
  assert.ok(report({ maxRegression: 0.125 }).some((line) => line.includes("by more than 12.5%")));
});

Deno.test("the totals of several names come last", () => {
  const [row] = COMPARISON.requests;
  const lines = report({ requests: [row!, { ...row!, name: "/pay" }], figures: 18 });
  const titles = lines.filter((line) => /^(GET|Aggregated)/.test(line));
  assert.deepEqual(titles, ["GET /search", "GET /pay", "Aggregated"]);
  assert.equal(lines.filter((line) => line.startsWith("──")).length, 3);
});

Deno.test("names of only one run, and reasons for doubt, are warnings", () => {
  const onlyInA = [{ method: "GET", name: "/a" }, { method: "POST", name: "/b" }];
  const lines = report({ onlyInA, warnings: ["A was local, and B was distributed."] });
  assert.ok(lines.includes("! Only in A: GET /a, POST /b."));
  assert.ok(lines.includes("! A was local, and B was distributed."));
});

Deno.test("no line is too long, and no control characters are printed", () => {
  const name = `/${"long/".repeat(40)}\x1b[2J`;
  const onlyInB = Array.from({ length: 50 }, (_, n) => ({ method: "GET", name: `/${n}` }));
  const lines = report({ requests: [{ ...COMPARISON.requests[0]!, name }], onlyInB }, 60);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.ok(!lines.join("").includes("\x1b"));
});

Deno.test("on a terminal, a regression is red", () => {
  const size = { columns: 80, color: true };
  assert.ok(comparisonReport(COMPARISON, RUNS, size).includes("\x1b[31mregression\x1b[0m"));
});

const TWO_NAMES = [
  { name: "/fast", rate: 80, median: 5, spread: 0.2 },
  { name: "/slow", rate: 40, median: 90, spread: 0.1 },
];
const SLOWER_RUNS = [1, 1.3].map((slower) =>
  simulatedRun({ seconds: 10, names: TWO_NAMES, slower }, seeded(21))
);
const [A, B] = SLOWER_RUNS.map((run, at) => ({ file: `${"ab"[at]}.json`, run }));

Deno.test("the file has exactly these fields, in this order", () => {
  const comparison = compareRuns(A!.run, B!.run, 0.05);
  const text = joined(comparisonJson(comparison, { a: A!, b: B! }, "0.1.0"));
  assert.ok(text.endsWith("}\n"));
  const content = JSON.parse(text);
  assert.deepEqual(Object.keys(content), [
    "schema",
    "aiotest",
    "a",
    "b",
    "maxRegression",
    "confidence",
    "totals",
    "requests",
    "onlyInA",
    "onlyInB",
    "classes",
    "groups",
    "checks",
    "metrics",
    "figures",
    "regressions",
    "unclear",
    "warnings",
    "exitCode",
  ]);
  assert.deepEqual(content.a, {
    file: "a.json",
    runId: "simulated",
    name: null,
    labels: {},
    startedAt: null,
    durationSeconds: 10,
  });
  assert.deepEqual(Object.keys(content.totals), [
    "requests",
    "unfinished",
    ...FIGURES,
    "failureLatencies",
    "phases",
    "lowerBounds",
  ]);
  assert.deepEqual(
    Object.keys(content.requests[0]),
    [
      "method",
      "name",
      "requests",
      "unfinished",
      ...FIGURES,
      "failureLatencies",
      "phases",
      "lowerBounds",
    ],
  );
  assert.deepEqual(
    Object.keys(content.totals.p50),
    ["a", "b", "change", "low", "high", "finding"],
  );
  assert.deepEqual([content.schema, content.aiotest, content.exitCode], [1, "0.1.0", 3]);
  assert.equal(content.totals.p50.finding, comparison.totals.p50.finding);
  assert.equal(content.totals.p50.change, Number(comparison.totals.p50.change!.toPrecision(6)));
});

/** A run of 10 seconds with failures. */
function failingRun(seed: number, failing = 0.1): ComparedRun {
  return simulatedRun({ seconds: 10, names: ONE_NAME, failing }, seeded(seed));
}

Deno.test("latencies of failed requests are shown if both runs have some, and not judged", () => {
  const [a, b] = [failingRun(31), failingRun(32)];
  const report = (one: ComparedRun, other: ComparedRun): string =>
    comparisonReport(
      compareRuns(one, other, 0.05),
      { a: { file: "a.json", run: one }, b: { file: "b.json", run: other } },
      { columns: 80, color: false },
    );
  assert.match(report(a, b), /\n {2}Failed 50% +\S+ +\S+ +\S+\n {2}Failed 95% /);
  assert.doesNotMatch(report(a, SHORT_RUN), /Failed/);
  const { figures, totals } = compareRuns(a, b, 0.05);
  assert.equal(figures, FIGURES.length - 1);
  assert.equal(totals.failureLatencies.p50.a, a.totals.failureLatencyMs?.p50);
});

Deno.test("a warning says if one run has mixed the latencies of successes and failures", () => {
  const now = failingRun(31);
  const before = { ...now, schema: 1 as const };
  assert.deepEqual(comparabilityProblems(before, now), [
    "A was written by an earlier version, which did not keep latencies apart: they include " +
    `${now.totals.failures} failed requests.`,
  ]);
  assert.deepEqual(comparabilityProblems(before, before), []);
  const without = { ...SHORT_RUN, schema: 1 as const };
  assert.deepEqual(comparabilityProblems(without, SHORT_RUN), []);
});

type Groups = NonNullable<ComparedRun["groups"]>;

/** A run with a part of it as a group, whose durations are the latencies of another run. */
function withGroup(run: ComparedRun, of: ComparedRun, name = "checkout"): ComparedRun {
  const { requests, latencyMs, failureLatencyMs, ...totals } = of.totals;
  const group: Groups[number] = {
    ...totals,
    ...{ name, count: requests, durationMs: latencyMs, failureDurationMs: failureLatencyMs },
  };
  return { ...run, groups: [group], histories: [historyOf(of, "group", name)] };
}

/** A run with two classes, whose requests are those of other runs. */
function withClasses(run: ComparedRun, buyers: ComparedRun, admins: ComparedRun): ComparedRun {
  return {
    ...run,
    classes: [
      { name: "BuyerTest", totals: buyers.totals },
      { name: "AdminTest", totals: admins.totals },
    ],
    histories: [historyOf(buyers, "class", "BuyerTest"), historyOf(admins, "class", "AdminTest")],
  };
}

function historyOf(
  { timeline }: ComparedRun,
  kind: "class" | "group",
  name: string,
): NonNullable<ComparedRun["histories"]>[number] {
  return {
    kind,
    name,
    stepSeconds: 1,
    seconds: timeline.map(({ second }) => second),
    requests: timeline.map(({ requests }) => requests),
    failures: timeline.map(({ failures }) => failures),
    p50: timeline.map(({ p50 }) => p50),
    p95: timeline.map(({ p95 }) => p95),
    p99: timeline.map(({ p99 }) => p99),
  };
}

const GROUP = [{ name: "", rate: 40, median: 400, spread: 0.1 }];

Deno.test("a group that takes longer is a regression, even if its requests do not", () => {
  const random = seeded(900);
  const run = { seconds: 30, names: ONE, noise: 0.01 };
  const group = { ...run, names: GROUP };
  const [a, b] = [{}, { slower: 1.15 }].map((slower) =>
    withGroup(simulatedRun(run, random), simulatedRun({ ...group, ...slower }, random))
  ) as [ComparedRun, ComparedRun];
  const comparison = compareRuns(a, b, 0.05);
  assert.equal(comparison.totals.p50.finding, "same");
  assert.equal(comparison.groups[0]!.p50.finding, "regression");
  assert.equal(comparison.groups[0]!.rate.a, a.groups![0]!.count / 30);
  assert.equal(comparisonExitCode(comparison), 3);
  // The totals, one name and one group.
  assert.equal(comparison.figures, 3 * (FIGURES.length - 1));
});

Deno.test("of 100 pairs of equal runs with a group and two classes, at most 5 are found to differ", () => {
  const random = seeded(901);
  const run = { seconds: 20, names: ONE, noise: 0.05, memory: 0.5 };
  const one = (): ComparedRun => {
    const whole = withGroup(
      simulatedRun(run, random),
      simulatedRun({ ...run, names: GROUP, noise: 0.1 }, random),
    );
    const parts = withClasses(whole, simulatedRun(run, random), simulatedRun(run, random));
    return { ...parts, histories: [...whole.histories!, ...parts.histories!] };
  };
  let alarms = 0;
  for (let pair = 0; pair < PAIRS; pair++) {
    if (compareRuns(one(), one(), 0.05).regressions > 0) alarms++;
  }
  assert.ok(alarms <= 5, `${alarms} false alarms`);
});

Deno.test("a group without a history that fits is compared with the seconds of all requests", () => {
  const random = seeded(902);
  const run = { seconds: 20, names: ONE };
  const [a, b] = [{}, { slower: 1.5 }].map((slower) =>
    withGroup(simulatedRun(run, random), simulatedRun({ ...run, names: GROUP, ...slower }, random))
  ) as [ComparedRun, ComparedRun];
  const [history] = b.histories!;
  for (
    const histories of [
      undefined,
      [],
      [{ ...history!, stepSeconds: 2 }],
      [{ ...history!, stepSeconds: 0 }],
      [{ ...history!, p95: [] }],
    ]
  ) {
    const { groups } = compareRuns(a, { ...b, histories }, 0.05);
    assert.equal(groups[0]!.p50.finding, "regression");
  }
});

Deno.test("classes are compared if there are several", () => {
  const random = seeded(903);
  const run = { seconds: 20, names: ONE };
  const [x, y, slow] = [{}, {}, { slower: 1.3 }].map((slower) =>
    simulatedRun({ ...run, ...slower }, random)
  ) as [ComparedRun, ComparedRun, ComparedRun];
  const { classes, regressions } = compareRuns(withClasses(x, x, y), withClasses(x, x, slow), 0.05);
  assert.deepEqual(classes.map(({ name, p50 }) => [name, p50.finding]), [
    ["BuyerTest", "same"],
    ["AdminTest", "regression"],
  ]);
  assert.ok(regressions > 0);
  const only = { ...x, classes: [{ name: "BuyerTest", totals: x.totals }] };
  assert.deepEqual(compareRuns(only, only, 0.05).classes, []);
});

const MEASURED = {
  checks: [
    { name: "has a token", passed: 990, failed: 10 },
    { name: "never made", passed: 0, failed: 0 },
  ],
  metrics: [
    { type: "counter", name: "logins", value: 100, perSecond: 10 },
    { type: "gauge", name: "queue", value: -4 },
    { type: "rate", name: "hits", rate: 0.5, total: 10 },
    {
      ...{ type: "trend", name: "cart", unit: "items" },
      figures: { mean: 4, p50: 0, p95: null, p99: 9 },
    },
  ],
} as unknown as Pick<ComparedRun, "checks" | "metrics">;

Deno.test("checks and metrics are compared as they are, and not judged", () => {
  const a = { ...SHORT_RUN, ...MEASURED };
  const b = {
    ...SHORT_RUN,
    checks: [{ name: "has a token", passed: 900, failed: 100 }, MEASURED.checks![1]!],
    metrics: [
      { ...MEASURED.metrics![0]!, value: 120, perSecond: 12 },
      { ...MEASURED.metrics![1]!, value: -2 },
      { ...MEASURED.metrics![2]!, rate: 0.75 },
      MEASURED.metrics![3]!,
    ],
  };
  const comparison = compareRuns(a, b, 0.05);
  assert.deepEqual(comparison.checks, [
    {
      ...{ name: "has a token", a: { count: 1000, rate: 0.99 }, b: { count: 1000, rate: 0.9 } },
      change: 0.9 - 0.99,
    },
    { name: "never made", a: { count: 0, rate: 1 }, b: { count: 0, rate: 1 }, change: 0 },
  ]);
  assert.equal(comparison.regressions, 0);
  assert.equal(comparison.figures, FIGURES.length - 1);
  const lines = comparisonReport(
    comparison,
    { a: { file: "a.json", run: a }, b: { file: "b.json", run: b } },
    { columns: 80, color: false },
  );
  assert.ok(
    lines.includes(
      `
Checks, share that passed (not judged)      A      B  Change
────────────────────────────────────────────────────────────
has a token                             99.0%  90.0%  -9.0pp
never made                               100%   100%     0pp

Metrics (not judged)      A      B   Change
───────────────────────────────────────────
logins                  100    120   +20.0%
logins per second        10     12   +20.0%
queue                    -4     -2   +50.0%
hits                  50.0%  75.0%  +25.0pp
cart mean (items)         4      4       0%
cart p50 (items)          0      0        -
cart p95 (items)          -      -        -
cart p99 (items)          9      9       0%
`,
    ),
    lines,
  );
});

Deno.test("the report has tables of classes and groups apart from the requests", () => {
  const lines = report({
    classes: [{ name: "AdminTest", ...COMPARED_FIGURES }],
    groups: [{ name: "checkout", ...COMPARED_FIGURES }],
  });
  const titles = lines.filter((line) =>
    /^(?:Latency|Classes|Groups|GET|Admin|checkout)/.test(line)
  );
  assert.deepEqual(titles.map((line) => line.split("  ")[0]), [
    "Latency in ms",
    "GET /search",
    "Classes, latency in ms",
    "AdminTest",
    "Groups, duration in ms",
    "checkout",
  ]);
  const group = lines.slice(lines.indexOf("checkout") + 1);
  assert.deepEqual(group.slice(0, 2).map((line) => line.trim().split(/ {2,}/)[0]), [
    "Count",
    "Per second",
  ]);
});

Deno.test("what only one run has is named, unless the other is of an earlier version", () => {
  const a = { ...SHORT_RUN, ...MEASURED };
  assert.deepEqual(compareRuns(a, SHORT_RUN, 0.05).warnings, [
    "Only A has the checks has a token, never made.",
    "Only A has the metrics logins, queue, hits, cart.",
  ]);
  const { checks: _, metrics: __, groups: ___, classes: ____, histories: _____, ...old } =
    SHORT_RUN;
  const { warnings, checks, metrics } = compareRuns(a, old as ComparedRun, 0.05);
  assert.deepEqual([warnings, checks, metrics], [[], [], []]);
});

Deno.test("the JSON of a comparison has classes, groups, checks and metrics", () => {
  const run = withGroup({ ...SHORT_RUN, ...MEASURED }, SHORT_RUN);
  const named = { file: "a.json", run };
  const { groups, checks, metrics, classes } = JSON.parse(
    joined(comparisonJson(compareRuns(run, run, 0.05), { a: named, b: named }, "0.1.0")),
  );
  assert.deepEqual(Object.keys(groups[0]).slice(0, 3), ["name", "requests", "unfinished"]);
  assert.deepEqual([checks.length, metrics.length, classes.length], [2, 8, 0]);
  assert.deepEqual(metrics[0], {
    ...{ name: "logins", type: "counter", figure: "value", unit: "" },
    ...{ a: 100, b: 100, change: 0 },
  });
});
