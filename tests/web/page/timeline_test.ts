import assert from "node:assert/strict";
import { STANDSTILL_MS as WARNED_MS } from "../../../src/stats/generator_watch.ts";
import type { TimelineSecond } from "../../../src/stats/snapshot.ts";
import {
  axisMilliseconds,
  axisNumber,
  chartColumns,
  RUN_CHARTS,
} from "../../../src/web/page/chart_specs.js";
import { HeatColumns } from "../../../src/web/page/heat_map.js";
import {
  chartedSeconds,
  STANDSTILL_MS,
  standstillNote,
  standstills,
  stepNote,
} from "../../../src/web/page/timeline.js";
import { liveSecond, liveState, liveView } from "../../support/live_views.ts";

const SERVICE_TIMES = { serviceTimeP50: 5, serviceTimeP95: 8 };

const NO_HEAT = new HeatColumns();

const SECONDS: readonly TimelineSecond[] = [
  liveSecond(0, { users: 5, requests: 40, failures: 0, p50: 10, p95: 20, p99: 30 }),
  liveSecond(1, { users: 9, requests: 0, failures: 0, p50: null, p95: null, p99: null }),
  liveSecond(3, { users: 8, requests: 90, failures: 2, p50: 11, p95: 60, p99: 80 }),
];

Deno.test("each line of a chart has an array, and a point is at the end of its second", () => {
  const [users, rates, latency] = RUN_CHARTS.map((spec) => chartColumns(spec, SECONDS, NO_HEAT));
  assert.deepEqual(users, [[1, 2, 4], [5, 9, 8]]);
  assert.deepEqual(latency, [[1, 2, 4], [10, null, 11], [20, null, 60], [30, null, 80]]);
  // Without failures there is no bar, not even one of zero height.
  assert.deepEqual(rates, [[1, 2, 4], [40, 0, 90], [null, null, 2]]);
});

const RUN = { kind: "run", stepSeconds: 1 } as const;

/** The charts of every run. */
const CLOSED_CHARTS = RUN_CHARTS.slice(0, 4);

Deno.test("each chart is also described in words", () => {
  assert.deepEqual(CLOSED_CHARTS.map(({ describe }) => describe(SECONDS, RUN, NO_HEAT)), [
    "8 users at 0:04, peak 9 users.",
    "90 requests and 2 failures in the last second, peak 90 requests at 0:04. " +
    "1 second of 3 had failures.",
    "At 0:04 the median was 11.0 ms, the 95th percentile 60.0 ms, the 99th 80.0 ms. " +
    "The 99th was highest at 0:04: 80.0 ms.",
    "No response times yet.",
  ]);
  assert.deepEqual(CLOSED_CHARTS.map(({ describe }) => describe([], RUN, NO_HEAT)), [
    "No data yet.",
    "No data yet.",
    "No response times yet.",
    "No response times yet.",
  ]);
  assert.deepEqual(
    RUN_CHARTS.map(({ describe }) => describe(SECONDS.slice(0, 1), RUN, NO_HEAT))[1],
    [
      "40 requests and 0 failures in the last second, peak 40 requests at 0:01. ",
      "No failures.",
    ].join(""),
  );
});

Deno.test("charts of groups count groups, and values of several seconds say so", () => {
  const [, rates, latency] = CLOSED_CHARTS.map(({ describe }) =>
    describe(SECONDS, { kind: "group", stepSeconds: 4 }, NO_HEAT)
  );
  assert.equal(
    rates,
    "90 groups and 2 failures per second in the last 4 seconds, peak 90 groups at 0:04. " +
      "1 interval of 3 had failures.",
  );
  assert.match(latency!, /^At 0:04 the median was 11\.0 ms/);
  assert.deepEqual(
    CLOSED_CHARTS.slice(1, 3)
      .map(({ describe }) => describe([], { kind: "group", stepSeconds: 1 }, NO_HEAT)),
    ["No data yet.", "No durations yet."],
  );
  assert.equal(stepNote({ kind: "class", stepSeconds: 1 }), "");
  assert.equal(stepNote({ kind: "class", stepSeconds: 4 }), "Each value covers 4 seconds.");
});

Deno.test("the open model has charts of its iterations", () => {
  const iterations = [
    { scheduled: 20, started: 20, dropped: 0, startDelayP95: 0.5, ...SERVICE_TIMES },
    { scheduled: 20, started: 12, dropped: 8, startDelayP95: 60, ...SERVICE_TIMES },
    { scheduled: 20, started: 0, dropped: 1, startDelayP95: null, ...SERVICE_TIMES },
  ].map((counts, second) => liveSecond(second, { iterations: counts }));
  const timeline = [...iterations, liveSecond(3)];
  const open = RUN_CHARTS.filter(({ isOpen }) => isOpen);
  assert.deepEqual(open.map((spec) => chartColumns(spec, timeline, NO_HEAT).slice(1)), [
    [[20, 12, 0, 0], [20, 20, 20, 0], [null, 8, 1, null]],
    [[5, 5, 5, null], [8, 8, 8, null], [0.5, 60, null, null]],
  ]);
  assert.deepEqual(open.map(({ describe }) => describe(timeline.slice(0, 2), RUN, NO_HEAT)), [
    "20 iterations due, 12 started and 8 dropped in the last second. " +
    "1 second of 2 had dropped iterations.",
    "At 0:02 the 95th percentile of the start delay was 60.0 ms. It was highest at 0:02: 60.0 ms. " +
    "In the last second, iterations took 5.00 ms at the median, and 8.00 ms at the 95th percentile.",
  ]);
  assert.deepEqual(open.map(({ describe }) => describe([], RUN, NO_HEAT)), [
    "No data yet.",
    "No iterations have started yet.",
  ]);
  const [half] = chartedSeconds(liveView({
    timeline: [liveSecond(0, { iterations: timeline[1]!.iterations! })],
    durationSeconds: 0.5,
    live: liveState({ state: "stopped", elapsedSeconds: 0.5 }),
  }));
  assert.deepEqual(half?.iterations, {
    scheduled: 40,
    started: 24,
    dropped: 16,
    startDelayP95: 60,
    ...SERVICE_TIMES,
  });
});

