import assert from "node:assert/strict";
import type { ThresholdRule } from "../../src/core/threshold_rule.ts";
import { hold, inSequence, stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { StepWatch, ThresholdWatch } from "../../src/runner/threshold_watch.ts";
import { Warnings } from "../../src/runner/warnings.ts";
import type { RunStatus, Snapshot } from "../../src/stats/snapshot.ts";
import { failedThresholds, ThresholdSet } from "../../src/stats/thresholds.ts";
import { secondOf } from "../support/counts.ts";
import { latencies, requestRow, snapshot, statistics } from "../support/snapshots.ts";
import { samplesOf } from "../support/steps.ts";

interface Watched {
  readonly warnings: string[];
  readonly annotations: string[];
  readonly stops: number;
  readonly watch: ThresholdWatch;
  /** Another second of a run with this `p50`, in milliseconds. */
  second(
    seconds: number,
    p50: number,
    state?: RunStatus,
    changes?: Partial<Snapshot>,
  ): (boolean | null)[];
}

function watched(
  rules: (string | ThresholdRule)[],
  abortOnThreshold: boolean,
  abortAfter = 0,
): Watched {
  const warnings: string[] = [];
  const annotations: string[] = [];
  let stops = 0;
  const watch = new ThresholdWatch(
    { thresholds: new ThresholdSet(rules), abortOnThreshold, abortAfter },
    new Warnings((text) => warnings.push(text)),
    () => stops++,
    ({ atSeconds, text }) => annotations.push(`${atSeconds}: ${text}`),
  );
  return {
    warnings,
    annotations,
    watch,
    get stops(): number {
      return stops;
    },
    second: (seconds, p50, state = "running", changes = {}) => {
      const row = requestRow({ requests: 10 * seconds, rate: 10, latencyMs: latencies(p50) });
      const counted = statistics({ totals: row, requests: [row], timeline: [] });
      const thresholds = watch.rows(counted, state, seconds);
      const times = { elapsedSeconds: seconds + 0.01, durationSeconds: seconds };
      watch.check(snapshot({ ...times, state, statistics: counted, thresholds, ...changes }));
      return thresholds.map(({ passed }) => passed);
    },
  };
}

Deno.test("a threshold ends no run without --abort-on-threshold", () => {
  const run = watched(["max<100ms"], false);
  assert.deepEqual(run.second(9, 12), [false]);
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("a threshold is annotated each time that it is crossed, but not for ever", () => {
  const run = watched(["max<500ms", "count>=1000"], false);
  // While the run ends, it is only judged.
  for (const [second, p50] of [12, 13, 14, 12, 15].entries()) run.second(second + 1, p50);
  run.second(6, 99, "stopping");
  assert.deepEqual(run.annotations, [
    "2.01: max<500ms crossed: 520 ms",
    "5.01: max<500ms crossed: 600 ms",
  ]);
  for (let second = 6; second < 60; second += 2) {
    run.second(second, 12);
    run.second(second + 1, 99);
  }
  assert.equal(run.annotations.length, 5);
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("the first second that crosses one ends the run, once, and says why", () => {
  const run = watched(["count>=1", "max<500ms"], true);
  assert.deepEqual(run.second(1, 12), [true, true]);
  assert.equal(run.stops, 0);
  run.second(2, 13);
  run.second(3, 14);
  assert.equal(run.stops, 1);
  assert.deepEqual(run.warnings, [
    "The test was ended after 2 s, as max<500ms was crossed: 520 ms.",
  ]);
});

Deno.test("the threshold that has ended a run stays crossed, with the value it had", () => {
  const run = watched(["mean<20ms"], true);
  run.second(2, 20);
  assert.deepEqual(run.second(3, 12, "stopping"), [false]);
  const counted = statistics({ requests: [requestRow()] });
  assert.deepEqual(run.watch.rows(counted, "stopped", 10), [
    { expression: "mean<20ms", observed: 25, passed: false },
  ]);
});

Deno.test("once a threshold has ended the run, it comes first, and those without a sample are not judged", () => {
  const run = watched(["p95[GET late]<1s", "count[GET old]==0", "max<100ms", "count>=1"], true);
  run.second(1, 12);
  assert.equal(run.stops, 1);
  const counted = statistics({ requests: [requestRow()] });
  const rows = run.watch.rows(counted, "stopped", 1);
  assert.deepEqual(rows.map(({ expression, passed }) => [expression, passed]), [
    ["max<100ms", false],
    ["p95[GET late]<1s", null],
    ["count[GET old]==0", true],
    ["count>=1", true],
  ]);
  assert.deepEqual(
    failedThresholds({ thresholds: rows, breakingPoint: null }).map(({ expression }) => expression),
    ["max<100ms"],
  );
  const { length } = run.warnings;
  run.watch.conclude(snapshot({ state: "stopped", statistics: counted }));
  assert.equal(run.warnings.length, length);
});

Deno.test("a threshold ends the run from its own delay on, or from that of all", () => {
  const own = watched(["mean<1s", { threshold: "max<100ms", abort: true, after: "3s" }], false, 9);
  assert.deepEqual(own.second(2, 12), [true, false]);
  assert.equal(own.stops, 0);
  own.second(3, 12);
  assert.equal(own.stops, 1);
  const all = watched(["mean<1ms", { threshold: "max<100ms", after: 5 }], true, 3);
  all.second(2, 12);
  assert.equal(all.stops, 0);
  all.second(3, 12);
  assert.match(all.warnings[0]!, /ended after 3 s, as mean<1ms was crossed/);
});

Deno.test("a run that is already stopping is not ended again", () => {
  const run = watched(["max<100ms"], true);
  run.second(2, 12, "stopping");
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("before the start, no threshold is judged, not even one of a count", () => {
  const { watch } = watched(["count>=1", "orders.count>=1", "failures<1", "p95<1s"], true);
  for (const row of watch.rows(statistics(), "ready", 0)) {
    assert.deepEqual([row.observed, row.passed], [null, true], row.expression);
  }
});

Deno.test("a load that rises until something breaks is not ended by a threshold", () => {
  const run = watched(["max<100ms"], true);
  const breakingPoint = { className: null, passed: null, broke: null, threshold: null };
  run.second(9, 12, "running", { breakingPoint });
  assert.equal(run.stops, 0);
});

Deno.test("a rate is not too low in the first five seconds, or while users are starting", () => {
  const run = watched(["rps>=100"], true);
  assert.deepEqual(run.second(4, 12), [true]);
  assert.deepEqual(run.second(30, 12, "spawning"), [true]);
  assert.equal(run.stops, 0);
  assert.deepEqual(run.second(5, 12), [false]);
  assert.equal(run.stops, 1);
});

Deno.test("thresholds without a sample cause a warning at the end", () => {
  const run = watched(["p95[GET serach]<1s", "p95<1s"], false);
  run.watch.conclude(snapshot({ state: "stopped" }));
  assert.deepEqual(run.warnings, [
    "Threshold p95[GET serach]<1s: no request is named GET serach. The names are GET /.",
  ]);
  const never = watched(["p95<1s"], false);
  never.watch.conclude(snapshot({ state: "stopped", startedAt: null }));
  assert.deepEqual(never.warnings, []);
});

class Steps extends LoadUserShape {
  static override curve = inSequence(
    hold({ seconds: 2, users: 50 }),
    stepUntilItBreaks({ stepSeconds: 3, users: { from: 10, step: 10, to: 90 } }),
  );
}

/** Runs the steps against a target of 2 ms a user; what broke, and after how many seconds. */
function run(thresholds: readonly string[], late = 0): [StepWatch, seconds: number] {
  const shape = new Steps();
  const watch = new StepWatch(shape, new ThresholdSet(thresholds));
  const loads: number[] = [];
  for (let second = 0;; second++) {
    const target = shape.at(second, watch.view(second, false, []));
    if (target === null) return [watch, second];
    watch.enterStepAt(second);
    loads.push("users" in target ? target.users : 0);
    // Counts may arrive late.
    const counted = second - late;
    if (counted >= 0) watch.add(secondOf(samplesOf(loads[counted]!), counted));
  }
}

Deno.test("each step is judged by its own seconds, and nothing before the steps is", () => {
  const [watch, seconds] = run(["p99<70ms"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 30, arrivalRate: null },
    broke: { users: 40, arrivalRate: null },
    threshold: "p99<70ms",
  });
  // 2 s of 50 users, three steps of 3 s, and the first second of the fourth.
  assert.equal(seconds, 12);
});

Deno.test("late counts belong to their own step, or to none", () => {
  const [watch] = run(["p99<70ms"], 1);
  assert.deepEqual(watch.breakingPoint!.broke, { users: 40, arrivalRate: null });
});

Deno.test("a load that breaks nothing passes up to its highest step", () => {
  const [watch, seconds] = run(["p99<1s"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 90, arrivalRate: null },
    broke: null,
    threshold: null,
  });
  assert.equal(seconds, 29);
});

Deno.test("other loads have no steps", () => {
  class Plain extends LoadUserShape {
    static override curve = hold({ seconds: 5, users: 50 });
  }
  for (const shape of [null, new Plain()]) {
    const watch = new StepWatch(shape, new ThresholdSet(["p99<1ms"]));
    shape?.at(0);
    watch.enterStepAt(0);
    watch.add(secondOf(samplesOf(50), 0));
    assert.deepEqual(watch.view(1, false, []), { crossed: null });
    assert.equal(watch.breakingPoint, null);
  }
});

Deno.test("the view leaves out seconds that some workers have not reported", () => {
  const shape = new Steps();
  shape.at(2);
  const watch = new StepWatch(shape, new ThresholdSet(["rps>=1"]));
  watch.enterStepAt(2);
  watch.add(secondOf(samplesOf(0), 2));
  watch.add(secondOf(samplesOf(10), 3));
  const seen: number[] = [];
  watch.view(4, false, [], (all) => {
    seen.push(...all.timeline.map(({ second }) => second));
    return all;
  });
  assert.deepEqual(seen, [2, 3]);
});
