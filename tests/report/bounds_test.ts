import assert from "node:assert/strict";
import {
  type ConfidenceInterval,
  type EntryOfRun,
  errorInterval,
  meanInterval,
  quantileInterval,
  rateInterval,
  RunFigures,
} from "../../src/report/compare_stats.ts";
import type { ComparedRun } from "../../src/report/summary.ts";
import { seeded } from "../support/cutting_target.ts";
import { type SimulatedRun, simulatedRun } from "../support/simulated_summary.ts";

const NAMES = [{ name: "/", rate: 200, median: 20, spread: 0.1 }];
const TAIL = 0.0025;

function entries(
  a: Partial<SimulatedRun>,
  b: Partial<SimulatedRun>,
): readonly [a: EntryOfRun, b: EntryOfRun] {
  const random = seeded(11);
  const run = { seconds: 20, names: NAMES };
  const runs = [simulatedRun({ ...run, ...a }, random), simulatedRun({ ...run, ...b }, random)];
  const totalsOf = (one: ComparedRun, other: ComparedRun): EntryOfRun =>
    new RunFigures(one, other).entry(one.totals);
  return [totalsOf(runs[0]!, runs[1]!), totalsOf(runs[1]!, runs[0]!)];
}

function assertAround(bounds: ConfidenceInterval, value: number, width: number): void {
  assert.ok(bounds.low < value && value < bounds.high, `${bounds.low} to ${bounds.high}`);
  assert.ok(bounds.high - bounds.low < width, `${bounds.low} to ${bounds.high}`);
}

for (const q of [0.5, 0.95, 0.99]) {
  Deno.test(`the percentile ${q} of a target that is 10 % slower lies around 1.1 times as high`, () => {
    const [a, b] = entries({}, { slower: 1.1 });
    assertAround(quantileInterval(a, b, q, TAIL), 1.1, q === 0.5 ? 0.03 : 0.1);
  });

  Deno.test(`with the runs exchanged, the bounds of ${q} are turned round`, () => {
    const [a, b] = entries({}, { slower: 1.1, noise: 0.05 });
    const there = quantileInterval(a, b, q, TAIL);
    const back = quantileInterval(b, a, q, TAIL);
    assert.ok(Math.abs(there.low * back.high - 1) < 1e-9);
    assert.ok(Math.abs(there.high * back.low - 1) < 1e-9);
  });
}

Deno.test("noise of the seconds makes bounds wider, however many requests there were", () => {
  const widthWith = (noise: number): number => {
    const [a, b] = entries({ noise }, { noise });
    const { low, high } = quantileInterval(a, b, 0.5, TAIL);
    return high - low;
  };
  assert.ok(widthWith(0) < 0.03, `${widthWith(0)}`);
  assert.ok(widthWith(0.1) > 4 * widthWith(0), `${widthWith(0.1)}`);
});

Deno.test("what both runs do over time is no noise", () => {
  const [a, b] = entries({ ramp: 10 }, { ramp: 10 });
  assertAround(quantileInterval(a, b, 0.5, TAIL), 1, 0.06);
});

Deno.test("a few stalls in one run are no regression of its highest percentiles", () => {
  const random = seeded(12);
  const quiet = { seconds: 60, names: NAMES };
  const a = simulatedRun(quiet, random);
  const b = simulatedRun({ ...quiet, stalls: 0.08 }, random);
  assert.ok(b.totals.latencyMs.p99! > 5 * a.totals.latencyMs.p99!, `${b.totals.latencyMs.p99}`);
  const before = new RunFigures(a, b).entry(a.totals);
  const after = new RunFigures(b, a).entry(b.totals);
  const { low, high } = quantileInterval(before, after, 0.99, TAIL);
  assert.ok(low < 1.05, `${low}`);
  assert.ok(high > 5, `${high}`);
});

Deno.test("means and rates are compared as shares", () => {
  const [a, b] = entries({}, { slower: 1.1 });
  assertAround(meanInterval(a, b, TAIL), 1.1, 0.03);
  assertAround(rateInterval(a, b, TAIL), 1 / 1.1, 0.05);
});

Deno.test("error rates are subtracted", () => {
  const [a, b] = entries({ failing: 0.02 }, { failing: 0.05 });
  assertAround(errorInterval(a, b, TAIL), 0.03, 0.07);
  const [all, none] = entries({ failing: 1 }, {});
  const { low, high } = errorInterval(all, none, TAIL);
  assert.ok(low === -1 && high < -0.99, `${low} to ${high}`);
});

Deno.test("the less a bound may be wrong, the further away it is", () => {
  const [a, b] = entries({ noise: 0.03 }, { noise: 0.03 });
  for (const boundsOf of [meanInterval, rateInterval, errorInterval]) {
    const [wide, narrow] = [boundsOf(a, b, 0.0001), boundsOf(a, b, 0.05)];
    assert.ok(wide.low < narrow.low && wide.high > narrow.high);
  }
  const [wide, narrow] = [0.0001, 0.05].map((tail) => quantileInterval(a, b, 0.95, tail));
  assert.ok(wide!.low < narrow!.low && wide!.high > narrow!.high);
});
