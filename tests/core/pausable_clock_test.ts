import assert from "node:assert/strict";
import { PausableClock } from "../../src/core/pausable_clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a paused clock stands still, and its timers fire later by as much", async () => {
  const outer = new FakeClock();
  const clock = new PausableClock(outer);
  const fired: (readonly [string, number])[] = [];
  const note = (name: string) => (): void => void fired.push([name, clock.now()]);
  clock.setTimer(note("before"), 1000);
  const canceled = clock.setTimer(note("canceled"), 1000);
  await outer.advance(400);
  clock.pause();
  clock.pause();
  clock.setTimer(note("inside"), 100);
  await outer.advance(5000);
  assert.equal(clock.now(), 400);
  assert.deepEqual(fired, []);
  clock.clearTimer(canceled);
  clock.resume();
  clock.resume();
  await outer.advance(2000);
  assert.deepEqual(fired, [["inside", 500], ["before", 1000]]);
  assert.equal(clock.now(), 2400);
  assert.equal(outer.pending, 0);
});
