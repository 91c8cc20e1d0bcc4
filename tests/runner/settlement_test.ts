import assert from "node:assert/strict";
import { FinalReports } from "../../src/runner/master.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Workers that settle when a test says so. */
class ScriptedHall {
  settled = false;
  /** What they were told, in seconds. */
  readonly deadlines: number[] = [];

  stop(deadline: number): void {
    this.deadlines.push(deadline);
  }
}

interface Ending {
  readonly clock: FakeClock;
  readonly hall: ScriptedHall;
  readonly settlement: FinalReports;
  /** When it was over, in milliseconds; null as long as it is not. */
  endedAt: number | null;
}

function ending(stopTimeout: number, settled = false): Ending {
  const clock = new FakeClock();
  const hall = new ScriptedHall();
  hall.settled = settled;
  const settlement = new FinalReports(clock, hall);
  const it: Ending = { clock, hall, settlement, endedAt: null };
  void settlement.end(stopTimeout).then(() => it.endedAt = clock.now());
  return it;
}

Deno.test("a run whose workers have nothing more to say ends at once", async () => {
  const it = ending(2, true);
  await it.clock.advance(0);
  assert.equal(it.endedAt, 0);
  assert.deepEqual(it.hall.deadlines, [17]);
  assert.equal(it.clock.pending, 0);
});

Deno.test("the last counts are waited for, and whoever may have brought them is looked at", async () => {
  const it = ending(2);
  await it.clock.advance(3000);
  it.settlement.look();
  await it.clock.advance(0);
  assert.equal(it.endedAt, null);
  it.hall.settled = true;
  await it.clock.advance(1000);
  assert.equal(it.endedAt, null);
  it.settlement.look();
  await it.clock.advance(0);
  assert.equal(it.endedAt, 4000);
  assert.equal(it.clock.pending, 0);
});

Deno.test("nobody is waited for beyond what stopping can take", async () => {
  const it = ending(60);
  await it.clock.advance(129_999);
  assert.equal(it.endedAt, null);
  await it.clock.advance(1);
  assert.equal(it.endedAt, 130_000);
  assert.deepEqual(it.hall.deadlines, [130]);
});

Deno.test("before the end, looking does nothing", () => {
  const hall = new ScriptedHall();
  const clock = new FakeClock();
  new FinalReports(clock, hall).look();
  assert.deepEqual(hall.deadlines, []);
  assert.equal(clock.pending, 0);
});
