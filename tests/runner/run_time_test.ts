import assert from "node:assert/strict";
import { RunTime } from "../../src/runner/run_time.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("a run lasts from its start to its end", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  await clock.advance(700);
  assert.deepEqual([time.begun, time.elapsedSeconds, time.endedAt(0)], [false, 0, null]);
  time.begin();
  await clock.advance(2_500);
  assert.deepEqual([time.begun, time.elapsedSeconds, time.endedAt(0)], [true, 2.5, null]);
  time.end();
  await clock.advance(9_000);
  assert.equal(time.elapsedSeconds, 2.5);
  assert.deepEqual([time.endedAt(70_000), time.endedAt(null)], [72_500, null]);
});

Deno.test("a run can start with the time it has already lasted", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  time.begin(60);
  await clock.advance(1_000);
  assert.equal(time.elapsedSeconds, 61);
});

Deno.test("the elapsed time can be corrected upwards, never downwards", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  time.begin(10);
  await clock.advance(500);
  time.atLeast(9);
  assert.equal(time.elapsedSeconds, 10.5);
  time.atLeast(12);
  await clock.advance(500);
  assert.equal(time.elapsedSeconds, 12.5);
});
