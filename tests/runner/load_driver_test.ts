import assert from "node:assert/strict";
import { positionAt, type RatePeriod } from "../../src/load/arrival_schedule.ts";
import type { Load, ResolvedLoad } from "../../src/load/load.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import { type LoadChange, LoadDriver, type PartArrivals } from "../../src/runner/load_driver.ts";
import { reportedLoad } from "../../src/runner/run_loads.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { partsOf, type ProfileChanges, profileOf } from "../support/load_profiles.ts";

interface Driven {
  readonly clock: FakeClock;
  readonly driver: LoadDriver;
  /** How many users ran, by the millisecond at which the number changed. */
  readonly changes: [ms: number, users: number][];
  /** The arrivals from then on. */
  readonly arrivals: [ms: number, rate: number, maxUsers: number][];
  /** The last period. */
  period: RatePeriod | null;
  /** The loads, in order. */
  readonly loads: ResolvedLoad[];
  readonly started: [ms: number, users: number][];
  readonly seconds: number[];
  /** When the drive ended, in milliseconds. */
  endedAt: number | null;
}

/** @param first a load that is set before the drive starts. */
function drive(profile: ProfileChanges, first: ResolvedLoad | null = null, fixedCount = 0): Driven {
  const clock = new FakeClock();
  const parts = partsOf(profileOf(profile), [{ name: "ATest", weight: 1, fixedCount, load: null }]);
  const driven: Driven = {
    clock,
    changes: [],
    arrivals: [],
    period: null,
    loads: [],
    started: [],
    seconds: [],
    endedAt: null,
    driver: new LoadDriver(clock, parts, {
      setArrivals: (arrivals) => {
        const [{ period, maxUsers }] = arrivals as [PartArrivals];
        driven.period = period;
        driven.arrivals.push([clock.now(), period.rate, maxUsers]);
      },
      onOver: () => {},
      view: () => ({ crossed: null }),
      setUsers: ([users]) => driven.changes.push([clock.now(), users!]),
      onLoad: (load) => driven.loads.push(load),
      onStarted: (users) => driven.started.push([clock.now(), users]),
      onSecond: () => driven.seconds.push(clock.now()),
    }),
  };
  if (first !== null) driven.driver.changeLoad(first);
  void driven.driver.drive().then(() => driven.endedAt = clock.now());
  return driven;
}

function usersAt(driven: Driven, ms: number): number {
  return driven.changes.findLast(([at]) => at <= ms)?.[1] ?? 0;
}

