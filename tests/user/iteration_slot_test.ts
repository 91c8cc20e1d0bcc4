import assert from "node:assert/strict";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A gate that gives what the test says, and remembers what it was told. */
class FakeGate implements IterationScheduler {
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

  leave(seat: IterationSlot): void {
    this.told.push(`leave ${seat.kind}`);
  }

  began(intendedAt: number, now: number): void {
    this.told.push(`began ${intendedAt} ${now}`);
  }

  ended(beganAt: number, now: number): void {
    this.told.push(`ended ${beganAt} ${now}`);
  }

  cutOff(): void {
    this.told.push("cut off");
  }

  refused(now: number): void {
    this.told.push(`refused ${now}`);
  }
}

async function clockAt(ms: number): Promise<FakeClock> {
  const clock = new FakeClock();
  await clock.advance(ms);
  return clock;
}

const GOES_ON = (): boolean => false;

Deno.test("what a late pass times first counts from when it was due, and only that", async () => {
  const gate = new FakeGate(100);
  const seat = new IterationSlot(gate, 3);
  const clock = await clockAt(250);
  assert.equal(await seat.enter(clock, GOES_ON), true);
  assert.equal(seat.origin(260), 100);
  assert.equal(seat.origin(300), 300);
  seat.end(400);
  assert.equal(seat.origin(410), 410);
  assert.deepEqual(gate.told, ["began 100 250", "ended 250 400"]);
});

Deno.test("a pass that times nothing leaves nothing to the next", async () => {
  const gate = new FakeGate(100);
  const seat = new IterationSlot(gate, 0);
  await seat.enter(await clockAt(250), GOES_ON);
  seat.end(300);
  assert.equal(seat.origin(310), 310);
});

Deno.test("a pass that begins in time counts from where it is timed", async () => {
  const seat = new IterationSlot(new FakeGate(250), 0);
  await seat.enter(await clockAt(250), GOES_ON);
  assert.equal(seat.origin(250), 250);
});

Deno.test("where nothing is scheduled, nothing counts from before it was timed", async () => {
  const gate = new FakeGate(100, false);
  const seat = new IterationSlot(gate, 0);
  await seat.enter(await clockAt(250), GOES_ON);
  assert.equal(seat.scheduled, false);
  assert.equal(seat.origin(260), 260);
});

Deno.test("where there is no pass any more, none begins", async () => {
  for (const next of [null, Promise.resolve(null)]) {
    const gate = new FakeGate(next);
    assert.equal(await new IterationSlot(gate, 0).enter(await clockAt(5), GOES_ON), false);
    assert.deepEqual(gate.told, []);
  }
});

Deno.test("a pass that comes when its user is to stop is refused", async () => {
  const gate = new FakeGate(Promise.resolve(1));
  assert.equal(await new IterationSlot(gate, 0).enter(await clockAt(5), () => true), false);
  assert.deepEqual(gate.told, ["refused 5"]);
});

Deno.test("a pass ends once, or is cut off once", async () => {
  const gate = new FakeGate(1);
  const seat = new IterationSlot(gate, 2);
  seat.end(1);
  seat.cutOff();
  await seat.enter(await clockAt(5), GOES_ON);
  seat.cutOff();
  seat.cutOff();
  seat.end(9);
  assert.equal(seat.origin(9), 9);
  seat.leave();
  assert.deepEqual(gate.told, ["began 1 5", "cut off", "leave 2"]);
});
