import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import {
  checkShape,
  LoadUserShape,
  type ShapeClass,
  type Stage,
  stagesOf,
  type Tick,
} from "../../src/load/load_user_shape.ts";

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

/** A class whose tick returns the value as it is, as a test file without types may. */
function returning(value: unknown): LoadUserShape {
  class TestOdd extends LoadUserShape {
    override tick(): Tick | null {
      return value as Tick | null;
    }
  }
  return new TestOdd();
}

/** A class with these stages, whatever they are. */
function withStages(stages: unknown): ShapeClass {
  class TestStages extends LoadUserShape {
    static override stages = stages as readonly Stage[];
  }
  return TestStages;
}

Deno.test("a shape ticked every second for 130 s gives its targets and then the end", () => {
  const shape = new TestSpike();
  const seen = Array.from({ length: 130 }, (_, second) => shape.at(second));
  assert.deepEqual(seen.slice(0, 60), Array(60).fill({ users: 100, rate: 10 }));
  assert.deepEqual(seen.slice(60, 120), Array(60).fill({ users: 300, rate: 50 }));
  assert.deepEqual(seen.slice(120), Array(10).fill(null));
});

Deno.test("the run time is 0 at first, and then what the shape was last asked for", () => {
  const shape = new TestSpike();
  assert.equal(shape.getRunTime(), 0);
  shape.at(61.25);
  assert.equal(shape.getRunTime(), 61.25);
});

Deno.test("two shapes of one class have each their own run time", () => {
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

Deno.test("a tick of one's own may build on the stages", () => {
  class TestDouble extends TestSteps {
    override tick(): Tick | null {
      const tick = super.tick();
      return tick === null ? null : [tick[0] * 2, tick[1]];
    }
  }
  assert.deepEqual(new TestDouble().at(11), { users: 80, rate: 0.5 });
});

Deno.test("stages are known beforehand only where no tick of one's own decides", () => {
  assert.equal(stagesOf(new TestSteps()), TestSteps.stages);
  assert.equal(stagesOf(new TestSpike()), null);
  class TestBoth extends TestSteps {
    override tick(): Tick | null {
      return [1, 1];
    }
  }
  assert.equal(stagesOf(new TestBoth()), null);
});

Deno.test("what tick returns is checked, and named with the shape and the time", () => {
  const form = "[users, rate] is needed, or null to end the test";
  const cases: [unknown, string][] = [
    [undefined, `undefined: ${form}`],
    [100, `100: ${form}`],
    [[100], `[ 100 ]: ${form}`],
    [[1, 2, 3], `[ 1, 2, 3 ]: ${form}`],
    [{ users: 1, rate: 1 }, `{ users: 1, rate: 1 }: ${form}`],
    [[1.5, 1], "[ 1.5, 1 ]: users is 1.5, a whole number of 0 or more is needed"],
    [[-1, 1], "[ -1, 1 ]: users is -1, a whole number of 0 or more is needed"],
    [["10", 1], "[ '10', 1 ]: users is '10', a whole number of 0 or more is needed"],
    [[10, 0], "[ 10, 0 ]: rate is 0, a number over 0 is needed"],
    [[10, NaN], "[ 10, NaN ]: rate is NaN, a number over 0 is needed"],
  ];
  for (const [value, text] of cases) {
    const message = `TestOdd.tick() at 3.2 s returned ${text}`;
    assert.throws(() => returning(value).at(3.21), new UsageError(message));
  }
});

Deno.test("an async tick is refused", () => {
  assert.throws(() => returning(Promise.resolve([1, 1])).at(0), /returned Promise .* is needed/);
});

Deno.test("a tick that throws is named, and its error kept as the cause", () => {
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

Deno.test("a frozen tick is taken as it is", () => {
  assert.deepEqual(returning(Object.freeze([7, 0.25])).at(0), { users: 7, rate: 0.25 });
});

Deno.test("a class with a tick, with stages, or with both can be run", () => {
  assert.equal(checkShape(TestSpike), null);
  assert.equal(checkShape(TestSteps), null);
  assert.equal(checkShape(class TestMore extends TestSpike {}), null);
});

Deno.test("a class with neither a tick nor stages is named", () => {
  class TestNothing extends LoadUserShape {}
  assert.equal(
    checkShape(TestNothing),
    "TestNothing has neither a tick() method of its own nor stages, one of them is needed.",
  );
});

Deno.test("the first wrong stage is named with its value and what is accepted", () => {
  const good = { duration: 1, users: 1, rate: 1 };
  const cases: [unknown, string][] = [
    ["1m", ".stages is '1m', a list of { duration, users, rate } is needed."],
    [[good, null], ".stages[1]: the stage is null, { duration, users, rate } is needed."],
    [[[10, 1]], ".stages[0]: duration is undefined, a number of seconds over 0 is needed."],
    [
      [{ ...good, duration: 0 }],
      ".stages[0]: duration is 0, a number of seconds over 0 is needed.",
    ],
    [
      [{ ...good, duration: "1m" }],
      ".stages[0]: duration is '1m', a number of seconds over 0 is needed.",
    ],
    [
      [good, { ...good, users: 0.5 }],
      ".stages[1]: users is 0.5, a whole number of 0 or more is needed.",
    ],
    [[{ ...good, rate: -1 }], ".stages[0]: rate is -1, a number over 0 is needed."],
    [[{ duration: 1, users: 1 }], ".stages[0]: rate is undefined, a number over 0 is needed."],
  ];
  for (const [stages, text] of cases) {
    assert.equal(checkShape(withStages(stages)), `TestStages${text}`);
  }
});

Deno.test("stages are checked even where a tick of one's own may use them", () => {
  class TestBoth extends LoadUserShape {
    static override stages = [{ duration: -1, users: 1, rate: 1 }];
    override tick(): Tick | null {
      return super.tick();
    }
  }
  assert.equal(
    checkShape(TestBoth),
    "TestBoth.stages[0]: duration is -1, a number of seconds over 0 is needed.",
  );
});

Deno.test("checking changes nothing of the stages", () => {
  const stages = Object.freeze([Object.freeze({ duration: 3, users: 0, rate: 0.1 })]);
  assert.equal(checkShape(withStages(stages)), null);
  assert.deepEqual(stages, [{ duration: 3, users: 0, rate: 0.1 }]);
});
