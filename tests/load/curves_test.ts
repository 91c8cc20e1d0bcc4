import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { type Curve, curveProblem } from "../../src/load/curve.ts";
import {
  delayed,
  doubleWave,
  hold,
  inSequence,
  plus,
  ramp,
  repeated,
  scaled,
  spike,
  stepUntilItBreaks,
  wave,
} from "../../src/load/curves.ts";
import { stages } from "../../src/load/stages.ts";
import { loadProblem, resolveLoad } from "../../src/load/load.ts";
import { anyCurve, type EndingCurve, type Model, momentsOf } from "../support/curves.ts";

/** Both models. */
const MODELS: readonly Model[] = ["users", "arrivals"];

/** The rounding error of sums of times, in seconds. */
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

  Deno.test(`a curve of ${model} is pure: the load at a moment does not depend on the order of calls`, () => {
    fc.assert(fc.property(anyCurve(model), (curve) => {
      const moments = momentsOf(curve);
      const forth = moments.map((t) => [curve.at(t), curve.stepAt?.(t)]);
      const back = moments.toReversed().map((t) => [curve.at(t), curve.stepAt?.(t)]).reverse();
      assert.deepEqual(back, forth);
    }));
  });

  Deno.test(`a step of a curve of ${model} contains the moment it was requested for`, () => {
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

Deno.test("an object with seconds and at() is a curve", () => {
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

Deno.test("an invalid curve is rejected with its value", () => {
  assert.equal(curveProblem("up"), "a curve must be { seconds, at(t) }, not 'up'");
  assert.equal(
    curveProblem({ seconds: Infinity, at: () => null }),
    "the seconds of a curve must be a number over 0 or null, not Infinity",
  );
});

Deno.test("combined curves must be at least one, and all of one model", () => {
  const users = hold({ users: 1 });
  const arrivals = hold({ arrivalRate: 1 });
  assert.throws(() => plus(), new UsageError("plus: no curve was given"));
  assert.throws(
    () => plus(users, 7 as unknown as Curve),
    new UsageError("plus: a curve must be { seconds, at(t) }, not 7"),
  );
  assert.throws(
    () => inSequence(users, arrivals),
    new UsageError(
      "inSequence: users and arrivals are mixed: a test has either users or an arrival rate from start to end",
    ),
  );
});

Deno.test("a load is held for its seconds, or without an end", () => {
  const curve = hold({ seconds: 2.5, users: 7, rate: 0.5 });
  assert.equal(curve.seconds, 2.5);
  assert.deepEqual([0, 2.49].map((t) => curve.at(t)), Array(2).fill({ users: 7, rate: 0.5 }));
  assert.equal(curve.at(2.5), null);
  const endless = hold({ arrivalRate: 0.1, maxUsers: 4 });
  assert.equal(endless.seconds, null);
  assert.deepEqual(endless.at(1e9), { arrivalRate: 0.1, maxUsers: 4 });
});

Deno.test("invalid options of hold are rejected", () => {
  for (
    const [options, text] of [
      [{ seconds: -1, users: 1 }, "seconds must be a number over 0, not -1"],
      [{ users: 0.5 }, "users must be a whole number of 0 or more, not 0.5"],
      [{ users: 1, rate: 0 }, "rate must be a number over 0, not 0"],
      [{ arrivalRate: -1 }, "arrivalRate must be a number of 0 or more, not -1"],
      [{ users: 1, arrivalRate: 1 }, "a load cannot have both users and an arrivalRate"],
      [{ users: 1, duration: 9 }, '"duration" is unknown: perhaps you mean seconds'],
    ] as const
  ) {
    assert.throws(
      () => hold(options as Parameters<typeof hold>[0]),
      new UsageError(`hold: ${text}`),
    );
  }
});

Deno.test("users head for the value one second later, up to the end of the ramp", () => {
  const curve = ramp({ seconds: 4.5, users: { from: 10, to: 100 } });
  assert.equal(curve.seconds, 4.5);
  const asked = [0, 1, 2, 3, 3.5, 4, 4.4];
  assert.deepEqual(
    asked.map((t) => curve.at(t)),
    [30, 50, 70, 90, 100, 100, 100].map((users) => ({ users })),
  );
  assert.equal(curve.at(4.5), null);
});

Deno.test("a ramp may go down", () => {
  const curve = ramp({ seconds: 10, users: { from: 20, to: 0 } });
  assert.deepEqual([0, 4, 9].map((t) => curve.at(t)), [
    { users: 18 },
    { users: 10 },
    { users: 0 },
  ]);
});

Deno.test("the arrivals of all seconds add up to the area under the line", () => {
  const rate = fc.double({ min: 0, max: 1e4, noNaN: true });
  fc.assert(fc.property(rate, rate, fc.integer({ min: 1, max: 300 }), (from, to, seconds) => {
    const curve = ramp({ seconds, arrivalRate: { from, to }, maxUsers: 7 });
    let iterations = 0;
    for (let t = 0; t < seconds; t++) {
      const load = curve.at(t)!;
      assert.ok("arrivalRate" in load && load.maxUsers === 7);
      iterations += load.arrivalRate;
    }
    const exact = (from + to) / 2 * seconds;
    assert.ok(Math.abs(iterations - exact) <= 1e-9 * exact + 1e-9, `${iterations}, not ${exact}`);
  }));
});

Deno.test("invalid options of ramp are rejected", () => {
  const cases: [unknown, string][] = [
    [{ users: { from: 1, to: 2 } }, "seconds must be a number over 0, not undefined"],
    [{ seconds: "1m", users: { from: 1, to: 2 } }, "seconds must be a number over 0, not '1m'"],
    [{ seconds: 1 }, "give either users or an arrivalRate"],
    [
      { seconds: 1, users: { from: 1, to: 2 }, arrivalRate: { from: 1, to: 2 } },
      "give either users or an arrivalRate",
    ],
    [{ seconds: 1, users: 5 }, "users must be { from, to }, not 5"],
    [
      { seconds: 1, users: { from: 1, till: 2 } },
      'users: "till" is unknown: expected from and to',
    ],
    [{ second: 1, users: { from: 1, to: 2 } }, '"second" is unknown: perhaps you mean seconds'],
    [{ seconds: 1, users: [0, 5] }, "users must be { from, to }, not [ 0, 5 ]"],
    [
      { seconds: 1, users: { from: 1.5, to: 2 } },
      "users.from must be a whole number of 0 or more, not 1.5",
    ],
    [
      { seconds: 1, users: { from: 1 } },
      "users.to must be a whole number of 0 or more, not undefined",
    ],
    [
      { seconds: 1, arrivalRate: { from: 1, to: -2 } },
      "arrivalRate.to must be a number of 0 or more, not -2",
    ],
    [
      { seconds: 1, arrivalRate: { from: 1, to: 2 }, maxUsers: 0.5 },
      "maxUsers must be a whole number of 1 or more, not 0.5",
    ],
  ];
  for (const [options, text] of cases) {
    assert.throws(
      () => ramp(options as Parameters<typeof ramp>[0]),
      new UsageError(`ramp: ${text}`),
    );
  }
});

/** The users of each second. */
function usersOf(seconds: number, from: number, to: number): number[] {
  const curve = wave({ seconds, users: { from, to } });
  return Array.from({ length: seconds }, (_, t) => {
    const load = curve.at(t);
    assert.ok(load !== null && "users" in load);
    return load.users;
  });
}

Deno.test("a wave is a bell: up to the middle, and down the same way", () => {
  // Each value is a second ahead: the cosine of 1/8, 2/8 … of a turn.
  assert.deepEqual(usersOf(8, 0, 100), [15, 50, 85, 100, 85, 50, 15, 0]);
});

Deno.test("a wave may go down first", () => {
  assert.deepEqual(usersOf(4, 100, 20), [60, 20, 60, 100]);
});

Deno.test("a wave has as many iterations as a constant load of half its height", () => {
  const curve = wave({ seconds: 60, arrivalRate: { from: 10, to: 90 } });
  let iterations = 0;
  for (let t = 0; t < 60; t++) {
    const load = curve.at(t)!;
    iterations += "arrivalRate" in load ? load.arrivalRate : NaN;
  }
  assert.ok(Math.abs(iterations - 3000) < 1e-9, String(iterations));
});

Deno.test("a double wave has two peaks, equal or different", () => {
  const [first, second] = [100, 60].map((to) => wave({ seconds: 300, users: { from: 20, to } }));
  const same = doubleWave({ seconds: 600, users: { from: 20, to: 100 } });
  const other = doubleWave({ seconds: 600, users: { from: 20, to: 100, thenTo: 60 } });
  assert.equal(other.seconds, 600);
  for (let t = 0; t < 300; t++) {
    assert.deepEqual(same.at(t), first!.at(t));
    assert.deepEqual(same.at(300 + t), first!.at(t));
    assert.deepEqual(other.at(t), first!.at(t));
    assert.deepEqual(other.at(300 + t), second!.at(t));
  }
  assert.equal(other.at(600), null);
});

Deno.test("a double wave of arrivals keeps maxUsers", () => {
  const curve = doubleWave({ seconds: 4, arrivalRate: { from: 0, to: 8 }, maxUsers: 3 });
  // The mean of each second: from 0 to the peak, from the peak to 0, and again.
  assert.deepEqual(
    [0, 1, 2, 3].map((t) => curve.at(t)),
    Array(4).fill({ arrivalRate: 4, maxUsers: 3 }),
  );
});

Deno.test("invalid options of doubleWave are rejected", () => {
  for (
    const [options, text] of [
      [{ seconds: 0, users: { from: 0, to: 1 } }, "seconds must be a number over 0, not 0"],
      [
        { seconds: 9, users: { from: 0 } },
        "users.to must be a whole number of 0 or more, not undefined",
      ],
      [
        { seconds: 9, users: { from: 0, to: 1, thenTo: 0.5 } },
        "users.thenTo must be a whole number of 0 or more, not 0.5",
      ],
    ] as const
  ) {
    assert.throws(
      () => doubleWave(options as Parameters<typeof doubleWave>[0]),
      new UsageError(`doubleWave: ${text}`),
    );
  }
});

Deno.test("a spike is in the middle of its time, by default for a third of it", () => {
  const curve = spike({ seconds: 9, arrivalRate: { from: 1, to: 20 }, maxUsers: 5 });
  const seen = Array.from({ length: 10 }, (_, t) => curve.at(t));
  const [low, high] = [1, 20].map((arrivalRate) => ({ arrivalRate, maxUsers: 5 }));
  assert.deepEqual(seen, [low, low, low, high, high, high, low, low, low, null]);
});

Deno.test("a spike lasts as long as its peakSeconds", () => {
  const curve = spike({ seconds: 10, peakSeconds: 1, users: { from: 3, to: 9 } });
  assert.deepEqual([4.4, 4.5, 5.4, 5.5].map((t) => curve.at(t)), [
    { users: 3 },
    { users: 9 },
    { users: 9 },
    { users: 3 },
  ]);
  assert.equal(curve.seconds, 10);
});

Deno.test("a spike that fills its whole time is rejected", () => {
  assert.throws(
    () => spike({ seconds: 10, peakSeconds: 10, users: { from: 3, to: 9 } }),
    new UsageError("spike: peakSeconds must be less than the 10 s of the whole, not 10"),
  );
  assert.throws(
    () => spike({ seconds: 10, peakSeconds: 0, users: { from: 3, to: 9 } }),
    new UsageError("spike: peakSeconds must be a number over 0, not 0"),
  );
});

/** A curve whose users are the time at which it is called. */
const told: Curve = { seconds: 3, at: (t) => ({ arrivalRate: t }) };

Deno.test("each curve starts at its own time 0, exactly where the previous one ends", () => {
  const curve = inSequence(told, told, told);
  assert.equal(curve.seconds, 9);
  const asked = [0, 2.75, 3, 5.5, 6, 8.75];
  assert.deepEqual(
    asked.map((t) => curve.at(t)),
    [0, 2.75, 0, 2.5, 0, 2.75].map((arrivalRate) => ({ arrivalRate })),
  );
  assert.equal(curve.at(9), null);
});

Deno.test("a sequence gives the loads of its curves one after the other", () => {
  fc.assert(fc.property(anyCurve("arrivals"), anyCurve("arrivals"), (one, other) => {
    const curve = inSequence(one, other);
    assert.equal(curve.seconds, one.seconds + other.seconds);
    for (const t of momentsOf(one)) assert.deepEqual(curve.at(t), one.at(t));
    assert.deepEqual(curve.at(one.seconds), other.at(0));
  }));
});

Deno.test("only the last curve may have no end", () => {
  const endless = hold({ users: 3 });
  const curve = inSequence(hold({ seconds: 5, users: 1 }), endless);
  assert.equal(curve.seconds, null);
  assert.deepEqual(curve.at(1e9), { users: 3 });
  assert.throws(
    () => inSequence(hold({ seconds: 5, users: 1 }), endless, endless),
    new UsageError("inSequence: the curve at index 1 has no end, but only the last may have none"),
  );
});

Deno.test("steps keep their numbers, at the times of the sequence", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 10, users: { from: 1, step: 1, to: 3 } });
  const curve = inSequence(hold({ seconds: 5, users: 1 }), steps, hold({ seconds: 5, users: 1 }));
  assert.deepEqual([4, 5, 16, 34.9, 35].map((t) => curve.stepAt!(t)), [
    null,
    { index: 0, startsAt: 5, skipTo: 35 },
    { index: 1, startsAt: 15, skipTo: 35 },
    { index: 2, startsAt: 25, skipTo: 35 },
    null,
  ]);
  assert.equal(inSequence(told).stepAt, undefined);
});

Deno.test("a repeated curve runs as often as requested", () => {
  const curve = repeated(
    stages([{ duration: 2, arrivalRate: 1 }, { duration: 1, arrivalRate: 7 }]),
    3,
  );
  assert.equal(curve.seconds, 9);
  const rates = Array.from({ length: 10 }, (_, t) => curve.at(t)).map((load) =>
    load !== null && "arrivalRate" in load ? load.arrivalRate : null
  );
  assert.deepEqual(rates, [1, 1, 7, 1, 1, 7, 1, 1, 7, null]);
});

Deno.test("an invalid number of times and a curve without an end are rejected", () => {
  const once = hold({ seconds: 1, users: 1 });
  for (
    const [times, text] of [[0, "0"], [1.5, "1.5"], [1e9, "1000000000"], ["2", "'2'"]] as const
  ) {
    assert.throws(
      () => repeated(once, times as number),
      new UsageError(`repeated: times must be a whole number from 1 to 1000, not ${text}`),
    );
  }
  assert.throws(
    () => repeated(hold({ users: 1 }), 2),
    new UsageError("repeated: the curve must have an end"),
  );
});

/** Users or arrivals of a curve; 0 after its end. */
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

Deno.test("the order of the curves does not matter", () => {
  fc.assert(fc.property(anyCurve("users"), anyCurve("users"), (one, other) => {
    for (const t of momentsOf(one)) {
      const [there, back] = [plus(one, other), plus(other, one)].map((curve) => curve.at(t)!);
      assert.deepEqual(resolveLoad(there!), resolveLoad(back!));
    }
  }));
});

Deno.test("rates are added if each curve has one, otherwise users change within a second", () => {
  const [fast, slow] = [hold({ users: 5, rate: 2 }), hold({ users: 3, rate: 0.5 })];
  assert.deepEqual(plus(fast, slow).at(0), { users: 8, rate: 2.5 });
  assert.deepEqual(plus(fast, hold({ users: 3 })).at(0), { users: 8 });
});

Deno.test("maxUsers are added, including the default", () => {
  const [some, usual] = [hold({ arrivalRate: 1, maxUsers: 5 }), hold({ arrivalRate: 0.5 })];
  assert.deepEqual(plus(some, some, some).at(0), { arrivalRate: 3, maxUsers: 15 });
  assert.deepEqual(plus(some, usual).at(0), { arrivalRate: 1.5, maxUsers: 1005 });
});

Deno.test("the sum with an endless curve has no end", () => {
  const curve = plus(hold({ seconds: 5, users: 2 }), hold({ users: 1 }));
  assert.equal(curve.seconds, null);
  assert.deepEqual([4, 5].map((t) => curve.at(t)), [{ users: 3 }, { users: 1 }]);
});

Deno.test("users and arrivals cannot be added, even if they are mixed later", () => {
  assert.throws(() => plus(hold({ users: 1 }), hold({ arrivalRate: 1 })), UsageError);
  const turning: Curve = {
    seconds: 9,
    at: (t) => t < 5 ? { users: 1 } : { arrivalRate: 1 },
  };
  const curve = plus(turning, hold({ users: 1 }));
  assert.deepEqual(curve.at(4), { users: 2 });
  assert.throws(() => curve.at(5), /^UsageError: plus: users and arrivals are mixed: /);
});

Deno.test("the sum is in a step if one of its curves is", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 2, users: { from: 1, step: 1, to: 2 } });
  const curve = plus(hold({ seconds: 9, users: 5 }), steps);
  assert.deepEqual(curve.stepAt!(3), { index: 1, startsAt: 2, skipTo: 4 });
  assert.equal(curve.stepAt!(4), null);
  assert.equal(plus(hold({ users: 1 })).stepAt, undefined);
});

