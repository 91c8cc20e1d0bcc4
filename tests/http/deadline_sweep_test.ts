import assert from "node:assert/strict";
import { DeadlineSweep, type Expiring } from "../../src/http/deadline_sweep.ts";
import { FakeClock } from "../support/fake_clock.ts";

class Entry implements Expiring {
  readonly deadline: number;
  readonly #clock: FakeClock;
  expiredAt: number[] = [];

  constructor(clock: FakeClock, deadline: number) {
    this.#clock = clock;
    this.deadline = deadline;
  }

  expire(): void {
    this.expiredAt.push(this.#clock.now());
  }
}

Deno.test("what is still there at its deadline expires, once", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock);
  const [early, late, never] = [1000, 2500, 1500].map((ms) => new Entry(clock, ms)) as [
    Entry,
    Entry,
    Entry,
  ];
  for (const entry of [late, early, never]) sweep.add(entry);
  sweep.delete(never);
  await clock.advance(10_000);
  assert.deepEqual([early, late, never].map(({ expiredAt }) => expiredAt), [[1000], [2500], []]);
  assert.equal(clock.pending, 0);
});

Deno.test("many short exchanges set one timer", async () => {
  const clock = new FakeClock();
  let set = 0;
  const counting = new Proxy(clock, {
    get: (target, name: keyof FakeClock) => {
      if (name === "setTimer") set++;
      const member = target[name];
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const sweep = new DeadlineSweep(counting);
  for (let i = 0; i < 1000; i++) {
    const entry = new Entry(clock, clock.now() + 60_000);
    sweep.add(entry);
    await clock.advance(1);
    sweep.delete(entry);
  }
  assert.equal(set, 1);
  assert.equal(clock.pending, 1);
  await clock.advance(120_000);
  assert.equal(clock.pending, 0);
});

Deno.test("deadlines close to each other share a timer, and none comes over 50 ms late", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock);
  const entries = Array.from({ length: 100 }, (_, index) => new Entry(clock, 1000 + index));
  for (const entry of entries) sweep.add(entry);
  await clock.advance(5000);
  for (const { deadline, expiredAt: [at = Infinity] } of entries) {
    assert.ok(at >= deadline && at - deadline <= 50, `${deadline}: ${at}`);
  }
  assert.ok(new Set(entries.flatMap(({ expiredAt }) => expiredAt)).size <= 3);
});

Deno.test("a deadline that has passed, or never comes, is no trouble", async () => {
  const clock = new FakeClock();
  await clock.advance(1000);
  const sweep = new DeadlineSweep(clock);
  const past = new Entry(clock, 10);
  const never = new Entry(clock, Infinity);
  const far = new Entry(clock, 2 ** 40);
  for (const entry of [past, never, far]) sweep.add(entry);
  await clock.advance(10_000);
  assert.deepEqual(past.expiredAt, [1050]);
  await clock.advance(4_000_000);
  assert.deepEqual([...never.expiredAt, ...far.expiredAt], []);
  sweep[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});

Deno.test("what expires may add the next one", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock);
  const next = new Entry(clock, 2000);
  sweep.add({ deadline: 1000, expire: () => sweep.add(next) });
  await clock.advance(3000);
  assert.deepEqual(next.expiredAt, [2000]);
});
