import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadProfile } from "../../src/load/load_profile.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import type { LoadDriver } from "../../src/runner/load_driver.ts";
import { RunControl } from "../../src/runner/run_control.ts";
import { pausesOnly, standingDriver } from "../support/drivers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { partsOf, type ProfileChanges, profileOf } from "../support/load_profiles.ts";

const OPEN: ProfileChanges = { arrivalRate: 10, maxUsers: 20 };

interface Controlled {
  readonly clock: FakeClock;
  readonly profile: LoadProfile;
  readonly control: RunControl;
  /** The loads, in order. */
  readonly loads: ResolvedLoad[];
  /** A driver of this profile, which has not started. */
  driver(): LoadDriver;
}

function controlled(profile: ProfileChanges, waits = true): Controlled {
  const clock = new FakeClock();
  const full = profileOf(profile);
  const parts = partsOf(full);
  const loads: ResolvedLoad[] = [];
  return {
    clock,
    profile: full,
    control: new RunControl(clock, parts, waits),
    loads,
    driver: () => standingDriver(clock, parts, (load) => loads.push(load)),
  };
}

/** Whether the test may start at this moment. */
async function mayBegin(control: RunControl): Promise<boolean> {
  let begun = false;
  void control.waitForStart(() => {}).then(() => begun = true);
  await settle();
  return begun;
}

function refusal(act: () => void): string {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
  throw new Error("it was accepted");
}

Deno.test("a test that does not wait starts at once, and cannot be started again", async () => {
  const { clock, control } = controlled({}, false);
  assert.equal(control.canStart, false);
  assert.equal(await mayBegin(control), true);
  assert.equal(refusal(() => control.start(null)), "The test has already started.");
  assert.equal(clock.pending, 0);
});

Deno.test("a waiting test starts when it is started, and reports each second until then", async () => {
  const { clock, control } = controlled({});
  const seconds: number[] = [];
  let beganAt: number | null = null;
  void control.waitForStart(() => seconds.push(clock.now())).then(() => beganAt = clock.now());
  await clock.advance(2500);
  assert.equal(control.canStart, true);
  assert.equal(beganAt, null);
  control.start(null);
  await clock.advance(5000);
  assert.deepEqual(seconds, [0, 1000, 2000]);
  assert.equal(beganAt, 2500);
  assert.equal(control.canStart, false);
  assert.equal(refusal(() => control.start(null)), "The test has already started.");
  assert.equal(clock.pending, 0);
});

Deno.test("after the wait is canceled, the test cannot be started", async () => {
  const { clock, control } = controlled({});
  const began = control.waitForStart(() => {});
  await clock.advance(1500);
  control.cancelWait();
  await began;
  assert.equal(control.canStart, false);
  refusal(() => control.start(null));
  assert.equal(clock.pending, 0);
});

Deno.test("a load given at the start applies from the beginning", () => {
  const { clock, control, loads, driver } = controlled({ users: 50, rate: 5 });
  control.start({ users: 3, rate: 2 });
  control.attach(driver(), pausesOnly(clock));
  assert.deepEqual(loads, [{ users: 3, rate: 2 }]);
});

Deno.test("a start without a load follows the profile", () => {
  const { clock, control, loads, driver } = controlled({ users: 50, rate: 5 });
  control.start(null);
  control.attach(driver(), pausesOnly(clock));
  assert.deepEqual(loads, []);
});

Deno.test("an invalid load at the start starts nothing", async () => {
  const { control } = controlled({});
  assert.equal(
    refusal(() => control.start({ users: 0.5, rate: 1 })),
    "Invalid load: users must be a whole number of 0 or more, not 0.5.",
  );
  assert.equal(control.canStart, true);
  assert.equal(await mayBegin(control), false);
  control.cancelWait();
});

Deno.test("the load can be changed from the start of the test to its end", () => {
  const { clock, control, loads, driver } = controlled({}, false);
  const load = { users: 7, rate: 1 };
  assert.equal(
    refusal(() => control.changeLoad(load)),
    "The test has not started: start it first.",
  );
  const held = driver();
  control.attach(held, pausesOnly(clock));
  control.changeLoad(load);
  assert.deepEqual(loads, [load]);
  held.stop();
  assert.equal(refusal(() => control.changeLoad(load)), "The test is over.");
  assert.deepEqual(loads, [load]);
});

