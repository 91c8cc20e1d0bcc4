import assert from "node:assert/strict";
import { NoWorkersTimer } from "../../src/runner/master.ts";
import { LOST_MS } from "../../src/runner/worker_manager.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("nobody is given up before those who were there can be held for lost", async () => {
  const clock = new FakeClock();
  const vacancy = new NoWorkersTimer(clock);
  assert.equal(vacancy.isFinal, false);
  vacancy.note(0);
  await clock.advance(LOST_MS - 1);
  assert.equal(vacancy.isFinal, false);
  await clock.advance(1);
  assert.equal(vacancy.isFinal, true);
});

Deno.test("silence that has lasted counts, and whoever comes ends it", async () => {
  const clock = new FakeClock();
  const vacancy = new NoWorkersTimer(clock);
  vacancy.note(0, LOST_MS - 100);
  await clock.advance(100);
  assert.equal(vacancy.isFinal, true);
  vacancy.note(1);
  assert.equal(vacancy.isFinal, false);
});
