import fc from "fast-check";
import assert from "node:assert/strict";
import {
  ALL_ARRIVALS,
  ArrivalSchedule,
  type ArrivalShare,
  positionAt,
  type RatePeriod,
} from "../../src/load/arrival_schedule.ts";
import type { ClassWeight } from "../../src/load/class_mix.ts";
import {
  IterationQueue,
  OpenModelExecutor,
  type OpenModelOptions,
  UserClassPool,
} from "../../src/runner/open_model_executor.ts";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import { type IterationScheduler, IterationSlot } from "../../src/user/iteration_slot.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

/** Iterations wait, or are dropped. */
type Terms = Pick<OpenModelOptions, "spacing" | "onBusy">;

const QUEUED: Terms = { spacing: "constant", onBusy: "queue" };
const DROPPED: Terms = { spacing: "constant", onBusy: "drop" };

const ONE_CLASS: ClassWeight[] = [{ name: "ATest", weight: 1, fixedCount: 0 }];

/** A user as the executor sees it: each iteration takes as long as the target. */
interface FakeUser {
  readonly kind: number;
  stopping: boolean;
  readonly slot: IterationSlot;
}

/** An executor with users that only take time. */
class Scene {
  readonly clock = new FakeClock();
  readonly counted = new IterationStats();
  /** When each iteration was due, when it started, and the class of its user. */
  readonly begun: [intendedAt: number, at: number, kind: number][] = [];
  readonly users = new Set<FakeUser>();
  started = 0;
  exhausted = 0;
  /** How long the target takes, in milliseconds. */
  serviceMs = 10;
  /** Whether the target takes no time at all, not even a timer. */
  instant = false;
  /** How long a user takes to start. */
  startMs = 0;
  /** A user ends by itself after this many iterations. */
  iterationsOfUser = Infinity;
  readonly executor: OpenModelExecutor;
  readonly #terms: Terms;

  constructor(terms: Terms = QUEUED, classes: readonly ClassWeight[] = ONE_CLASS) {
    this.#terms = terms;
    this.executor = new OpenModelExecutor({
      ...terms,
      classes,
      clock: this.clock,
      random: Math.random,
      startedAt: 0,
      iterations: () => this.counted,
      startUser: (kind) => void this.#live(kind),
      onExhausted: () => this.exhausted++,
    });
  }

  follow(
    period: Partial<RatePeriod>,
    maxUsers = 1000,
    share: ArrivalShare = ALL_ARRIVALS,
  ): void {
    this.executor.follow({
      ...{ rate: 10, since: 0, position: 0, until: Infinity, limit: Infinity, ...period },
      ...share,
      maxUsers,
      ...this.#terms,
    });
  }

  /** Ends as a node does. */
  async close(): Promise<void> {
    this.executor.close();
    await this.clock.nextTurn();
    for (const user of this.users) {
      user.stopping = true;
      user.slot.stopWaiting();
    }
    await settle();
  }

  get counts(): number[] {
    const { scheduled, started, completed, dropped } = this.counted;
    return [scheduled, started, completed, dropped];
  }

  /** How late iterations started, without duplicates. */
  get delays(): number[] {
    return [...new Set(this.begun.map(([intendedAt, at]) => Math.round(at - intendedAt)))];
  }

  async #live(kind: number): Promise<void> {
    this.started++;
    const user: FakeUser = { kind, stopping: false, slot: new IterationSlot(this.executor, kind) };
    this.users.add(user);
    this.executor.userStarted(user.slot);
    if (this.startMs > 0) await this.#sleep(this.startMs);
    else await Promise.resolve();
    let left = this.iterationsOfUser;
    while (left-- > 0 && await user.slot.begin(this.clock, () => user.stopping)) {
      const now = this.clock.now();
      this.begun.push([user.slot.measureFrom(now), now, kind]);
      await this.#sleep(this.serviceMs);
      user.slot.end(this.clock.now());
    }
    this.users.delete(user);
    this.executor.userEnded(user.slot);
  }

  #sleep(ms: number): Promise<void> {
    if (this.instant) return Promise.resolve();
    return new Promise((resolve) => void this.clock.setTimer(resolve, ms));
  }
}

