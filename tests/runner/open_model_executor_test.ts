import fc from "fast-check";
import assert from "node:assert/strict";
import {
  ALL_ARRIVALS,
  type ArrivalShare,
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

/** Passes of one class that nobody drops. */
type Terms = Pick<OpenModelOptions, "spacing" | "onBusy">;

const QUEUED: Terms = { spacing: "constant", onBusy: "queue" };
const DROPPED: Terms = { spacing: "constant", onBusy: "drop" };

const ONE_CLASS: ClassWeight[] = [{ name: "ATest", weight: 1, fixedCount: 0 }];

/** A user as the gate sees it: it serves each pass for as long as the target takes. */
interface FakeUser {
  readonly kind: number;
  stopping: boolean;
  readonly seat: IterationSlot;
}

/** A gate with users that only take time. */
class Scene {
  readonly clock = new FakeClock();
  readonly counted = new IterationStats();
  /** When each pass was meant to begin, when it did, and of which class its user was. */
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
  /** A user ends by itself after so many passes. */
  iterationsOfUser = Infinity;
  readonly gate: OpenModelExecutor;
  readonly #terms: Terms;

  constructor(terms: Terms = QUEUED, classes: readonly ClassWeight[] = ONE_CLASS) {
    this.#terms = terms;
    this.gate = new OpenModelExecutor({
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
    course: Partial<RatePeriod>,
    maxUsers = 1000,
    slice: ArrivalShare = ALL_ARRIVALS,
  ): void {
    this.gate.follow({
      ...{ rate: 10, since: 0, position: 0, until: Infinity, limit: Infinity, ...course },
      ...slice,
      maxUsers,
      ...this.#terms,
    });
  }

  /** As the node does at its end. */
  async close(): Promise<void> {
    this.gate.close();
    await this.clock.nextTurn();
    for (const user of this.users) {
      user.stopping = true;
      user.seat.stopWaiting();
    }
    await settle();
  }

  get counts(): number[] {
    const { scheduled, started, completed, dropped } = this.counted;
    return [scheduled, started, completed, dropped];
  }

  /** How late passes began, each once. */
  get delays(): number[] {
    return [...new Set(this.begun.map(([intendedAt, at]) => Math.round(at - intendedAt)))];
  }

  async #live(kind: number): Promise<void> {
    this.started++;
    const user: FakeUser = { kind, stopping: false, seat: new IterationSlot(this.gate, kind) };
    this.users.add(user);
    this.gate.userStarted(user.seat);
    if (this.startMs > 0) await this.#sleep(this.startMs);
    else await Promise.resolve();
    let left = this.iterationsOfUser;
    while (left-- > 0 && await user.seat.begin(this.clock, () => user.stopping)) {
      const now = this.clock.now();
      this.begun.push([user.seat.origin(now), now, kind]);
      await this.#sleep(this.serviceMs);
      user.seat.end(this.clock.now());
    }
    this.users.delete(user);
    this.gate.userEnded(user.seat);
  }

  #sleep(ms: number): Promise<void> {
    if (this.instant) return Promise.resolve();
    return new Promise((resolve) => void this.clock.setTimer(resolve, ms));
  }
}

Deno.test("passes begin when they are due, and a user that is free is used again", async () => {
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

Deno.test("as many users are started as the target keeps busy, and no more", async () => {
  const scene = new Scene();
  scene.serviceMs = 995;
  scene.follow({ rate: 20, until: 10 });
  await scene.clock.advance(12_000);
  // 20 a second of about a second each.
  assert.equal(scene.started, 20);
  assert.deepEqual(scene.delays, [0]);
  assert.deepEqual(scene.counts, [200, 200, 200, 0]);
});

Deno.test("when all users are busy a pass waits for the first that is free, and counts from when it was due", async () => {
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

Deno.test("a target that stands still delays the passes that were due meanwhile, and nothing is lost", async () => {
  const scene = new Scene();
  scene.follow({ rate: 200, until: 4 }, 20);
  await scene.clock.advance(1_002);
  scene.serviceMs = 500;
  await scene.clock.advance(500);
  scene.serviceMs = 10;
  await scene.clock.advance(5_000);
  assert.deepEqual(scene.counts, [800, 800, 800, 0]);
  assert.equal(scene.started, 20);
  // All 20 are busy 100 ms after the stall began, and the next pass waits for 400 ms.
  assert.ok(
    Math.abs(scene.counted.startDelay.max - 400) < 10,
    String(scene.counted.startDelay.max),
  );
});

Deno.test("where that was asked for, a pass that finds nobody free is dropped at once", async () => {
  const scene = new Scene(DROPPED);
  scene.serviceMs = 250;
  scene.follow({ rate: 10, until: 2 }, 2);
  await scene.clock.advance(5_000);
  const due = scene.begun.map(([intendedAt]) => Math.round(intendedAt / 100));
  assert.deepEqual(due, [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19]);
  assert.deepEqual(scene.delays, [0]);
  assert.deepEqual(scene.counts, [20, 14, 14, 6]);
});

Deno.test("where passes are dropped, one that a user is started for waits for its start", async () => {
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

Deno.test("each class gets its share, and one whose users are fewer takes no place of the others", async () => {
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
  assert.equal(scene.gate.queued, 7);
  await scene.clock.advance(10_000);
  assert.deepEqual(scene.counts, [20, 20, 20, 0]);
});

Deno.test("fewer users may run: those that wait go, those that are busy go when they ask", async () => {
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

Deno.test("more users may run: they are started at once for what waits", async () => {
  const scene = new Scene();
  scene.serviceMs = 10_000;
  scene.follow({ rate: 100, until: 1 }, 5);
  await scene.clock.advance(1_500);
  assert.deepEqual([scene.users.size, scene.gate.queued], [5, 95]);
  scene.follow({ rate: 100, until: 1 }, 50);
  await settle();
  assert.deepEqual([scene.users.size, scene.gate.queued], [50, 50]);
});

Deno.test("at the end what is due has begun, what waits is dropped, and nothing is left over", async () => {
  const scene = new Scene();
  scene.serviceMs = 300;
  scene.follow({ rate: 100, until: 2 }, 10);
  await scene.clock.advance(1_998);
  // A worker may be told of the end a moment early: what was due until then is scheduled all the same.
  await scene.close();
  const [scheduled, started, , dropped] = scene.counts;
  assert.deepEqual([scheduled, started! + dropped!], [200, 200]);
  await scene.clock.advance(1_000);
  assert.equal(scene.counts[2], started);
  assert.equal(scene.users.size, 0);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("a test that is ended in the middle has scheduled what was due by then", async () => {
  const scene = new Scene();
  scene.follow({ rate: 100, until: 30 });
  await scene.clock.advance(1_234);
  await scene.close();
  assert.deepEqual(scene.counts.slice(0, 2), [124, 124]);
  scene.gate.close();
  await scene.clock.advance(5_000);
  assert.deepEqual(scene.counts, [124, 124, 124, 0]);
  assert.equal(scene.clock.pending, 0);
});

Deno.test("the last pass that is due at the end is begun by a user that is free", async () => {
  const scene = new Scene();
  scene.follow({ rate: 10, until: 1 });
  await scene.clock.advance(850);
  await scene.close();
  assert.deepEqual(scene.counts.slice(0, 2), [10, 10]);
});

Deno.test("who is suspended begins nothing until it is told again, and nothing twice", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10 }, 2);
  await scene.clock.advance(1_050);
  scene.gate.suspend();
  assert.deepEqual(scene.counts.slice(0, 2), [11, 3]);
  assert.equal(scene.gate.queued, 0);
  await scene.clock.advance(2_000);
  assert.equal(scene.counts[0], 11);
  scene.serviceMs = 1;
  scene.follow({ rate: 10, until: 4 }, 2, { from: 32, of: 1, index: 0 });
  await scene.clock.advance(2_000);
  const dues = scene.begun.map(([due]) => Math.round(due / 100));
  assert.deepEqual(dues.slice(3), [32, 33, 34, 35, 36, 37, 38, 39]);
});

Deno.test("with a number of passes, it is over when the last one has ended", async () => {
  const scene = new Scene();
  scene.serviceMs = 400;
  scene.follow({ rate: 10, limit: 5 }, 2);
  await scene.clock.advance(1_100);
  assert.deepEqual([scene.counts, scene.exhausted], [[5, 5, 4, 0], 0]);
  await scene.clock.advance(200);
  assert.deepEqual([scene.counts, scene.exhausted], [[5, 5, 5, 0], 1]);
});

Deno.test("a node that has none of the passes is over at once", () => {
  const scene = new Scene();
  scene.follow({ rate: 10, limit: 2 }, 2, { from: 0, of: 3, index: 2 });
  assert.equal(scene.exhausted, 1);
});

Deno.test("a pass that was cut off is neither completed nor under way any more", async () => {
  const scene = new Scene();
  scene.serviceMs = 1_000;
  scene.follow({ rate: 10, limit: 1 });
  await scene.clock.advance(100);
  const [user] = scene.users;
  user!.seat.interrupt();
  assert.deepEqual([scene.counts, scene.exhausted], [[1, 1, 0, 0], 1]);
});

Deno.test("a timer that comes late makes up for all that was due", async () => {
  const scene = new Scene();
  scene.follow({ rate: 1000, until: 1 });
  // Virtual timers are never late: a rate that is heard of late is the same.
  await scene.clock.advance(10);
  scene.follow({ rate: 3000, since: 0.005, position: 5, until: 0.02 });
  await scene.clock.advance(2_000);
  const [scheduled, started, completed] = scene.counts;
  assert.deepEqual([scheduled, started, completed], [scheduled, scheduled, scheduled]);
  assert.equal(scheduled, 50);
});

Deno.test("a node that hears that the test began at another moment keeps to that, and begins nothing twice", async () => {
  const scene = new Scene();
  scene.follow({ rate: 10, until: 2 });
  await scene.clock.advance(450);
  scene.gate.align(-60);
  await scene.clock.advance(450);
  scene.gate.align(30);
  await scene.clock.advance(5_000);
  const at = scene.begun.map(([, at]) => Math.round(at));
  assert.deepEqual(at.slice(0, 11), [0, 100, 200, 300, 400, 450, 540, 640, 740, 840, 1030]);
  assert.deepEqual(scene.counts, [20, 20, 20, 0]);
});

/** Seats that nothing is asked of. */
function seats(count: number): IterationSlot[] {
  return Array.from({ length: count }, () => new IterationSlot({} as IterationScheduler, 0));
}

/** What became of each of these who wait: when their pass was due, null for none, "waits". */
function outcomes(crew: UserClassPool, all: readonly IterationSlot[]): (number | null | "waits")[] {
  const came = all.map((): number | null | "waits" => "waits");
  for (const [index, seat] of all.entries()) {
    void crew.wait(seat).then((intendedAt) => came[index] = intendedAt);
  }
  return came;
}

Deno.test("who has waited least gets the next pass, and who has waited longest goes first", async () => {
  const crew = new UserClassPool(Infinity);
  const [a, b, c] = seats(3) as [IterationSlot, IterationSlot, IterationSlot];
  const came = outcomes(crew, [a, b, c]);
  assert.equal(crew.give(70), true);
  assert.equal(crew.dismiss(), a);
  await settle();
  assert.deepEqual(came, [null, "waits", 70]);
  assert.equal(crew.give(80), true);
  assert.equal(crew.give(90), false);
  assert.equal(crew.dismiss(), null);
  await settle();
  assert.deepEqual(came, [null, 80, 70]);
});

Deno.test("who leaves gets nothing, and who does not wait can leave", async () => {
  const crew = new UserClassPool(Infinity);
  const [a, b] = seats(2) as [IterationSlot, IterationSlot];
  const came = outcomes(crew, [a, b]);
  crew.cancel(a);
  crew.cancel(a);
  crew.cancel(seats(1)[0]!);
  await settle();
  assert.deepEqual(came, [null, "waits"]);
});

Deno.test("passes that users who are starting will take need nobody else", () => {
  const crew = new UserClassPool(2);
  assert.deepEqual([crew.limit, crew.unserved], [2, 0]);
  crew.starting = 2;
  crew.queue.push(5);
  assert.equal(crew.unserved, -1);
  crew.queue.push(6);
  crew.queue.push(7);
  assert.equal(crew.unserved, 1);
});

Deno.test("the oldest comes first, however many come and go in between", () => {
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

Deno.test("ten thousand that wait are taken in their order", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 10_000; n++) queue.push(n);
  for (let n = 0; n < 9_000; n++) assert.equal(queue.shift(), n);
  queue.push(10_000);
  assert.equal(queue.size, 1_001);
  assert.equal(queue.shift(), 9_000);
});

Deno.test("no more than a million wait", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 1_000_000; n++) assert.equal(queue.push(n), true);
  assert.equal(queue.push(0), false);
  assert.equal(queue.size, 1_000_000);
  queue.shift();
  assert.equal(queue.push(1_000_000), true);
});

Deno.test("a queue that was cleared begins anew", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 5; n++) queue.push(n);
  queue.shift();
  queue.clear();
  assert.deepEqual([queue.size, queue.shift()], [0, null]);
  queue.push(7);
  assert.deepEqual([queue.size, queue.shift()], [1, 7]);
});

/** Iterations that are due in an hour at a thousand million per second, and the first one. */
const BACKLOG = 3_600 * 1e9 + 1;

function startedAnHourAgo(scene: Scene, maxUsers: number): void {
  scene.gate.align(-3_600_000);
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
});

Deno.test("users that take no time let the event loop turn, even if the clock stands still", async () => {
  const scene = new Scene();
  scene.serviceMs = 0;
  scene.instant = true;
  startedAnHourAgo(scene, 3);
  for (let turn = 1; turn < 20; turn++) {
    await settle();
    const { completed } = scene.counted;
    assert.ok(completed > 0 && completed <= turn * 5_000, `${completed} after ${turn} turns`);
  }
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
  while (scene.gate.queued < 1_000_000) await settle();
  await settle();
  assert.deepEqual(scene.counts, [BACKLOG, 4, 0, BACKLOG - 4 - 1_000_000]);
  scene.gate.close();
  assert.deepEqual(scene.counts, [BACKLOG, 4, 0, BACKLOG - 4]);
});

Deno.test("what is due at the end is counted to the last iteration, whatever it amounts to", async () => {
  const scene = new Scene();
  scene.serviceMs = 60_000;
  startedAnHourAgo(scene, 4);
  await settle();
  await scene.close();
  const [scheduled, started, , dropped] = scene.counts;
  assert.deepEqual([scheduled, started! + dropped!], [BACKLOG, BACKLOG]);
});
