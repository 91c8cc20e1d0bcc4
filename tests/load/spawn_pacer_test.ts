import fc from "fast-check";
import assert from "node:assert/strict";
import type { UserLoad } from "../../src/load/load.ts";
import { SpawnPacer } from "../../src/load/spawn_pacer.ts";

/** A pacer that heads for a load since second 0. */
function pacing(from: number, users: number, rate: number): SpawnPacer {
  const pacer = new SpawnPacer(from);
  pacer.retarget({ users, rate }, 0);
  return pacer;
}

/** The changes of the users and their times, found by waiting for each change as a runner does. */
function changes(pacer: SpawnPacer): [seconds: number, users: number][] {
  const seen: [number, number][] = [];
  let seconds: number | null = 0;
  while (seconds !== null) {
    seen.push([seconds, pacer.usersAt(seconds)]);
    seconds = pacer.nextAt(seconds);
  }
  return seen;
}

const targets = fc.array(
  fc.record({
    users: fc.nat(400),
    rate: fc.oneof(
      fc.double({ min: 0.05, max: 50, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
    ),
  }),
  { minLength: 1, maxLength: 40 },
);

Deno.test("on the way up the first user starts at once, the others at the rate", () => {
  assert.deepEqual(changes(pacing(0, 4, 2)), [[0, 1], [0.5, 2], [1, 3], [1.5, 4]]);
});

Deno.test("on the way down the first user stops at once, the others at the rate", () => {
  assert.deepEqual(changes(pacing(7, 4, 2)), [[0, 6], [0.5, 5], [1, 4]]);
});

Deno.test("a fractional rate starts a user every few seconds", () => {
  assert.deepEqual(changes(pacing(0, 3, 0.1)), [[0, 1], [10, 2], [20, 3]]);
  assert.equal(pacing(0, 3, 0.1).usersAt(9.99), 1);
});

Deno.test("a rate above the number of users reaches it within a fraction of a second", () => {
  const pacer = pacing(0, 10, 1000);
  assert.equal(pacer.usersAt(0), 1);
  assert.equal(pacer.usersAt(0.005), 6);
  assert.equal(pacer.usersAt(0.009), 10);
  assert.equal(pacer.nextAt(0.009), null);
});

Deno.test("a pacer without a load stays where it is", () => {
  assert.equal(new SpawnPacer(5).usersAt(100), 5);
  assert.equal(new SpawnPacer(5).nextAt(100), null);
});

Deno.test("a load that is already reached needs no change", () => {
  assert.equal(pacing(5, 5, 2).usersAt(100), 5);
  assert.equal(pacing(5, 5, 2).nextAt(0), null);
});

Deno.test("a ramp of 1,000 at 100 per second stays on its line, up and down", () => {
  const [up, down] = [pacing(0, 1000, 100), pacing(1000, 0, 100)];
  for (let ms = 0; ms <= 10_000; ms++) {
    const line = ms / 10;
    const allowed = Math.max(1, line * 0.02);
    assert.ok(Math.abs(up.usersAt(ms / 1000) - line) <= allowed, `up at ${ms} ms`);
    assert.ok(Math.abs(1000 - down.usersAt(ms / 1000) - line) <= allowed, `down at ${ms} ms`);
  }
});

Deno.test("the same load again changes nothing", () => {
  const pacer = pacing(0, 100, 3);
  for (let second = 1; second < 20; second++) {
    pacer.retarget({ users: 100, rate: 3 }, second + 0.1);
    assert.equal(pacer.usersAt(second), 3 * second + 1);
  }
});

Deno.test("a load that rises each second by its rate is one straight ramp", () => {
  const pacer = new SpawnPacer(0);
  for (let second = 0; second < 60; second++) {
    pacer.retarget({ users: 10 * (second + 1), rate: 10 }, second);
    for (let tenth = 0; tenth < 10; tenth++) {
      assert.equal(pacer.usersAt(second + tenth / 10), 10 * second + tenth + 1);
    }
  }
});

Deno.test("a slow rate that changes each second starts no user early", () => {
  const pacer = new SpawnPacer(0);
  for (let second = 0; second <= 100; second++) {
    pacer.retarget({ users: 1000 + second, rate: 0.1 }, second);
    assert.equal(pacer.usersAt(second), Math.floor(second / 10) + 1);
  }
});

Deno.test("a changed rate bends the line where it is", () => {
  const pacer = pacing(0, 100, 1);
  pacer.retarget({ users: 100, rate: 10 }, 2.5);
  assert.equal(pacer.usersAt(2.5), 3);
  assert.equal(pacer.nextAt(2.5), 2.55);
  assert.equal(pacer.usersAt(3.55), 14);
});

Deno.test("a ramp may turn around halfway", () => {
  const pacer = pacing(0, 100, 10);
  pacer.retarget({ users: 0, rate: 10 }, 2);
  assert.equal(pacer.usersAt(2), 21);
  assert.equal(pacer.usersAt(2.1), 20);
  assert.equal(pacer.usersAt(4.1), 0);
  assert.equal(pacer.nextAt(4.1), null);
});

Deno.test("after a long rest only one change is immediate", () => {
  const pacer = pacing(0, 2, 10);
  pacer.retarget({ users: 10, rate: 1 }, 3600);
  assert.equal(pacer.usersAt(3600), 3);
  assert.equal(pacer.usersAt(3600.9), 3);
  assert.equal(pacer.usersAt(3601), 4);
});

Deno.test("infrequent calls miss nothing of a ramp that bends in between", () => {
  const [seldom, often] = [new SpawnPacer(0), new SpawnPacer(0)];
  for (let second = 0; second < 30; second++) {
    const target = { users: 15 * (second + 1), rate: 15 };
    for (const pacer of [seldom, often]) pacer.retarget(target, second);
    for (let ms = 0; ms < 1000; ms += 10) often.usersAt(second + ms / 1000);
  }
  assert.equal(seldom.usersAt(29.5), often.usersAt(29.5));
  assert.equal(seldom.usersAt(29.5), 443);
});

Deno.test("users follow the integral of the rate, however often the load changes", () => {
  fc.assert(
    fc.property(targets, fc.boolean(), (list: UserLoad[], bendAll) => {
      const pacer = new SpawnPacer(0);
      let due = 1;
      for (const [second, { rate }] of list.entries()) {
        // Out of reach, so that only the rate matters; a new load, or just a new rate.
        pacer.retarget({ users: 1e9 + (bendAll ? second : 0), rate }, second);
        due += rate;
        const users = pacer.usersAt(second + 1);
        assert.ok(
          Math.abs(users - due) < 1 + 1e-3,
          `${users} users at ${second + 1} s, ${due} due`,
        );
      }
    }),
  );
});

Deno.test("no load is approached faster than its rate, or overshot", () => {
  fc.assert(
    fc.property(targets, fc.nat(400), (list: UserLoad[], from) => {
      const pacer = new SpawnPacer(from);
      let before = from;
      for (const [second, target] of list.entries()) {
        pacer.retarget(target, second);
        for (let tenth = 0; tenth < 10; tenth++) {
          const users = pacer.usersAt(second + tenth / 10);
          assert.ok(Math.abs(users - before) <= target.rate / 10 + 1.001 || tenth === 0);
          const [low, high] = [Math.min(before, target.users), Math.max(before, target.users)];
          // The tenth of a second in which a new load starts still has changes of the previous one.
          if (tenth > 0) assert.ok(users >= low && users <= high);
          before = users;
        }
      }
    }),
  );
});

Deno.test("every load is reached if there is time, and then kept", () => {
  fc.assert(
    fc.property(targets, fc.nat(400), (list: UserLoad[], from) => {
      const pacer = new SpawnPacer(from);
      let now = 0;
      let users = from;
      for (const target of list) {
        pacer.retarget(target, now);
        now += Math.abs(target.users - users) / target.rate;
        users = pacer.usersAt(now);
        assert.equal(users, target.users);
        assert.equal(pacer.nextAt(now), null);
      }
    }),
  );
});

Deno.test("a change happens when it is due, and not long before", () => {
  fc.assert(
    fc.property(targets, fc.nat(400), (list: UserLoad[], from) => {
      const pacer = new SpawnPacer(from);
      for (const [index, target] of list.entries()) {
        const start = index * 0.7;
        pacer.retarget(target, start);
        const next = pacer.nextAt(start);
        if (next === null) continue;
        const users = pacer.usersAt(start);
        assert.ok(next > start);
        assert.equal(Math.abs(pacer.usersAt(next) - users), 1);
        // Both waiting in milliseconds and reading a clock in milliseconds round.
        assert.equal(pacer.usersAt((next * 1000) / 1000), pacer.usersAt(next));
        assert.equal(pacer.usersAt(next - 1e-9), pacer.usersAt(next));
        assert.equal(pacer.usersAt(Math.max(start, next - 1e-5)), users);
      }
    }),
  );
});