Deno.test("a delayed curve is the same curve, later, after nothing in its own model", () => {
  for (const model of MODELS) {
    fc.assert(fc.property(anyCurve(model), fc.integer({ min: 1, max: 99 }), (curve, delay) => {
      const late = delayed(delay, curve);
      assert.equal(late.seconds, delay + curve.seconds);
      for (const t of [0, delay / 2, delay * (1 - 2 ** -52)]) assert.equal(sizeOf(late, t), 0);
      const first = late.at(0)!;
      assert.equal("users" in first, model === "users");
      for (const t of [0, curve.seconds / 3]) {
        // The sum of the times is rounded.
        const own = Math.min(delay + t - delay, curve.seconds * (1 - 2 ** -53));
        assert.deepEqual(late.at(delay + t), curve.at(own));
      }
      assert.equal(late.at(delay + curve.seconds), null);
    }));
  }
});

Deno.test("a delayed curve keeps maxUsers, its steps, and a missing end", () => {
  const limited = delayed(5, hold({ arrivalRate: 3, maxUsers: 7 }));
  assert.equal(limited.seconds, null);
  assert.deepEqual(limited.at(4.9), { arrivalRate: 0, maxUsers: 7 });
  assert.deepEqual(limited.at(1e6), { arrivalRate: 3, maxUsers: 7 });
  assert.deepEqual(delayed(5, hold({ arrivalRate: 3 })).at(0), { arrivalRate: 0 });
  const steps = stepUntilItBreaks({ stepSeconds: 2, users: { from: 1, step: 1, to: 2 } });
  const late = delayed(5, steps);
  assert.deepEqual([4, 5, 8].map((t) => late.stepAt!(t)), [
    null,
    { index: 0, startsAt: 5, skipTo: 9 },
    { index: 1, startsAt: 7, skipTo: 9 },
  ]);
  assert.equal(delayed(5, hold({ users: 1 })).stepAt, undefined);
});