Deno.test("iterations start when they are due, and an idle user is reused", async () => {
  const scene = new Scene();
  scene.follow({ rate: 50, until: 2 });
  await scene.clock.advance(3_000);
  assert.deepEqual(
    scene.begun.map(([, at]) => Math.round(at)),
    Array.from({ length: 100 }, (_, n) => n * 20),
  );
  assert.deepEqual(scene.delays, [0]);
  assert.equal(scene.started, 1);
  assert.deepEqual(scene.counts, [100, 100, 100, 0]);
});

Deno.test("no more users are started than the target keeps busy", async () => {
  const scene = new Scene();
  scene.serviceMs = 995;
  scene.follow({ rate: 20, until: 10 });
  await scene.clock.advance(12_000);
  // 20 per second, of about a second each.
  assert.equal(scene.started, 20);
  assert.deepEqual(scene.delays, [0]);
  assert.deepEqual(scene.counts, [200, 200, 200, 0]);
});

Deno.test("while all users are busy an iteration waits, and its latency is measured from when it was due", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10, until: 1 }, 2);
  await scene.clock.advance(10_000);
  assert.deepEqual(
    scene.begun.map(([intendedAt, at]) => [Math.round(intendedAt), at]),
    [
      [0, 0],
      [100, 100],
      [200, 1000],
      [300, 1100],
      [400, 2000],
      [500, 2100],
      [600, 3000],
      [700, 3100],
      [800, 4000],
      [900, 4100],
    ],
  );
  assert.equal(scene.started, 2);
  assert.deepEqual(scene.counts, [10, 10, 10, 0]);
  assert.equal(scene.counted.startDelay.max, 3_200);
});

Deno.test("a target that stalls delays the iterations that are due meanwhile, and none is lost", async () => {
  const scene = new Scene();
  scene.follow({ rate: 200, until: 4 }, 20);
  await scene.clock.advance(1_002);
  scene.serviceMs = 500;
  await scene.clock.advance(500);
  scene.serviceMs = 10;
  await scene.clock.advance(5_000);
  assert.deepEqual(scene.counts, [800, 800, 800, 0]);
  assert.equal(scene.started, 20);
  // All 20 are busy 100 ms after the stall started, and the next iteration waits for 400 ms.
  assert.ok(
    Math.abs(scene.counted.startDelay.max - 400) < 10,
    String(scene.counted.startDelay.max),
  );
});

Deno.test("in drop mode an iteration is dropped at once if all users are busy", async () => {
  const scene = new Scene(DROPPED);
  scene.serviceMs = 250;
  scene.follow({ rate: 10, until: 2 }, 2);
  await scene.clock.advance(5_000);
  const due = scene.begun.map(([intendedAt]) => Math.round(intendedAt / 100));
  assert.deepEqual(due, [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19]);
  assert.deepEqual(scene.delays, [0]);
  assert.deepEqual(scene.counts, [20, 14, 14, 6]);
});

Deno.test("in drop mode an iteration waits for a user that is started for it", async () => {
  const scene = new Scene(DROPPED);
  scene.startMs = 450;
  scene.serviceMs = 2_000;
  scene.follow({ rate: 10, until: 1 }, 3);
  await scene.clock.advance(5_000);
  assert.deepEqual(scene.begun.map(([due, at]) => [Math.round(due), Math.round(at)]).slice(0, 3), [
    [0, 450],
    [100, 550],
    [200, 650],
  ]);
  assert.deepEqual(scene.counts, [10, 3, 3, 7]);
});

Deno.test("users that end by themselves are replaced", async () => {
  const scene = new Scene();
  scene.iterationsOfUser = 3;
  scene.follow({ rate: 100, until: 1 }, 2);
  await scene.clock.advance(2_000);
  assert.deepEqual(scene.counts, [100, 100, 100, 0]);
  assert.ok(scene.started >= 34, String(scene.started));
  assert.ok(scene.users.size <= 2);
});

