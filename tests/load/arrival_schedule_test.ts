import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ALL_ARRIVALS,
  ArrivalSchedule,
  type ArrivalShare,
  positionAt,
  type RatePeriod,
} from "../../src/load/arrival_schedule.ts";

const FOR_EVER = { until: Infinity, limit: Infinity };
const TEN: RatePeriod = { rate: 10, since: 0, position: 0, ...FOR_EVER };

/** Reproducible numbers in [0, 1). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function constant(): ArrivalSchedule {
  return new ArrivalSchedule("constant", () => assert.fail("nothing is drawn"));
}

function takeUntil(schedule: ArrivalSchedule, seconds: number): number[] {
  const times: number[] = [];
  while (schedule.nextAt < seconds) times.push(schedule.next());
  return times;
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((time, i) => assert.ok(Math.abs(time - expected[i]!) < 1e-9, `${i}: ${time}`));
}

Deno.test("iterations are evenly spaced, and the first one is due at once", () => {
  const schedule = constant();
  assert.equal(schedule.nextAt, Infinity);
  schedule.follow(TEN, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, 0.55), [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
});

Deno.test("the number of iterations before the end is rate times seconds", () => {
  for (
    const [rate, until, iterations] of [[5000, 20, 100_000], [3, 7, 21], [0.7, 20, 14], [1.5, 3, 5]]
  ) {
    const schedule = constant();
    schedule.follow({ ...TEN, rate: rate!, until: until! }, ALL_ARRIVALS);
    assert.equal(takeUntil(schedule, Infinity).length, iterations);
  }
});

Deno.test("a new rate applies from the moment it names, even if it is received late", () => {
  const faster = { ...TEN, rate: 20, since: 1, position: positionAt(TEN, 1) };
  const early = constant();
  early.follow(TEN, ALL_ARRIVALS);
  early.follow(faster, ALL_ARRIVALS);
  const late = constant();
  late.follow(TEN, ALL_ARRIVALS);
  const times = takeUntil(late, 1.25);
  late.follow(faster, ALL_ARRIVALS);
  const expected = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.05, 1.1, 1.15, 1.2];
  assertClose(takeUntil(early, 1.25), expected);
  // Three iterations have started at the old rate meanwhile, and do not start again.
  assertClose([...times, ...takeUntil(late, 1.25)], [
    ...expected.slice(0, 11),
    1.1,
    1.2,
    1.15,
    1.2,
  ]);
});

Deno.test("a rate of 0 starts nothing, and a later rate continues from there", () => {
  const schedule = constant();
  const pause = { ...TEN, rate: 0, since: 0.5, position: 5 };
  schedule.follow(TEN, ALL_ARRIVALS);
  schedule.follow(pause, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, 100), [0, 0.1, 0.2, 0.3, 0.4]);
  assert.equal(schedule.nextAt, Infinity);
  schedule.follow({ ...TEN, rate: 1, since: 100, position: positionAt(pause, 100) }, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, 102.5), [100, 101, 102]);
});

Deno.test("of two rates that apply from the same moment, the last one counts from there", () => {
  const schedule = constant();
  schedule.follow(TEN, ALL_ARRIVALS);
  const change = { since: 0.25, position: 2.5, ...FOR_EVER };
  schedule.follow({ rate: 20, ...change }, ALL_ARRIVALS);
  schedule.follow({ rate: 0, ...change }, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, 9), [0, 0.1, 0.2]);
});

Deno.test("a limit is a number of iterations", () => {
  const schedule = constant();
  schedule.follow({ ...TEN, limit: 3 }, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, Infinity), [0, 0.1, 0.2]);
});

Deno.test("the end can be set later", () => {
  const schedule = constant();
  schedule.follow(TEN, ALL_ARRIVALS);
  schedule.follow({ ...TEN, until: 0.35 }, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, Infinity), [0, 0.1, 0.2, 0.3]);
});

Deno.test("after forget, the next share and rate start over", () => {
  const schedule = constant();
  schedule.follow(TEN, ALL_ARRIVALS);
  assertClose(takeUntil(schedule, 0.25), [0, 0.1, 0.2]);
  schedule.forget();
  assert.equal(schedule.nextAt, Infinity);
  schedule.follow(TEN, { from: 50, of: 2, index: 1 });
  assertClose(takeUntil(schedule, 5.4), [5.1, 5.3]);
});

Deno.test("several nodes together start each iteration once", () => {
  const change = fc.record({
    nodes: fc.integer({ min: 1, max: 5 }),
    seconds: fc.integer({ min: 1, max: 5 }),
    rate: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
    const schedules = Array.from({ length: 5 }, constant);
    let period: RatePeriod = { ...TEN, rate: changes[0]!.rate };
    let at = 0;
    const all: number[] = [];
    for (const { nodes, seconds, rate } of changes) {
      period = { ...period, rate, since: at, position: positionAt(period, at) };
      const from = Math.ceil(period.position);
      schedules.forEach((schedule, index) => {
        // A node without a part gets one iteration at the end of all numbers.
        const slice: ArrivalShare = index < nodes
          ? { from, of: nodes, index }
          : { from, of: Number.MAX_SAFE_INTEGER, index: Number.MAX_SAFE_INTEGER - 1 };
        schedule.follow(period, slice);
      });
      at += seconds;
      for (const schedule of schedules) all.push(...takeUntil(schedule, at));
    }
    const alone = constant();
    let whole: RatePeriod = { ...TEN, rate: changes[0]!.rate };
    let expected: number[] = [];
    at = 0;
    for (const { seconds, rate } of changes) {
      whole = { ...whole, rate, since: at, position: positionAt(whole, at) };
      alone.follow(whole, ALL_ARRIVALS);
      at += seconds;
      expected = [...expected, ...takeUntil(alone, at)];
    }
    assertClose(all.toSorted((a, b) => a - b), expected);
  }));
});

Deno.test("two nodes take turns", () => {
  const [one, two] = [constant(), constant()];
  one.follow(TEN, { from: 0, of: 2, index: 0 });
  two.follow(TEN, { from: 0, of: 2, index: 1 });
  assertClose(takeUntil(one, 0.55), [0, 0.2, 0.4]);
  assertClose(takeUntil(two, 0.55), [0.1, 0.3, 0.5]);
});

Deno.test("Poisson arrivals have the requested rate and exponential gaps", () => {
  const schedule = new ArrivalSchedule("poisson", seeded(7));
  schedule.follow({ ...TEN, rate: 1000, until: 100 }, ALL_ARRIVALS);
  const times = takeUntil(schedule, Infinity);
  // 100,000 on average, with a standard deviation of 316.
  assert.ok(Math.abs(times.length - 100_000) < 4 * 316, String(times.length));
  const gaps = times.map((time, i) => time - (times[i - 1] ?? 0)).slice(1);
  const longer = gaps.filter((gap) => gap > 0.001).length / gaps.length;
  assert.ok(Math.abs(longer - Math.exp(-1)) < 0.01, String(longer));
});

Deno.test("Poisson arrivals of several nodes add up to a Poisson process", () => {
  const times = [0, 1, 2].flatMap((index) => {
    const schedule = new ArrivalSchedule("poisson", seeded(index + 11));
    schedule.follow({ ...TEN, rate: 300, until: 100 }, { from: 0, of: 3, index });
    return takeUntil(schedule, Infinity);
  });
  const bins = new Array<number>(1000).fill(0);
  for (const time of times) bins[Math.floor(time * 10)]!++;
  const mean = times.length / bins.length;
  const variance = bins.reduce((sum, bin) => sum + (bin - mean) ** 2, 0) / bins.length;
  assert.ok(Math.abs(mean - 30) < 0.7, String(mean));
  // The variance of a Poisson process is its mean.
  assert.ok(Math.abs(variance / mean - 1) < 0.15, String(variance / mean));
});

Deno.test("skipping takes the same iterations as taking them one by one", () => {
  const change = fc.record({
    seconds: fc.double({ min: 0.1, max: 5, noNaN: true }),
    rate: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.double({ min: 0, max: 100, noNaN: true })),
    of: fc.integer({ min: 1, max: 4 }),
  });
  const limit = fc.oneof(fc.constant(Infinity), fc.nat(500));
  fc.assert(fc.property(
    fc.array(change, { minLength: 1, maxLength: 5 }),
    limit,
    fc.double({ min: 0, max: 25, noNaN: true }),
    (changes, limit, until) => {
      const [skipping, taking] = [constant(), constant()];
      let period: RatePeriod = { ...TEN, rate: changes[0]!.rate, limit };
      let at = 0;
      for (const { seconds, rate, of } of changes) {
        period = { ...period, rate, since: at, position: positionAt(period, at) };
        const share = { from: Math.ceil(period.position), of, index: 0 };
        for (const schedule of [skipping, taking]) schedule.follow(period, share);
        at += seconds;
      }
      let skipped = 0;
      while (skipping.nextAt <= until) skipped += skipping.skip(until) || takeOne(skipping);
      let taken = 0;
      while (taking.nextAt <= until) taken += takeOne(taking);
      assert.equal(skipped, taken);
      assert.equal(skipping.nextAt, taking.nextAt);
      assert.equal(skipping.ended, taking.ended);
    },
  ));
});

function takeOne(schedule: ArrivalSchedule): number {
  schedule.next();
  return 1;
}

Deno.test("a quadrillion iterations are skipped in a few steps", () => {
  const schedule = constant();
  schedule.follow({ ...TEN, rate: 1e6, limit: 1e15 }, { from: 0, of: 3, index: 1 });
  let [steps, skipped] = [0, 0];
  for (; schedule.nextAt <= 1e10; steps++) skipped += schedule.skip(1e10) || takeOne(schedule);
  assert.equal(skipped, 1e15 / 3 - 1 / 3);
  assert.equal(schedule.ended, true);
  assert.ok(steps < 10, `${steps}`);
});

Deno.test("the number of skipped Poisson arrivals has the distribution of a Poisson process", () => {
  const mean = 2_000;
  const counts = Array.from({ length: 2_000 }, (_, seed) => {
    const schedule = new ArrivalSchedule("poisson", seeded(seed * 7919));
    schedule.follow({ ...TEN, rate: mean }, ALL_ARRIVALS);
    let count = 0;
    while (schedule.nextAt <= 1) count += schedule.skip(1) || takeOne(schedule);
    return count;
  });
  const average = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance = counts.reduce((sum, count) => sum + (count - average) ** 2, 0) / counts.length;
  assert.ok(Math.abs(average - mean) < 5, String(average));
  // The variance of a Poisson process is its mean.
  assert.ok(Math.abs(variance / mean - 1) < 0.15, String(variance));
});
