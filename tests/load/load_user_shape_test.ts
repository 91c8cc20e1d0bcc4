import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { Curve } from "../../src/load/curve.ts";
import {
  hold,
  inSequence,
  plus,
  ramp,
  repeated,
  scaled,
  stepUntilItBreaks,
} from "../../src/load/curves.ts";
import { type Stage, stages } from "../../src/load/stages.ts";
import { isArrivals, type Load } from "../../src/load/load.ts";
import {
  checkShape,
  CurveRun,
  LoadUserShape,
  type ShapeClass,
  shapeOfClass,
  shapeWarnings,
  type Tick,
} from "../../src/load/load_user_shape.ts";
import { SpawnPacer } from "../../src/load/spawn_pacer.ts";

class TestSpike extends LoadUserShape {
  override tick(): [users: number, rate: number] | null {
    const t = this.getRunTime();
    return t < 60 ? [100, 10] : t < 120 ? [300, 50] : null;
  }
}

class TestSteps extends LoadUserShape {
  static override stages = [
    { duration: 10, users: 5, rate: 1 },
    { duration: 0.5, users: 0, rate: 100 },
    { duration: 20, users: 40, rate: 0.5 },
  ];
}

/** A class whose tick returns this value, as a test file without types may. */
function returning(value: unknown): LoadUserShape {
  class TestOdd extends LoadUserShape {
    override tick(): Tick | null {
      return value as Tick | null;
    }
  }
  return new TestOdd();
}

/** A class with these stages, valid or not. */
function withStages(stages: unknown): ShapeClass {
  class TestStages extends LoadUserShape {
    static override stages = stages as readonly Stage[];
  }
  return TestStages;
}

Deno.test("a shape gives its load every second and then ends", () => {
  const shape = new TestSpike();
  const seen = Array.from({ length: 130 }, (_, second) => shape.at(second));
  assert.deepEqual(seen.slice(0, 60), Array(60).fill({ users: 100, rate: 10 }));
  assert.deepEqual(seen.slice(60, 120), Array(60).fill({ users: 300, rate: 50 }));
  assert.deepEqual(seen.slice(120), Array(10).fill(null));
});

Deno.test("durations that look like ends are warned of, unless a shape has its own tick()", () => {
  class TestCopied extends LoadUserShape {
    static override stages = [60, 100, 180].map((duration) => ({ duration, users: 1, rate: 1 }));
  }
  class TestCurve extends LoadUserShape {
    static override curve = stages(TestCopied.stages);
  }
  class TestOwn extends TestCopied {
    override tick(): null {
      return null;
    }
  }
  assert.match(shapeWarnings(TestCopied).join(), /^TestCopied\.stages: the durations .* rise/);
  assert.match(shapeWarnings(TestCurve).join(), /^TestCurve\.curve: the durations .* rise/);
  assert.deepEqual([TestOwn, TestSteps, TestSpike].flatMap(shapeWarnings), []);
});

Deno.test("getRunTime is 0 at first, and then the time of the last call", () => {
  const shape = new TestSpike();
  assert.equal(shape.getRunTime(), 0);
  shape.at(61.25);
  assert.equal(shape.getRunTime(), 61.25);
});

Deno.test("two shapes of one class have separate run times", () => {
  const [one, other] = [new TestSpike(), new TestSpike()];
  one.at(70);
  assert.equal(other.getRunTime(), 0);
});

Deno.test("stages follow one another, each for its own duration", () => {
  const shape = new TestSteps();
  assert.deepEqual(shape.at(0), { users: 5, rate: 1 });
  assert.deepEqual(shape.at(9.999), { users: 5, rate: 1 });
  assert.deepEqual(shape.at(10), { users: 0, rate: 100 });
  assert.deepEqual(shape.at(10.499), { users: 0, rate: 100 });
  assert.deepEqual(shape.at(10.5), { users: 40, rate: 0.5 });
  assert.deepEqual(shape.at(30.499), { users: 40, rate: 0.5 });
  assert.equal(shape.at(30.5), null);
  assert.equal(shape.at(1e6), null);
});