Deno.test("each class gets its share, and a place is kept for a class without users", async () => {
  const scene = new Scene(QUEUED, [
    { name: "ATest", weight: 3, fixedCount: 0 },
    { name: "BTest", weight: 1, fixedCount: 0 },
  ]);
  scene.serviceMs = 300;
  scene.follow({ rate: 20, until: 4 }, 4);
  await scene.clock.advance(20_000);
  const of = (kind: number): number => scene.begun.filter(([, , one]) => one === kind).length;
  assert.deepEqual([of(0), of(1)], [60, 20]);
  assert.equal(scene.started, 4);
  assert.equal([...scene.users].filter(({ kind }) => kind === 1).length, 1);
});

Deno.test("a class with a fixed count has no more users than that", async () => {
  const scene = new Scene(QUEUED, [
    { name: "ATest", weight: 1, fixedCount: 0 },
    { name: "BTest", weight: 1, fixedCount: 2 },
  ]);
  scene.serviceMs = 1_000;
  scene.follow({ rate: 20, until: 1 }, 100);
  await scene.clock.advance(900);
  const of = (kind: number): number => [...scene.users].filter((user) => user.kind === kind).length;
  assert.deepEqual([of(0), of(1)], [10, 2]);
  assert.equal(scene.executor.queued, 7);
  await scene.clock.advance(10_000);
  assert.deepEqual(scene.counts, [20, 20, 20, 0]);
});

Deno.test("if fewer users may run, idle users end at once and busy ones after their iteration", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10, until: 1 }, 10);
  await scene.clock.advance(1_450);
  assert.equal(scene.users.size, 10);
  // Five are idle by now.
  scene.follow({ rate: 10, until: 1 }, 3);
  await settle();
  assert.equal(scene.users.size, 5);
  await scene.clock.advance(1_000);
  assert.equal(scene.users.size, 3);
});

Deno.test("if more users may run, they are started at once for the iterations that wait", async () => {
  const scene = new Scene();
  scene.serviceMs = 10_000;
  scene.follow({ rate: 100, until: 1 }, 5);
  await scene.clock.advance(1_500);
  assert.deepEqual([scene.users.size, scene.executor.queued], [5, 95]);
  scene.follow({ rate: 100, until: 1 }, 50);
  await settle();
  assert.deepEqual([scene.users.size, scene.executor.queued], [50, 50]);
});

Deno.test("at the end every iteration that was due has started or was dropped", async () => {
  const scene = new Scene();
  scene.serviceMs = 300;
  scene.follow({ rate: 100, until: 2 }, 10);
  await scene.clock.advance(1_998);
  // A worker may learn of the end a moment early: everything due until then is still scheduled.
  await scene.close();
  const [scheduled, started, , dropped] = scene.counts;
  assert.deepEqual([scheduled, started! + dropped!], [200, 200]);
  await scene.clock.advance(1_000);
  assert.equal(scene.counts[2], started);
  assert.equal(scene.users.size, 0);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a test that is stopped early has scheduled what was due by then", async () => {
  const scene = new Scene();
  scene.follow({ rate: 100, until: 30 });
  await scene.clock.advance(1_234);
  await scene.close();
  assert.deepEqual(scene.counts.slice(0, 2), [124, 124]);
  scene.executor.close();
  await scene.clock.advance(5_000);
  assert.deepEqual(scene.counts, [124, 124, 124, 0]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("an iteration for which a user starts at the very end is run, unless the user is too slow", async () => {
  const scene = new Scene();
  scene.follow({ rate: 10 });
  await scene.close();
  assert.deepEqual(scene.counts, [1, 1, 0, 0]);
  const slow = new Scene();
  slow.startMs = 50;
  slow.follow({ rate: 10 });
  await slow.close();
  await slow.clock.advance(100);
  assert.deepEqual(slow.counts, [1, 0, 0, 1]);
  assert.equal(slow.executor.queued, 0);
});

Deno.test("an iteration that is due right at the end is started by an idle user", async () => {
  const scene = new Scene();
  scene.follow({ rate: 10, until: 1 });
  await scene.clock.advance(850);
  await scene.close();
  assert.deepEqual(scene.counts.slice(0, 2), [10, 10]);
});

Deno.test("a suspended executor starts nothing until its next assignment, and nothing twice", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10 }, 2);
  await scene.clock.advance(1_050);
  scene.executor.suspend();
  assert.deepEqual(scene.counts.slice(0, 2), [11, 3]);
  assert.equal(scene.executor.queued, 0);
  await scene.clock.advance(2_000);
  assert.equal(scene.counts[0], 11);
  scene.serviceMs = 1;
  scene.follow({ rate: 10, until: 4 }, 2, { from: 32, of: 1, index: 0 });
  await scene.clock.advance(2_000);
  const dues = scene.begun.map(([due]) => Math.round(due / 100));
  assert.deepEqual(dues.slice(3), [32, 33, 34, 35, 36, 37, 38, 39]);
});

