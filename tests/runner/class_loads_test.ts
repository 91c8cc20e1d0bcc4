import fc from "fast-check";
import assert from "node:assert/strict";
import type { Curve } from "../../src/load/curve.ts";
import { delayed, hold, inSequence, ramp } from "../../src/load/curves.ts";
import type { UserClass } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type ProfileChanges } from "../support/load_profiles.ts";
import { beginLocally, type RunningLocally } from "../support/local_runs.ts";
import {
  FakeTarget,
  VirtualCluster,
  type VirtualMaster,
  withLoad,
} from "../support/virtual_cluster.ts";

const BUYERS = "BuyerTest";
const ADMINS = "AdminTest";
const NIGHT = "NightTest";

/** 50 iterations in 10 s, and 50 in 5 s; two users for 11.5 s; four users from 6 to 14.5 s. */
const RISING = inSequence(
  ramp({ seconds: 10, arrivalRate: { from: 0, to: 10 }, maxUsers: 30 }),
  hold({ seconds: 5, arrivalRate: 10, maxUsers: 30 }),
);
const HELD = hold({ seconds: 11.5, users: 2, rate: 100 });
const STEP = delayed(6, hold({ seconds: 8.5, users: 4, rate: 100 }));

/** Three classes with a load each. */
function three(target: FakeTarget): UserClass[] {
  return [
    withLoad(target.userClass(BUYERS), RISING),
    withLoad(target.userClass(ADMINS), HELD),
    withLoad(target.userClass(NIGHT), STEP),
  ];
}

interface Local extends RunningLocally {
  readonly target: FakeTarget;
}

function local(
  classes: (target: FakeTarget) => UserClass[],
  profile: ProfileChanges = {},
): Local {
  const clock = new FakeClock();
  const target = new FakeTarget(clock);
  return Object.assign(beginLocally(classes(target), profile, { clock }), { target });
}

function stepsOf({ steps }: FakeTarget, kind: string): number {
  return steps.filter((step) => step.kind === kind).length;
}

Deno.test("each class follows its own load, and the run ends with the last one", async () => {
  const started = local(three);
  const { clock, target } = started;
  const users: number[][] = [];
  for (let ms = 250; ms < 16_000; ms += 1_000) {
    await clock.advance(ms === 250 ? 250 : 1_000);
    users.push(target.usersOf([ADMINS, NIGHT]));
  }
  await clock.advance(5_000);
  const result = started.result!;
  assert.deepEqual(users.map(([admins]) => admins), [
    ...Array(12).fill(2),
    ...Array(4).fill(0),
  ]);
  assert.deepEqual(users.map(([, night]) => night), [
    ...Array(6).fill(0),
    ...Array(9).fill(4),
    0,
  ]);
  assert.equal(stepsOf(target, BUYERS), 100);
  // A step each second, and the first one at once.
  assert.equal(stepsOf(target, ADMINS), 24);
  assert.equal(stepsOf(target, NIGHT), 36);
  assert.equal(result.statistics.totals.requests, 160);
  assert.equal(result.plannedSeconds, 15);
  assert.equal(result.durationSeconds, 15);
  assert.deepEqual(started.warnings, []);
  assert.equal(clock.pending, 0);
});

Deno.test("a snapshot adds up all loads, and knows the part that classes share", async () => {
  const { clock, seconds, run } = local(
    (target) => [...three(target), target.userClass("OtherTest")],
    { users: 5, rate: 5 },
  );
  await clock.advance(8_500);
  const { users, arrivalRate, spawnRate, closedUsers, sharedLoad, plannedSeconds } = seconds.at(
    -1,
  )!;
  assert.deepEqual(users.target, 30 + 2 + 4 + 5);
  assert.equal(closedUsers, 11);
  assert.equal(arrivalRate, 8.5);
  assert.equal(spawnRate, 205);
  assert.deepEqual(sharedLoad, { users: 5, arrivalRate: null, spawnRate: 5 });
  // The shared load has no end.
  assert.equal(plannedSeconds, null);
  run.control.changeLoad({ users: 1 });
  await clock.advance(10_000);
  const last = seconds.at(-1)!;
  assert.deepEqual([last.users.target, last.closedUsers, last.arrivalRate], [1, 1, 0]);
  run.stop();
  await clock.advance(5_000);
});

