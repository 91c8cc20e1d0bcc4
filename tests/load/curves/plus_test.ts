import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../../src/core/errors.ts";
import { type Curve, hold, plus, stepUntilItBreaks } from "../../../src/load/curves.ts";
import { resolveLoad } from "../../../src/load/load.ts";
import { anyCurve, type EndingCurve, type Model, momentsOf } from "../../support/curves.ts";

/** Users or arrivals of a curve; 0 where it is over. */
function sizeOf(curve: Curve, t: number): number {
  const load = curve.at(t);
  if (load === null) return 0;
  return "users" in load ? load.users : load.arrivalRate;
}

for (const model of ["users", "arrivals"] satisfies Model[]) {
  Deno.test(`the sum of curves has the sum of their ${model}, as long as one of them lasts`, () => {
    fc.assert(fc.property(anyCurve(model), anyCurve(model), (one, other) => {
      const sum = plus(one, other) as EndingCurve;
      assert.equal(sum.seconds, Math.max(one.seconds, other.seconds));
      for (const t of momentsOf(sum)) {
        assert.equal(sizeOf(sum, t), sizeOf(one, t) + sizeOf(other, t));
      }
    }));
  });
}

Deno.test("the order of the curves is of no consequence", () => {
  fc.assert(fc.property(anyCurve("users"), anyCurve("users"), (one, other) => {
    for (const t of momentsOf(one)) {
      const [there, back] = [plus(one, other), plus(other, one)].map((curve) => curve.at(t)!);
      assert.deepEqual(resolveLoad(there!), resolveLoad(back!));
    }
  }));
});

Deno.test("rates are added where each curve has one, else all is done within a second", () => {
  const [fast, slow] = [hold({ users: 5, rate: 2 }), hold({ users: 3, rate: 0.5 })];
  assert.deepEqual(plus(fast, slow).at(0), { users: 8, rate: 2.5 });
  assert.deepEqual(plus(fast, hold({ users: 3 })).at(0), { users: 8 });
});

Deno.test("the most users of arrivals are added, those that nobody named too", () => {
  const [some, usual] = [hold({ arrivalRate: 1, maxUsers: 5 }), hold({ arrivalRate: 0.5 })];
  assert.deepEqual(plus(some, some, some).at(0), { arrivalRate: 3, maxUsers: 15 });
  assert.deepEqual(plus(some, usual).at(0), { arrivalRate: 1.5, maxUsers: 1005 });
});

Deno.test("the sum with an endless curve has no end", () => {
  const curve = plus(hold({ seconds: 5, users: 2 }), hold({ users: 1 }));
  assert.equal(curve.seconds, null);
  assert.deepEqual([4, 5].map((t) => curve.at(t)), [{ users: 3 }, { users: 1 }]);
});

Deno.test("users and arrivals cannot be added, whenever that comes out", () => {
  assert.throws(() => plus(hold({ users: 1 }), hold({ arrivalRate: 1 })), UsageError);
  const turning: Curve = {
    seconds: 9,
    at: (t) => t < 5 ? { users: 1 } : { arrivalRate: 1 },
  };
  const curve = plus(turning, hold({ users: 1 }));
  assert.deepEqual(curve.at(4), { users: 2 });
  assert.throws(() => curve.at(5), /^UsageError: plus: users and arrivals were mixed$/);
});

Deno.test("the sum is in a step where one of its curves is", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 2, users: { from: 1, step: 1, to: 2 } });
  const curve = plus(hold({ seconds: 9, users: 5 }), steps);
  assert.deepEqual(curve.stepAt!(3), { index: 1, startsAt: 2, skipTo: 4 });
  assert.equal(curve.stepAt!(4), null);
  assert.equal(plus(hold({ users: 1 })).stepAt, undefined);
});