Deno.test("with a limit, the executor is exhausted when the last iteration has ended", async () => {
  const scene = new Scene();
  scene.serviceMs = 400;
  scene.follow({ rate: 10, limit: 5 }, 2);
  await scene.clock.advance(1_100);
  assert.deepEqual([scene.counts, scene.exhausted], [[5, 5, 4, 0], 0]);
  await scene.clock.advance(200);
  assert.deepEqual([scene.counts, scene.exhausted], [[5, 5, 5, 0], 1]);
});

Deno.test("a node without any iterations is exhausted at once", () => {
  const scene = new Scene();
  scene.follow({ rate: 10, limit: 2 }, 2, { from: 0, of: 3, index: 2 });
  assert.equal(scene.exhausted, 1);
});

Deno.test("an interrupted iteration is neither completed nor under way", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10, limit: 1 });
  await scene.clock.advance(100);
  const [user] = scene.users;
  user!.slot.interrupt(scene.clock.now());
  assert.deepEqual([scene.counts, scene.exhausted], [[1, 1, 0, 0], 1]);
});

Deno.test("a late timer catches up on everything that was due", async () => {
  const scene = new Scene();
  scene.follow({ rate: 1000, until: 1 });
  // Virtual timers are never late; learning of a rate late has the same effect.
  await scene.clock.advance(10);
  scene.follow({ rate: 3000, since: 0.005, position: 5, until: 0.02 });
  await scene.clock.advance(2_000);
  const [scheduled, started, completed] = scene.counts;
  assert.deepEqual([scheduled, started, completed], [scheduled, scheduled, scheduled]);
  assert.equal(scheduled, 50);
});

Deno.test("a corrected start of the test shifts the schedule, and starts nothing twice", async () => {
  const scene = new Scene();
  scene.follow({ rate: 10, until: 2 });
  await scene.clock.advance(450);
  scene.executor.align(-60);
  await scene.clock.advance(450);
  scene.executor.align(30);
  await scene.clock.advance(5_000);
  const at = scene.begun.map(([, at]) => Math.round(at));
  assert.deepEqual(at.slice(0, 11), [0, 100, 200, 300, 400, 450, 540, 640, 740, 840, 1030]);
  assert.deepEqual(scene.counts, [20, 20, 20, 0]);
});

/** Slots whose executor is never called. */
function slots(count: number): IterationSlot[] {
  return Array.from({ length: count }, () => new IterationSlot({} as IterationScheduler, 0));
}

/** The result of each wait: when the iteration was due, null for none, or "waits". */
function outcomes(pool: UserClassPool, all: readonly IterationSlot[]): (number | null | "waits")[] {
  const came = all.map((): number | null | "waits" => "waits");
  for (const [index, slot] of all.entries()) {
    void pool.wait(slot).then((intendedAt) => came[index] = intendedAt);
  }
  return came;
}

