import assert from "node:assert/strict";
import { hold, inSequence, stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { StepWatch } from "../../src/runner/run_watch.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { intervalOf } from "../support/counts.ts";
import { samplesOf } from "../support/steps.ts";

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
    const target = shape.at(second, watch.view(second, false));
    if (target === null) return [watch, second];
    watch.note(second);
    loads.push("users" in target ? target.users : 0);
    // What was counted in a second may come in later.
    const told = second - late;
    if (told >= 0) watch.add(intervalOf(samplesOf(loads[told]!), told));
  }
}

Deno.test("each step is judged by its own seconds, and nothing before it is", () => {
  const [watch, seconds] = run(["p99<70ms"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 30, arrivalRate: null },
    broke: { users: 40, arrivalRate: null },
    threshold: "p99<70ms",
  });
  // 2 s of 50 users, three steps of 3 s, and the first second of the fourth.
  assert.equal(seconds, 12);
});

Deno.test("what comes in late is counted to the step that it belongs to, or not at all", () => {
  const [watch] = run(["p99<70ms"], 1);
  assert.deepEqual(watch.breakingPoint!.broke, { users: 40, arrivalRate: null });
});

Deno.test("a load that nothing breaks passes to its highest step", () => {
  const [watch, seconds] = run(["p99<1s"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 90, arrivalRate: null },
    broke: null,
    threshold: null,
  });
  assert.equal(seconds, 29);
});

Deno.test("other loads have no steps, and cost nothing", () => {
  class Plain extends LoadUserShape {
    static override curve = hold({ seconds: 5, users: 50 });
  }
  for (const shape of [null, new Plain()]) {
    const watch = new StepWatch(shape, new ThresholdSet(["p99<1ms"]));
    shape?.at(0);
    watch.note(0);
    watch.add(intervalOf(samplesOf(50), 0));
    assert.deepEqual(watch.view(1, false), { crossed: null });
    assert.equal(watch.breakingPoint, null);
  }
});

Deno.test("seconds that some nodes have not told of are left out as the watch is told", () => {
  const shape = new Steps();
  shape.at(2);
  const watch = new StepWatch(shape, new ThresholdSet(["rps>=1"]));
  watch.note(2);
  watch.add(intervalOf(samplesOf(0), 2));
  watch.add(intervalOf(samplesOf(10), 3));
  const seen: number[] = [];
  watch.view(4, false, (all) => {
    seen.push(...all.timeline.map(({ second }) => second));
    return all;
  });
  assert.deepEqual(seen, [2, 3]);
});
