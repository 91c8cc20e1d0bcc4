import assert from "node:assert/strict";
import { stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { loadAt, type LoadProfile, plannedSeconds } from "../../src/load/load_profile.ts";
import { profileOf } from "../support/load_profiles.ts";

const CONSTANT: LoadProfile = Object.freeze(profileOf({ users: 100, rate: 0.5, runTime: 20 }));

class TestSteps extends LoadUserShape {
  static override stages = [
    { duration: 10, users: 5, rate: 1 },
    { duration: 32.5, users: 9, rate: 2 },
  ];
}

class TestTick extends LoadUserShape {
  override tick(): Tick | null {
    return this.getRunTime() < 90 ? [7, 3] : null;
  }
}

Deno.test("a constant load lasts until the end of its run time", () => {
  assert.deepEqual(loadAt(CONSTANT, 0), { users: 100, rate: 0.5 });
  assert.deepEqual(loadAt(CONSTANT, 19.999), { users: 100, rate: 0.5 });
  assert.equal(loadAt(CONSTANT, 20), null);
  assert.equal(loadAt(CONSTANT, 21), null);
  assert.equal(plannedSeconds(CONSTANT), 20);
});

Deno.test("a load without a run time never ends", () => {
  const profile = { ...CONSTANT, runTime: null };
  assert.deepEqual(loadAt(profile, 1e9), { users: 100, rate: 0.5 });
  assert.equal(plannedSeconds(profile), null);
});

Deno.test("a shape replaces the load, and ends with the run time or before", () => {
  const profile = { ...CONSTANT, runTime: null, shape: new TestTick() };
  assert.deepEqual(loadAt(profile, 0), { users: 7, rate: 3 });
  assert.deepEqual(loadAt(profile, 89), { users: 7, rate: 3 });
  assert.equal(loadAt(profile, 90), null);
  const early = { ...CONSTANT, runTime: 1e6, shape: new TestSteps() };
  assert.equal(loadAt(early, 42.5), null);
  assert.equal(plannedSeconds(early), 42.5);
  const cut = { ...CONSTANT, runTime: 20, shape: new TestSteps() };
  assert.deepEqual(loadAt(cut, 19.9), { users: 9, rate: 2 });
  assert.equal(loadAt(cut, 20), null);
  assert.equal(plannedSeconds(cut), 20);
});

Deno.test("the duration of a shape with stages is known beforehand, that of any other is not", () => {
  assert.equal(plannedSeconds({ ...CONSTANT, runTime: null, shape: new TestSteps() }), 42.5);
  assert.equal(plannedSeconds({ ...CONSTANT, runTime: null, shape: new TestTick() }), null);
});

Deno.test("a load of the open model lasts until the end of the run time", () => {
  const profile = { ...CONSTANT, load: { arrivalRate: 2.5, maxUsers: 30 } };
  assert.deepEqual(loadAt(profile, 19.9), { arrivalRate: 2.5, maxUsers: 30 });
  assert.equal(loadAt(profile, 20), null);
  assert.equal(plannedSeconds(profile), 20);
});

Deno.test("a shape replaces an arrival rate, and learns which threshold was crossed", () => {
  class TestBreak extends LoadUserShape {
    static override curve = stepUntilItBreaks({
      stepSeconds: 10,
      users: { from: 1, step: 1, to: 3 },
    });
  }
  const profile = {
    ...CONSTANT,
    runTime: null,
    load: { arrivalRate: 2, maxUsers: 1 },
    shape: new TestBreak(),
  };
  assert.equal(plannedSeconds(profile), 30);
  assert.deepEqual(loadAt(profile, 0), { users: 1, rate: 1 });
  assert.equal(loadAt(profile, 1, { crossed: "rps>=1" }), null);
});