Deno.test("the load of a run in which each class has its own cannot be changed by hand", async () => {
  const { clock, run, seconds } = local(three);
  await clock.advance(1_500);
  assert.throws(() => run.control.changeLoad({ users: 3 }), /has a load of its own/);
  assert.equal(seconds.at(-1)!.sharedLoad, null);
  run.stop();
  await clock.advance(5_000);
});

Deno.test("--run-time ends all loads, and --iterations only the shared one", async () => {
  const limited = local(three, { runTime: 7.5 });
  await limited.clock.advance(20_000);
  assert.equal(limited.result!.durationSeconds, 7.5);
  assert.equal(limited.result!.plannedSeconds, 7.5);
  // The rate of each second is the mean of that second.
  assert.equal(stepsOf(limited.target, BUYERS), 29);

  const counted = local((target) => [
    withLoad(target.userClass(ADMINS), HELD),
    target.userClass("OtherTest"),
  ], { users: 3, rate: 100, iterations: 7 });
  await counted.clock.advance(20_000);
  assert.equal(stepsOf(counted.target, "OtherTest"), 7);
  assert.equal(stepsOf(counted.target, ADMINS), 24);
  assert.equal(counted.result!.durationSeconds, 11.5);
  assert.deepEqual(counted.warnings, []);
});

/** A class whose users end after this many iterations. */
function limitedTo(iterations: number, userClass: UserClass): UserClass {
  Object.defineProperty(userClass, "iterations", { value: iterations });
  return userClass;
}

const RISES_AT_6 = inSequence(hold({ seconds: 6, users: 1 }), hold({ seconds: 24, users: 3 }));

Deno.test("a load ends when its users have ended, unless it starts others later", async () => {
  const one = local((target) => [
    withLoad(limitedTo(3, target.userClass(ADMINS)), hold({ seconds: 30, users: 2, rate: 100 })),
  ]);
  await one.clock.advance(40_000);
  assert.equal(stepsOf(one.target, ADMINS), 6);
  assert.ok(one.result!.durationSeconds < 4, String(one.result!.durationSeconds));

  const rising = local((target) => [
    withLoad(limitedTo(2, target.userClass(ADMINS)), RISES_AT_6),
  ]);
  await rising.clock.advance(40_000);
  assert.equal(stepsOf(rising.target, ADMINS), 6);
  const { durationSeconds } = rising.result!;
  assert.ok(durationSeconds > 6 && durationSeconds < 10, String(durationSeconds));
});

Deno.test("on workers too, a load ends when its users have ended, and others go on", async () => {
  const cluster = new VirtualCluster({}, (target) => [
    withLoad(limitedTo(2, target.userClass(ADMINS)), RISES_AT_6),
    withLoad(target.userClass(NIGHT), hold({ seconds: 15, users: 1 })),
  ]);
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  const users: number[] = [];
  await cluster.advance(14_000, () => users.push(master.seconds.at(-1)?.users.target ?? 0), 1_000);
  assert.equal(users.includes(4), true);
  assert.equal(users.at(-1), 1);
  assert.equal(stepsOf(cluster.target, ADMINS), 6);
  await cluster.advance(6_000);
  assert.ok(Math.abs(master.result!.durationSeconds - 15) < 0.2);

  const alone = new VirtualCluster({}, (target) => [
    withLoad(limitedTo(2, target.userClass(ADMINS)), RISES_AT_6),
  ]);
  const other = alone.master();
  for (const name of ["a", "b"]) alone.worker(name);
  await alone.advance(40_000);
  assert.equal(stepsOf(alone.target, ADMINS), 6);
  const { durationSeconds } = other.result!;
  assert.ok(durationSeconds > 6 && durationSeconds < 10, String(durationSeconds));
});

Deno.test("users that are stopped with their load may finish what they do", async () => {
  const slow = local((target) => [
    withLoad(
      target.userClass(BUYERS, 1, 0, () => 1.5),
      hold({ seconds: 2, arrivalRate: 2, maxUsers: 9 }),
    ),
    withLoad(target.userClass(ADMINS), hold({ seconds: 6, users: 1 })),
  ]);
  await slow.clock.advance(20_000);
  const { statistics, durationSeconds } = slow.result!;
  assert.equal(durationSeconds, 6);
  const { scheduled, started, completed, dropped, interrupted } = statistics.iterations!;
  assert.deepEqual([scheduled, started, completed, dropped, interrupted], [4, 4, 4, 0, 0]);
});

