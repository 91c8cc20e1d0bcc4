import assert from "node:assert/strict";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A scheduler that returns what the test sets, and records all calls. */
class FakeScheduler implements IterationScheduler {
  readonly told: string[] = [];
  readonly scheduled: boolean;
  readonly #next: number | null | Promise<number | null>;

  constructor(next: number | null | Promise<number | null>, scheduled = true) {
    this.#next = next;
    this.scheduled = scheduled;
  }

  next(): number | null | Promise<number | null> {
    return this.#next;
  }

  cancel(slot: IterationSlot): void {
    this.told.push(`leave ${slot.classIndex}`);
  }

  began(_slot: IterationSlot, intendedAt: number, now: number): void {
    this.told.push(`began ${intendedAt} ${now}`);
  }

  ended(_slot: IterationSlot, beganAt: number, now: number): void {
    this.told.push(`ended ${beganAt} ${now}`);
  }

  interrupted(_slot: IterationSlot, beganAt: number, now: number): void {
    this.told.push(`cut off ${beganAt} ${now}`);
  }

  declined(_slot: IterationSlot, now: number): void {
    this.told.push(`refused ${now}`);
  }
}

async function clockAt(ms: number): Promise<FakeClock> {
  const clock = new FakeClock();
  await clock.advance(ms);
  return clock;
}

const GOES_ON = (): boolean => false;

Deno.test("the first measurement of a late iteration starts when it was due, later ones do not", async () => {
  const scheduler = new FakeScheduler(100);
  const slot = new IterationSlot(scheduler, 3);
  const clock = await clockAt(250);
  assert.equal(await slot.begin(clock, GOES_ON), true);
  assert.equal(slot.measureFrom(260), 100);
  assert.equal(slot.measureFrom(300), 300);
  slot.end(400);
  assert.equal(slot.measureFrom(410), 410);
  assert.deepEqual(scheduler.told, ["began 100 250", "ended 250 400"]);
});

Deno.test("an iteration without measurements does not affect the next one", async () => {
  const scheduler = new FakeScheduler(100);
  const slot = new IterationSlot(scheduler, 0);
  await slot.begin(await clockAt(250), GOES_ON);
  slot.end(300);
  assert.equal(slot.measureFrom(310), 310);
});

Deno.test("in an iteration that starts on time, measurements start when they start", async () => {
  const slot = new IterationSlot(new FakeScheduler(250), 0);
  await slot.begin(await clockAt(250), GOES_ON);
  assert.equal(slot.measureFrom(250), 250);
});

Deno.test("without a schedule, measurements start when they start", async () => {
  const scheduler = new FakeScheduler(100, false);
  const slot = new IterationSlot(scheduler, 0);
  await slot.begin(await clockAt(250), GOES_ON);
  assert.equal(slot.scheduled, false);
  assert.equal(slot.measureFrom(260), 260);
});

Deno.test("no iteration starts when none is left", async () => {
  for (const next of [null, Promise.resolve(null)]) {
    const scheduler = new FakeScheduler(next);
    assert.equal(await new IterationSlot(scheduler, 0).begin(await clockAt(5), GOES_ON), false);
    assert.deepEqual(scheduler.told, []);
  }
});

Deno.test("a stopping user declines an iteration", async () => {
  const scheduler = new FakeScheduler(Promise.resolve(1));
  assert.equal(await new IterationSlot(scheduler, 0).begin(await clockAt(5), () => true), false);
  assert.deepEqual(scheduler.told, ["refused 5"]);
});

Deno.test("an iteration ends once or is interrupted once", async () => {
  const scheduler = new FakeScheduler(1);
  const slot = new IterationSlot(scheduler, 2);
  slot.end(1);
  slot.interrupt(2);
  await slot.begin(await clockAt(5), GOES_ON);
  slot.interrupt(7);
  slot.interrupt(8);
  slot.end(9);
  assert.equal(slot.measureFrom(9), 9);
  slot.stopWaiting();
  assert.deepEqual(scheduler.told, ["began 1 5", "cut off 5 7", "leave 2"]);
});
