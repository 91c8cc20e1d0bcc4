import assert from "node:assert/strict";
import { chainedTimers, type Timer } from "../../src/core/clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

const DAY_MS = 86_400_000;

/** Timers that overflow as those of the runtime do: a delay of over 2³¹ − 1 ms becomes 1 ms. */
class OverflowingClock extends FakeClock {
  override setTimer(callback: () => void, delayMs: number): Timer {
    return super.setTimer(callback, delayMs > 2 ** 31 - 1 ? 1 : delayMs);
  }
}

/** Sets a timer, and returns the days after which it fired, of `days`. */
async function firedAfter(delayMs: number, days: number): Promise<number[]> {
  const native = new OverflowingClock();
  const timers = chainedTimers(native);
  const fired: number[] = [];
  timers.setTimer(() => fired.push(native.now() / DAY_MS), delayMs);
  await native.advance(days * DAY_MS);
  return fired;
}

Deno.test("a timer waits for any number of days", async () => {
  for (const days of [1, 24, 25, 30, 49, 50, 365]) {
    assert.deepEqual(await firedAfter(days * DAY_MS, 400), [days]);
  }
  assert.deepEqual(await firedAfter(2 ** 31 - 1, 30), [(2 ** 31 - 1) / DAY_MS]);
  assert.deepEqual(await firedAfter(2 ** 31, 30), [2 ** 31 / DAY_MS]);
});

Deno.test("an infinite timer never fires", async () => {
  assert.deepEqual(await firedAfter(Infinity, 1000), []);
});

Deno.test("a long timer can be cleared in each of its parts", async () => {
  for (const days of [0, 10, 26, 60]) {
    const native = new OverflowingClock();
    const timers = chainedTimers(native);
    const timer = timers.setTimer(() => assert.fail("it was cleared"), 70 * DAY_MS);
    await native.advance(days * DAY_MS);
    timers.clearTimer(timer);
    assert.equal(native.pending, 0);
    await native.advance(100 * DAY_MS);
  }
});
