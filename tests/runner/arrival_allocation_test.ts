import fc from "fast-check";
import assert from "node:assert/strict";
import type { ArrivalAssignment } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { ArrivalSchedule, positionAt, type RatePeriod } from "../../src/load/arrival_schedule.ts";
import { ArrivalAllocator } from "../../src/runner/allocation.ts";

/** Workers that start the iterations assigned to them, on a common clock. */
class Scene {
  /** Seconds since the test started. */
  now = 0;
  readonly workers: WorkerState[] = [];
  readonly sent: [name: string, share: ArrivalAssignment | undefined][] = [];
  /** The iterations that have started, by number, in the order of their start. */
  readonly begun: [iteration: number, worker: string, at: number][] = [];
  readonly allocator: ArrivalAllocator;
  readonly #schedules = new Map<string, ArrivalSchedule>();
  #course: RatePeriod | null = null;

  constructor(names: readonly string[]) {
    for (const name of names) this.join(name);
    this.allocator = new ArrivalAllocator({
      terms: { spacing: "constant", onBusy: "queue" },
      classes: [],
      elapsed: () => this.now,
      workers: { available: this.workers },
    });
  }

  join(name: string): void {
    this.workers.push(
      new WorkerState({ id: name, incarnation: name, index: this.workers.length, host: "box" }),
    );
  }

  /** The worker starts nothing more, and the allocator does not know yet. */
  leave(name: string): void {
    this.#schedules.get(name)?.forget();
    const at = this.workers.findIndex(({ id }) => id === name);
    if (at >= 0) this.workers.splice(at, 1);
  }

  /** Changes the rate. */
  arrive(rate: number, maxUsers = 1000, until = Infinity, limit = Infinity): void {
    const before = this.#course;
    const position = before === null ? 0 : positionAt(before, this.now);
    this.#course = before?.rate === rate && before.until === until
      ? before
      : { rate, since: this.now, position, until, limit };
    this.#send(this.allocator.setArrivals({ period: this.#course, maxUsers, over: false }));
  }

  /** Divides the iterations among the workers that there are now. */
  rebalance(): void {
    this.#send(this.allocator.rebalance());
  }

  /** Advances the time. All workers start the iterations that are due. */
  advance(seconds: number): void {
    const until = this.now + seconds;
    for (;;) {
      const [next] = [...this.#schedules].toSorted(([, a], [, b]) => a.nextAt - b.nextAt);
      if (next === undefined || next[1].nextAt > until) break;
      const [worker, schedule] = next;
      const at = Math.max(this.now, schedule.nextAt);
      const { rate, since, position } = this.#course!;
      const due = schedule.next();
      this.begun.push([Math.round(position + (due - since) * rate), worker, at]);
    }
    this.now = until;
  }

  /** The last assignment of each worker, as `name: FROM/OF+INDEX, MAX users`. */
  get shares(): string[] {
    const newest = new Map(this.sent);
    return [...newest].map(([name, share]) =>
      share === undefined
        ? `${name}: nothing`
        : `${name}: ${share.from}/${share.of}+${share.index}, ${share.maxUsers} users`
    );
  }

  #send(workers: readonly WorkerState[]): void {
    for (const worker of workers) {
      const { id } = worker;
      const [share] = this.allocator.assignmentOf(worker);
      this.sent.push([id, share]);
      const schedule = this.#schedules.get(id) ?? new ArrivalSchedule("constant", Math.random);
      this.#schedules.set(id, schedule);
      if (share === undefined) schedule.forget();
      else schedule.follow(share, share);
    }
  }
}

function numbers(scene: Scene): number[] {
  return scene.begun.map(([iteration]) => iteration);
}

Deno.test("the first division holds from the first iteration on, and shares the users", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(90, 20, 60);
  assert.deepEqual(scene.shares, [
    "a: 0/3+0, 7 users",
    "b: 0/3+1, 7 users",
    "c: 0/3+2, 6 users",
  ]);
  const [, share] = scene.sent[0]!;
  assert.deepEqual(share, {
    ...{ rate: 90, since: 0, position: 0, until: 60, limit: Number.MAX_SAFE_INTEGER },
    ...{ from: 0, of: 3, index: 0, maxUsers: 7, spacing: "constant", onBusy: "queue" },
    ...{ classes: [], over: false },
  });
});