Deno.test("an overridden tick() may use the stages", () => {
  class TestDouble extends TestSteps {
    override tick(): Load | Tick | null {
      const load = super.tick();
      return load !== null && "users" in load ? { ...load, users: load.users * 2 } : null;
    }
  }
  assert.deepEqual(new TestDouble().at(11), { users: 80, rate: 0.5 });
});

Deno.test("the duration is known beforehand only if tick() is not overridden", () => {
  assert.equal(new TestSteps().plannedSeconds(), 30.5);
  assert.equal(new TestSpike().plannedSeconds(), null);
  class TestBoth extends TestSteps {
    override tick(): Tick | null {
      return [1, 1];
    }
  }
  assert.equal(new TestBoth().plannedSeconds(), null);
});

Deno.test("the last rise is known of curves of users without steps", () => {
  const rise = (load: Curve): number => shapeOfClass("ATest", load).lastRise();
  assert.equal(rise(hold({ seconds: 60, users: 5 })), 0);
  assert.equal(rise(hold({ users: 5 })), 0);
  assert.equal(rise(ramp({ seconds: 10, users: { from: 0, to: 10 } })), 9);
  assert.equal(rise(ramp({ seconds: 10, users: { from: 10, to: 0 } })), 0);
  assert.equal(
    rise(
      inSequence(
        hold({ seconds: 5, users: 3 }),
        hold({ seconds: 5, users: 0 }),
        hold({ users: 3 }),
      ),
    ),
    10,
  );
  assert.equal(rise(hold({ seconds: 60, arrivalRate: 5 })), Infinity);
  assert.equal(
    rise(stepUntilItBreaks({ stepSeconds: 5, users: { from: 1, step: 1, to: 3 } })),
    Infinity,
  );
  const broken = () => {
    throw new Error("broken");
  };
  assert.equal(rise({ seconds: 5, at: broken }), Infinity);
  assert.equal(new TestSpike().lastRise(), Infinity);
});

Deno.test("an invalid result of tick() is rejected with the shape and the time", () => {
  const form =
    "it must be [users, rate], { users, rate }, { arrivalRate, maxUsers }, or null to end the test";
  const cases: [unknown, string][] = [
    [undefined, `undefined: ${form}`],
    [100, `100: ${form}`],
    [[100], `[ 100 ]: ${form}`],
    [[1, 2, 3], `[ 1, 2, 3 ]: ${form}`],
    [{ rate: 1 }, "{ rate: 1 }: users must be a whole number of 0 or more, not undefined"],
    ["users", `'users': ${form}`],
    [{ users: "9" }, "{ users: '9' }: users must be a whole number of 0 or more, not '9'"],
    [{ users: 1, rate: 0 }, "{ users: 1, rate: 0 }: rate must be a number over 0, not 0"],
    [
      { users: 1, arrivalRate: 1 },
      "{ users: 1, arrivalRate: 1 }: a load cannot have both users and an arrivalRate",
    ],
    [
      { arrivalRate: -1 },
      "{ arrivalRate: -1 }: arrivalRate must be a number of 0 or more, not -1",
    ],
    [
      { arrivalRate: 1, maxUsers: 0 },
      "{ arrivalRate: 1, maxUsers: 0 }: maxUsers must be a whole number of 1 or more, not 0",
    ],
    [[1.5, 1], "[ 1.5, 1 ]: users must be a whole number of 0 or more, not 1.5"],
    [[-1, 1], "[ -1, 1 ]: users must be a whole number of 0 or more, not -1"],
    [["10", 1], "[ '10', 1 ]: users must be a whole number of 0 or more, not '10'"],
    [[10, 0], "[ 10, 0 ]: rate must be a number over 0, not 0"],
    [[10, NaN], "[ 10, NaN ]: rate must be a number over 0, not NaN"],
  ];
  for (const [value, text] of cases) {
    const message = `TestOdd.tick() at 3.2 s returned ${text}`;
    assert.throws(() => returning(value).at(3.21), new UsageError(message));
  }
});

Deno.test("an async tick() is rejected", () => {
  assert.throws(
    () => returning(Promise.resolve([1, 1])).at(0),
    /returned Promise .*: users must be/,
  );
});

