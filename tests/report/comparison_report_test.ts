import assert from "node:assert/strict";
import {
  type ComparedFigures,
  type Comparison,
  comparisonReport,
  type Difference,
  type Finding,
  type NamedRun,
} from "../../src/report/compare.ts";
import { seeded } from "../support/cutting_target.ts";
import { simulatedRun } from "../support/simulated_summary.ts";

function difference(a: number, b: number, finding: Finding, half = 0.02): Difference {
  const change = b / a - 1;
  return { a, b, change, low: change - half, high: change + half, finding };
}

const FIGURES: ComparedFigures = {
  requests: { a: 12_000, b: 10_900 },
  rate: difference(400, 363.6, "worse", 0.05),
  errorRate: { a: 0, b: 0.004, change: 0.004, low: -0.0012, high: 0.0092, finding: "unclear" },
  mean: difference(20, 22, "regression"),
  p50: difference(19, 21, "regression"),
  p95: { a: 30, b: 31, change: 1 / 30, low: -1, high: null, finding: "unclear" },
  p99: { a: null, b: 50, change: null, low: null, high: null, finding: "unclear" },
};

const COMPARISON: Comparison = {
  maxRegression: 0.05,
  confidence: 0.95,
  totals: FIGURES,
  requests: [{ method: "GET", name: "/search", ...FIGURES }],
  onlyInA: [],
  onlyInB: [],
  figures: 6,
  regressions: 2,
  unclear: 3,
  warnings: [],
};

const RUN: NamedRun["run"] = {
  ...simulatedRun({ seconds: 30, names: [] }, seeded(1)),
  startedAt: "2026-03-05T10:29:59.900Z",
};
const RUNS = { a: { file: "before.json", run: RUN }, b: { file: "after.json", run: RUN } };

function report(comparison: Partial<Comparison> = {}, columns = 80): string[] {
  return comparisonReport({ ...COMPARISON, ...comparison }, RUNS, { columns, color: false })
    .split("\n");
}

Deno.test("two runs stand side by side, with what is said of them", () => {
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

Deno.test("where nothing is worse for sure, the runs pass", () => {
  assert.equal(
    report({ regressions: 0, unclear: 0 }).at(-2),
    "PASSED no figure is certainly worse by more than 5%",
  );
  assert.ok(report({ maxRegression: 0.125 }).some((line) => line.includes("by more than 12.5%")));
});

Deno.test("of several names, all of them together come last", () => {
  const [row] = COMPARISON.requests;
  const lines = report({ requests: [row!, { ...row!, name: "/pay" }], figures: 18 });
  const titles = lines.filter((line) => /^(GET|Aggregated)/.test(line));
  assert.deepEqual(titles, ["GET /search", "GET /pay", "Aggregated"]);
  assert.equal(lines.filter((line) => line.startsWith("──")).length, 3);
});

Deno.test("names of one run only, and what is unlike, are warned of", () => {
  const onlyInA = [{ method: "GET", name: "/a" }, { method: "POST", name: "/b" }];
  const lines = report({ onlyInA, warnings: ["A was local, and B was distributed."] });
  assert.ok(lines.includes("! Only in A: GET /a, POST /b."));
  assert.ok(lines.includes("! A was local, and B was distributed."));
});

Deno.test("no line is too long, and nothing that a terminal obeys is printed", () => {
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
