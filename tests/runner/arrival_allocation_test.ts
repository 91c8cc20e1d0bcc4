import fc from "fast-check";
import assert from "node:assert/strict";
import type { Assignment } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { ArrivalSchedule, positionAt, type RatePeriod } from "../../src/load/arrival_schedule.ts";
import { ArrivalAllocator } from "../../src/runner/allocation.ts";

/** Workers that begin passes as they are told, each on the same clock. */
class Scene {
  /** Seconds since the test's start. */
  now = 0;
  readonly members: WorkerState[] = [];
  readonly told: [name: string, target: Assignment][] = [];
  /** Numbers of passes, by the position at which they begin, in the order of their beginning. */
  readonly begun: [iteration: number, worker: string, at: number][] = [];
  readonly allocation: ArrivalAllocator;
  readonly #schedules = new Map<string, ArrivalSchedule>();
  #course: RatePeriod | null = null;

  constructor(names: readonly string[]) {
    for (const name of names) this.join(name);
    this.allocation = new ArrivalAllocator({
      terms: { spacing: "constant", onBusy: "queue" },
      stopTimeout: 3,
      elapsed: () => this.now,
      members: () => this.members,
      tell: (member, target) => this.#hear(member, target),
    });
  }

  join(name: string): void {
    this.members.push(
      new WorkerState({ id: name, incarnation: name, index: this.members.length, host: "box" }),
    );
  }

  /** It begins nothing more, and nobody has said so. */
  leave(name: string): void {
    this.#schedules.get(name)?.forget();
    const at = this.members.findIndex(({ id }) => id === name);
    if (at >= 0) this.members.splice(at, 1);
  }

  /** Passes begin at another rate. */
  arrive(rate: number, maxUsers = 1000, until = Infinity, limit = Infinity): void {
    const before = this.#course;
    const position = before === null ? 0 : positionAt(before, this.now);
    this.#course = before?.rate === rate && before.until === until
      ? before
      : { rate, since: this.now, position, until, limit };
    this.allocation.arrive(this.#course, maxUsers);
  }

  /** Lets time pass, in which everybody begins what is due. */
  iteration(seconds: number): void {
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

  /** What each worker was told last, as `name: FROM/OF+INDEX, MAX users`. */
  get parts(): string[] {
    const newest = new Map(this.told);
    return [...newest].map(([name, { arrivals: [order] }]) =>
      order === undefined
        ? `${name}: nothing`
        : `${name}: ${order.from}/${order.of}+${order.index}, ${order.maxUsers} users`
    );
  }

  #hear({ id }: WorkerState, target: Assignment): void {
    this.told.push([id, target]);
    const schedule = this.#schedules.get(id) ?? new ArrivalSchedule("constant", Math.random);
    this.#schedules.set(id, schedule);
    const [order] = target.arrivals;
    if (order === undefined) schedule.forget();
    else schedule.follow(order, order);
  }
}

function numbers(scene: Scene): number[] {
  return scene.begun.map(([iteration]) => iteration);
}

Deno.test("the first division holds from the first pass on, and users are shared", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(90, 20, 60);
  assert.deepEqual(scene.parts, [
    "a: 0/3+0, 7 users",
    "b: 0/3+1, 7 users",
    "c: 0/3+2, 6 users",
  ]);
  const [, target] = scene.told[0]!;
  assert.deepEqual(target, {
    type: "TARGET",
    revision: 1,
    classes: {},
    rate: 1,
    stopTimeout: 3,
    arrivals: [{
      ...{ rate: 90, since: 0, position: 0, until: 60, limit: Number.MAX_SAFE_INTEGER },
      ...{ from: 0, of: 3, index: 0, maxUsers: 7, spacing: "constant", onBusy: "queue" },
    }],
  });
});

Deno.test("workers take turns, and together begin each pass once", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(100, 20, 2);
  scene.iteration(3);
  assert.deepEqual(numbers(scene), Array.from({ length: 200 }, (_, n) => n));
  assert.deepEqual(scene.begun.slice(0, 4).map(([, worker]) => worker), ["a", "b", "a", "b"]);
});