Deno.test("a curve that has not started does not change the rate of a sum", () => {
  const [first, second] = [hold({ users: 10, rate: 1 }), hold({ users: 20, rate: 2 })];
  for (const late of [delayed(30, second), scaled(delayed(30, second), 2)]) {
    for (const sum of [plus(first, late), plus(late, first)]) {
      assert.deepEqual(sum.at(0), { users: 10, rate: 1 });
    }
  }
  assert.deepEqual(plus(first, delayed(30, second)).at(30), { users: 30, rate: 3 });
  assert.deepEqual(plus(delayed(9, first), delayed(5, second)).at(0), { users: 0 });
});

Deno.test("a delay may be 0, and must be a number of seconds", () => {
  const curve = hold({ users: 1 });
  assert.equal(delayed(0, curve), curve);
  for (const [delay, text] of [[-1, "-1"], [NaN, "NaN"], [Infinity, "Infinity"]] as const) {
    assert.throws(
      () => delayed(delay, curve),
      new UsageError(
        `delayed: the delay must be a number of seconds, 0 or more, not ${text}`,
        "Write delayed(30, curve).",
      ),
    );
  }
  assert.throws(
    () => delayed(curve as unknown as number, 30 as unknown as Curve),
    /^UsageError: delayed: the delay must be a number of seconds, 0 or more, not /,
  );
  assert.throws(
    () => delayed(30, { users: 5 } as unknown as Curve),
    /^UsageError: delayed: a curve must be \{ seconds, at\(t\) \}, not /,
  );
});

