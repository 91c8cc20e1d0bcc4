import fc from "fast-check";
import assert from "node:assert/strict";
import type { Message } from "../../src/cluster/protocol.ts";
import { countedOf } from "../../src/cluster/report.ts";
import { reportParts } from "../../src/cluster/report_parts.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import type { SamplePhases } from "../../src/stats/phase_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { PhaseTotals } from "../../src/stats/snapshot.ts";
import { type Phase, PHASES, type StatsDelta } from "../../src/stats/stats_delta.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import { plainPhases } from "../support/exact_statistics.ts";
import { anySample, sample } from "../support/samples.ts";
import { NO_LATENCIES } from "../support/snapshots.ts";

const NONE: SamplePhases = {
  ...{ opened: 0, dnsMs: -1, connectMs: -1, tlsMs: -1, ttfbMs: -1, downloadMs: -1 },
};

/** The times of each phase of these samples, one by one. */
function naiveTimes(samples: readonly Sample[]): Record<Phase, number[]> {
  const times: Record<Phase, number[]> = { dns: [], connect: [], tls: [], ttfb: [], download: [] };
  for (const { status, latencyMs, phases } of samples) {
    if (phases === null) {
      if (status === 0) continue;
      times.ttfb.push(latencyMs);
      times.download.push(0);
      continue;
    }
    for (const phase of PHASES) {
      const ms = phases[`${phase}Ms`];
      if (ms >= 0) times[phase].push(ms);
    }
  }
  return times;
}

function naivePhases(samples: readonly Sample[]): ReturnType<typeof plainPhases> {
  const opened = samples.reduce((sum, { phases }) => sum + Math.max(0, phases?.opened ?? 0), 0);
  const reused =
    samples.filter(({ status, phases }) =>
      phases === null ? status !== 0 : phases.ttfbMs >= 0 && phases.opened === 0
    ).length;
  const times = naiveTimes(samples);
  const buckets = (phase: Phase): [number, number][] => {
    const histogram = new Histogram();
    for (const ms of times[phase]) histogram.record(ms);
    return [...histogram.buckets()] as [number, number][];
  };
  return {
    opened,
    reused,
    dns: buckets("dns"),
    connect: buckets("connect"),
    tls: buckets("tls"),
    ttfb: buckets("ttfb"),
    download: buckets("download"),
  };
}

function secondsOf(samples: readonly Sample[]): StatsDelta[] {
  const table = new StatsTable();
  table.start(0);
  for (const one of samples.toSorted((a, b) => a.endedAt - b.endedAt)) table.record(one);
  return table.flush(10_001);
}

/** What a master reads of these seconds. */
function sent(seconds: readonly StatsDelta[]): StatsDelta[] {
  return seconds
    .flatMap((one) => reportParts(one, { runId: "run", resetCount: 0, cpu: 0, lag: 0 }))
    .map(({ content }) => countedOf(content));
}

function merged(seconds: readonly StatsDelta[]): StatsDelta[] {
  const all = new MergedStats();
  for (const one of seconds) all.add(one);
  return seconds.length === 0 ? [] : [all];
}

function statisticsOf(deltas: Iterable<StatsDelta>): ReturnType<Totals["statistics"]> {
  const totals = new Totals();
  for (const one of deltas) totals.add(one);
  return totals.statistics(10);
}

function phasesOf(samples: readonly Sample[]): PhaseTotals {
  return statisticsOf(secondsOf(samples)).totals.phases;
}

/** Each way of the counts from the users to the totals. */
const WAYS: readonly [name: string, way: (seconds: StatsDelta[]) => StatsDelta[]][] = [
  ["second by second", (seconds) => seconds],
  ["merged", merged],
  ["sent", sent],
  ["merged and sent", (seconds) => sent(merged(seconds))],
];

for (const [name, way] of WAYS) {
  Deno.test(`phases are those of the samples, ${name}, of one node or of several`, () => {
    const spread = fc.array(fc.tuple(anySample, fc.nat(2)), { maxLength: 60 });
    fc.assert(fc.property(spread, (spread) => {
      const { totals, requests } = statisticsOf(
        [0, 1, 2].flatMap((node) =>
          way(secondsOf(spread.filter(([, of]) => of === node).map(([one]) => one)))
        ),
      );
      const samples = spread.map(([one]) => one);
      assert.deepEqual(plainPhases(totals.phases), naivePhases(samples));
      for (const { method, name, phases } of requests) {
        const own = samples.filter((one) => one.method === method && one.name === name);
        assert.deepEqual(plainPhases(phases), naivePhases(own));
      }
    }));
  });
}

Deno.test("the figures of phases are those of the samples", () => {
  fc.assert(fc.property(fc.array(anySample, { maxLength: 60 }), (samples) => {
    const phases = phasesOf(samples);
    const times = naiveTimes(samples);
    const most = Math.max(1, ...samples.map(({ latencyMs }) => latencyMs));
    for (const phase of PHASES) {
      const exact = new Latencies();
      for (const ms of times[phase]) exact.add(ms);
      const { min, max, mean, stddev, p50, p95 } = phases.figures[phase];
      const expected = exact.summary();
      if (exact.count === 0) {
        assert.deepEqual(phases.figures[phase], NO_LATENCIES);
        continue;
      }
      const near = (actual: number | null, wanted: number | null, slack: number): void =>
        assert.ok(Math.abs(actual! - wanted!) <= slack, `${phase}: ${actual} is not ${wanted}`);
      // The extremes of what is left after a subtraction are known as their buckets are.
      near(min, expected.min, expected.min! * 0.001 + 0.001);
      near(max, expected.max, expected.max! * 0.001 + 0.001);
      near(p50, expected.p50, expected.p50! * 0.001 + 0.001);
      near(p95, expected.p95, expected.p95! * 0.001 + 0.001);
      near(mean, expected.mean, most * 1e-9 + expected.max! * 0.001);
      near(stddev, expected.stddev, most * 1e-3);
    }
  }));
});

