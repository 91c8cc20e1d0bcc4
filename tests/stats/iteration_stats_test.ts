import fc from "fast-check";
import assert from "node:assert/strict";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import { anyIterations, iterationsOf } from "../support/counts.ts";
import { bucketsOf } from "../support/exact_statistics.ts";

/** Everything but the sums of times, whose last digits depend on the order of addition. */
function exact(
  { scheduled, started, completed, dropped, serviceTime, startDelay }: IterationStats,
): unknown {
  const times = [serviceTime, startDelay].map(({ count, min, max, histogram }) => ({
    count,
    min,
    max,
    buckets: bucketsOf(histogram),
  }));
  return { scheduled, started, completed, dropped, times };
}

Deno.test("iteration counts start at 0", () => {
  const { scheduled, started, completed, dropped } = new IterationStats();
  assert.deepEqual([scheduled, started, completed, dropped], [0, 0, 0, 0]);
});

Deno.test("started and completed iterations are counted with their times", () => {
  const iterations = iterationsOf({
    scheduled: 5,
    dropped: 1,
    delays: [0, 0, 30],
    services: [10, 20],
  });
  assert.deepEqual([iterations.started, iterations.completed], [3, 2]);
  const { startDelay, serviceTime } = iterations;
  assert.deepEqual([startDelay.min, startDelay.max, startDelay.sum], [0, 30, 30]);
  assert.deepEqual([serviceTime.min, serviceTime.max, serviceTime.sum], [10, 20, 30]);
});

Deno.test("merged iteration counts are the sum of both", () => {
  fc.assert(fc.property(anyIterations, anyIterations, (left, right) => {
    const merged = iterationsOf(left);
    merged.merge(iterationsOf(right));
    const whole = iterationsOf({
      scheduled: left.scheduled + right.scheduled,
      dropped: left.dropped + right.dropped,
      delays: [...left.delays, ...right.delays],
      services: [...left.services, ...right.services],
    });
    assert.deepEqual(exact(merged), exact(whole));
  }));
});

Deno.test("merging does not change the other iteration counts", () => {
  const source = iterationsOf({ scheduled: 2, delays: [1], services: [2] });
  const before = exact(source);
  const target = iterationsOf({});
  target.merge(source);
  target.begin(9);
  target.complete(9);
  target.scheduled++;
  assert.deepEqual(exact(source), before);
});