Deno.test("a ramp of 1,000 users at 100 per second stays within 2 % of the line", async () => {
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

Deno.test("the run ends at its run time, even at a fraction of a second", async () => {
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

Deno.test("a shape is called once a second, and null ends the run", async () => {
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
  // Down from 10 to 4 at 3 per second: the first one leaves at once, the last after 5/3 s.
  assert.equal(usersAt(driven, 2000), 9);
  assert.equal(usersAt(driven, 3500), 5);
  assert.equal(usersAt(driven, 3700), 4);
});

Deno.test("ten thousand users at once are started in batches", async () => {
  const driven = drive({ users: 10_000, rate: 1_000_000, runTime: 5 });
  await driven.clock.advance(1000);
  assert.equal(usersAt(driven, 1000), 10_000);
  const steps = driven.changes.map(([, users], i) => users - (driven.changes[i - 1]?.[1] ?? 0));
  assert.ok(Math.max(...steps) <= 100, `${Math.max(...steps)} at once`);
  assert.equal(driven.started.length, 1);
  driven.driver.stop();
});

Deno.test("no more users run than classes with fixed counts allow", async () => {
  const driven = drive({ users: 10, rate: 10, runTime: 3 }, null, 4);
  await driven.clock.advance(3000);
  assert.equal(usersAt(driven, 3000), 4);
  assert.deepEqual(driven.started.map(([, users]) => users), [4]);
});

Deno.test("until() reports each second until its promise resolves", async () => {
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

Deno.test("a changed load replaces the one of the profile until its end", async () => {
  const driven = drive({ users: 10, rate: 1000, runTime: 6 });
  await driven.clock.advance(1500);
  assert.equal(driven.driver.changeLoad({ users: 4, rate: 2 }), true);
  await driven.clock.advance(10_000);
  assert.equal(usersAt(driven, 1499), 10);
  // Down from 10 to 4 at 2 per second, from the moment of the change.
  assert.deepEqual(driven.changes.slice(-6), [
    [1500, 9],
    [2000, 8],
    [2500, 7],
    [3000, 6],
    [3500, 5],
    [4000, 4],
  ]);
  assert.equal(driven.endedAt, 6000);
  assert.deepEqual(driven.loads.at(-1), { users: 4, rate: 2 });
  assert.deepEqual(driven.started, [[9, 10]]);
  assert.equal(driven.clock.pending, 0);
});

Deno.test("a load that is changed before the start applies from the first moment", async () => {
  const driven = drive({ users: 10, rate: 1000, runTime: 3 }, { users: 2, rate: 1 });
  await driven.clock.advance(5000);
  assert.deepEqual(driven.changes, [[0, 1], [1000, 2]]);
  assert.deepEqual(driven.started, [[1000, 2]]);
  assert.ok(driven.loads.every((load) => "users" in load && load.users === 2));
  assert.equal(driven.endedAt, 3000);
});

Deno.test("after a change of the load, the shape only decides when the run ends", async () => {
  class Steps extends LoadUserShape {
    override tick(): Tick | null {
      return this.getRunTime() < 4 ? [20, 1000] : null;
    }
  }
  const driven = drive({ shape: new Steps() });
  await driven.clock.advance(1200);
  driven.driver.changeLoad({ users: 5, rate: 1000 });
  await driven.clock.advance(5000);
  assert.equal(usersAt(driven, 3999), 5);
  assert.equal(driven.endedAt, 4000);
});

Deno.test("the last change of the load applies", async () => {
  const driven = drive({ users: 1, rate: 1000 });
  await driven.clock.advance(500);
  driven.driver.changeLoad({ users: 100, rate: 1 });
  driven.driver.changeLoad({ users: 0, rate: 1000 });
  await driven.clock.advance(3000);
  assert.equal(usersAt(driven, 3500), 0);
  driven.driver.stop();
});

Deno.test("the load cannot be changed after the end", async () => {
  const driven = drive({ users: 3, rate: 1000, runTime: 1 });
  await driven.clock.advance(1000);
  assert.equal(driven.driver.changeLoad({ users: 5, rate: 1 }), false);
  const stopped = drive({ users: 3, rate: 1000 });
  await stopped.clock.advance(500);
  stopped.driver.stop();
  assert.equal(stopped.driver.changeLoad({ users: 5, rate: 1 }), false);
  assert.equal(usersAt(stopped, 5000), 3);
  assert.deepEqual(stopped.loads.at(-1), { users: 3, rate: 1000 });
});

const OPEN: ProfileChanges = { arrivalRate: 10, maxUsers: 50 };

Deno.test("a changed arrival rate applies from that moment on, and loses no iteration", async () => {
  const driven = drive({ ...OPEN, runTime: 6 });
  await driven.clock.advance(2500);
  assert.equal(driven.driver.changeLoad({ arrivalRate: 40, maxUsers: 80 }), true);
  assert.deepEqual(driven.arrivals.at(-1), [2500, 40, 80]);
  assert.deepEqual(driven.period, {
    rate: 40,
    since: 2.5,
    position: 25,
    until: 6,
    limit: Infinity,
  });
  await driven.clock.advance(10_000);
  assert.equal(driven.endedAt, 6000);
  assert.equal(driven.period!.until, 6);
  assert.equal(positionAt(driven.period!, 6), 25 + 3.5 * 40);
  assert.deepEqual(driven.loads.at(-1), { arrivalRate: 40, maxUsers: 80 });
});

Deno.test("an arrival rate that is changed before the start applies from the first iteration", async () => {
  const driven = drive({ ...OPEN, runTime: 4 }, { arrivalRate: 3, maxUsers: 5 });
  await driven.clock.advance(10_000);
  assert.ok(driven.arrivals.every(([, rate, maxUsers]) => rate === 3 && maxUsers === 5));
  assert.deepEqual(driven.period, { rate: 3, since: 0, position: 0, until: 4, limit: Infinity });
  assert.deepEqual(driven.started, [[0, 0]]);
});

Deno.test("maxUsers can be changed alone", async () => {
  const driven = drive({ ...OPEN });
  await driven.clock.advance(1700);
  driven.driver.changeLoad({ arrivalRate: 10, maxUsers: 7 });
  assert.deepEqual(driven.arrivals.at(-1), [1700, 10, 7]);
  assert.deepEqual([driven.period!.since, driven.period!.position], [0, 0]);
  driven.driver.stop();
});

Deno.test("a schedule ends with its profile, even at a fraction of a second", async () => {
  const driven = drive({ ...OPEN, runTime: 2.25 });
  await driven.clock.advance(10_000);
  assert.equal(driven.endedAt, 2250);
  assert.equal(driven.period!.until, 2.25);
  assert.deepEqual(driven.seconds, [1000, 2000]);
});

Deno.test("a load ends with its shape, even at a fraction of a second", async () => {
  class Spans extends LoadUserShape {
    static override stages = [
      { duration: 1.5, users: 10, rate: 1000 },
      { duration: 1.25, users: 4, rate: 1000 },
    ];
  }
  const driven = drive({ shape: new Spans() });
  await driven.clock.advance(10_000);
  assert.equal(driven.endedAt, 2750);
  assert.deepEqual(driven.seconds, [1000, 2000]);
  assert.equal(usersAt(driven, 2750), 4);
});

/** A load that rises by 10 iterations per second every second, and ends after this many seconds. */
function rising(seconds: number): LoadUserShape {
  class Rising extends LoadUserShape {
    override tick(): Load | null {
      const at = Math.floor(this.getRunTime());
      return at < seconds ? { arrivalRate: 10 * (at + 1), maxUsers: 7 } : null;
    }
  }
  return new Rising();
}

Deno.test("the rates of a shape apply from the seconds for which it was called", async () => {
  const driven = drive({ shape: rising(3) });
  await driven.clock.advance(10_000);
  assert.deepEqual(driven.arrivals, [[0, 10, 7], [1000, 20, 7], [2000, 30, 7], [3000, 30, 7]]);
  // 10 + 20 + 30 iterations, and none when the shape ends.
  assert.equal(positionAt(driven.period!, 3), 60);
  assert.equal(driven.period!.until, 3);
  assert.deepEqual(driven.started, [[0, 0]]);
  assert.equal(driven.endedAt, 3000);
});

/** What the driver of a resumed run asks for. */
async function goOn(
  profile: ProfileChanges,
  elapsedSeconds: number,
  changes: readonly LoadChange[] = [],
): Promise<{
  periods: RatePeriod[];
  loads: ResolvedLoad[];
}> {
  const clock = new FakeClock();
  await clock.advance(777);
  const [periods, loads]: [RatePeriod[], ResolvedLoad[]] = [[], []];
  const driver = new LoadDriver(clock, partsOf(profileOf(profile)), {
    setArrivals: (arrivals) => periods.push(...arrivals.map(({ period }) => period)),
    onOver: () => {},
    view: () => ({ crossed: null }),
    setUsers: () => {},
    onLoad: (load) => loads.push(load),
    onStarted: () => {},
    onSecond: () => {},
  }, { elapsedSeconds, users: [20], started: true, changes });
  void driver.drive();
  await clock.advance(0);
  driver.stop();
  await clock.advance(0);
  return { periods, loads };
}

Deno.test("a resumed schedule continues where it would have been", async () => {
  const { periods } = await goOn({ shape: rising(9) }, 2.6);
  assert.deepEqual(periods.map(({ rate, since, position }) => [rate, since, position]), [
    [30, 2, 30],
  ]);
});

Deno.test("a resumed run has the users of the shape at this time, not those of the start", async () => {
  class Falling extends LoadUserShape {
    override tick(): Tick | null {
      return this.getRunTime() < 2 ? [100, 10] : [20, 10];
    }
  }
  const { loads } = await goOn({ shape: new Falling() }, 4.3);
  assert.deepEqual(loads, [{ users: 20, rate: 10 }]);
});

Deno.test("a resumed run replays earlier changes of the load from when they were made", async () => {
  const changes = [
    { elapsedSeconds: 1.5, load: { arrivalRate: 100, maxUsers: 9 } },
    { elapsedSeconds: 2.5, load: { arrivalRate: 4, maxUsers: 8 } },
  ];
  const { periods, loads } = await goOn({ shape: rising(9) }, 4.6, changes);
  // 10 in the first second, 10 in half of the next, and 100.
  assert.deepEqual(periods.map(({ rate, since, position }) => [rate, since, position]), [
    [4, 2.5, 120],
  ]);
  assert.deepEqual(loads, [{ arrivalRate: 4, maxUsers: 8 }]);
  const users = { elapsedSeconds: 0.2, load: { users: 9, rate: 3 } };
  assert.deepEqual((await goOn({ users: 20 }, 3.5, [users])).loads, [users.load]);
});

Deno.test("stop() returns whether the run was still going", async () => {
  const driven = drive({ runTime: 2 });
  await driven.clock.advance(1_000);
  assert.equal(driven.driver.stop(), true);
  assert.equal(driven.driver.stop(), false);
  const over = drive({ runTime: 2 });
  await over.clock.advance(3_000);
  assert.equal(over.driver.stop(), false);
});

Deno.test("a load of users has no arrival rate", () => {
  assert.deepEqual(reportedLoad({ users: 30, rate: 2 }), { users: 30, arrivalRate: null });
});

Deno.test("a load of arrivals is reported with its maxUsers", () => {
  assert.deepEqual(reportedLoad({ arrivalRate: 0.5, maxUsers: 20 }), {
    users: 20,
    arrivalRate: 0.5,
  });
});