Deno.test("scaling rounds users but not rates, and keeps the duration", () => {
  const curve = scaled(hold({ seconds: 60, users: 25, rate: 5 }), 0.1);
  assert.equal(curve.seconds, 60);
  assert.deepEqual(curve.at(0), { users: 3, rate: 0.5 });
  assert.deepEqual(scaled(hold({ users: 25 }), 4).at(0), { users: 100 });
  assert.equal(curve.at(60), null);
});

Deno.test("scaling rounds maxUsers up to at least 1", () => {
  const curve = hold({ arrivalRate: 3, maxUsers: 5 });
  assert.deepEqual(scaled(curve, 0.01).at(0), { arrivalRate: 0.03, maxUsers: 1 });
  assert.deepEqual(scaled(curve, 2).at(0), { arrivalRate: 6, maxUsers: 10 });
  assert.deepEqual(scaled(hold({ arrivalRate: 3 }), 2).at(0), { arrivalRate: 6, maxUsers: 2000 });
});

Deno.test("scaling by 1 changes nothing", () => {
  fc.assert(fc.property(anyCurve("users"), (curve) => {
    const same = scaled(curve, 1);
    for (const t of momentsOf(curve)) {
      assert.deepEqual(same.at(t), curve.at(t));
      assert.deepEqual(same.stepAt?.(t), curve.stepAt?.(t));
    }
  }));
});

