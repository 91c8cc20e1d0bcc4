import assert from "node:assert/strict";
import { DeadlineSweep, type Expiring } from "../../src/http/connection_timers.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** An object with deadlines, registered with a sweep. */
class Entry implements Expiring {
  deadline = Infinity;
  readonly expiredAt: number[] = [];
  readonly #clock: FakeClock;
  readonly #sweep: DeadlineSweep;

  constructor(clock: FakeClock, sweep: DeadlineSweep) {
    this.#clock = clock;
    this.#sweep = sweep;
    sweep.add(this);
  }

  wait(deadline: number): void {
    this.deadline = deadline;
    this.#sweep.schedule(deadline);
  }

  expire(): void {
    this.deadline = Infinity;
    this.expiredAt.push(this.#clock.now());
  }
}

Deno.test("an object whose deadline has passed expires once", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock, () => Promise.resolve());
  const [late, early, over] = [0, 1, 2].map(() => new Entry(clock, sweep)) as [Entry, Entry, Entry];
  late.wait(2500);
  early.wait(1000);
  over.wait(1500);
  over.deadline = Infinity;
  await clock.advance(10_000);
  assert.deepEqual([late, early, over].map(({ expiredAt }) => expiredAt), [[2500], [1000], []]);
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
  const sweep = new DeadlineSweep(counting, () => Promise.resolve());
  const entry = new Entry(clock, sweep);
  for (let i = 0; i < 1000; i++) {
    entry.wait(clock.now() + 60_000);
    await clock.advance(1);
    entry.deadline = Infinity;
  }
  assert.equal(set, 1);
  assert.equal(clock.pending, 1);
  await clock.advance(120_000);
  assert.equal(clock.pending, 0);
});

Deno.test("close deadlines share a timer, and none is over 50 ms late", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock, () => Promise.resolve());
  const entries = Array.from({ length: 100 }, () => new Entry(clock, sweep));
  entries.forEach((entry, index) => entry.wait(1000 + index));
  await clock.advance(5000);
  entries.forEach(({ expiredAt: [at = Infinity] }, index) => {
    const deadline = 1000 + index;
    assert.ok(at >= deadline && at - deadline <= 50, `${deadline}: ${at}`);
  });
  assert.ok(new Set(entries.flatMap(({ expiredAt }) => expiredAt)).size <= 3);
});

Deno.test("past and infinite deadlines are accepted", async () => {
  const clock = new FakeClock();
  await clock.advance(1000);
  const sweep = new DeadlineSweep(clock, () => Promise.resolve());
  const [past, never, far] = [0, 1, 2].map(() => new Entry(clock, sweep)) as [Entry, Entry, Entry];
  past.wait(10);
  never.wait(Infinity);
  far.wait(2 ** 40);
  await clock.advance(10_000);
  assert.deepEqual(past.expiredAt, [1050]);
  await clock.advance(4_000_000);
  assert.deepEqual([...never.expiredAt, ...far.expiredAt], []);
  for (const entry of [past, never, far]) sweep.delete(entry);
  assert.equal(clock.pending, 0);
});

Deno.test("an expired object can get a new deadline", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock, () => Promise.resolve());
  const expiredAt: number[] = [];
  const again = {
    deadline: 1000,
    expire(): void {
      expiredAt.push(clock.now());
      this.deadline = clock.now() + 500;
    },
  };
  sweep.add(again);
  sweep.schedule(again.deadline);
  await clock.advance(2200);
  assert.deepEqual(expiredAt, [1000, 1500, 2000]);
});

Deno.test("what arrived before a deadline, or while the process was late, is handled first", async () => {
  const clock = new FakeClock();
  const arrived: Entry[] = [];
  const sweep = new DeadlineSweep(clock, () => {
    for (const entry of arrived.splice(0)) entry.deadline = Infinity;
    return Promise.resolve();
  });
  const [answered, silent] = [0, 1].map(() => new Entry(clock, sweep)) as [Entry, Entry];
  answered.wait(1000);
  silent.wait(1000);
  arrived.push(answered);
  clock.block(5000);
  await clock.advance(1);
  assert.deepEqual([answered.expiredAt, silent.expiredAt], [[], [5000]]);
});

Deno.test("a deadline that passes while sockets are drained waits for the next time", async () => {
  const clock = new FakeClock();
  const sweep = new DeadlineSweep(clock, () => clock.advance(100));
  const [first, second] = [0, 1].map(() => new Entry(clock, sweep)) as [Entry, Entry];
  first.wait(1000);
  second.wait(1050);
  await clock.advance(1000);
  await settle();
  assert.deepEqual([first.expiredAt, second.expiredAt], [[1100], []]);
  await clock.advance(1000);
  assert.equal(second.expiredAt.length, 1);
});

Deno.test("sockets are drained only if a deadline has passed", async () => {
  const clock = new FakeClock();
  let drained = 0;
  const sweep = new DeadlineSweep(clock, () => {
    drained++;
    return Promise.resolve();
  });
  const entry = new Entry(clock, sweep);
  entry.wait(1000);
  entry.deadline = Infinity;
  await clock.advance(10_000);
  assert.equal(drained, 0);
});
