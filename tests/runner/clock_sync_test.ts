import assert from "node:assert/strict";
import type { Outcome } from "../../src/cluster/protocol.ts";
import { ClockSync } from "../../src/runner/clock_sync.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A master whose test started `aheadMs` before the worker's clock did, and the network in between. */
class Scene {
  readonly clock = new FakeClock();
  readonly estimates: number[] = [];
  asked = 0;
  /** Milliseconds that a question takes, and its answer. */
  delays: readonly [there: number, back: number];
  answers = true;
  readonly clockSync: ClockSync;

  constructor(aheadMs: number, delays: readonly [there: number, back: number] = [0, 0]) {
    this.delays = delays;
    this.clockSync = new ClockSync({
      call: ({ service, operation }, _, done) => {
        assert.deepEqual([service, operation], ["time", "elapsed"]);
        this.asked++;
        if (this.answers) void this.#answer(aheadMs, done);
        return () => {};
      },
    }, this.clock);
    this.clockSync.start((beganAt) => this.estimates.push(beganAt));
  }

  async #answer(aheadMs: number, done: (outcome: Outcome) => void): Promise<void> {
    const [there, back] = this.delays;
    await this.#sleep(there);
    const value = String((this.clock.now() + aheadMs) / 1000);
    await this.#sleep(back);
    done({ result: "ok", value });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(resolve, ms));
  }
}

Deno.test("the master's elapsed time is taken for the middle between question and answer", async () => {
  const scene = new Scene(5_000, [4, 4]);
  await scene.clock.advance(600);
  scene.clockSync.stop();
  assert.deepEqual(scene.estimates.map(Math.round), [-5_000, -5_000]);
  await scene.clock.advance(60_000);
  assert.equal(scene.asked, 2);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("the fastest answer counts, and a slow one changes nothing", async () => {
  const scene = new Scene(5_000, [80, 0]);
  await scene.clock.advance(490);
  scene.delays = [2, 1];
  await scene.clock.advance(500);
  scene.delays = [0, 300];
  await scene.clock.advance(2_000);
  scene.clockSync.stop();
  assert.deepEqual(scene.estimates.map((ms) => Math.round(ms * 10) / 10), [-5_040, -5_000.5]);
});

Deno.test("an old answer is replaced by a new one that is slightly slower, since clocks drift", async () => {
  const scene = new Scene(0);
  await scene.clock.advance(1);
  scene.delays = [1, 1];
  await scene.clock.advance(9_000);
  const early = scene.estimates.length;
  await scene.clock.advance(30_000);
  scene.clockSync.stop();
  assert.ok(scene.estimates.length > early);
});

Deno.test("the master is asked often at first, and seldom later", async () => {
  const scene = new Scene(1_000);
  await scene.clock.advance(9_999);
  assert.equal(scene.asked, 20);
  await scene.clock.advance(60_000);
  assert.equal(scene.asked, 26);
  scene.clockSync.start(() => assert.fail("it was started before"));
  assert.equal(scene.asked, 26);
  scene.clockSync.stop();
});

Deno.test("a question that is not answered is not asked again", async () => {
  const scene = new Scene(1_000);
  scene.answers = false;
  await scene.clock.advance(5_000);
  // The first one was answered.
  assert.deepEqual([scene.asked, scene.estimates.length], [2, 1]);
  scene.clockSync.stop();
});
