import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { checkCurves, type Curve, curveProblem, hold } from "../../src/load/curves.ts";
import { loadProblem, resolveLoad } from "../../src/load/load.ts";
import { anyCurve, type Model, momentsOf } from "../support/curves.ts";

/** Of both models, alternately. */
const MODELS: readonly Model[] = ["users", "arrivals"];

/** What sums of times may be off by, in seconds. */
const ROUNDING = 1e-9;

for (const model of MODELS) {
  Deno.test(`a curve of ${model} has a valid load at each moment, and none from its end on`, () => {
    fc.assert(fc.property(anyCurve(model), (curve) => {
      for (const t of momentsOf(curve)) {
        const load = curve.at(t);
        assert.ok(load !== null, `none at ${t} of ${curve.seconds}`);
        assert.equal("users" in load, model === "users");
        assert.equal(loadProblem({ ...resolveLoad(load), ...load }), null);
      }
      assert.equal(curve.at(curve.seconds), null);
      assert.equal(curve.at(curve.seconds + 100), null);
    }));
  });

  Deno.test(`a curve of ${model} is pure: in any order, each moment has its own load`, () => {
    fc.assert(fc.property(anyCurve(model), (curve) => {
      const moments = momentsOf(curve);
      const forth = moments.map((t) => [curve.at(t), curve.stepAt?.(t)]);
      const back = moments.toReversed().map((t) => [curve.at(t), curve.stepAt?.(t)]).reverse();
      assert.deepEqual(back, forth);
    }));
  });

  Deno.test(`steps of a curve of ${model} hold the moment that they are asked for at`, () => {
    fc.assert(fc.property(anyCurve(model), (curve) => {
      for (const t of momentsOf(curve)) {
        const step = curve.stepAt?.(t) ?? null;
        if (step === null) continue;
        assert.ok(step.startsAt <= t + ROUNDING && t < step.skipTo + ROUNDING);
        assert.ok(step.startsAt < step.skipTo && step.skipTo <= curve.seconds);
        assert.ok(Number.isInteger(step.index) && step.index >= 0);
      }
    }));
  });
}

Deno.test("an object with seconds and a load is a curve", () => {
  assert.equal(curveProblem({ seconds: 0.5, at: () => null }), null);
  assert.equal(curveProblem({ seconds: null, at: () => null }), null);
  class Own implements Curve {
    readonly seconds = 4;
    at(): null {
      return null;
    }
  }
  assert.equal(curveProblem(new Own()), null);
});

Deno.test("what is no curve is named", () => {
  assert.equal(curveProblem("up"), "'up' is no curve, { seconds, at(t) } is needed");
  assert.equal(
    curveProblem({ seconds: Infinity, at: () => null }),
    "a curve's seconds are Infinity, a number over 0 is needed, or null",
  );
});

Deno.test("curves of one model are needed, and at least one of them", () => {
  const users = hold({ users: 1 });
  const arrivals = hold({ arrivalRate: 1 });
  checkCurves("plus", [users, users]);
  checkCurves("plus", [arrivals]);
  assert.throws(
    () => checkCurves("plus", []),
    new UsageError("plus: no curve was given, one is needed"),
  );
  assert.throws(
    () => checkCurves("plus", [users, 7]),
    new UsageError("plus: 7 is no curve, { seconds, at(t) } is needed"),
  );
  assert.throws(
    () => checkCurves("inSequence", [users, arrivals]),
    new UsageError(
      "inSequence: users and arrivals were mixed",
      "A test has either users or an arrival rate, from its beginning to its end.",
    ),
  );
});