Deno.test("workers take turns, and together start each iteration once", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(100, 20, 2);
  scene.advance(3);
  assert.deepEqual(numbers(scene), Array.from({ length: 200 }, (_, n) => n));
  assert.deepEqual(scene.begun.slice(0, 4).map(([, worker]) => worker), ["a", "b", "a", "b"]);
});

Deno.test("a worker that joins late gets its share a moment later, and each iteration starts once", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(100, 20, 4);
  scene.advance(1.5);
  scene.join("c");
  scene.rebalance();
  assert.deepEqual(scene.shares, [
    "a: 175/3+0, 7 users",
    "b: 175/3+1, 7 users",
    "c: 175/3+2, 6 users",
  ]);
  scene.advance(3);
  assert.deepEqual(numbers(scene), Array.from({ length: 400 }, (_, n) => n));
  assert.equal(
    scene.begun.filter(([iteration, worker]) => worker === "c" && iteration < 175).length,
    0,
  );
});

Deno.test("the share of a lost worker is lost until the others take over, and nothing starts twice", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(90, 30, 10);
  scene.advance(2);
  scene.leave("b");
  scene.advance(1);
  scene.rebalance();
  scene.advance(8);
  const all = numbers(scene);
  assert.equal(new Set(all).size, all.length);
  const missing = Array.from({ length: 900 }, (_, n) => n).filter((iteration) =>
    !all.includes(iteration)
  );
  // One in three for a second, and the notice of a quarter.
  assert.ok(
    missing.every((iteration) => iteration % 3 === 1 && iteration >= 180 && iteration < 293),
  );
  assert.equal(missing.length, 38);
});

Deno.test("a change of rate holds for all workers, whatever the division", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(10);
  scene.advance(2);
  scene.arrive(50);
  scene.join("c");
  scene.rebalance();
  scene.advance(2);
  scene.arrive(0);
  scene.advance(2);
  // 20 in the first two seconds, 100 in the next two, and the one that is due where they end.
  assert.deepEqual(numbers(scene), Array.from({ length: 121 }, (_, n) => n));
});

Deno.test("with more workers than users, the surplus workers have nothing to do", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(10, 2);
  assert.deepEqual(scene.shares, ["a: 0/2+0, 1 users", "b: 0/2+1, 1 users"]);
  scene.arrive(10, 1);
  assert.deepEqual(scene.shares, ["a: 0/1+0, 1 users", "b: nothing"]);
  scene.arrive(10, 3);
  assert.deepEqual(scene.shares.length, 3);
});

Deno.test("an unchanged rate is not sent again", () => {
  const scene = new Scene(["a", "b"]);
  scene.rebalance();
  scene.arrive(10);
  assert.equal(scene.sent.length, 2);
  scene.now = 1;
  scene.arrive(10);
  assert.equal(scene.sent.length, 2);
});

Deno.test("a schedule without an end is sent with the largest numbers", () => {
  const scene = new Scene(["a"]);
  scene.arrive(10);
  const [, share] = scene.sent[0]!;
  assert.deepEqual([share!.until, share!.limit], [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER]);
});

const change = fc.oneof(
  fc.record({ kind: fc.constant("rate"), rate: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ kind: fc.constant("join") }),
  fc.record({ kind: fc.constant("leave"), worker: fc.nat(3) }),
);

Deno.test("while workers join and leave, no iteration starts twice, and without a loss each starts once", () => {
  const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), change), { maxLength: 8 });
  fc.assert(fc.property(changes, (changes) => {
    const scene = new Scene(["w0", "w1"]);
    let joined = 2;
    let lost = false;
    scene.arrive(50);
    for (const [ms, one] of changes) {
      scene.advance(ms / 1000);
      if (one.kind === "rate") scene.arrive(one.rate);
      if (one.kind === "join") scene.join(`w${joined++}`);
      if (one.kind === "leave" && scene.workers.length > 1) {
        lost = true;
        scene.leave(scene.workers[one.worker % scene.workers.length]!.id);
      }
      if (one.kind !== "rate") scene.rebalance();
    }
    scene.advance(2);
    const all = numbers(scene);
    assert.equal(new Set(all).size, all.length);
    if (!lost) assert.deepEqual(all, all.map((_, n) => n));
  }));
});
