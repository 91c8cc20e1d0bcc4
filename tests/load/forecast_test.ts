import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { Curve } from "../../src/load/curve.ts";
import { hold, inSequence, ramp, repeated, stepUntilItBreaks } from "../../src/load/curves.ts";
import { forecast } from "../../src/load/forecast.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { anyCurve } from "../support/curves.ts";
import { profileOf } from "../support/load_profiles.ts";

function shapeOf(curve: Curve): LoadUserShape {
  class TestShape extends LoadUserShape {
    static override curve = curve;
  }
  return new TestShape();
}

Deno.test("users rise at the rate, and stay", () => {
  const profile = profileOf({ users: 10, rate: 2.5, runTime: 6 });
  assert.deepEqual(forecast(profile, Infinity), {
    users: [3, 6, 8, 10, 10, 10],
    arrivalRates: null,
    iterations: null,
    seconds: 6,
    isOver: true,
    steps: 0,
  });
});

Deno.test("if every class has a fixed count, there are no more users than that", () => {
  const profile = profileOf({ users: 10, rate: 100, runTime: 2 });
  assert.deepEqual(forecast(profile, 7).users, [7, 7]);
  const open = profileOf({ arrivalRate: 1, maxUsers: 10, runTime: 1 });
  assert.deepEqual(forecast(open, 7).users, [7]);
});

Deno.test("the last second may be partial, with that part of its iterations", () => {
  const profile = profileOf({ arrivalRate: 8, maxUsers: 3, runTime: 2.25 });
  assert.deepEqual(forecast(profile, Infinity), {
    users: [3, 3, 3],
    arrivalRates: [8, 8, 8],
    iterations: 18,
    seconds: 2.25,
    isOver: true,
    steps: 0,
  });
});

Deno.test("a profile without an end is followed for a day", () => {
  const { seconds, isOver, users } = forecast(profileOf({ users: 5, rate: 1 }), Infinity);
  assert.equal(seconds, 86_400);
  assert.equal(users.length, 86_400);
  assert.equal(isOver, false);
});

Deno.test("a profile with a known end is followed up to it, for a week at most", () => {
  const twoDays = forecast(profileOf({ runTime: 172_800 }), Infinity);
  assert.deepEqual([twoDays.seconds, twoDays.isOver], [172_800, true]);
  const year = forecast(profileOf({ runTime: 31_536_000 }), Infinity);
  assert.deepEqual([year.seconds, year.isOver], [604_800, false]);
});

Deno.test("tick() is called once a second until it returns null", () => {
  const asked: number[] = [];
  class TestTick extends LoadUserShape {
    override tick(): Tick | null {
      const t = this.getRunTime();
      asked.push(t);
      return t < 3 ? [t + 1, 10] : null;
    }
  }
  const { users, seconds, isOver } = forecast(profileOf({ shape: new TestTick() }), Infinity);
  assert.deepEqual(asked, [0, 1, 2, 3]);
  assert.deepEqual(users, [1, 2, 3]);
  assert.deepEqual([seconds, isOver], [3, true]);
});

Deno.test("a tick() that ends at once leaves an empty forecast", () => {
  class TestNothing extends LoadUserShape {
    override tick(): null {
      return null;
    }
  }
  const { users, seconds, isOver } = forecast(profileOf({ shape: new TestNothing() }), Infinity);
  assert.deepEqual([users, seconds, isOver], [[], 0, true]);
});

Deno.test("an invalid load from tick() is an error", () => {
  class TestBroken extends LoadUserShape {
    override tick(): Tick | null {
      return this.getRunTime() < 5 ? [1, 1] : [1, -1];
    }
  }
  assert.throws(
    () => forecast(profileOf({ shape: new TestBroken() }), Infinity),
    new UsageError(
      "TestBroken.tick() at 5.0 s returned [ 1, -1 ]: rate must be a number over 0, not -1",
    ),
  );
});

Deno.test("a ramp has its value at the end of each second, and so has the curve after it", () => {
  const curve = inSequence(
    ramp({ seconds: 4, users: { from: 0, to: 8 } }),
    hold({ seconds: 2, users: 3 }),
  );
  assert.deepEqual(forecast(profileOf({ shape: shapeOf(curve) }), Infinity).users, [
    2,
    4,
    6,
    8,
    3,
    3,
  ]);
});

Deno.test("the steps of each repetition are counted", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 3, users: { from: 1, step: 1, to: 4 } });
  const { steps: count, seconds } = forecast(
    profileOf({ shape: shapeOf(repeated(steps, 2)) }),
    Infinity,
  );
  assert.deepEqual([count, seconds], [8, 24]);
});

Deno.test("any curve ends on time, with whole users of 0 or more", () => {
  fc.assert(
    fc.property(anyCurve("users"), (curve) => {
      const { users, seconds, isOver } = forecast(profileOf({ shape: shapeOf(curve) }), Infinity);
      assert.equal(seconds, curve.seconds);
      assert.equal(isOver, true);
      assert.equal(users.length, Math.ceil(seconds));
      assert.ok(users.every((count) => Number.isInteger(count) && count >= 0));
    }),
    { numRuns: 50 },
  );
});
