import assert from "node:assert/strict";
import fc from "fast-check";
import { UserRamp } from "../../src/runner/user_ramp.ts";
import { FakeClock } from "../support/fake_clock.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly ramp: UserRamp;
  /** Users by class that run now. */
  readonly now: () => readonly number[];
  /** When it arrived, in milliseconds. */
  readonly arrivals: number[];
}

function scene(classes: number): Scene {
  const clock = new FakeClock();
  const arrivals: number[] = [];
  let counts: readonly number[] = new Array(classes).fill(0);
  const ramp = new UserRamp(
    clock,
    classes,
    (next) => counts = next,
    () => arrivals.push(clock.now()),
  );
  return { clock, ramp, now: () => counts, arrivals };
}

Deno.test("users start at the rate, the first one at once", async () => {
  const { clock, ramp, now, arrivals } = scene(1);
  ramp.rampTo([4], 10);
  const seen: number[] = [];
  for (let ms = 0; ms <= 350; ms += 50) {
    seen.push(now()[0]!);
    await clock.advance(50);
  }
  assert.deepEqual(seen, [1, 1, 2, 2, 3, 3, 4, 4]);
  assert.deepEqual(arrivals, [300]);
  assert.equal(ramp.isRamping, false);
  assert.equal(clock.pending, 0);
});

Deno.test("the class that lacks most users is next", async () => {
  const { clock, ramp, now } = scene(3);
  ramp.rampTo([4, 1, 2], 1000);
  const seen: string[] = [];
  for (let ms = 0; ms < 7; ms++) {
    seen.push(now().join(" "));
    await clock.advance(1);
  }
  assert.deepEqual(seen, ["1 0 0", "2 0 0", "3 0 0", "3 0 1", "4 0 1", "4 1 1", "4 1 2"]);
});

Deno.test("surplus users stop at once, and missing ones start at the rate", async () => {
  const { clock, ramp, now, arrivals } = scene(2);
  ramp.rampTo([5, 0], 1e6);
  await clock.advance(10);
  ramp.rampTo([2, 3], 10);
  assert.deepEqual(now(), [2, 1]);
  assert.equal(ramp.isRamping, true);
  await clock.advance(200);
  assert.deepEqual(now(), [2, 3]);
  ramp.rampTo([1, 1], 10);
  assert.deepEqual(now(), [1, 1]);
  assert.equal(ramp.isRamping, false);
  assert.equal(arrivals.length, 3);
});

Deno.test("a new target takes over from the present number of users", async () => {
  const { clock, ramp, now, arrivals } = scene(1);
  ramp.rampTo([10], 10);
  await clock.advance(450);
  assert.deepEqual(now(), [5]);
  ramp.rampTo([7], 2);
  assert.deepEqual(now(), [6]);
  await clock.advance(500);
  assert.deepEqual(now(), [7]);
  assert.deepEqual(arrivals, [950]);
});

Deno.test("a target that is already reached counts as reached", () => {
  const { ramp, arrivals } = scene(1);
  ramp.rampTo([0], 1);
  assert.deepEqual(arrivals, [0]);
});

Deno.test("after a reset the ramp starts at zero, and starts no one by itself", async () => {
  const { clock, ramp, now } = scene(1);
  ramp.rampTo([5], 10);
  await clock.advance(200);
  ramp.reset();
  assert.equal(ramp.isRamping, false);
  await clock.advance(1000);
  assert.deepEqual(now(), [3]);
  ramp.rampTo([2], 1000);
  assert.deepEqual(now(), [1]);
  await clock.advance(1);
  assert.deepEqual(now(), [2]);
});

Deno.test("whatever the targets, each class reaches its own, and never exceeds old and new", async () => {
  const aims = fc.array(
    fc.tuple(fc.array(fc.nat(6), { minLength: 3, maxLength: 3 }), fc.nat(900)),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(aims, async (aims) => {
      const { clock, ramp, now } = scene(3);
      for (const [counts, waitMs] of aims) {
        const before = now();
        ramp.rampTo(counts, 7);
        for (let ms = 0; ms < waitMs; ms += 100) {
          assert.ok(now().every((count, cls) => count <= counts[cls]!));
          assert.ok(now().every((count, cls) => count >= Math.min(before[cls]!, counts[cls]!)));
          await clock.advance(100);
        }
      }
      await clock.advance(10_000);
      assert.deepEqual(now(), aims.at(-1)![0]);
      assert.equal(clock.pending, 0);
    }),
  );
});
