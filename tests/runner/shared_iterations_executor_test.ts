import assert from "node:assert/strict";
import type { Outcome } from "../../src/cluster/protocol.ts";
import {
  IterationCounter,
  type IterationSource,
  RemoteIterationQuota,
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

Deno.test("as many passes are taken as there are, and one more for each that is put back", () => {
  const iterations = new IterationCounter(3);
  const taken = (): number => {
    let count = 0;
    while (iterations.take()) count++;
    return count;
  };
  assert.equal(taken(), 3);
  assert.equal(taken(), 0);
  iterations.putBack();
  iterations.putBack();
  iterations.begun();
  assert.equal(taken(), 2);
});

/** A worker's passes, and a master that answers when the test says so. */
class QuotaScene {
  readonly clock = new FakeClock();
  /** What was asked since the test looked last, as `take 3`. */
  readonly asked: string[] = [];
  withdrawn = 0;
  readonly iterations: RemoteIterationQuota;
  #answer: ((outcome: Outcome) => void) | null = null;

  constructor() {
    this.iterations = new RemoteIterationQuota({
      call: ({ service, operation, args }, mayBlock, done) => {
        assert.deepEqual([service, mayBlock], ["passes", true]);
        this.asked.push(`${operation} ${JSON.parse(args)}`);
        if (operation === "take") this.#answer = done;
        else done({ result: "ok", value: "null" });
        return () => {
          this.withdrawn++;
          this.#answer = null;
        };
      },
    }, this.clock);
  }

  /** The master answers the last `take`. */
  grant(count: number): void {
    const answer = this.#answer!;
    this.#answer = null;
    answer({ result: "ok", value: String(count) });
  }

  fail(outcome: Outcome): void {
    this.#answer!(outcome);
  }

  news(): string[] {
    return this.asked.splice(0);
  }

  /** Takes one that is there, and begins it. */
  begin(): void {
    assert.equal(this.iterations.take(), true);
    this.iterations.begun();
  }

  /** Asks for one; what came of it is known once it is answered. */
  wait(): { isThere: boolean | null } {
    const waiting: { isThere: boolean | null } = { isThere: null };
    void Promise.resolve(this.iterations.take()).then((isThere) => waiting.isThere = isThere);
    return waiting;
  }
}

Deno.test("a slow worker takes passes one by one, and holds none", async () => {
  const scene = new QuotaScene();
  for (let iteration = 0; iteration < 3; iteration++) {
    const one = scene.wait();
    // Who holds none says so, in case others wait for that.
    assert.deepEqual(scene.news(), iteration === 0 ? ["take 1"] : ["take 1", "begun 1"]);
    scene.grant(1);
    await settle();
    assert.equal(one.isThere, true);
    scene.iterations.begun();
    await scene.clock.advance(500);
  }
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a fast worker asks for ever larger blocks, each before the last one is used up", async () => {
  const scene = new QuotaScene();
  const first = scene.wait();
  scene.grant(1);
  await settle();
  assert.equal(first.isThere, true);
  scene.iterations.begun();
  scene.wait();
  assert.deepEqual(scene.news(), ["take 1", "take 2", "begun 1"]);
  scene.grant(2);
  await settle();
  scene.iterations.begun();
  scene.begin();
  assert.equal(scene.news()[0], "take 4");
  let block = 4;
  for (let round = 0; round < 10; round++) {
    scene.grant(block);
    for (let iteration = 0; iteration < block && scene.asked.length === 0; iteration++) {
      scene.begin();
    }
    const [asked] = scene.news();
    assert.equal(asked, `take ${Math.min(1000, block * 2)}`);
    block = Math.min(1000, block * 2);
  }
  assert.equal(block, 1000);
  scene.iterations.close();
});

Deno.test("users that wait together are asked for together, and served in their order", async () => {
  const scene = new QuotaScene();
  const [a, b, c] = [scene.wait(), scene.wait(), scene.wait()];
  assert.deepEqual(scene.news(), ["take 1"]);
  scene.grant(1);
  await settle();
  assert.deepEqual([a.isThere, b.isThere, c.isThere], [true, null, null]);
  assert.deepEqual(scene.news(), ["take 2"]);
  scene.grant(2);
  await settle();
  assert.deepEqual([b.isThere, c.isThere], [true, true]);
});

Deno.test("the master hears what was begun as soon as nothing is left here and it may be waited for", async () => {
  const scene = new QuotaScene();
  scene.wait();
  scene.grant(1);
  await settle();
  scene.news();
  const next = scene.wait();
  assert.deepEqual(scene.news(), ["take 2"]);
  scene.iterations.begun();
  assert.deepEqual(scene.news(), ["begun 1"]);
  scene.grant(0);
  await settle();
  assert.equal(next.isThere, false);
  assert.equal(scene.iterations.take(), false);
  assert.deepEqual(scene.news(), []);
});

Deno.test("what no user has wanted for a second goes back, and so does what was asked for ahead", async () => {
  const scene = new QuotaScene();
  scene.wait();
  scene.grant(3);
  await settle();
  scene.iterations.begun();
  await scene.clock.advance(700);
  scene.begin();
  assert.deepEqual(scene.news(), ["take 1"]);
  await scene.clock.advance(900);
  assert.deepEqual(scene.news(), []);
  await scene.clock.advance(1200);
  assert.deepEqual(scene.news(), ["begun 2", "return 1"]);
  // More may be taken later.
  scene.wait();
  assert.deepEqual(scene.news(), ["take 1"]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a pass that is put back goes to a user that waits, or stays here", async () => {
  const scene = new QuotaScene();
  const [, b] = [scene.wait(), scene.wait()];
  scene.grant(1);
  await settle();
  scene.iterations.putBack();
  await settle();
  assert.equal(b.isThere, true);
  scene.iterations.putBack();
  assert.equal(scene.iterations.take(), true);
});

Deno.test("who gives everything back has its users told, and takes up later where it was", async () => {
  const scene = new QuotaScene();
  const first = scene.wait();
  scene.iterations.giveBack();
  await settle();
  assert.deepEqual([first.isThere, scene.withdrawn], [false, 1]);
  scene.wait();
  assert.equal(scene.news().length, 2);
  scene.grant(4);
  await settle();
  scene.iterations.begun();
  scene.iterations.giveBack();
  assert.deepEqual(scene.news(), ["begun 1", "return 3"]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a closed worker begins nothing more, and a late pass goes back as well", async () => {
  const scene = new QuotaScene();
  scene.wait();
  scene.grant(3);
  await settle();
  scene.news();
  scene.iterations.close();
  assert.deepEqual(scene.news(), ["return 2"]);
  assert.equal(scene.iterations.take(), false);
  scene.iterations.putBack();
  assert.deepEqual(scene.news(), ["return 1"]);
  assert.equal(scene.clock.pending, 0);
});

for (
  const outcome of [
    { result: "end", value: "the run is over" },
    { result: "error", value: "no such service" },
  ] as const
) {
  Deno.test(`an answer of ${outcome.result} means that there is none`, async () => {
    const scene = new QuotaScene();
    const one = scene.wait();
    scene.fail(outcome);
    await settle();
    assert.equal(one.isThere, false);
    assert.equal(scene.iterations.take(), false);
  });
}
