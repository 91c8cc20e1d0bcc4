import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { hold, scaled, stepUntilItBreaks } from "../../../src/load/curves.ts";
import { anyCurve, momentsOf } from "../../support/curves.ts";

Deno.test("users are rounded, rates are not, and the time stays", () => {
  const curve = scaled(hold({ seconds: 60, users: 25, rate: 5 }), 0.1);
  assert.equal(curve.seconds, 60);
  assert.deepEqual(curve.at(0), { users: 3, rate: 0.5 });
  assert.deepEqual(scaled(hold({ users: 25 }), 4).at(0), { users: 100 });
  assert.equal(curve.at(60), null);
});

Deno.test("the most users of arrivals are rounded up, so that there is one at least", () => {
  const curve = hold({ arrivalRate: 3, maxUsers: 5 });
  assert.deepEqual(scaled(curve, 0.01).at(0), { arrivalRate: 0.03, maxUsers: 1 });
  assert.deepEqual(scaled(curve, 2).at(0), { arrivalRate: 6, maxUsers: 10 });
  assert.deepEqual(scaled(hold({ arrivalRate: 3 }), 2).at(0), { arrivalRate: 6, maxUsers: 2000 });
});

Deno.test("a curve of the same size is the curve", () => {
  fc.assert(fc.property(anyCurve("users"), (curve) => {
    const same = scaled(curve, 1);
    for (const t of momentsOf(curve)) {
      assert.deepEqual(same.at(t), curve.at(t));
      assert.deepEqual(same.stepAt?.(t), curve.stepAt?.(t));
    }
  }));
});

Deno.test("steps stay where they are", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 2, users: { from: 1, step: 1, to: 2 } });
  assert.deepEqual(scaled(steps, 3).stepAt!(3), { index: 1, startsAt: 2, skipTo: 4 });
  assert.equal(scaled(hold({ users: 1 }), 3).stepAt, undefined);
});

Deno.test("a factor that is no number over 0 is named", () => {
  for (const [factor, text] of [[0, "0"], [-1, "-1"], [NaN, "NaN"], ["2", "'2'"]] as const) {
    assert.throws(
      () => scaled(hold({ users: 1 }), factor as number),
      new UsageError(`scaled: the factor is ${text}, a number over 0 is needed`),
    );
  }
});