Deno.test("the user that has waited least gets the next iteration, and the one that has waited longest is dismissed first", async () => {
  const pool = new UserClassPool(Infinity);
  const [a, b, c] = slots(3) as [IterationSlot, IterationSlot, IterationSlot];
  const came = outcomes(pool, [a, b, c]);
  assert.equal(pool.give(70), true);
  assert.equal(pool.dismiss(), a);
  await settle();
  assert.deepEqual(came, [null, "waits", 70]);
  assert.equal(pool.give(80), true);
  assert.equal(pool.give(90), false);
  assert.equal(pool.dismiss(), null);
  await settle();
  assert.deepEqual(came, [null, 80, 70]);
});

Deno.test("a user whose wait is canceled gets nothing, even if it did not wait", async () => {
  const pool = new UserClassPool(Infinity);
  const [a, b] = slots(2) as [IterationSlot, IterationSlot];
  const came = outcomes(pool, [a, b]);
  pool.cancel(a);
  pool.cancel(a);
  pool.cancel(slots(1)[0]!);
  await settle();
  assert.deepEqual(came, [null, "waits"]);
});

Deno.test("iterations for which users are already starting need no further user", () => {
  const pool = new UserClassPool(2);
  assert.deepEqual([pool.limit, pool.unserved], [2, 0]);
  pool.starting = 2;
  pool.queue.push(5);
  assert.equal(pool.unserved, -1);
  pool.queue.push(6);
  pool.queue.push(7);
  assert.equal(pool.unserved, 1);
});

Deno.test("the queue gives the oldest iteration first", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -300, max: 400 })), (steps) => {
    const queue = new IterationQueue();
    const model: number[] = [];
    let at = 0;
    for (const step of steps) {
      for (let n = 0; n < step; n++) {
        queue.push(++at);
        model.push(at);
      }
      for (let n = 0; n > step; n--) assert.equal(queue.shift(), model.shift() ?? null);
      assert.equal(queue.size, model.length);
    }
  }));
});

Deno.test("ten thousand iterations are taken in their order", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 10_000; n++) queue.push(n);
  for (let n = 0; n < 9_000; n++) assert.equal(queue.shift(), n);
  queue.push(10_000);
  assert.equal(queue.size, 1_001);
  assert.equal(queue.shift(), 9_000);
});

Deno.test("the queue holds at most a million iterations", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 1_000_000; n++) assert.equal(queue.push(n), true);
  assert.equal(queue.push(0), false);
  assert.equal(queue.size, 1_000_000);
  queue.shift();
  assert.equal(queue.push(1_000_000), true);
});

Deno.test("a cleared queue can be used again", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 5; n++) queue.push(n);
  queue.shift();
  queue.clear();
  assert.deepEqual([queue.size, queue.shift()], [0, null]);
  queue.push(7);
  assert.deepEqual([queue.size, queue.shift()], [1, 7]);
});

/** Iterations that are due in an hour at a thousand million per second, including the one at 0. */
const BACKLOG = 3_600 * 1e9 + 1;

function startedAnHourAgo(scene: Scene, maxUsers: number): void {
  scene.executor.align(-3_600_000);
  scene.follow({ rate: 1e9 }, maxUsers);
}

Deno.test("no turn of the event loop releases more than a thousand iterations", async () => {
  const scene = new Scene();
  startedAnHourAgo(scene, 10);
  for (let turn = 1; turn < 5; turn++) {
    const scheduled = scene.counted.scheduled;
    assert.ok(scheduled > 0 && scheduled <= turn * 2_000, `${scheduled} after ${turn} turns`);
    await settle();
  }
  await scene.close();
});

