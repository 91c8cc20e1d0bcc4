import assert from "node:assert/strict";
import { AwakeClock, type Pause } from "../../src/core/awake_clock.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { ProcessClock } from "../support/process_clock.ts";

/** A process with an awake clock, and the pauses that it has noticed. */
class Scene {
  readonly time = new FakeClock();
  readonly process = new ProcessClock(this.time);
  readonly clock = new AwakeClock(this.process);
  readonly pauses: Pause[] = [];

  constructor() {
    this.clock.onPause((pause) => this.pauses.push(pause));
    this.clock.start();
  }

  async suspendFor(ms: number): Promise<void> {
    this.process.suspend();
    await this.time.advance(ms);
    this.process.continue();
    await this.time.advance(0);
  }
}

Deno.test("the clock stands still while the process is suspended, and says for how long", async () => {
  const scene = new Scene();
  await scene.time.advance(1_000);
  await scene.suspendFor(8_000);
  assert.deepEqual(scene.pauses, [{ from: 1_000, ms: 8_000 }]);
  assert.equal(scene.clock.now(), 1_000);
  await scene.time.advance(500);
  assert.equal(scene.clock.now(), 1_500);
});

Deno.test("a timer fires once its delay has passed while the process ran", async () => {
  const scene = new Scene();
  const fired: number[] = [];
  scene.clock.setTimer(() => fired.push(scene.time.now()), 3_000);
  await scene.time.advance(1_000);
  await scene.suspendFor(8_000);
  assert.deepEqual(fired, []);
  await scene.time.advance(1_999);
  assert.deepEqual(fired, []);
  await scene.time.advance(1);
  assert.deepEqual(fired, [11_000]);
});

Deno.test("a timer that was set again after a pause can be cleared", async () => {
  const scene = new Scene();
  const timer = scene.clock.setTimer(() => assert.fail("it fired"), 1_000);
  await scene.suspendFor(8_000);
  scene.clock.clearTimer(timer);
  await scene.time.advance(20_000);
});

Deno.test("short gaps are no pauses, and neither is any gap while none are detected", async () => {
  const scene = new Scene();
  await scene.suspendFor(1_500);
  assert.deepEqual([scene.pauses, scene.clock.now()], [[], 1_500]);
  scene.clock.stop();
  await scene.suspendFor(8_000);
  assert.deepEqual([scene.pauses, scene.clock.now()], [[], 9_500]);
  assert.equal(scene.time.pending, 0);
});

Deno.test("a timer that is late waits until what has arrived could be read", async () => {
  const scene = new Scene();
  const fired: number[] = [];
  scene.clock.setTimer(() => fired.push(scene.time.now()), 1_000);
  await scene.suspendFor(1_500);
  assert.deepEqual(fired, []);
  await scene.time.advance(49);
  assert.deepEqual(fired, []);
  await scene.time.advance(1);
  assert.deepEqual(fired, [1_550]);
});

Deno.test("a timer waits longer while the process is still late, but not forever", async () => {
  const scene = new Scene();
  const fired: number[] = [];
  scene.clock.setTimer(() => fired.push(scene.time.now()), 100);
  for (let turn = 0; turn < 20; turn++) await scene.suspendFor(200);
  // It was late once, and after ten further waits.
  assert.deepEqual(fired, [2_200]);
});

Deno.test("code that blocks is noticed by the first that asks for the time", () => {
  let now = 0;
  const time = new FakeClock();
  const clock = new AwakeClock(Object.assign(time, { now: () => now }));
  const pauses: Pause[] = [];
  clock.onPause((pause) => pauses.push(pause));
  clock.start();
  now = 7_000;
  assert.equal(clock.now(), 0);
  assert.deepEqual(pauses, [{ from: 0, ms: 7_000 }]);
});
