import assert from "node:assert/strict";
import {
  IterationCounter,
  type IterationSource,
  SharedIterationsExecutor,
} from "../../src/runner/shared_iterations_executor.ts";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import { IterationSlot } from "../../src/user/iteration_slot.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** Passes that somebody else has to be asked for. */
class AskedIterations implements IterationSource {
  readonly asked: ((isThere: boolean) => void)[] = [];
  startedIterations = 0;
  returned = 0;

  take(): Promise<boolean> {
    return new Promise((resolve) => void this.asked.push(resolve));
  }

  begun(): void {
    this.startedIterations++;
  }

  putBack(): void {
    this.returned++;
  }

  answer(isThere: boolean): void {
    this.asked.shift()!(isThere);
  }
}

class Scene {
  readonly clock = new FakeClock();
  readonly counted = new IterationStats();
  exhausted = 0;
  readonly gate: SharedIterationsExecutor;

  constructor(quota: IterationSource) {
    this.gate = new SharedIterationsExecutor({
      source: quota,
      clock: this.clock,
      iterations: () => this.counted,
      onExhausted: () => void this.exhausted++,
    });
  }

  seat(): IterationSlot {
    return new IterationSlot(this.gate, 0);
  }

  get counts(): number[] {
    const { scheduled, started, completed, dropped } = this.counted;
    return [scheduled, started, completed, dropped];
  }
}

const GOES_ON = (): boolean => false;

Deno.test("users begin passes until none is left, and it is over when the last one has ended", async () => {
  const all = new Scene(new IterationCounter(3));
  const { clock, gate } = all;
  assert.equal(gate.scheduled, false);
  const [a, b] = [all.seat(), all.seat()];
  assert.deepEqual(await Promise.all([a.begin(clock, GOES_ON), b.begin(clock, GOES_ON)]), [
    true,
    true,
  ]);
  a.end(40);
  assert.equal(await a.begin(clock, GOES_ON), true);
  b.end(70);
  assert.equal(await b.begin(clock, GOES_ON), false);
  assert.deepEqual([all.counts, all.exhausted], [[3, 3, 2, 0], 0]);
  a.end(100);
  assert.deepEqual([all.counts, all.exhausted], [[3, 3, 3, 0], 1]);
  assert.equal(all.counted.startDelay.max, 0);
});

Deno.test("what a user times counts from when it times it, as nothing is scheduled", async () => {
  const { clock, gate } = new Scene(new IterationCounter(1));
  const seat = new IterationSlot(gate, 0);
  await seat.begin(clock, GOES_ON);
  assert.equal(seat.origin(300), 300);
});

Deno.test("a pass that was cut off is not completed, and the next one is not held up", async () => {
  const scene = new Scene(new IterationCounter(1));
  const seat = scene.seat();
  await seat.begin(scene.clock, GOES_ON);
  seat.interrupt();
  seat.interrupt();
  seat.end(50);
  assert.deepEqual(scene.counts, [1, 1, 0, 0]);
  assert.equal(await scene.seat().begin(scene.clock, GOES_ON), false);
  assert.equal(scene.exhausted, 1);
});

Deno.test("a user waits until somebody has said whether there is one more", async () => {
  const quota = new AskedIterations();
  const scene = new Scene(quota);
  const seat = scene.seat();
  let entered: boolean | null = null;
  void seat.begin(scene.clock, GOES_ON).then((is) => entered = is);
  await scene.clock.advance(20);
  assert.deepEqual([entered, scene.counts], [null, [0, 0, 0, 0]]);
  quota.answer(true);
  await settle();
  assert.deepEqual([entered, scene.counts, quota.startedIterations], [true, [1, 1, 0, 0], 1]);
  seat.end(30);
  void seat.begin(scene.clock, GOES_ON).then((is) => entered = is);
  quota.answer(false);
  await settle();
  assert.deepEqual([entered, scene.exhausted], [false, 1]);
  assert.equal(scene.counted.serviceTime.max, 10);
});

Deno.test("a user that leaves while it waits ends at once, and its pass goes back", async () => {
  const quota = new AskedIterations();
  const scene = new Scene(quota);
  const seat = scene.seat();
  let entered: boolean | null = null;
  void seat.begin(scene.clock, GOES_ON).then((is) => entered = is);
  seat.stopWaiting();
  await settle();
  assert.equal(entered, false);
  quota.answer(true);
  await settle();
  assert.deepEqual([quota.returned, scene.exhausted, scene.counts], [1, 0, [0, 0, 0, 0]]);
  seat.stopWaiting();
});

Deno.test("that a user has left does not mean that nothing is there for others", async () => {
  const quota = new AskedIterations();
  const scene = new Scene(quota);
  void scene.seat().begin(scene.clock, GOES_ON);
  const leaver = scene.seat();
  void leaver.begin(scene.clock, GOES_ON);
  leaver.stopWaiting();
  quota.answer(true);
  quota.answer(false);
  await settle();
  const other = scene.seat();
  let entered: boolean | null = null;
  void other.begin(scene.clock, GOES_ON).then((is) => entered = is);
  quota.answer(true);
  await settle();
  assert.equal(entered, true);
});

Deno.test("a user that is to stop when its pass comes does not begin it", async () => {
  const quota = new AskedIterations();
  const scene = new Scene(quota);
  let over = false;
  let entered: boolean | null = null;
  void scene.seat().begin(scene.clock, () => over).then((is) => entered = is);
  over = true;
  quota.answer(true);
  await settle();
  assert.deepEqual([entered, quota.returned, scene.counts], [false, 1, [0, 0, 0, 0]]);
});
