import assert from "node:assert/strict";
import {
  hold,
  inSequence,
  plus,
  ramp,
  repeated,
  scaled,
  stepUntilItBreaks,
} from "../../src/load/curves.ts";
import { CurveRun } from "../../src/load/load_user_shape.ts";

const STEPS = stepUntilItBreaks({ stepSeconds: 10, users: { from: 10, step: 10, to: 40 } });

/** The loads of each second up to the end; a threshold is crossed where `crossed` says so. */
function loads(run: CurveRun, crossed: (second: number) => boolean): unknown[] {
  const seen: unknown[] = [];
  for (let second = 0; second < 1000; second++) {
    const load = run.at(second, crossed(second) ? "p95<200ms" : null);
    if (load === null) return seen;
    seen.push(load);
  }
  throw new Error("the curve has no end");
}

const never = (): boolean => false;

function users(counts: Readonly<Record<number, number>>): unknown[] {
  return Object.entries(counts).flatMap(([users, seconds]) =>
    Array(seconds).fill({ users: Number(users) })
  );
}

Deno.test("where nothing breaks, the highest load has passed", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, never), users({ 10: 10, 20: 10, 30: 10, 40: 10 }));
  assert.deepEqual(run.brokenLoad, {
    passed: { users: 40, rate: 40 },
    broke: null,
    threshold: null,
  });
});

Deno.test("what a step crosses in its midst ends the curve there and then", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, (second) => second === 23), users({ 10: 10, 20: 10, 30: 3 }));
  assert.deepEqual(run.brokenLoad, {
    passed: { users: 20, rate: 20 },
    broke: { users: 30, rate: 30 },
    threshold: "p95<200ms",
  });
});

Deno.test("what is known when the next step would begin belongs to the step before", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, (second) => second === 20), users({ 10: 10, 20: 10 }));
  assert.deepEqual(run.brokenLoad?.passed, { users: 10, rate: 10 });
  assert.deepEqual(run.brokenLoad?.broke, { users: 20, rate: 20 });
});

Deno.test("the last step may break at the moment of its end", () => {
  const run = new CurveRun(STEPS);
  assert.equal(loads(run, (second) => second === 40).length, 40);
  assert.deepEqual(run.brokenLoad?.passed, { users: 30, rate: 30 });
  assert.deepEqual(run.brokenLoad?.broke, { users: 40, rate: 40 });
});

Deno.test("what was crossed before the first step is none of its business", () => {
  const run = new CurveRun(inSequence(ramp({ seconds: 5, users: { from: 0, to: 10 } }), STEPS));
  // At 5 s the first step begins; what is crossed then was crossed by the ramp.
  assert.equal(loads(run, (second) => second <= 5).length, 45);
  assert.equal(run.brokenLoad?.broke, null);
});

Deno.test("a run that was stopped in a step has passed the steps before", () => {
  const run = new CurveRun(STEPS);
  for (let second = 0; second < 27; second++) run.at(second, null);
  assert.deepEqual(run.brokenLoad, {
    passed: { users: 20, rate: 20 },
    broke: null,
    threshold: null,
  });
});

Deno.test("after a break the sequence goes on, and lasts as long as it would have", () => {
  const run = new CurveRun(inSequence(STEPS, hold({ seconds: 7, users: 1 })));
  assert.deepEqual(loads(run, (second) => second === 15), [
    ...users({ 10: 10, 20: 5 }),
    ...users({ 1: 7 }),
  ]);
});

Deno.test("each repetition goes its own way, and the first break is the one reported", () => {
  const run = new CurveRun(repeated(STEPS, 3));
  const breaks = [33, 33 + 25, 33 + 25 + 12];
  assert.deepEqual(
    loads(run, (second) => breaks.includes(second)),
    [
      ...users({ 10: 10, 20: 10, 30: 10, 40: 3 }),
      ...users({ 10: 10, 20: 10, 30: 5 }),
      ...users({ 10: 10, 20: 2 }),
    ],
  );
  assert.deepEqual(run.brokenLoad?.passed, { users: 30, rate: 30 });
  assert.deepEqual(run.brokenLoad?.broke, { users: 40, rate: 40 });
});

Deno.test("a step that nobody saw has not passed", () => {
  const run = new CurveRun(STEPS);
  run.at(0, null);
  // The runner was late by a whole step.
  run.at(25, null);
  assert.deepEqual(run.brokenLoad?.passed, { users: 10, rate: 10 });
});

Deno.test("steps are told with their load and their beginning in the test's own time", () => {
  const run = new CurveRun(inSequence(hold({ seconds: 4, users: 5 }), scaled(STEPS, 0.5), STEPS));
  const steps = Array.from({ length: 50 }, (_, second) => {
    run.at(second, second === 17 ? "p95<200ms" : null);
    return run.stepAt(second);
  });
  assert.deepEqual(steps.slice(0, 4), Array(4).fill(null));
  assert.deepEqual(steps[4], { index: 0, load: { users: 5, rate: 5 }, startedAt: 4 });
  assert.deepEqual(steps[16], { index: 1, load: { users: 10, rate: 10 }, startedAt: 14 });
  assert.deepEqual(steps[17], { index: 0, load: { users: 10, rate: 10 }, startedAt: 17 });
  assert.deepEqual(steps[26], { index: 0, load: { users: 10, rate: 10 }, startedAt: 17 });
  assert.deepEqual(steps[49], { index: 3, load: { users: 40, rate: 40 }, startedAt: 47 });
});

Deno.test("steps of arrivals upon others are those of the sum", () => {
  const run = new CurveRun(plus(
    hold({ seconds: 25, arrivalRate: 100, maxUsers: 10 }),
    stepUntilItBreaks({
      stepSeconds: 10,
      arrivalRate: { from: 5, step: 2.5, to: 10 },
      maxUsers: 3,
    }),
  ));
  run.at(0, null);
  run.at(10, null);
  assert.deepEqual(run.brokenLoad?.passed, { arrivalRate: 105, maxUsers: 13 });
  assert.deepEqual(run.at(11, "rps>=1"), null);
  assert.deepEqual(run.brokenLoad?.broke, { arrivalRate: 107.5, maxUsers: 13 });
});

Deno.test("at whatever fraction of a second something breaks, the steps are over", () => {
  for (let i = 0; i < 1000; i++) {
    const run = new CurveRun(
      inSequence(hold({ seconds: 0.1, users: 3 }), STEPS, hold({ seconds: 1, users: 1 })),
    );
    run.at(0.1 + i / 7000, null);
    assert.deepEqual(run.at(0.3 + i / 7, "p95<200ms"), i / 7 + 0.3 < 41.1 ? { users: 1 } : null);
  }
});

Deno.test("a curve that needs nothing to break has no broken load", () => {
  const run = new CurveRun(hold({ seconds: 3, users: 1 }));
  run.at(0, "p95<200ms");
  assert.equal(run.brokenLoad, null);
  assert.equal(run.stepAt(0), null);
  assert.deepEqual(run.at(1, "p95<200ms"), { users: 1 });
});