Deno.test("scaling keeps the steps", () => {
  const steps = stepUntilItBreaks({ stepSeconds: 2, users: { from: 1, step: 1, to: 2 } });
  assert.deepEqual(scaled(steps, 3).stepAt!(3), { index: 1, startsAt: 2, skipTo: 4 });
  assert.equal(scaled(hold({ users: 1 }), 3).stepAt, undefined);
});

Deno.test("a factor that is not a number over 0 is rejected", () => {
  for (const [factor, text] of [[0, "0"], [-1, "-1"], [NaN, "NaN"], ["2", "'2'"]] as const) {
    assert.throws(
      () => scaled(hold({ users: 1 }), factor as number),
      new UsageError(`scaled: the factor must be a number over 0, not ${text}`),
    );
  }
});

/** The load of each step. */
function stepsOf(options: Parameters<typeof stepUntilItBreaks>[0]): unknown[] {
  const curve = stepUntilItBreaks(options);
  const steps: unknown[] = [];
  for (let t = 0; t < curve.seconds!; t += options.stepSeconds) steps.push(curve.at(t));
  return steps;
}

Deno.test("steps rise to the highest load, even if the last step is smaller", () => {
  const users = { from: 10, step: 20, to: 60 };
  assert.deepEqual(
    stepsOf({ stepSeconds: 5, users }),
    [10, 30, 50, 60].map((users) => ({ users })),
  );
  assert.deepEqual(
    stepsOf({ stepSeconds: 5, users: { ...users, to: 50 } }),
    [10, 30, 50].map((users) => ({ users })),
  );
  assert.deepEqual(stepsOf({ stepSeconds: 5, users: { ...users, to: 10 } }), [{ users: 10 }]);
});