/** Three workers, of which one is killed and one joins late. */
async function withFaults(cluster: VirtualCluster, killAtMs: number): Promise<VirtualMaster> {
  const master = cluster.master();
  const [a] = ["a", "b"].map((name) => cluster.worker(name));
  await cluster.advance(2_000);
  cluster.worker("late");
  await cluster.advance(killAtMs - 2_000);
  a!.kill();
  return master;
}

/** The numbers of the iterations that each class with arrivals has started, by their due times. */
function dueOf({ steps }: FakeTarget, kind: string): number[] {
  return steps.filter((step) => step.kind === kind).map(({ atMs }) => atMs);
}

Deno.test("workers share each class's load while one joins late", async () => {
  const cluster = new VirtualCluster({}, three);
  const { target } = cluster;
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(2_000);
  cluster.worker("late");
  const users: number[][] = [];
  await cluster.advance(13_500, () => users.push(target.usersOf([ADMINS, NIGHT])), 500);
  await cluster.advance(10_000);
  assert.equal(stepsOf(target, BUYERS), 100);
  assert.equal(new Set(dueOf(target, BUYERS)).size, 100);
  // From 2.5 s on: two until 11.5 s, four from 6 to 14.5 s.
  assert.deepEqual(users.map(([admins]) => admins).slice(1, 18), Array(17).fill(2));
  assert.deepEqual(users.map(([, night]) => night).slice(8, 23), Array(15).fill(4));
  const { complete, statistics, durationSeconds } = master.result!;
  assert.equal(complete, true);
  assert.equal(statistics.totals.requests, target.steps.length);
  assert.equal(statistics.iterations!.scheduled, 100);
  assert.ok(Math.abs(durationSeconds - 15) < 0.2, String(durationSeconds));
  assert.ok(target.steps.some(({ node, kind }) => node === "late" && kind === BUYERS));
  assert.deepEqual(master.warnings, []);
  assert.equal(cluster.clock.pending, 0);
});

Deno.test("a killed worker takes with it what it was to start, and nothing starts twice", async () => {
  const cluster = new VirtualCluster({}, three);
  const { target } = cluster;
  const master = await withFaults(cluster, 3_500);
  await cluster.advance(25_000);
  const buyers = stepsOf(target, BUYERS);
  // A third of those that were due from 3.5 s to 9.5 s, and a moment more.
  assert.ok(Math.abs(100 - buyers - 39 / 3) <= 3, String(buyers));
  assert.equal(new Set(dueOf(target, BUYERS)).size, buyers);
  const { complete, users } = master.result!;
  assert.equal(complete, false);
  assert.ok(users.peak <= 36);
  assert.ok(target.steps.some(({ node, kind }) => node === "late" && kind === NIGHT));
});

Deno.test("a resumed run continues the load of each class where it was", async () => {
  const cluster = new VirtualCluster({}, three);
  const { target } = cluster;
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(7_310);
  first.kill();
  await cluster.advance(1_500);
  const second = await cluster.nextMaster();
  await cluster.advance(1_000);
  assert.deepEqual(target.usersOf([ADMINS, NIGHT]), [2, 4]);
  await cluster.advance(15_000);
  assert.equal(stepsOf(target, BUYERS), 100);
  assert.equal(new Set(dueOf(target, BUYERS)).size, 100);
  // No user was stopped and started again.
  assert.ok(Math.abs(stepsOf(target, ADMINS) - 24) <= 1, String(stepsOf(target, ADMINS)));
  assert.ok(Math.abs(stepsOf(target, NIGHT) - 36) <= 2, String(stepsOf(target, NIGHT)));
  const { complete, statistics, durationSeconds } = second.result!;
  assert.equal(complete, true);
  assert.equal(statistics.totals.requests, target.steps.length);
  assert.ok(Math.abs(durationSeconds - 15) < 0.3, String(durationSeconds));
  assert.deepEqual(second.warnings, []);
});

