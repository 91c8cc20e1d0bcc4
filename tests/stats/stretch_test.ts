import fc from "fast-check";
import assert from "node:assert/strict";
import type { SecondCounts, StatsDelta } from "../../src/stats/stats_delta.ts";
import { SecondStats, StatsTable } from "../../src/stats/stats_table.ts";
import { MergedStats, Totals } from "../../src/stats/totals.ts";
import {
  counted,
  countedSecond as second,
  intervalOf,
  iterationCounts,
  iterationsOf,
} from "../support/counts.ts";
import { exactStatistics } from "../support/exact_statistics.ts";
import { anySample, sample } from "../support/samples.ts";

function stretchOf(...parts: StatsDelta[]): MergedStats {
  const stretch = new MergedStats();
  for (const part of parts) stretch.add(part);
  return stretch;
}

/** Only tells how seconds went. */
function telling(...seconds: SecondCounts[]): StatsDelta {
  const numbers = seconds.map(({ second }) => second);
  const [from, to] = [Math.min(...numbers), Math.max(...numbers)];
  return counted({ from, to, seconds });
}

Deno.test("seconds put together add up to what they add up to apart", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  fc.assert(fc.property(samples, samples, (samples, errors) => {
    const table = new StatsTable();
    table.start(0);
    const all = [...samples, ...errors].toSorted((a, b) => a.endedAt - b.endedAt);
    for (const one of all) table.record(one);
    for (const { name, error } of errors) table.userError(name, error ?? "none", 10_000);
    const intervals = table.flush(10_001);
    const [apart, together] = [new Totals(), new Totals()];
    for (const interval of intervals) apart.add(interval);
    together.add(stretchOf(...intervals));
    const { timeline, ...expected } = exactStatistics(apart.statistics(10));
    const { timeline: found, ...actual } = exactStatistics(together.statistics(10));
    assert.deepEqual(actual, expected);
    const counts = ({ second, users, requests, failures }: typeof found[number]): number[] => [
      second,
      users,
      requests,
      failures,
    ];
    assert.deepEqual(found.map(counts), timeline.map(counts));
  }));
});

Deno.test("a stretch reaches from its earliest second to its latest", () => {
  const stretch = stretchOf(new SecondStats(7, 1), new SecondStats(5, 1));
  assert.deepEqual([stretch.from, stretch.to], [5, 7]);
  stretch.add(counted({ from: 3, to: 9 }));
  assert.deepEqual([stretch.from, stretch.to], [3, 9]);
  assert.deepEqual(stretch.seconds.map(({ second }) => second), [5, 7]);
});

Deno.test("seconds are in their order, in whichever they were added, and each is there once", () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 });
  fc.assert(fc.property(order, order, (first, then) => {
    const stretch = stretchOf(...[...first, ...then].map((number) => new SecondStats(number, 1)));
    const expected = [...new Set([...first, ...then])].toSorted((a, b) => a - b);
    assert.deepEqual(stretch.seconds.map(({ second }) => second), expected);
  }));
});

Deno.test("two parts of one second are one: counts are added, users are the later ones", () => {
  const stretch = stretchOf(
    telling(second(4, { users: 9, peakUsers: 9, requests: 5, failures: 1 }), second(5)),
    telling(second(4, { users: 7, peakUsers: 8, requests: 2, failures: 2 })),
  );
  assert.deepEqual(stretch.seconds, [
    second(4, { users: 7, peakUsers: 9, requests: 7, failures: 3 }),
    second(5),
  ]);
});

Deno.test("entries of a stretch are its own: adding to it changes no interval", () => {
  const table = new StatsTable();
  table.start(0);
  table.record(sample({ error: "HTTP 500" }));
  const [interval = assert.fail()] = table.take(1000);
  const stretch = stretchOf(interval, interval);
  assert.equal(interval.entries.get("GET", "search")?.whole.requests, 1);
  const [[, , , entry] = assert.fail()] = stretch.entries;
  assert.equal(entry.requests, 2);
  assert.deepEqual([...entry.errors], [["HTTP 500", 2]]);
});

Deno.test("codes of a name stay apart in a stretch", () => {
  const stretch = stretchOf(
    intervalOf([sample(), sample({ status: 503 })], 1),
    intervalOf([sample({ status: 503 }), sample({ status: 0 })], 2),
  );
  assert.deepEqual(
    Array.from(stretch.entries, ([, , code, { requests }]) => [code, requests]),
    [[200, 1], [503, 2], [0, 1]],
  );
});

Deno.test("a stretch has the passes of all its seconds, and none where they have none", () => {
  const stretch = stretchOf(new SecondStats(0, 1), counted());
  assert.equal(stretch.iterations, null);
  stretch.add(
    counted({ iterations: iterationsOf({ scheduled: 3, delays: [0, 4], services: [9] }) }),
  );
  stretch.add(counted({ iterations: iterationsOf({ scheduled: 1, dropped: 2, delays: [8] }) }));
  assert.deepEqual(iterationCounts(stretch.iterations), {
    scheduled: 4,
    started: 3,
    completed: 1,
    dropped: 2,
    delay: 12,
    service: 9,
  });
});

Deno.test("names and user errors beyond 1,000 are counted as one", () => {
  const parts = ["a", "b"].map((half, i) => {
    const table = new StatsTable();
    table.start(i * 1000, i);
    for (let n = 0; n < 700; n++) {
      table.record(sample({ name: `/${half}/${n}`, endedAt: i * 1000 }));
      table.userError("BuyTest", `${half}: ${n}`, 0);
    }
    return table.flush(i * 1000 + 1)[0]!;
  });
  const stretch = stretchOf(...parts);
  const entries = [...stretch.entries];
  assert.equal(entries.length, 1001);
  assert.equal(entries.find(([, name]) => name === "(other)")?.[3].requests, 400);
  const userErrors = [...stretch.userErrors];
  assert.equal(userErrors.length, 1001);
  assert.deepEqual(userErrors.find(([, error]) => error === "(other)"), [
    "BuyTest",
    "(other)",
    400,
  ]);
});
