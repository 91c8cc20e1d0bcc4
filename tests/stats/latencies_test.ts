import fc from "fast-check";
import assert from "node:assert/strict";
import { Latencies } from "../../src/stats/request_stats.ts";
import { latency } from "../support/samples.ts";
import { NO_LATENCIES } from "../support/snapshots.ts";

const values = fc.array(latency, { minLength: 1, maxLength: 200 });

function latenciesOf(values: Iterable<number>): Latencies {
  const latencies = new Latencies();
  for (const ms of values) latencies.add(ms);
  return latencies;
}

/** Whether two numbers are the same but for what rounding does to numbers of that size. */
function assertClose(actual: number | null, expected: number, scale: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= scale * 1e-9,
    `${actual} is not ${expected}`,
  );
}

Deno.test("min and max are exact, mean and population stddev but for rounding", () => {
  fc.assert(fc.property(values, (values) => {
    const { min, mean, max, stddev } = latenciesOf(values).summary();
    const expected = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, ms) => sum + (ms - expected) ** 2, 0) / values.length;
    assert.equal(min, Math.min(...values));
    assert.equal(max, Math.max(...values));
    assertClose(mean, expected, expected);
    assertClose(stddev, Math.sqrt(variance), Math.max(...values));
  }));
});

Deno.test("the stddev of 2, 4, 4, 4, 5, 5, 7, 9 is 2", () => {
  assertClose(latenciesOf([2, 4, 4, 4, 5, 5, 7, 9]).summary().stddev, 2, 2);
});

Deno.test("the spread of large values that are close together is not lost", () => {
  const latencies = new Latencies();
  for (let i = 0; i < 1000; i++) {
    const part = latenciesOf([3_000_000.001, 3_000_000.003]);
    latencies.merge(part);
  }
  assertClose(latencies.summary().stddev, 0.001, 1e3);
});

Deno.test("merged latencies are those that were added to one", () => {
  fc.assert(fc.property(values, values, (left, right) => {
    const merged = latenciesOf(left);
    merged.merge(latenciesOf(right));
    const whole = latenciesOf([...left, ...right]);
    const { mean, stddev, ...rest } = merged.summary();
    const { mean: wholeMean, stddev: wholeStddev, ...wholeRest } = whole.summary();
    assert.deepEqual(rest, wholeRest);
    assert.deepEqual([...merged.histogram.buckets()], [...whole.histogram.buckets()]);
    assertClose(mean, wholeMean!, whole.max);
    assertClose(stddev, wholeStddev!, whole.max);
  }));
});

Deno.test("merging none changes nothing, and merging into none copies", () => {
  const some = latenciesOf([1, 2, 30]);
  const before = some.summary();
  some.merge(new Latencies());
  assert.deepEqual(some.summary(), before);
  const none = new Latencies();
  none.merge(some);
  assert.deepEqual(none.summary(), before);
});

Deno.test("percentiles and mean never leave what was measured", () => {
  fc.assert(
    fc.property(latency, fc.integer({ min: 1, max: 50 }), (ms, times) => {
      const { stddev, ...rest } = latenciesOf(Array<number>(times).fill(ms)).summary();
      assert.deepEqual(new Set(Object.values(rest)), new Set([ms]));
      assertClose(stddev, 0, ms * 100);
    }),
  );
});

Deno.test("latencies outside of the histogram's buckets keep min, max and percentiles true", () => {
  assert.equal(latenciesOf([0, 0, 0]).summary().p99, 0);
  const days = latenciesOf([86_400_000, 86_400_000]).summary();
  assert.deepEqual([days.min, days.p50, days.max], [86_400_000, 86_400_000, 86_400_000]);
});

Deno.test("no latency makes every number of the summary null", () => {
  assert.deepEqual(new Latencies().summary(), NO_LATENCIES);
  assert.equal(new Latencies().percentile(0.5), null);
});

Deno.test("latencies put together from their fields and buckets are the same", () => {
  fc.assert(fc.property(values, (values) => {
    const { min, max, sum, squaredDeviations, histogram } = latenciesOf(values);
    const sent = JSON.parse(
      JSON.stringify({ min, max, sum, squaredDeviations, buckets: [...histogram.buckets()] }),
    );
    const copy = new Latencies();
    for (const [index, count] of sent.buckets) copy.histogram.addBucket(index, count);
    copy.min = sent.min;
    copy.max = sent.max;
    copy.sum = sent.sum;
    copy.squaredDeviations = sent.squaredDeviations;
    assert.deepEqual(copy.summary(), latenciesOf(values).summary());
  }));
});