Deno.test("a class whose load has ended starts nothing again after a resume", async () => {
  const cluster = new VirtualCluster({}, (target) => [
    withLoad(target.userClass(BUYERS), hold({ seconds: 2, arrivalRate: 20, maxUsers: 5 })),
    withLoad(target.userClass(NIGHT), hold({ seconds: 1, users: 3 })),
    withLoad(target.userClass(ADMINS), hold({ seconds: 9, users: 2 })),
  ]);
  const { target } = cluster;
  const first = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(3_510);
  assert.deepEqual(target.usersOf([BUYERS, NIGHT, ADMINS]), [0, 0, 2]);
  first.kill();
  await cluster.advance(500);
  await cluster.nextMaster();
  await cluster.advance(2_000);
  assert.deepEqual(target.usersOf([BUYERS, NIGHT, ADMINS]), [0, 0, 2]);
  await cluster.advance(15_000);
  assert.equal(stepsOf(target, BUYERS), 40);
});

Deno.test("the iterations of the shared classes end, and the run goes on with the others", async () => {
  const cluster = new VirtualCluster({ users: 4, rate: 100, iterations: 30 }, (target) => [
    withLoad(target.userClass(ADMINS), hold({ seconds: 9, users: 2 })),
    target.userClass("OtherTest", 1, 0.5),
  ]);
  const { target } = cluster;
  const master = cluster.master();
  for (const name of ["a", "b"]) cluster.worker(name);
  await cluster.advance(6_000);
  assert.equal(stepsOf(target, "OtherTest"), 30);
  assert.equal(master.result, null);
  assert.equal(master.seconds.at(-1)!.sharedLoad!.users, 0);
  assert.throws(() => master.run.control.changeLoad({ users: 3 }), /has ended/);
  await cluster.advance(10_000);
  assert.equal(stepsOf(target, "OtherTest"), 30);
  assert.ok(Math.abs(master.result!.durationSeconds - 9) < 0.2);
  assert.deepEqual(master.warnings, []);
});

const arrivalCurve = fc.record({
  kind: fc.constant("arrivals" as const),
  delay: fc.integer({ min: 0, max: 3 }),
  seconds: fc.integer({ min: 1, max: 6 }),
  amount: fc.integer({ min: 1, max: 20 }),
});
const userCurve = fc.record({
  kind: fc.constant("users" as const),
  delay: fc.integer({ min: 0, max: 3 }),
  seconds: fc.integer({ min: 1, max: 6 }),
  amount: fc.integer({ min: 1, max: 6 }),
});

Deno.test("whatever the loads, each class has what its own asks for on any number of workers", async () => {
  const loads = fc.array(fc.oneof(arrivalCurve, userCurve), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(loads, fc.integer({ min: 1, max: 3 }), async (loads, workers) => {
      const curves = loads.map(({ kind, delay, seconds, amount }): Curve => {
        const curve = kind === "arrivals"
          ? hold({ seconds, arrivalRate: amount, maxUsers: 20 })
          : hold({ seconds, users: amount, rate: 1_000 });
        return delay === 0 ? curve : delayed(delay, curve);
      });
      const cluster = new VirtualCluster(
        {},
        (target) =>
          curves.map((curve, index) => withLoad(target.userClass(`C${index}Test`), curve)),
      );
      const { target } = cluster;
      const master = cluster.master({ expectedWorkers: workers });
      for (let n = 0; n < workers; n++) cluster.worker(`w${n}`);
      await cluster.advance(500);
      for (let second = 0; second < 10 && master.result === null; second++) {
        for (const [index, { kind, delay, seconds, amount }] of loads.entries()) {
          if (kind === "arrivals") continue;
          const due = second >= delay && second < delay + seconds ? amount : 0;
          assert.deepEqual(target.usersOf([`C${index}Test`]), [due], `C${index} at ${second}.5 s`);
        }
        await cluster.advance(1_000);
      }
      await cluster.advance(10_000);
      for (const [index, { kind, seconds, amount }] of loads.entries()) {
        if (kind === "arrivals") assert.equal(stepsOf(target, `C${index}Test`), seconds * amount);
      }
      const end = Math.max(...loads.map(({ delay, seconds }) => delay + seconds));
      const { durationSeconds, statistics } = master.result!;
      assert.ok(Math.abs(durationSeconds - end) < 0.2, `${durationSeconds} of ${end}`);
      assert.equal(statistics.totals.requests, target.steps.length);
      assert.deepEqual(master.warnings, []);
    }),
    { numRuns: 25 },
  );
});
