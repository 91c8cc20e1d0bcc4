import assert from "node:assert/strict";
import {
  checkSection,
  classSection,
  groupSection,
  metricSections,
  tracedSection,
} from "../../src/report/test_sections.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import {
  checkRow,
  classRow,
  counterRow,
  gaugeRow,
  groupRow,
  iterations,
  latencies,
  rateRow,
  requestRow,
  statistics,
  tracedRow,
  trendRow,
} from "../support/snapshots.ts";
import { CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

const SIZE = { columns: 80, color: false };

Deno.test("without classes, groups, checks and metrics there are no sections", () => {
  const none = statistics({ classes: [classRow()] });
  assert.deepEqual(classSection(none, SIZE), []);
  assert.deepEqual(groupSection(none, SIZE), []);
  assert.deepEqual(checkSection(none, SIZE), []);
  assert.deepEqual(metricSections(none, SIZE), [[], []]);
  assert.deepEqual(tracedSection(none, SIZE), []);
});

Deno.test("several classes have a table with their users, iterations and requests", () => {
  const classes = [
    classRow({ requests: [requestRow({ failures: 20 })] }),
    classRow({ name: "AdminTest", peakUsers: 2, completed: 7, requests: [] }),
  ];
  const of = statistics({ classes, requests: [requestRow({ failures: 20 })] });
  assert.equal(
    classSection(of, SIZE).join("\n"),
    `Classes, latency of successes in ms
Class      Users  Iters   Reqs  Fails  Fail%   Avg   50%   95%   99%  Max  Req/s
────────────────────────────────────────────────────────────────────────────────
BuyerTest     10    500  1,000     20  2.00%  15.0  12.0  36.0  96.0  480  100.0
AdminTest      2      7      0      0     0%     -     -     -     -    -      0
Users: the most at once.`,
  );
});

Deno.test("classes that dropped iterations have a column for them", () => {
  const classes = [classRow(), classRow({ name: "B", iterations: iterations({ dropped: 12 }) })];
  const [, header, , first, second] = classSection(statistics({ classes }), {
    ...SIZE,
    columns: 120,
  });
  assert.match(header!, /Iters {2}Dropped {2}/);
  assert.match(first!, /^BuyerTest +10 +500 +0 /);
  assert.match(second!, /^B +10 +500 +12 /);
});

Deno.test("groups have their durations and the time in requests, and lower bounds are marked", () => {
  const groups = [
    groupRow({ failures: 5, lowerBounds: true, unfinished: { count: 2, oldestMs: 9000 } }),
    groupRow({ name: "checkout / pay", durationMs: latencies(100), requestsMs: latencies(80) }),
  ];
  assert.equal(
    groupSection(statistics({ groups }), { ...SIZE, columns: 100 }).join("\n"),
    `Groups, duration of successes in ms
Group           Count  Fails  Fail%  Unfin   Avg  In reqs   50%   90%    95%    99%     Max
───────────────────────────────────────────────────────────────────────────────────────────
checkout          500      5  1.00%      2  ≥500      375  ≥400  ≥800  ≥1200  ≥3200  ≥16000
checkout / pay    500      0     0%      0   125      100   100   200    300    800    4000
In reqs: the mean time that a group spent in requests. ≥ is a lower bound: groups that were cut off
count with the time they had taken.`,
  );
});

Deno.test("the slowest requests with a trace are listed with their traces, and no more than 30", () => {
  const traced = [tracedRow(), tracedRow({ latencyMs: 7.25, status: 0, traceId: "cd".repeat(16) })];
  assert.equal(
    tracedSection(statistics({ traced }), { ...SIZE, columns: 100 }).join("\n"),
    `Slowest requests with a trace, latency in ms
Type  Name     Latency  Status  Trace                             Started (UTC)
───────────────────────────────────────────────────────────────────────────────
GET   /search      813     200  abababababababababababababababab  10:30:01.234
GET   /search     7.25       -  cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd  10:30:01.234`,
  );
  const many = Array.from({ length: 40 }, (_, n) => tracedRow({ name: `/${n}`, latencyMs: n + 1 }));
  const lines = tracedSection(statistics({ traced: many }), SIZE);
  assert.equal(lines.length, 3 + 30);
  assert.match(lines[3]!, /\/10 /);
});

Deno.test("failed checks stand out, and are not called failures", () => {
  const checks = [checkRow(), checkRow({ name: "price", failed: 0 })];
  assert.equal(
    checkSection(statistics({ checks }), SIZE).join("\n"),
    `Checks
Check        Passed%  Passed  Failed
────────────────────────────────────
has a token    99.7%     997       3
price           100%     997       0`,
  );
  const colored = checkSection(statistics({ checks }), { ...SIZE, color: true });
  assert.ok(!colored.join("").includes("\x1b[31m"), "red is for failures");
});

Deno.test("metrics show their values, and trends a distribution in their unit", () => {
  const metrics = [
    rateRow(),
    trendRow({ name: "score", unit: "", figures: { ...latencies(4), min: -12.5 } }),
    trendRow(),
    counterRow({ value: 0.5, perSecond: 0.05 }),
    gaugeRow({ value: -3, min: -3 }),
  ];
  assert.equal(
    metricSections(statistics({ metrics }), SIZE).map((lines) => lines.join("\n")).join("\n\n"),
    `Metrics
Metric        Type     Value  Details
─────────────────────────────────────────────
cache_hits    rate     92.5%  925 of 1,000
logins        counter  0.500  0.050/s
queue length  gauge       -3  from -3 to 42.5

Trends
Trend      Unit   Count  Avg    Min  50%  90%  95%  99%  Max
────────────────────────────────────────────────────────────
score               500    5  -12.5    4    8   12   32  160
cart_size  items    500    5  0.500    4    8   12   32  160`,
  );
});

Deno.test("at any width no line is too long, and names cannot print control characters", () => {
  const name = HOSTILE_NAME;
  const of = statistics({
    classes: [classRow({ name, iterations: iterations({ dropped: 1e7 }) }), classRow()],
    groups: [groupRow({ name, lowerBounds: true, unfinished: { count: 123_456, oldestMs: 1e6 } })],
    checks: [checkRow({ name, passed: 9_999_999, failed: 9_999_999 })],
    metrics: [
      counterRow({ name, value: 1.5e300, perSecond: 1e299 }),
      gaugeRow({ name, value: -1e-9 }),
      rateRow({ name }),
      trendRow({ name, unit: name, figures: latencies(1e12) }),
    ],
  });
  for (const columns of [40, 60, 80, 200]) {
    const size = { columns, color: false };
    const lines = [
      ...classSection(of, size),
      ...groupSection(of, size),
      ...checkSection(of, size),
      ...metricSections(of, size).flat(),
    ];
    for (const line of lines) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }
});