Deno.test("an error in tick() is reported with the original error as its cause", () => {
  const error = new TypeError("no such step");
  class TestBroken extends LoadUserShape {
    override tick(): Tick | null {
      throw error;
    }
  }
  assert.throws(() => new TestBroken().at(7), (thrown: unknown) => {
    assert.ok(thrown instanceof UsageError);
    assert.equal(thrown.message, "TestBroken.tick() at 7.0 s threw: TypeError: no such step");
    assert.equal(thrown.cause, error);
    return true;
  });
});

Deno.test("a frozen result of tick() is accepted", () => {
  assert.deepEqual(returning(Object.freeze([7, 0.25])).at(0), { users: 7, rate: 0.25 });
});

Deno.test("a class with tick(), with stages or with both is valid", () => {
  assert.equal(checkShape(TestSpike), null);
  assert.equal(checkShape(TestSteps), null);
  assert.equal(checkShape(class TestMore extends TestSpike {}), null);
});

Deno.test("a class without tick(), stages and curve is rejected", () => {
  class TestNothing extends LoadUserShape {}
  assert.equal(
    checkShape(TestNothing),
    "TestNothing must have a curve, stages or a tick() method.",
  );
});

Deno.test("the first invalid stage of a class is rejected with its value", () => {
  const good = { duration: 1, users: 1, rate: 1 };
  const cases: [unknown, string][] = [
    ["1m", ".stages must be a list of { duration, users, rate }, not '1m'."],
    [[good, null], ".stages[1]: the stage must be { duration, users, rate }, not null."],
    [[[10, 1]], ".stages[0]: the stage must be { duration, users, rate }, not [ 10, 1 ]."],
    [[{}], ".stages[0]: duration must be a number of seconds over 0, not undefined."],
    [
      [{ ...good, duration: 0 }],
      ".stages[0]: duration must be a number of seconds over 0, not 0.",
    ],
    [
      [{ ...good, duration: "1m" }],
      ".stages[0]: duration must be a number of seconds over 0, not '1m'.",
    ],
    [
      [good, { ...good, users: 0.5 }],
      ".stages[1]: users must be a whole number of 0 or more, not 0.5.",
    ],
    [[{ ...good, rate: -1 }], ".stages[0]: rate must be a number over 0, not -1."],
    [
      [good, { duration: 1, target: 1 }],
      '.stages[1]: "target" is unknown: perhaps you mean users.',
    ],
    [[{ ...good, spawnRate: 2 }], '.stages[0]: "spawnRate" is unknown: perhaps you mean rate.'],
    [
      [{ ...good, colour: "red" }],
      '.stages[0]: "colour" is unknown: expected duration, untilSeconds, users, rate, arrivalRate and maxUsers.',
    ],
    [[{ duration: 1, users: 1 }], ".stages[0]: rate must be a number over 0, not undefined."],
  ];
  for (const [stages, text] of cases) {
    assert.equal(checkShape(withStages(stages)), `TestStages${text}`);
  }
});

Deno.test("stages are checked even if tick() is overridden", () => {
  class TestBoth extends LoadUserShape {
    static override stages = [{ duration: -1, users: 1, rate: 1 }];
    override tick(): Load | Tick | null {
      return super.tick();
    }
  }
  assert.equal(
    checkShape(TestBoth),
    "TestBoth.stages[0]: duration must be a number of seconds over 0, not -1.",
  );
});

Deno.test("checking does not change the stages", () => {
  const stages = Object.freeze([Object.freeze({ duration: 3, users: 0, rate: 0.1 })]);
  assert.equal(checkShape(withStages(stages)), null);
  assert.deepEqual(stages, [{ duration: 3, users: 0, rate: 0.1 }]);
});

Deno.test("tick() may return a load of either model, and leave out what has a default", () => {
  assert.deepEqual(returning({ users: 8, rate: 0.5 }).at(0), { users: 8, rate: 0.5 });
  assert.deepEqual(returning({ users: 8 }).at(0), { users: 8, rate: 8 });
  assert.deepEqual(returning({ arrivalRate: 0.5, maxUsers: 3 }).at(0), {
    arrivalRate: 0.5,
    maxUsers: 3,
  });
  assert.deepEqual(returning({ arrivalRate: 0 }).at(0), { arrivalRate: 0, maxUsers: 1000 });
});