Deno.test("rounding errors do not add a step", () => {
  const steps = stepsOf({ stepSeconds: 1, arrivalRate: { from: 0, step: 0.1, to: 0.3 } });
  assert.equal(steps.length, 4);
  assert.deepEqual(steps.at(-1), { arrivalRate: 0.3 });
});

Deno.test("each moment is in a step with a number and a start", () => {
  const curve = stepUntilItBreaks({ stepSeconds: 2.5, users: { from: 1, step: 1, to: 3 } });
  assert.equal(curve.seconds, 7.5);
  assert.deepEqual([0, 2.4, 2.5, 7.4, 7.5].map((t) => curve.stepAt!(t)), [
    { index: 0, startsAt: 0, skipTo: 7.5 },
    { index: 0, startsAt: 0, skipTo: 7.5 },
    { index: 1, startsAt: 2.5, skipTo: 7.5 },
    { index: 2, startsAt: 5, skipTo: 7.5 },
    null,
  ]);
});

Deno.test("invalid options of stepUntilItBreaks are rejected", () => {
  const users = { from: 1, step: 1, to: 3 };
  for (
    const [options, text] of [
      [{ stepSeconds: 0.5, users }, "stepSeconds must be a number of 1 or more, not 0.5"],
      [{ users }, "stepSeconds must be a number of 1 or more, not undefined"],
      [{ stepSeconds: 5, users: 9 }, "users must be { from, step, to }, not 9"],
      [
        { stepSeconds: 5, users: { from: 1, to: 3 } },
        "users.step must be a whole number of 0 or more, not undefined",
      ],
    ] as const
  ) {
    assert.throws(
      () => stepUntilItBreaks(options as Parameters<typeof stepUntilItBreaks>[0]),
      new UsageError(`stepUntilItBreaks: ${text}`),
    );
  }
});

Deno.test("steps that do not rise are rejected", () => {
  for (const users of [{ from: 5, step: 0, to: 9 }, { from: 5, step: 1, to: 4 }]) {
    const { from, step, to } = users;
    assert.throws(
      () => stepUntilItBreaks({ stepSeconds: 5, users }),
      new UsageError(
        `stepUntilItBreaks: there are no steps from ${from} to ${to} by ${step}`,
        "The load can only rise: step must be over 0, and to must not be below from.",
      ),
    );
  }
});