Deno.test("connections and first bytes have charts if there are any", () => {
  const charts = RUN_CHARTS.filter(({ id }) => id === "connections" || id === "ttfb");
  const { connections: _, ...without } = liveSecond(0);
  const timeline = [
    without,
    ...[[30, 4], [2, 9]].map(([opened = 0, ms = 0], second) =>
      liveSecond(second + 1, { connections: { opened, ttfbP50: ms, ttfbP95: 2 * ms } })
    ),
  ];
  assert.deepEqual(charts.map(({ isUseful }) => isUseful!(timeline.slice(0, 1), NO_HEAT)), [
    false,
    false,
  ]);
  assert.deepEqual(charts.map(({ isUseful }) => isUseful!(timeline, NO_HEAT)), [true, true]);
  assert.deepEqual(charts.map((spec) => chartColumns(spec, timeline, NO_HEAT).slice(1)), [
    [[0, 30, 2]],
    [[null, 4, 9], [null, 8, 18]],
  ]);
  assert.deepEqual(charts.map(({ describe }) => describe(timeline, RUN, NO_HEAT)), [
    "2 connections opened in the last second, 32 in all. Most were opened at 0:02: 30.",
    "At 0:03 the median was 9.00 ms, the 95th percentile 18.0 ms. " +
    "The 95th was highest at 0:03: 18.0 ms.",
  ]);
  const [half] = chartedSeconds(liveView({
    timeline: timeline.slice(1, 2).map((row) => ({ ...row, second: 0 })),
    durationSeconds: 0.5,
    live: liveState({ state: "stopped", elapsedSeconds: 0.5 }),
  }));
  assert.equal(half?.connections?.opened, 60);
});

/** What charts show of a run with 100 requests per second: the second, and its requests. */
function charted(
  durationSeconds: number,
  elapsedSeconds: number,
  state: "running" | "stopped" = "stopped",
): [second: number, requests: number][] {
  const timeline = Array.from({ length: Math.ceil(elapsedSeconds) }, (_, second) => {
    const from = Math.max(second, elapsedSeconds - durationSeconds);
    const length = Math.min(second + 1, elapsedSeconds) - from;
    return liveSecond(second, { requests: Math.round(100 * length) });
  }).filter(({ requests }) => requests > 0);
  const live = liveState({ state, elapsedSeconds });
  return chartedSeconds(liveView({ timeline, durationSeconds, live }))
    .map(({ second, requests }) => [second, Math.round(requests)]);
}

Deno.test("charts have rates of whole seconds only", () => {
  const two: [number, number][] = [[0, 100], [1, 100]];
  assert.deepEqual(charted(2, 2), two);
  assert.deepEqual(charted(2.001, 2.001), two);
  assert.deepEqual(charted(2.4, 2.4), two);
  assert.deepEqual(charted(2.6, 2.6), [...two, [2, 100]]);
  // The counts were reset after 1.7 s, and after 1.3 s.
  assert.deepEqual(charted(2.3, 4), [[2, 100], [3, 100]]);
  assert.deepEqual(charted(2.7, 4), [[1, 100], [2, 100], [3, 100]]);
  assert.deepEqual(charted(1.9, 3.5), [[2, 100], [3, 100]]);
  // A run that was shorter than a second has nothing else.
  assert.deepEqual(charted(0.2, 0.2), [[0, 100]]);
  assert.deepEqual(charted(0.3, 1.1), [[0, 100]]);
});

Deno.test("during a run, the last second is whole, however late it is shown", () => {
  const timeline = [liveSecond(0), liveSecond(1)];
  const live = liveState({ elapsedSeconds: 1.99 });
  assert.deepEqual(chartedSeconds(liveView({ timeline, durationSeconds: 1.99, live })), timeline);
});

Deno.test("the times in which a load generator did not run are marked and explained", () => {
  assert.equal(STANDSTILL_MS, WARNED_MS);
  const lags = [999, 0, 1_500, 0, 0, 3_040, 3_040];
  const timeline = lags.map((maxLagMs, second) => liveSecond(second, { maxLagMs }));
  assert.deepEqual(standstills(timeline.slice(0, 2)), []);
  assert.equal(standstillNote(timeline.slice(0, 2)), "");
  assert.deepEqual(standstills(timeline.slice(0, 6)), [{ from: 0.5, to: 3 }, {
    from: 1.96,
    to: 6,
  }]);
  assert.equal(
    standstillNote(timeline),
    "Shaded: a load generator did not run, for up to 3.04 s until 0:05. " +
      "Latencies measured then include this time.",
  );
  // It may have begun before a counted second.
  assert.deepEqual(standstills([liveSecond(0, { maxLagMs: 2_000 })]), [{ from: 0, to: 1 }]);
});

Deno.test("axis labels are short", () => {
  assert.deepEqual([0, 2.5, 250, 1500, 2e6, 3e9].map(axisNumber), [
    ...["0", "2.5", "250", "1.5K", "2M", "3G"],
  ]);
  assert.deepEqual([0, 0.30000000000000004, 250, 1500, 60_000].map(axisMilliseconds), [
    ...["0", "0.3 ms", "250 ms", "1.5 s", "60 s"],
  ]);
});