Deno.test("a shape that changes between users and arrivals is rejected", () => {
  const [users, arrivals] = [{ users: 1, rate: 1 }, { arrivalRate: 2 }];
  for (
    const [before, after, model, text] of [
      [users, arrivals, "users", "{ arrivalRate: 2 }"],
      [arrivals, users, "arrivals", "{ users: 1, rate: 1 }"],
    ] as const
  ) {
    class TestTurn extends LoadUserShape {
      override tick(): Load | null {
        return this.getRunTime() < 5 ? before : after;
      }
    }
    const shape = new TestTurn();
    shape.at(4);
    assert.throws(
      () => shape.at(5),
      new UsageError(
        `TestTurn.tick() at 5.0 s returned ${text} after ${model}: a test has either users or an arrival rate from start to end`,
      ),
    );
  }
});

Deno.test("the same moment gives the same load, even while users are changing", () => {
  const shape = returning({ users: 50 });
  assert.deepEqual(shape.at(3), { users: 50, rate: 50 });
  assert.deepEqual(shape.at(3), { users: 50, rate: 50 });
  // 26 have started: one at once, and 25 within half a second.
  assert.deepEqual(shape.at(3.5), { users: 50, rate: 24 });
});

Deno.test("without a rate, users are reached within a second, whatever came before", () => {
  class TestMixed extends LoadUserShape {
    static override curve = inSequence(
      hold({ seconds: 10, users: 300, rate: 5 }), // gets no further than 51
      ramp({ seconds: 20, users: { from: 100, to: 60 } }),
      hold({ seconds: 10, users: 7 }),
    );
  }
  const shape = new TestMixed();
  const pacer = new SpawnPacer(0);
  const users = Array.from({ length: 40 }, (_, second) => {
    const target = shape.at(second)!;
    assert.ok(!isArrivals(target));
    pacer.retarget(target, second);
    return pacer.usersAt(second + 1);
  });
  assert.deepEqual(users.slice(0, 10), [6, 11, 16, 21, 26, 31, 36, 41, 46, 51]);
  assert.deepEqual(users.slice(10, 30), Array.from({ length: 20 }, (_, i) => 98 - 2 * i));
  assert.deepEqual(users.slice(30), Array(10).fill(7));
  assert.equal(shape.at(40), null);
});

Deno.test("a class follows its curve unless it overrides tick()", () => {
  class TestCurve extends LoadUserShape {
    static override curve = hold({ seconds: 5, arrivalRate: 9, maxUsers: 2 });
    static override stages = [{ duration: 99, users: 1, rate: 1 }];
  }
  assert.deepEqual(new TestCurve().at(4), { arrivalRate: 9, maxUsers: 2 });
  assert.equal(new TestCurve().at(5), null);
  assert.equal(new TestCurve().plannedSeconds(), 5);
  class TestOwn extends TestCurve {
    override tick(): Load | Tick | null {
      return this.getRunTime() < 2 ? [1, 1] : null;
    }
  }
  assert.deepEqual(new TestOwn().at(1), { users: 1, rate: 1 });
});

Deno.test("two shapes of one class break independently", () => {
  class TestBreak extends LoadUserShape {
    static override curve = stepUntilItBreaks({
      stepSeconds: 10,
      users: { from: 10, step: 10, to: 30 },
    });
  }
  const [one, other] = [new TestBreak(), new TestBreak()];
  assert.deepEqual(one.breakingPoint, { passed: null, broke: null, threshold: null });
  for (const shape of [one, other]) shape.at(0);
  assert.deepEqual(one.stepAt(0), { index: 0, load: { users: 10, rate: 10 }, startedAt: 0 });
  assert.equal(one.at(10, { crossed: "error_rate<1%" }), null);
  assert.deepEqual(other.at(10, { crossed: null }), { users: 20, rate: 10 });
  assert.deepEqual(other.stepAt(10)?.startedAt, 10);
  assert.deepEqual(one.breakingPoint, {
    passed: null,
    broke: { users: 10, rate: 10 },
    threshold: "error_rate<1%",
  });
  assert.deepEqual(other.breakingPoint?.passed, { users: 10, rate: 10 });
});

