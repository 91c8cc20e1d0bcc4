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

/** A source that answers later, as that of a worker does. */
class RemoteSource implements IterationSource {
  readonly asked: ((granted: boolean) => void)[] = [];
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

  answer(granted: boolean): void {
    this.asked.shift()!(granted);
  }
}

class Scene {
  readonly clock = new FakeClock();
  readonly counted = new IterationStats();
  exhausted = 0;
  readonly executor: SharedIterationsExecutor;

  constructor(source: IterationSource) {
    this.executor = new SharedIterationsExecutor({
      source: source,
      clock: this.clock,
      iterations: () => this.counted,
      onExhausted: () => void this.exhausted++,
    });
  }

  slot(): IterationSlot {
    return new IterationSlot(this.executor, 0);
  }

  get counts(): number[] {
    const { scheduled, started, completed, dropped } = this.counted;
    return [scheduled, started, completed, dropped];
  }
}

const GOES_ON = (): boolean => false;

Deno.test("users start iterations until none is left, and the executor is exhausted when the last one has ended", async () => {
  const all = new Scene(new IterationCounter(3));
  const { clock, executor } = all;
  assert.equal(executor.scheduled, false);
  const [a, b] = [all.slot(), all.slot()];
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

Deno.test("without a schedule, latency is measured from the start of the request", async () => {
  const { clock, executor } = new Scene(new IterationCounter(1));
  const slot = new IterationSlot(executor, 0);
  await slot.begin(clock, GOES_ON);
  assert.equal(slot.measureFrom(300), 300);
});

Deno.test("an interrupted iteration is not completed, and does not block the end", async () => {
  const scene = new Scene(new IterationCounter(1));
  const slot = scene.slot();
  await slot.begin(scene.clock, GOES_ON);
  slot.interrupt(20);
  slot.interrupt(30);
  slot.end(50);
  assert.deepEqual(scene.counts, [1, 1, 0, 0]);
  assert.equal(await scene.slot().begin(scene.clock, GOES_ON), false);
  assert.equal(scene.exhausted, 1);
});

Deno.test("a user waits until the source has answered", async () => {
  const source = new RemoteSource();
  const scene = new Scene(source);
  const slot = scene.slot();
  let entered: boolean | null = null;
  void slot.begin(scene.clock, GOES_ON).then((is) => entered = is);
  await scene.clock.advance(20);
  assert.deepEqual([entered, scene.counts], [null, [0, 0, 0, 0]]);
  source.answer(true);
  await settle();
  assert.deepEqual([entered, scene.counts, source.startedIterations], [true, [1, 1, 0, 0], 1]);
  slot.end(30);
  void slot.begin(scene.clock, GOES_ON).then((is) => entered = is);
  source.answer(false);
  await settle();
  assert.deepEqual([entered, scene.exhausted], [false, 1]);
  assert.equal(scene.counted.serviceTime.max, 10);
});

Deno.test("a user that is stopped while it waits ends at once, and its iteration is put back", async () => {
  const source = new RemoteSource();
  const scene = new Scene(source);
  const slot = scene.slot();
  let entered: boolean | null = null;
  void slot.begin(scene.clock, GOES_ON).then((is) => entered = is);
  slot.stopWaiting();
  await settle();
  assert.equal(entered, false);
  source.answer(true);
  await settle();
  assert.deepEqual([source.returned, scene.exhausted, scene.counts], [1, 0, [0, 0, 0, 0]]);
  slot.stopWaiting();
});

Deno.test("after a user was stopped, others still get iterations", async () => {
  const source = new RemoteSource();
  const scene = new Scene(source);
  void scene.slot().begin(scene.clock, GOES_ON);
  const leaver = scene.slot();
  void leaver.begin(scene.clock, GOES_ON);
  leaver.stopWaiting();
  source.answer(true);
  source.answer(false);
  await settle();
  const other = scene.slot();
  let entered: boolean | null = null;
  void other.begin(scene.clock, GOES_ON).then((is) => entered = is);
  source.answer(true);
  await settle();
  assert.equal(entered, true);
});

Deno.test("a user that is stopped does not start the iteration that it gets", async () => {
  const source = new RemoteSource();
  const scene = new Scene(source);
  let over = false;
  let entered: boolean | null = null;
  void scene.slot().begin(scene.clock, () => over).then((is) => entered = is);
  over = true;
  source.answer(true);
  await settle();
  assert.deepEqual([entered, source.returned, scene.counts], [false, 1, [0, 0, 0, 0]]);
});

Deno.test("a counter gives each iteration once, and once more after it was put back", () => {
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

/** The quota of a worker, and a master that answers when the test tells it to. */
class QuotaScene {
  readonly clock = new FakeClock();
  /** The calls since the last check, such as `take 3`. */
  readonly asked: string[] = [];
  canceled = 0;
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
          this.canceled++;
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

  /** Takes an iteration that is available, and starts it. */
  begin(): void {
    assert.equal(this.iterations.take(), true);
    this.iterations.begun();
  }

  /** Takes an iteration; the result is set once it is known. */
  wait(): { granted: boolean | null } {
    const waiting: { granted: boolean | null } = { granted: null };
    void Promise.resolve(this.iterations.take()).then((granted) => waiting.granted = granted);
    return waiting;
  }
}

Deno.test("a slow worker takes single iterations, and holds none", async () => {
  const scene = new QuotaScene();
  for (let iteration = 0; iteration < 3; iteration++) {
    const one = scene.wait();
    // A worker that holds none reports what has started, in case others wait for that.
    assert.deepEqual(scene.news(), iteration === 0 ? ["take 1"] : ["take 1", "begun 1"]);
    scene.grant(1);
    await settle();
    assert.equal(one.granted, true);
    scene.iterations.begun();
    await scene.clock.advance(500);
  }
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a fast worker requests larger and larger blocks, each before the last one is used up", async () => {
  const scene = new QuotaScene();
  const first = scene.wait();
  scene.grant(1);
  await settle();
  assert.equal(first.granted, true);
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

Deno.test("users that wait together share one request, and are served in order", async () => {
  const scene = new QuotaScene();
  const [a, b, c] = [scene.wait(), scene.wait(), scene.wait()];
  assert.deepEqual(scene.news(), ["take 1"]);
  scene.grant(1);
  await settle();
  assert.deepEqual([a.granted, b.granted, c.granted], [true, null, null]);
  assert.deepEqual(scene.news(), ["take 2"]);
  scene.grant(2);
  await settle();
  assert.deepEqual([b.granted, c.granted], [true, true]);
});

Deno.test("started iterations are reported as soon as the worker holds none", async () => {
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
  assert.equal(next.granted, false);
  assert.equal(scene.iterations.take(), false);
  assert.deepEqual(scene.news(), []);
});

Deno.test("iterations unused for a second are returned, including a block that arrives later", async () => {
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

Deno.test("an iteration that is put back goes to a waiting user, or stays with the worker", async () => {
  const scene = new QuotaScene();
  const [, b] = [scene.wait(), scene.wait()];
  scene.grant(1);
  await settle();
  scene.iterations.putBack();
  await settle();
  assert.equal(b.granted, true);
  scene.iterations.putBack();
  assert.equal(scene.iterations.take(), true);
});

Deno.test("giving everything back refuses waiting users, and more can be taken later", async () => {
  const scene = new QuotaScene();
  const first = scene.wait();
  scene.iterations.giveBack();
  await settle();
  assert.deepEqual([first.granted, scene.canceled], [false, 1]);
  scene.wait();
  assert.equal(scene.news().length, 2);
  scene.grant(4);
  await settle();
  scene.iterations.begun();
  scene.iterations.giveBack();
  assert.deepEqual(scene.news(), ["begun 1", "return 3"]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a closed source grants nothing more, and returns late grants", async () => {
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
  Deno.test(`an answer of ${outcome.result} grants none`, async () => {
    const scene = new QuotaScene();
    const one = scene.wait();
    scene.fail(outcome);
    await settle();
    assert.equal(one.granted, false);
    assert.equal(scene.iterations.take(), false);
  });
}
