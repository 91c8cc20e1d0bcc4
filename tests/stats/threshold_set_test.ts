import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { requestRow, statistics, timelineSecond } from "../support/snapshots.ts";

/** 1,000 searches and 200 orders in 10 s, of which 50 failed. */
const SOME = statistics({
  requests: [
    requestRow({ name: "search" }),
    requestRow({ method: "POST", name: "order", requests: 200, failures: 50 }),
  ],
});

const NONE = statistics({ requests: [], timeline: [] });

const OVER = { over: true, spawning: false };

function verdictAt(expression: string, given: Statistics, spawning = false): boolean {
  const set = new ThresholdSet([expression]);
  const [row] = set.rows(given, { over: false, spawning });
  assert.equal(set.crossed(given, { spawning }), row!.passed ? null : expression);
  return row!.passed;
}

function endOf(expression: string, given: Statistics): [observed: number | null, passed: boolean] {
  const [row] = new ThresholdSet([expression]).rows(given, OVER);
  return [row!.observed, row!.passed];
}

Deno.test("at the end each threshold is held or crossed by all that was counted", () => {
  const ends: readonly [expression: string, observed: number, passed: boolean][] = [
    ["count>=1200", 1200, true],
    ["count>1200", 1200, false],
    ["count==1200", 1200, true],
    ["count!=1200", 1200, false],
    ["count<=1199", 1200, false],
    ["count[search]<=1000", 1000, true],
    ["count[POST order]>=201", 200, false],
    ["failures==50", 50, true],
    ["failures[GET search]==0", 0, true],
    ["error_rate[order]<=25%", 0.25, true],
    ["error_rate[order]<25%", 0.25, false],
    ["rps>=120", 120, true],
    ["rps[order]>=120", 20, false],
    ["max[search]<=480ms", 480, true],
    ["min[search]>=2ms", 1.5, false],
  ];
  for (const [expression, observed, passed] of ends) {
    assert.deepEqual(endOf(expression, SOME), [observed, passed], expression);
  }
});

Deno.test("rows come in the order of the expressions, in their own words", () => {
  const set = new ThresholdSet([" rps >= 120", "count<1"]);
  assert.deepEqual(set.rows(SOME, OVER).map(({ expression }) => expression), [
    "rps >= 120",
    "count<1",
  ]);
});

Deno.test("at the end no sample is a crossed threshold, but where none is what is wanted", () => {
  for (
    const expression of [
      "p95[serach]<1s",
      "error_rate[GET order]<1%",
      "count[typo]<=10",
      "dropped<1",
    ]
  ) {
    assert.deepEqual(endOf(expression, SOME), [null, false], expression);
  }
  for (const expression of ["p95<1s", "rps>=0", "failures==0", "count>=0"]) {
    assert.deepEqual(endOf(expression, NONE), [null, false], expression);
  }
  for (const expression of ["count[GET old]==0", "count[GET old]<1", "count[old]<=0"]) {
    assert.deepEqual(endOf(expression, SOME), [0, true], expression);
  }
});

Deno.test("before the end, what has no sample is not crossed", () => {
  for (const expression of ["p95<1s", "rps>=100", "p95[typo]<1ms", "dropped<1", "count>=5"]) {
    assert.equal(verdictAt(expression, NONE), true, expression);
  }
});

Deno.test("before the end, what can still be reached is not crossed, and what cannot is", () => {
  const live: readonly [expression: string, passed: boolean][] = [
    ["count>=5000", true],
    ["count>5000", true],
    ["count==5000", true],
    ["count==1199", false],
    ["count!=1200", true],
    ["count<=1199", false],
    ["failures>=51", true],
    ["failures==49", false],
    ["max>=10s", true],
    ["max<100ms", false],
    ["min<=1ms", true],
    ["min>=2ms", false],
    ["min==1ms", true],
    ["min==2ms", false],
    ["error_rate<1%", false],
    ["error_rate>=50%", false],
    ["p95<1ms", false],
    ["mean>=1s", false],
  ];
  for (const [expression, passed] of live) {
    assert.equal(verdictAt(expression, SOME), passed, expression);
  }
});

Deno.test("while users are being started a rate may be too low, but not too high", () => {
  for (const expression of ["rps>=500", "rps>500", "rps==500", "rps!=120", "rps[search]>=500"]) {
    assert.equal(verdictAt(expression, SOME, true), true, expression);
    assert.equal(verdictAt(expression, SOME, false), false, expression);
  }
  assert.equal(verdictAt("rps<100", SOME, true), false);
});

Deno.test("a rate that is told of late is not taken for too low", () => {
  // The last two of ten seconds have not come in yet.
  const timeline = [0, 1, 2, 3, 4, 5, 6, 7].map((second) => timelineSecond({ second }));
  const late = statistics({ requests: [requestRow({ requests: 800, rate: 80 })], timeline });
  assert.equal(verdictAt("rps>=100", late), true);
  assert.equal(verdictAt("rps>100", late), false);
  assert.equal(verdictAt("rps<=80", late), true);
  assert.deepEqual(endOf("rps>=100", late), [80, false]);
});

Deno.test("the first that is crossed is named", () => {
  const set = new ThresholdSet(["count>=1", "p95<1ms", "error_rate<1%"]);
  assert.equal(set.crossed(SOME, { spawning: false }), "p95<1ms");
  assert.equal(new ThresholdSet([]).crossed(SOME, { spawning: false }), null);
});

Deno.test("sets go together, and what is said twice counts once", () => {
  const flags = new ThresholdSet(["p95<200ms", "p95 < 0.2s", "count>=1"]);
  const both = flags.with(new ThresholdSet(["requests>=1", "error_rate<1%"], "file"));
  assert.deepEqual(both.expressions, ["p95<200ms", "count>=1", "error_rate<1%"]);
});

Deno.test("an expression that cannot be read is refused by name, with where it stands", () => {
  assert.throws(() => new ThresholdSet(["p95<1s", "p95<"], "--threshold"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      "--threshold p95<: expected a value after <, as in p95<200ms",
    );
    return true;
  });
});

Deno.test("what has no sample at the end is explained", () => {
  const set = new ThresholdSet(["p95[GET serach]<1s", "count>=1", "dropped==0", "count[old]==0"]);
  assert.deepEqual(set.unmatched(SOME), [
    "Threshold p95[GET serach]<1s: no request is named GET serach. The names are GET search, POST order.",
    "Threshold dropped==0: iterations are counted only with --arrival-rate or --iterations.",
  ]);
  assert.deepEqual(new ThresholdSet(["p95<1s"]).unmatched(NONE), [
    "Threshold p95<1s: no request has ended.",
  ]);
  const many = statistics({
    requests: Array.from({ length: 13 }, (_, index) => requestRow({ name: `/${index}` })),
  });
  const [text] = new ThresholdSet(["p95[x]<1s"]).unmatched(many);
  assert.match(text!, /GET \/0, .*, GET \/9 and 3 more\.$/);
});