Deno.test("one that joins late begins its share a moment later, and each pass is begun once", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(100, 20, 4);
  scene.iteration(1.5);
  scene.join("c");
  scene.allocation.rebalance();
  assert.deepEqual(scene.parts, [
    "a: 175/3+0, 7 users",
    "b: 175/3+1, 7 users",
    "c: 175/3+2, 6 users",
  ]);
  scene.iteration(3);
  assert.deepEqual(numbers(scene), Array.from({ length: 400 }, (_, n) => n));
  assert.equal(
    scene.begun.filter(([iteration, worker]) => worker === "c" && iteration < 175).length,
    0,
  );
});

Deno.test("what a lost worker would have begun until the others take over is lost, and nothing is twice", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(90, 30, 10);
  scene.iteration(2);
  scene.leave("b");
  scene.iteration(1);
  scene.allocation.rebalance();
  scene.iteration(8);
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

Deno.test("a rate that changes is the same for all, whatever the division", () => {
  const scene = new Scene(["a", "b"]);
  scene.arrive(10);
  scene.iteration(2);
  scene.arrive(50);
  scene.join("c");
  scene.allocation.rebalance();
  scene.iteration(2);
  scene.arrive(0);
  scene.iteration(2);
  // 20 in the first two seconds, 100 in the next two, and the one that is due where they end.
  assert.deepEqual(numbers(scene), Array.from({ length: 121 }, (_, n) => n));
});

Deno.test("where there are more workers than users, the others have nothing to do", () => {
  const scene = new Scene(["a", "b", "c"]);
  scene.arrive(10, 2);
  assert.deepEqual(scene.parts, ["a: 0/2+0, 1 users", "b: 0/2+1, 1 users"]);
  scene.arrive(10, 1);
  assert.deepEqual(scene.parts, ["a: 0/1+0, 1 users", "b: nothing"]);
  scene.arrive(10, 3);
  assert.deepEqual(scene.parts.length, 3);
});

Deno.test("nothing new is not told, and who may have missed it is told again", () => {
  const scene = new Scene(["a", "b"]);
  scene.allocation.rebalance();
  scene.arrive(10);
  assert.equal(scene.told.length, 2);
  scene.now = 1;
  scene.arrive(10);
  assert.equal(scene.told.length, 2);
  const [a] = scene.members;
  scene.allocation.repeat(a!);
  assert.equal(scene.told.length, 3);
  const [[, first], , [, again]] = scene.told as [
    [string, Assignment],
    unknown,
    [string, Assignment],
  ];
  assert.deepEqual(again, { ...first, revision: 3 });
  scene.allocation.repeat(new WorkerState({ id: "x", incarnation: "x", index: 9, host: "" }));
  assert.equal(scene.told.length, 3);
});

Deno.test("an end without end can be sent", () => {
  const scene = new Scene(["a"]);
  scene.arrive(10);
  const [order] = scene.told[0]![1].arrivals;
  assert.deepEqual([order!.until, order!.limit], [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER]);
});

const change = fc.oneof(
  fc.record({ kind: fc.constant("rate"), rate: fc.integer({ min: 0, max: 200 }) }),
  fc.record({ kind: fc.constant("join") }),
  fc.record({ kind: fc.constant("leave"), worker: fc.nat(3) }),
);

Deno.test("whoever comes and goes, no pass is begun twice, and without a loss each is begun once", () => {
  const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), change), { maxLength: 8 });
  fc.assert(fc.property(changes, (changes) => {
    const scene = new Scene(["w0", "w1"]);
    let joined = 2;
    let lost = false;
    scene.arrive(50);
    for (const [ms, one] of changes) {
      scene.iteration(ms / 1000);
      if (one.kind === "rate") scene.arrive(one.rate);
      if (one.kind === "join") scene.join(`w${joined++}`);
      if (one.kind === "leave" && scene.members.length > 1) {
        lost = true;
        scene.leave(scene.members[one.worker % scene.members.length]!.id);
      }
      if (one.kind !== "rate") scene.allocation.rebalance();
    }
    scene.iteration(2);
    const all = numbers(scene);
    assert.equal(new Set(all).size, all.length);
    if (!lost) assert.deepEqual(all, all.map((_, n) => n));
  }));
});