Deno.test("parts of the load can be changed, and the others stay as they are", () => {
  const { clock, control, loads, driver } = controlled({ users: 50, rate: 5 });
  assert.deepEqual(control.start({ users: 3 }), { users: 3, rate: 5 });
  control.attach(driver(), pausesOnly(clock));
  assert.deepEqual(control.changeLoad({ rate: 0.5 }), { users: 3, rate: 0.5 });
  assert.deepEqual(control.changeLoad({ users: 9 }), { users: 9, rate: 0.5 });
  assert.deepEqual(loads, [
    { users: 3, rate: 5 },
    { users: 3, rate: 0.5 },
    { users: 9, rate: 0.5 },
  ]);
  const open = controlled(OPEN, false);
  open.control.attach(open.driver(), pausesOnly(open.clock));
  assert.deepEqual(open.control.changeLoad({ maxUsers: 7 }), { arrivalRate: 10, maxUsers: 7 });
  assert.deepEqual(open.control.changeLoad({ arrivalRate: 1 }), { arrivalRate: 1, maxUsers: 7 });
});

Deno.test("before the start, a shape completes no load", () => {
  const { control } = controlled({ shape: new RampShape() });
  assert.equal(
    refusal(() => control.start({ rate: 2 })),
    "Invalid load: users must be a whole number of 0 or more, not undefined.",
  );
  assert.deepEqual(control.start({ users: 20 }), { users: 20, rate: 20 });
});

class RampShape extends LoadUserShape {
  override tick(): Tick {
    return [10, 1];
  }
}

class FlowShape extends LoadUserShape {
  override tick(): { arrivalRate: number } {
    return { arrivalRate: 5 };
  }
}

const USERS = "This test has a number of users, not an arrival rate.";
const RATE = "This test has an arrival rate, not a number of users.";

const MODELS: [what: string, profile: ProfileChanges, refused: ResolvedLoad, message: string][] = [
  ["users", {}, { arrivalRate: 1, maxUsers: 5 }, USERS],
  ["an arrival rate", OPEN, { users: 1, rate: 1 }, RATE],
  ["a shape of users", { shape: new RampShape() }, { arrivalRate: 1, maxUsers: 5 }, USERS],
  ["a shape of arrivals", { shape: new FlowShape() }, { users: 1, rate: 1 }, RATE],
];

for (const [what, profile, refused, message] of MODELS) {
  Deno.test(`a test with ${what} keeps its model`, () => {
    const { clock, control, loads, driver } = controlled(profile);
    assert.equal(refusal(() => control.start(refused)), message);
    control.start(null);
    control.attach(driver(), pausesOnly(clock));
    assert.equal(refusal(() => control.changeLoad(refused)), message);
    assert.deepEqual(loads, []);
  });
}

Deno.test("a shape that fails does not prevent the start", () => {
  class BrokenShape extends LoadUserShape {
    override tick(): Tick {
      throw new Error("no load");
    }
  }
  const { control } = controlled({ shape: new BrokenShape() });
  control.start(null);
  assert.equal(control.canStart, false);
});

Deno.test("an invalid load is rejected", () => {
  const open = controlled(OPEN, false);
  open.control.attach(open.driver(), pausesOnly(open.clock));
  assert.equal(
    refusal(() => open.control.changeLoad({ arrivalRate: -1, maxUsers: 5 })),
    "Invalid load: arrivalRate must be a number of 0 or more, not -1.",
  );
  assert.equal(
    refusal(() => open.control.changeLoad({ arrivalRate: 1, maxUsers: 0 })),
    "Invalid load: maxUsers must be a whole number of 1 or more, not 0.",
  );
  assert.deepEqual(open.loads, []);
});

Deno.test("changes of the load are reported, and rejected ones are not", () => {
  const clock = new FakeClock();
  const told: ResolvedLoad[] = [];
  const control = new RunControl(clock, partsOf(), true, (load) => told.push(load));
  control.start({ users: 3, rate: 2 });
  assert.deepEqual(told, []);
  const driver = standingDriver(clock, partsOf(), () => {});
  control.attach(driver, pausesOnly(clock));
  control.changeLoad({ users: 4, rate: 2 });
  refusal(() => control.changeLoad({ users: -1, rate: 2 }));
  driver.stop();
  refusal(() => control.changeLoad({ users: 5, rate: 2 }));
  assert.deepEqual(told, [{ users: 3, rate: 2 }, { users: 4, rate: 2 }]);
});