Deno.test("users that take no time do not block the event loop, even if the clock does not advance", async () => {
  const scene = new Scene();
  scene.serviceMs = 0;
  scene.instant = true;
  startedAnHourAgo(scene, 3);
  for (let turn = 1; turn < 20; turn++) {
    await settle();
    const { completed } = scene.counted;
    assert.ok(completed > 0 && completed <= turn * 5_000, `${completed} after ${turn} turns`);
  }
  // Otherwise these users would run on during the tests below.
  await scene.close();
});

Deno.test("a backlog that would be dropped is counted exactly, without visiting each iteration", async () => {
  const scene = new Scene(DROPPED);
  scene.serviceMs = 60_000;
  startedAnHourAgo(scene, 4);
  for (let turn = 0; turn < 5; turn++) await settle();
  assert.deepEqual(scene.counts, [BACKLOG, 4, 0, BACKLOG - 4]);
});

Deno.test("a backlog beyond a full queue is dropped, and counted exactly", async () => {
  const scene = new Scene();
  scene.serviceMs = 60_000;
  startedAnHourAgo(scene, 4);
  while (scene.executor.queued < 1_000_000) await settle();
  await settle();
  assert.deepEqual(scene.counts, [BACKLOG, 4, 0, BACKLOG - 4 - 1_000_000]);
  scene.executor.close();
  assert.deepEqual(scene.counts, [BACKLOG, 4, 0, BACKLOG - 4]);
});

Deno.test("a backlog at the end is counted exactly", async () => {
  const scene = new Scene();
  scene.serviceMs = 60_000;
  startedAnHourAgo(scene, 4);
  await settle();
  await scene.close();
  const [scheduled, started, , dropped] = scene.counts;
  assert.deepEqual([scheduled, started! + dropped!], [BACKLOG, BACKLOG]);
});

Deno.test("every iteration that is due is scheduled once, and then started or dropped", async () => {
  const terms = fc.record({
    spacing: fc.constant("constant" as const),
    onBusy: fc.constantFrom("queue" as const, "drop" as const),
  });
  const stages = fc.array(
    fc.record({
      rate: fc.integer({ min: 0, max: 2_000 }),
      maxUsers: fc.integer({ min: 1, max: 6 }),
      ms: fc.integer({ min: 0, max: 1_500 }),
      serviceMs: fc.integer({ min: 1, max: 400 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const of = fc.integer({ min: 1, max: 3 });
  const startedMsAgo = fc.oneof(fc.nat(2_000), fc.nat(1e12));
  await fc.assert(
    fc.asyncProperty(terms, stages, of, startedMsAgo, async (terms, stages, of, startedMsAgo) => {
      const scene = new Scene(terms);
      scene.executor.align(-startedMsAgo);
      const expected = new ArrivalSchedule("constant", Math.random);
      const elapsed = (): number => (scene.clock.now() + startedMsAgo) / 1000;
      const share = { from: 0, of, index: of - 1 };
      let period: RatePeriod | null = null;
      for (const { rate, maxUsers, ms, serviceMs } of stages) {
        // The first period starts with the test, and so has a backlog.
        const since: number = period === null ? 0 : elapsed();
        const position: number = period === null ? 0 : positionAt(period, since);
        period = { rate, since, position, until: Infinity, limit: Infinity };
        scene.serviceMs = serviceMs;
        scene.follow(period, maxUsers, share);
        expected.follow(period, share);
        await scene.clock.advance(ms);
      }
      await scene.close();
      let due = 0;
      while (expected.nextAt <= elapsed()) {
        const skipped = expected.skip(elapsed());
        if (skipped === 0) expected.next();
        due += Math.max(1, skipped);
      }
      const [scheduled, started, , dropped] = scene.counts;
      // One may be due at the very moment of the end.
      assert.ok(Math.abs(scheduled! - due) <= 1, `${scheduled} of ${due}`);
      assert.equal(started! + dropped!, scheduled);
      await scene.clock.advance(1_000);
      assert.equal(scene.counts[2], started);
      assert.deepEqual([scene.users.size, scene.clock.pending], [0, 0]);
    }),
    { numRuns: 100 },
  );
});
