import fc from "fast-check";
import assert from "node:assert/strict";
import { Latencies } from "../../src/stats/latencies.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import { LATENCY_FIGURES, type RequestRow } from "../../src/stats/snapshot.ts";
import {
  InProgressGauge,
  lowerBoundsOf,
  serviceTimeLowerBounds,
  summaryWithWaits,
} from "../../src/stats/unanswered.ts";
import { addUnanswered, deltaOf, secondOf, type Unanswered } from "../support/counts.ts";
import { latency, sample } from "../support/samples.ts";
import { NO_LATENCIES } from "../support/snapshots.ts";

function latenciesOf(...ms: readonly number[]): Latencies {
  const latencies = new Latencies();
  for (const one of ms) latencies.add(one);
  return latencies;
}

Deno.test("without waits, a summary is that of the answers", () => {
  fc.assert(fc.property(fc.array(latency), (ms) => {
    const answered = latenciesOf(...ms);
    assert.deepEqual(summaryWithWaits(answered, new Latencies()), answered.summary());
  }));
});

Deno.test("a figure is a lower bound unless all waits were longer", () => {
  fc.assert(fc.property(
    fc.array(latency, { minLength: 1 }),
    fc.array(latency, { minLength: 1 }),
    latency,
    (ms, waits, longer) => {
      const answered = latenciesOf(...ms);
      const latencyMs = summaryWithWaits(answered, latenciesOf(...waits));
      const bounds = lowerBoundsOf({ lowerBounds: true, latencyMs, waits: latenciesOf(...waits) });
      // What is not a lower bound stays, however long the requests would have taken.
      const later = summaryWithWaits(answered, latenciesOf(...waits.map((wait) => wait + longer)));
      for (const figure of LATENCY_FIGURES) {
        if (!bounds.includes(figure)) {
          const [now, then] = [latencyMs[figure]!, later[figure]!];
          assert.ok(Math.abs(then - now) <= now * 0.001, `${figure}: ${now} and ${then}`);
        }
      }
    },
  ));
});

Deno.test("the mean, the maximum and the percentiles can be lower bounds", () => {
  const answered = latenciesOf(...Array.from({ length: 90 }, (_, i) => i + 1));
  const waits = latenciesOf(...Array<number>(10).fill(11_000));
  const latencyMs = summaryWithWaits(answered, waits);
  assert.deepEqual(
    lowerBoundsOf({ lowerBounds: true, latencyMs, waits }),
    ["mean", "max", "p95", "p99", "p999", "p9999"],
  );
  assert.deepEqual(lowerBoundsOf({ lowerBounds: false, latencyMs, waits }), []);
  assert.deepEqual(serviceTimeLowerBounds({ interrupted: 0 }), []);
  assert.equal(serviceTimeLowerBounds({ interrupted: 1 }).length, 9);
});

Deno.test("waits can only raise the figures of a summary, and never lower them", () => {
  fc.assert(fc.property(fc.array(latency), fc.array(latency, { minLength: 1 }), (ms, waits) => {
    const answered = latenciesOf(...ms);
    const alone = answered.summary();
    const all = latenciesOf(...ms, ...waits).summary();
    const summary = summaryWithWaits(answered, latenciesOf(...waits));
    for (const figure of ["p50", "p75", "p90", "p95", "p99", "p999", "p9999", "max"] as const) {
      assert.equal(summary[figure], Math.max(alone[figure] ?? 0, all[figure]!), figure);
    }
    assert.ok(summary.mean! >= (alone.mean ?? 0) && summary.mean! >= all.mean! * (1 - 1e-9));
    assert.deepEqual([summary.min, summary.stddev], [alone.min, alone.stddev]);
  }));
});

const HUNG: Unanswered = {
  unfinished: [["GET", "search", 5000], ["GET", "pay", 11_000], ["GET", "pay", 10_000]],
  inProgress: [["GET", "search", 500], ["GET", "list", 2000], ["GET", "list", 900]],
};

