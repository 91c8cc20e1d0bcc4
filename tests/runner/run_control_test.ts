import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadProfile } from "../../src/load/load_profile.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import type { LoadDriver } from "../../src/runner/load_driver.ts";
import { RunControl } from "../../src/runner/run_control.ts";
import { standingDriver } from "../support/drivers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type ProfileChanges, profileOf } from "../support/load_profiles.ts";

const OPEN: ProfileChanges = { arrivalRate: 10, maxUsers: 20 };

interface Steered {
  readonly clock: FakeClock;
  readonly plan: LoadProfile;
  readonly steering: RunControl;
  /** What became the load, as it was said. */
  readonly targets: ResolvedLoad[];
  /** A driver of this plan, which has not begun. */
  driver(): LoadDriver;
}

function steered(plan: ProfileChanges, waits = true): Steered {
  const clock = new FakeClock();
  const full = profileOf(plan);
  const targets: ResolvedLoad[] = [];
  return {
    clock,
    plan: full,
    steering: new RunControl(clock, full, waits),
    targets,
    driver: () => standingDriver(clock, full, (target) => targets.push(target)),
  };
}

/** Whether the test may begin, as far as is known at this moment. */
async function mayBegin(steering: RunControl): Promise<boolean> {
  let begun = false;
  void steering.waitForStart(() => {}).then(() => begun = true);
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

Deno.test("a test that waits for nobody begins at once, and cannot be started again", async () => {
  const { clock, steering } = steered({}, false);
  assert.equal(steering.canStart, false);
  assert.equal(await mayBegin(steering), true);
  assert.equal(refusal(() => steering.start(null)), "The test has already begun.");
  assert.equal(clock.pending, 0);
});

Deno.test("a test that waits begins when somebody starts it, and shows itself each second until then", async () => {
  const { clock, steering } = steered({});
  const seconds: number[] = [];
  let beganAt: number | null = null;
  void steering.waitForStart(() => seconds.push(clock.now())).then(() => beganAt = clock.now());
  await clock.advance(2500);
  assert.equal(steering.canStart, true);
  assert.equal(beganAt, null);
  steering.start(null);
  await clock.advance(5000);
  assert.deepEqual(seconds, [0, 1000, 2000]);
  assert.equal(beganAt, 2500);
  assert.equal(steering.canStart, false);
  assert.equal(refusal(() => steering.start(null)), "The test has already begun.");
  assert.equal(clock.pending, 0);
});

Deno.test("whoever gives up waiting goes on, and nothing can be started any more", async () => {
  const { clock, steering } = steered({});
  const began = steering.waitForStart(() => {});
  await clock.advance(1500);
  steering.cancelWait();
  await began;
  assert.equal(steering.canStart, false);
  refusal(() => steering.start(null));
  assert.equal(clock.pending, 0);
});

Deno.test("a load that a start names is the driver's from its beginning", () => {
  const { steering, targets, driver } = steered({ users: 50, rate: 5 });
  steering.start({ users: 3, rate: 2 });
  steering.attach(driver());
  assert.deepEqual(targets, [{ users: 3, rate: 2 }]);
});

Deno.test("a start without a load leaves the driver to its plan", () => {
  const { steering, targets, driver } = steered({ users: 50, rate: 5 });
  steering.start(null);
  steering.attach(driver());
  assert.deepEqual(targets, []);
});

Deno.test("a load that is refused at the start starts nothing", async () => {
  const { steering } = steered({});
  assert.equal(
    refusal(() => steering.start({ users: 0.5, rate: 1 })),
    "Invalid load: users must be a whole number of 0 or more, not 0.5.",
  );
  assert.equal(steering.canStart, true);
  assert.equal(await mayBegin(steering), false);
  steering.cancelWait();
});

Deno.test("a load can be changed from the test's beginning to its end", () => {
  const { steering, targets, driver } = steered({}, false);
  const target = { users: 7, rate: 1 };
  assert.equal(
    refusal(() => steering.changeLoad(target)),
    "The test has not begun: start it first.",
  );
  const held = driver();
  steering.attach(held);
  steering.changeLoad(target);
  assert.deepEqual(targets, [target]);
  held.stop();
  assert.equal(refusal(() => steering.changeLoad(target)), "The test is over.");
  assert.deepEqual(targets, [target]);
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

const MODELS: [what: string, plan: ProfileChanges, refused: ResolvedLoad, message: string][] = [
  ["users", {}, { arrivalRate: 1, maxUsers: 5 }, USERS],
  ["an arrival rate", OPEN, { users: 1, rate: 1 }, RATE],
  ["a shape of users", { shape: new RampShape() }, { arrivalRate: 1, maxUsers: 5 }, USERS],
  ["a shape of arrivals", { shape: new FlowShape() }, { users: 1, rate: 1 }, RATE],
];

for (const [what, plan, refused, message] of MODELS) {
  Deno.test(`a test with ${what} keeps its model`, () => {
    const { steering, targets, driver } = steered(plan);
    assert.equal(refusal(() => steering.start(refused)), message);
    steering.start(null);
    steering.attach(driver());
    assert.equal(refusal(() => steering.changeLoad(refused)), message);
    assert.deepEqual(targets, []);
  });
}

Deno.test("a shape that fails is no reason not to begin", () => {
  class BrokenShape extends LoadUserShape {
    override tick(): Tick {
      throw new Error("no load");
    }
  }
  const { steering } = steered({ shape: new BrokenShape() });
  steering.start(null);
  assert.equal(steering.canStart, false);
});

Deno.test("what can be no load is refused, with what is accepted", () => {
  const open = steered(OPEN, false);
  open.steering.attach(open.driver());
  assert.equal(
    refusal(() => open.steering.changeLoad({ arrivalRate: -1, maxUsers: 5 })),
    "Invalid load: arrivalRate must be a number of 0 or more, not -1.",
  );
  assert.equal(
    refusal(() => open.steering.changeLoad({ arrivalRate: 1, maxUsers: 0 })),
    "Invalid load: maxUsers must be a whole number of 1 or more, not 0.",
  );
  assert.deepEqual(open.targets, []);
});

Deno.test("what holds instead of the planned load is told of, and what was refused is not", () => {
  const clock = new FakeClock();
  const told: ResolvedLoad[] = [];
  const steering = new RunControl(clock, profileOf(), true, (target) => told.push(target));
  steering.start({ users: 3, rate: 2 });
  assert.deepEqual(told, []);
  const driver = standingDriver(clock, profileOf(), () => {});
  steering.attach(driver);
  steering.changeLoad({ users: 4, rate: 2 });
  refusal(() => steering.changeLoad({ users: -1, rate: 2 }));
  driver.stop();
  refusal(() => steering.changeLoad({ users: 5, rate: 2 }));
  assert.deepEqual(told, [{ users: 3, rate: 2 }, { users: 4, rate: 2 }]);
});