Deno.test("a shape that is not raised until it breaks has no steps and no breaking point", () => {
  const shape = new TestSteps();
  shape.at(0, { crossed: "p95<1s" });
  assert.equal(shape.stepAt(0), null);
  assert.equal(shape.breakingPoint, null);
});

Deno.test("an invalid curve and stages of both models are rejected", () => {
  for (
    const [curve, text] of [
      [5, "a curve must be { seconds, at(t) }, not 5"],
      [{ seconds: 5 }, "a curve must be { seconds, at(t) }, not { seconds: 5 }"],
      [
        { seconds: 0, at: () => null },
        "the seconds of a curve must be a number over 0 or null, not 0",
      ],
    ]
  ) {
    class TestCurve extends LoadUserShape {
      static override curve = curve as unknown as Curve;
    }
    assert.equal(checkShape(TestCurve), `TestCurve.curve: ${text}.`);
  }
  const stages = [{ duration: 1, arrivalRate: 5 }, { duration: 1, users: 1, rate: 1 }];
  assert.equal(
    checkShape(withStages(stages)),
    "TestStages.stages[1]: users and arrivals are mixed: a test has either users or an arrival rate from start to end.",
  );
  assert.equal(checkShape(withStages(stages.slice(0, 1))), null);
});

Deno.test("stages of arrivals follow one another", () => {
  class TestArrivals extends LoadUserShape {
    static override stages = [
      { duration: 10, arrivalRate: 5, maxUsers: 20 },
      { duration: 5, arrivalRate: 0.5 },
    ];
  }
  const shape = new TestArrivals();
  assert.deepEqual(shape.at(9), { arrivalRate: 5, maxUsers: 20 });
  assert.deepEqual(shape.at(10), { arrivalRate: 0.5, maxUsers: 1000 });
  assert.equal(shape.at(15), null);
});

const STEPS = stepUntilItBreaks({ stepSeconds: 10, users: { from: 10, step: 10, to: 40 } });

/** The load of each second up to the end, with the thresholds crossed as `crossed` says. */
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

Deno.test("if nothing breaks, the highest load has passed", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, never), users({ 10: 10, 20: 10, 30: 10, 40: 10 }));
  assert.deepEqual(run.breakingPoint, {
    passed: { users: 40, rate: 40 },
    broke: null,
    threshold: null,
  });
});

Deno.test("a threshold that is crossed within a step ends the curve at once", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, (second) => second === 23), users({ 10: 10, 20: 10, 30: 3 }));
  assert.deepEqual(run.breakingPoint, {
    passed: { users: 20, rate: 20 },
    broke: { users: 30, rate: 30 },
    threshold: "p95<200ms",
  });
});

Deno.test("a threshold that is crossed when the next step would start counts for the previous step", () => {
  const run = new CurveRun(STEPS);
  assert.deepEqual(loads(run, (second) => second === 20), users({ 10: 10, 20: 10 }));
  assert.deepEqual(run.breakingPoint?.passed, { users: 10, rate: 10 });
  assert.deepEqual(run.breakingPoint?.broke, { users: 20, rate: 20 });
});

Deno.test("the last step may break at its very end", () => {
  const run = new CurveRun(STEPS);
  assert.equal(loads(run, (second) => second === 40).length, 40);
  assert.deepEqual(run.breakingPoint?.passed, { users: 30, rate: 30 });
  assert.deepEqual(run.breakingPoint?.broke, { users: 40, rate: 40 });
});

Deno.test("a threshold that was crossed before the first step does not count for it", () => {
  const run = new CurveRun(inSequence(ramp({ seconds: 5, users: { from: 0, to: 10 } }), STEPS));
  // At 5 s the first step starts; a threshold crossed then was crossed by the ramp.
  assert.equal(loads(run, (second) => second <= 5).length, 45);
  assert.equal(run.breakingPoint?.broke, null);
});

Deno.test("a run that is stopped within a step has passed the previous steps", () => {
  const run = new CurveRun(STEPS);
  for (let second = 0; second < 27; second++) run.at(second, null);
  assert.deepEqual(run.breakingPoint, {
    passed: { users: 20, rate: 20 },
    broke: null,
    threshold: null,
  });
});