Deno.test("a name that has only requests without an answer has a row, and each is in the totals", () => {
  const second = secondOf([sample({ name: "search", latencyMs: 10 })]);
  addUnanswered(second, HUNG);
  const totals = new Totals();
  totals.add(second);
  const rows = (inProgress = second.inProgress): unknown => {
    const { requests, totals: all } = totals.statistics(1, inProgress);
    return [...requests, { ...all, name: "all" }].map((row) => [
      row.name,
      row.requests,
      [row.unfinished.count, row.unfinished.oldestMs],
      [row.inProgress.count, row.inProgress.oldestMs],
      [row.lowerBounds, row.waits.count, row.latencyMs.max],
    ]);
  };
  assert.deepEqual(rows(), [
    ["list", 0, [0, null], [2, 2000], [true, 1, 2000]],
    ["pay", 0, [2, 11_000], [0, null], [true, 2, 11_000]],
    ["search", 1, [1, 5000], [1, 500], [true, 1, 5000]],
    ["all", 1, [3, 11_000], [3, 2000], [true, 4, 11_000]],
  ]);
  assert.deepEqual(rows([]), [
    ["pay", 0, [2, 11_000], [0, null], [true, 2, 11_000]],
    ["search", 1, [1, 5000], [0, null], [true, 1, 5000]],
    ["all", 1, [3, 11_000], [0, null], [true, 3, 11_000]],
  ]);
  totals.reset();
  assert.deepEqual(rows([]), [["all", 0, [0, null], [0, null], [false, 0, null]]]);
});

/** 100 requests that succeeded in 10 to 109 ms, and these failures. */
function rowWith(...failures: readonly Sample[]): RequestRow {
  const totals = new Totals();
  const answered = Array.from({ length: 100 }, (_, i) => sample({ latencyMs: 10 + i }));
  totals.add(secondOf([...answered, ...failures]));
  return totals.statistics(1).requests[0]!;
}

const times = (count: number, one: Sample): Sample[] => Array<Sample>(count).fill(one);

Deno.test("refused connections do not lower a figure, however many there are", () => {
  const alone = rowWith();
  const refused = sample({ status: 0, latencyMs: 3.9, error: "ECONNREFUSED" });
  const row = rowWith(...times(17_000, refused));
  assert.deepEqual(row.latencyMs, alone.latencyMs);
  assert.deepEqual([row.failures, row.failureLatencyMs.p50, row.waits.count], [
    17_000,
    3.9,
    17_000,
  ]);
  assert.equal(row.lowerBounds, true);
});

Deno.test("timeouts raise the figures that they would have raised, which are lower bounds", () => {
  const row = rowWith(...times(5, sample({ status: 0, latencyMs: 2000, error: "timed out" })));
  assert.deepEqual([row.latencyMs.min, row.latencyMs.p99, row.latencyMs.max], [10, 2000, 2000]);
  assert.ok(row.latencyMs.p50! < 70);
  assert.deepEqual(lowerBoundsOf(row), ["mean", "max", "p99", "p999", "p9999"]);
});

Deno.test("failures with a response are in no figure of latencies", () => {
  const alone = rowWith();
  const row = rowWith(
    ...times(500, sample({ status: 500, latencyMs: 1, error: "HTTP 500" })),
    ...times(500, sample({ status: 200, latencyMs: 9000, error: "no token" })),
  );
  assert.deepEqual(row.latencyMs, alone.latencyMs);
  assert.equal(row.lowerBounds, false);
  assert.deepEqual([row.failureLatencyMs.min, row.failureLatencyMs.max], [1, 9000]);
});

Deno.test("without a success, only requests that were never answered say how long it takes", () => {
  const refused = sample({ status: 0, latencyMs: 3.9, error: "ECONNREFUSED" });
  const totals = new Totals();
  const second = secondOf(times(10, refused));
  totals.add(second);
  for (const row of [totals.statistics(1).totals, totals.statistics(1).requests[0]!]) {
    assert.deepEqual(row.latencyMs, NO_LATENCIES);
    assert.deepEqual([row.lowerBounds, lowerBoundsOf(row)], [false, []]);
  }
  addUnanswered(second, { unfinished: [["GET", "search", 5000]], inProgress: [] });
  const both = new Totals();
  both.add(second);
  const { latencyMs, lowerBounds } = both.statistics(1).totals;
  assert.deepEqual([latencyMs.min, latencyMs.p50, lowerBounds], [null, 5000, true]);
});

