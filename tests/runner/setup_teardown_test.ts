import assert from "node:assert/strict";
import { SetupAndTeardown, type TestFunctions } from "../../src/runner/setup_teardown.ts";
import { FakeClock } from "../support/fake_clock.ts";

function scene(functions: Partial<TestFunctions>): {
  readonly clock: FakeClock;
  readonly life: SetupAndTeardown;
} {
  const clock = new FakeClock();
  const life = new SetupAndTeardown({
    functions: { setup: null, teardown: null, ...functions },
    clock,
    setupTimeout: 30,
    places: { placeOf: () => "shop.ts:1:2" },
  });
  return { clock, life };
}

Deno.test("what setup returns is its data: a frozen copy, and null if it returns nothing", async () => {
  const returned = { users: [1] };
  const { life } = scene({ setup: () => returned });
  assert.equal(life.data, null);
  assert.equal(await life.setUp(), '{"users":[1]}');
  returned.users.push(2);
  assert.deepEqual(life.data, { users: [1] });
  assert.ok(Object.isFrozen(life.data));
  assert.equal(await life.setUp(), null, "it is called once");

  const nothing = scene({ setup: () => {} });
  assert.equal(await nothing.life.setUp(), "null");
  assert.equal(nothing.life.data, null);
  assert.equal(await scene({}).life.setUp(), null);
});

Deno.test("a word that setup returns is not taken for the outcome of its time limit", async () => {
  for (const word of ["overdue", "cancelled"]) {
    const { life } = scene({ setup: () => word });
    await life.setUp();
    assert.equal(life.data, word);
  }
});

Deno.test("teardown gets the data, and is due if setup has returned, or the test has started without one", async () => {
  const cases:
    readonly (readonly [isSetUp: boolean, setup: boolean, began: boolean, due: boolean])[] = [
      [true, true, false, true],
      [true, true, true, true],
      [false, true, false, false],
      [false, false, true, true],
      [false, false, false, false],
    ];
  for (const [isSetUp, hasSetup, hasStarted, due] of cases) {
    const calls: unknown[] = [];
    const { life } = scene({
      setup: hasSetup ? () => "data" : null,
      teardown: (data) => void calls.push(data),
    });
    if (isSetUp) await life.setUp();
    assert.deepEqual(await life.tearDown(2, hasStarted), { errors: [], warnings: [] });
    assert.deepEqual(calls, due ? [isSetUp ? "data" : null] : []);
  }
});

Deno.test("a cancelled setup has no data, and a cancelled teardown is not waited for", async () => {
  const { clock, life } = scene({ setup: () => new Promise(() => {}) });
  const waiting = life.setUp();
  life.cancel();
  assert.equal(await waiting, null);
  assert.equal(clock.pending, 0);

  const other = scene({ teardown: () => new Promise(() => {}) });
  const ending = other.life.tearDown(2, true);
  other.life.cancel();
  assert.deepEqual(await ending, { errors: [], warnings: [] });
});
