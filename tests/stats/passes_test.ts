import fc from "fast-check";
import assert from "node:assert/strict";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import { anyPasses, passesOf } from "../support/counts.ts";
import { bucketsOf } from "../support/exact_statistics.ts";

/** All but the sums of times, whose last digits depend on the order of adding. */
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

Deno.test("nothing has become of passes at first", () => {
  const { scheduled, started, completed, dropped } = new IterationStats();
  assert.deepEqual([scheduled, started, completed, dropped], [0, 0, 0, 0]);
});

Deno.test("passes that were begun and ended are counted by their times", () => {
  const passes = passesOf({ scheduled: 5, dropped: 1, delays: [0, 0, 30], services: [10, 20] });
  assert.deepEqual([passes.started, passes.completed], [3, 2]);
  const { startDelay, serviceTime } = passes;
  assert.deepEqual([startDelay.min, startDelay.max, startDelay.sum], [0, 30, 30]);
  assert.deepEqual([serviceTime.min, serviceTime.max, serviceTime.sum], [10, 20, 30]);
});

Deno.test("merged passes are those of which all that became", () => {
  fc.assert(fc.property(anyPasses, anyPasses, (left, right) => {
    const merged = passesOf(left);
    merged.merge(passesOf(right));
    const whole = passesOf({
      scheduled: left.scheduled + right.scheduled,
      dropped: left.dropped + right.dropped,
      delays: [...left.delays, ...right.delays],
      services: [...left.services, ...right.services],
    });
    assert.deepEqual(exact(merged), exact(whole));
  }));
});

Deno.test("merging changes nothing but the one that is merged into", () => {
  const source = passesOf({ scheduled: 2, delays: [1], services: [2] });
  const before = exact(source);
  const target = passesOf({});
  target.merge(source);
  target.begin(9);
  target.complete(9);
  target.scheduled++;
  assert.deepEqual(exact(source), before);
});