Deno.test("requests in progress are those of the last second, whose parts add up", () => {
  const gauge = new InProgressGauge();
  const merged = new MergedStats();
  const seen = (): unknown =>
    [gauge, merged.inProgress].map((from) =>
      Array.from(
        from,
        ([, name, { count, oldestMs, ages }]) => [name, count, oldestMs, ages?.count],
      )
    );
  const add = (to: number, unanswered: Unanswered["inProgress"]): void => {
    const second = secondOf([], to);
    addUnanswered(second, { unfinished: [], inProgress: unanswered });
    gauge.add(second);
    merged.add(second);
  };
  add(1, [["GET", "a", 100], ["GET", "a", 1500]]);
  add(1, [["GET", "b", 3]]);
  const first = [["a", 2, 1500, 1], ["b", 1, 3, undefined]];
  assert.deepEqual(seen(), [first, first]);
  add(0, [["GET", "a", 7]]);
  assert.deepEqual(seen(), [first, first]);
  add(2, [["GET", "c", 8]]);
  assert.deepEqual(seen(), [[["c", 1, 8, undefined]], [["c", 1, 8, undefined]]]);
  add(3, []);
  assert.deepEqual(seen(), [[], []]);
});

Deno.test("requests in progress are counted under at most 1,000 names", () => {
  const gauge = new InProgressGauge();
  for (const half of [0, 1]) {
    const names = Array.from({ length: 600 }, (_, i) => ["GET", `/${half}/${i}`, 1] as const);
    const second = secondOf([]);
    addUnanswered(second, { unfinished: [], inProgress: names });
    gauge.add(second);
  }
  const all = [...gauge];
  assert.equal(all.length, 1001);
  assert.equal(all.find(([, name]) => name === "(other)")?.[2].count, 200);
});

Deno.test("a table counts unfinished requests in the second in which they were cut off", () => {
  const table = new StatsTable();
  table.start(0);
  table.record(sample({ endedAt: 100 }));
  table.unfinished({ method: "GET", name: "pay", startedAt: 50, phases: null, tags: "" }, 2, 950);
  table.unfinished(
    { method: "GET", name: "pay", startedAt: 1300, phases: null, tags: "" },
    0,
    2000,
  );
  const seconds = table.flush(2000);
  assert.deepEqual(
    seconds.map(({ second, unfinished, seconds: [counts] }) => [
      second,
      Array.from(unfinished, ([, name, { ages, retries }]) => [name, ages.max, retries]),
      counts?.requests,
    ]),
    [[0, [["pay", 900, 2]], 1], [1, [], 0], [2, [["pay", 700, 0]], 0]],
  );
});

Deno.test("names beyond 1,000 are capped for requests without an answer as for all others", () => {
  const table = new StatsTable();
  table.start(0);
  for (let i = 0; i < 1000; i++) table.record(sample({ name: `/${i}` }));
  table.unfinished({ method: "GET", name: "/1000", startedAt: 5, phases: null, tags: "" }, 0, 10);
  const request = { method: "GET", name: "/1001", startedAt: 2, tags: "" };
  const inProgress = [...table.inProgress([[request, 0], [{ ...request, name: "/7" }, 0]], 10)];
  assert.deepEqual(inProgress.map(([, name, { oldestMs }]) => [name, oldestMs]), [
    ["(other)", 8],
    ["/7", 8],
  ]);
  const totals = new Totals();
  for (const second of table.flush(10)) totals.add(second);
  totals.add(deltaOf({ unfinished: [["GET", "/1002", { ages: latenciesOf(3), retries: 4 }]] }));
  const { requests } = totals.statistics(1, inProgress);
  const other = requests.find(({ name }) => name === "(other)");
  assert.deepEqual([other?.unfinished.count, other?.inProgress.count, other?.retries], [2, 1, 4]);
  assert.equal(requests.length, 1001);
});
