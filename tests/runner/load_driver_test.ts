import assert from "node:assert/strict";
import { ClassMix } from "../../src/load/class_mix.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import type { Plan } from "../../src/load/plan.ts";
import { LoadDriver } from "../../src/runner/load_driver.ts";
import { FakeClock } from "../support/fake_clock.ts";

interface Driven {
  readonly clock: FakeClock;
  readonly driver: LoadDriver;
  /** Users that ran, by the millisecond at which their number changed. */
  readonly changes: [ms: number, users: number][];
  readonly started: [ms: number, users: number][];
  readonly seconds: number[];
  /** When the drive was over, in milliseconds. */
  endedAt: number | null;
}

function drive(plan: Partial<Plan>, fixedCount = 0): Driven {
  const clock = new FakeClock();
  const mix = new ClassMix([{ name: "ATest", weight: 1, fixedCount }]);
  const full = { users: 1, rate: 1, runTime: null, stopTimeout: 2, shape: null, ...plan };
  const driven: Driven = {
    clock,
    changes: [],
    started: [],
    seconds: [],
    endedAt: null,
    driver: new LoadDriver(clock, full, mix, {
      scaleTo: ([users]) => driven.changes.push([clock.now(), users!]),
      onTarget: () => {},
      onStarted: (users) => driven.started.push([clock.now(), users]),
      onSecond: () => driven.seconds.push(clock.now()),
    }),
  };
  void driven.driver.drive().then(() => driven.endedAt = clock.now());
  return driven;
}

function usersAt(driven: Driven, ms: number): number {
  return driven.changes.findLast(([at]) => at <= ms)?.[1] ?? 0;
}

Deno.test("a ramp of 1,000 users at 100 a second stays within 2 % of the line", async () => {
  const driven = drive({ users: 1000, rate: 100, runTime: 12 });
  await driven.clock.advance(12_000);
  for (let ms = 500; ms <= 12_000; ms += 50) {
    const line = Math.min(1000, ms / 10);
    const users = usersAt(driven, ms);
    assert.ok(Math.abs(users - line) <= Math.max(1, line * 0.02), `${users} users at ${ms} ms`);
  }
  assert.deepEqual(driven.started.map(([, users]) => users), [1000]);
  assert.equal(driven.endedAt, 12_000);
});

Deno.test("the first user starts at once, however low the rate", async () => {
  const driven = drive({ users: 3, rate: 0.1 });
  await driven.clock.advance(25_000);
  assert.deepEqual(driven.changes, [[0, 1], [10_000, 2], [20_000, 3]]);
  assert.deepEqual(driven.started, [[20_000, 3]]);
  driven.driver.stop();
});

Deno.test("the run ends at its run time, also where that is no whole second", async () => {
  const driven = drive({ runTime: 2.5 });
  await driven.clock.advance(10_000);
  assert.equal(driven.endedAt, 2500);
  assert.deepEqual(driven.seconds, [1000, 2000]);
});

Deno.test("stop ends the drive at once", async () => {
  const driven = drive({});
  await driven.clock.advance(1300);
  driven.driver.stop();
  await driven.clock.advance(0);
  assert.equal(driven.endedAt, 1300);
  assert.equal(driven.clock.pending, 0);
});

Deno.test("a shape is asked once a second, and null ends the run", async () => {
  const asked: number[] = [];
  class Steps extends LoadUserShape {
    override tick(): Tick | null {
      asked.push(this.getRunTime());
      return asked.length <= 2 ? [10, 10] : asked.length <= 4 ? [4, 3] : null;
    }
  }
  const driven = drive({ shape: new Steps() });
  await driven.clock.advance(10_000);
  assert.deepEqual(asked, [0, 1, 2, 3, 4]);
  assert.equal(driven.endedAt, 4000);
  assert.equal(usersAt(driven, 1000), 10);
  // Down from 10 to 4 at 3 a second: the first one leaves at once, the last after 5/3 s.
  assert.equal(usersAt(driven, 2000), 9);
  assert.equal(usersAt(driven, 3500), 5);
  assert.equal(usersAt(driven, 3700), 4);
});

Deno.test("ten thousand users at once start in portions, and all of them start", async () => {
  const driven = drive({ users: 10_000, rate: 1_000_000, runTime: 5 });
  await driven.clock.advance(1000);
  assert.equal(usersAt(driven, 1000), 10_000);
  const steps = driven.changes.map(([, users], i) => users - (driven.changes[i - 1]?.[1] ?? 0));
  assert.ok(Math.max(...steps) <= 100, `${Math.max(...steps)} at once`);
  assert.equal(driven.started.length, 1);
  driven.driver.stop();
});

Deno.test("no more users run than classes with fixed counts allow", async () => {
  const driven = drive({ users: 10, rate: 10, runTime: 3 }, 4);
  await driven.clock.advance(3000);
  assert.equal(usersAt(driven, 3000), 4);
  assert.deepEqual(driven.started.map(([, users]) => users), [4]);
});

Deno.test("until goes on telling of seconds until what it waits for is done", async () => {
  const driven = drive({ runTime: 1.5 });
  await driven.clock.advance(1500);
  const { promise, resolve } = Promise.withResolvers<void>();
  let over = false;
  void driven.driver.until(promise).then(() => over = true);
  await driven.clock.advance(2000);
  assert.deepEqual(driven.seconds, [1000, 2000, 3000]);
  assert.equal(over, false);
  resolve();
  await driven.clock.advance(0);
  assert.equal(over, true);
  assert.equal(driven.clock.pending, 0);
});