Deno.test("after a break the sequence continues with the next curve", () => {
  const run = new CurveRun(inSequence(STEPS, hold({ seconds: 7, users: 1 })));
  assert.deepEqual(loads(run, (second) => second === 15), [
    ...users({ 10: 10, 20: 5 }),
    ...users({ 1: 7 }),
  ]);
});

Deno.test("each repetition is judged separately, and the first break is reported", () => {
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
  assert.deepEqual(run.breakingPoint?.passed, { users: 30, rate: 30 });
  assert.deepEqual(run.breakingPoint?.broke, { users: 40, rate: 40 });
});

Deno.test("a step that was skipped has not passed", () => {
  const run = new CurveRun(STEPS);
  run.at(0, null);
  // The runner is late by a whole step.
  run.at(25, null);
  assert.deepEqual(run.breakingPoint?.passed, { users: 10, rate: 10 });
});

Deno.test("a step has its load, and its start in the time of the test", () => {
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

Deno.test("steps added to other arrivals have the load of the sum", () => {
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
  assert.deepEqual(run.breakingPoint?.passed, { arrivalRate: 105, maxUsers: 13 });
  assert.deepEqual(run.at(11, "rps>=1"), null);
  assert.deepEqual(run.breakingPoint?.broke, { arrivalRate: 107.5, maxUsers: 13 });
});

Deno.test("the steps end at any fraction of a second", () => {
  for (let i = 0; i < 1000; i++) {
    const run = new CurveRun(
      inSequence(hold({ seconds: 0.1, users: 3 }), STEPS, hold({ seconds: 1, users: 1 })),
    );
    run.at(0.1 + i / 7000, null);
    assert.deepEqual(run.at(0.3 + i / 7, "p95<200ms"), i / 7 + 0.3 < 41.1 ? { users: 1 } : null);
  }
});

Deno.test("a curve without steps has no broken load", () => {
  const run = new CurveRun(hold({ seconds: 3, users: 1 }));
  run.at(0, "p95<200ms");
  assert.equal(run.breakingPoint, null);
  assert.equal(run.stepAt(0), null);
  assert.deepEqual(run.at(1, "p95<200ms"), { users: 1 });
});

const NONSENSE: [tick: unknown, problem: RegExp][] = [
  [undefined, /returned undefined: it must be \[users, rate\]/],
  [5, /returned 5: it must be/],
  [[1, 2, 3], /returned \[ 1, 2, 3 \]: it must be/],
  [["5", 1], /returned \[ '5', 1 \]: users must be a whole number of 0 or more, not '5'/],
  [[NaN, 1], /users must be a whole number of 0 or more, not NaN/],
  [[-1, 1], /users must be a whole number of 0 or more, not -1/],
  [[1e9, 1], /users must be at most 1000000, not 1000000000/],
  [[1, 0], /rate must be a number over 0, not 0/],
  [[1, Infinity], /rate must be a number over 0, not Infinity/],
  [[1n, 1], /returned \[ 1n, 1 \]: /],
  [[Symbol("s"), 1], /returned \[ Symbol\(s\), 1 \]: /],
  [{ users: Symbol("s") }, /returned \{ users: Symbol\(s\) \}: it must be/],
  [Promise.resolve([1, 1]), /returned Promise .*users must be a whole number/],
  [{ arrivalRate: -1 }, /arrivalRate must be a number of 0 or more, not -1/],
  [{ arrivalRate: 1, maxUsers: "5" }, /maxUsers must be a whole number of 1 or more, not '5'/],
  [
    new Proxy([], {
      get: () => {
        throw new Error("no");
      },
    }),
    /: it must be/,
  ],
];

for (const [tick, problem] of NONSENSE) {
  Deno.test(`a tick that returns nonsense is refused: ${problem.source}`, () => {
    class NonsenseShape extends LoadUserShape {
      override tick(): Tick {
        return tick as Tick;
      }
    }
    assert.throws(() => new NonsenseShape().at(0), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, /^NonsenseShape\.tick\(\) at 0\.0 s returned /);
      assert.match(error.message, problem);
      return true;
    });
  });
}