Deno.test("a plain response has waited all the time for its first byte", () => {
  const { opened, reused, figures } = phasesOf([10, 30].map((latencyMs) => sample({ latencyMs })));
  assert.deepEqual([opened, reused], [0, 2]);
  assert.deepEqual([figures.ttfb.min, figures.ttfb.mean, figures.ttfb.max], [10, 20, 30]);
  assert.deepEqual([figures.download.min, figures.download.max], [0, 0]);
  assert.deepEqual([figures.dns, figures.connect, figures.tls], [
    NO_LATENCIES,
    NO_LATENCIES,
    NO_LATENCIES,
  ]);
});

Deno.test("steps and requests without a response have no phases", () => {
  const step = sample({ method: "TASK", status: 0 });
  const refused = sample({ status: 0, error: "ECONNREFUSED" });
  const unreachable = sample({
    status: 0,
    error: "CONNECT_TIMEOUT",
    phases: { ...NONE, dnsMs: 2 },
  });
  const { opened, reused, figures } = phasesOf([step, refused, unreachable]);
  assert.deepEqual([opened, reused], [0, 0]);
  assert.deepEqual([figures.ttfb, figures.download, figures.dns], [
    NO_LATENCIES,
    NO_LATENCIES,
    NO_LATENCIES,
  ]);
});

Deno.test("a response that breaks off has a first byte", () => {
  const broken = sample({
    status: 0,
    latencyMs: 50,
    error: "INCOMPLETE_BODY",
    phases: { ...NONE, ttfbMs: 20, downloadMs: 5 },
  });
  const { reused, figures } = phasesOf([broken]);
  assert.equal(reused, 1);
  assert.deepEqual([figures.ttfb.max, figures.download.max], [20, 5]);
});

Deno.test("connections that are unknown are neither opened nor reused", () => {
  const unknown = sample({ phases: { ...NONE, opened: -1, ttfbMs: 8, downloadMs: 2 } });
  const { opened, reused, figures } = phasesOf([unknown, unknown]);
  assert.deepEqual([opened, reused, figures.ttfb.max], [0, 0, 8]);
});

Deno.test("a chain of redirects over two connections is no reused one", () => {
  const chain = { ...NONE, opened: 2, connectMs: 3, ttfbMs: 20, downloadMs: 0 };
  const { opened, reused } = phasesOf([sample({ phases: chain }), sample()]);
  assert.deepEqual([opened, reused], [2, 1]);
});

Deno.test("the connections of a request that was cut off are counted", () => {
  const table = new StatsTable();
  table.start(0);
  const phases = { ...NONE, opened: 1, dnsMs: 1, connectMs: 2, tlsMs: 3 };
  table.unfinished({ method: "GET", name: "stalled", startedAt: 10, phases, tags: "" }, 0, 900);
  const [{ requests, phases: { opened, reused, figures } } = assert.fail()] =
    statisticsOf(table.flush(1000)).requests;
  assert.deepEqual([requests, opened, reused], [0, 1, 0]);
  assert.deepEqual([figures.dns.max, figures.connect.max, figures.tls.max], [1, 2, 3]);
  assert.equal(figures.ttfb.max, null);
});

Deno.test("times of phases that arrive before their latencies are never negative", () => {
  const samples = [sample({ latencyMs: 40, phases: { ...NONE, ttfbMs: 30, downloadMs: 10 } })];
  const [delta = assert.fail()] = sent(secondsOf(samples));
  const { totals } = statisticsOf([{ ...delta, entries: [] }]);
  assert.equal(totals.phases.figures.ttfb.max, 30);
  assert.equal(totals.phases.reused, 1);
});

const REFUSED: readonly [change: Partial<Message<"REPORT">["phases"][number]>, why: RegExp][] = [
  [{ notReused: 5 }, /more requests opened connections than had responses/],
  [
    {
      tls: {
        buckets: new Uint8Array(),
        spread: [{ sum: 1, min: 1, max: 1, squaredDeviations: 0 }],
      },
    },
    /times of phases contradict each other/,
  ],
];

for (const [change, why] of REFUSED) {
  Deno.test(`phases that contradict themselves are refused: ${Object.keys(change)}`, () => {
    const [part = assert.fail()] = reportParts(
      secondsOf([sample({ phases: { ...NONE, ttfbMs: 3, downloadMs: 0 } })])[0]!,
      { runId: "run", resetCount: 0, cpu: 0, lag: 0 },
    );
    const [phases = assert.fail()] = part.content.phases;
    const report = { ...part.content, phases: [{ ...phases, ...change }] };
    assert.throws(() => countedOf(report), why);
  });
}
