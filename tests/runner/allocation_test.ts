import fc from "fast-check";
import assert from "node:assert/strict";
import type { Assignment } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { Allocator, UserAllocator } from "../../src/runner/allocation.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { assignment } from "../support/assignments.ts";
import { partsOf, type ProfileChanges, profileOf } from "../support/load_profiles.ts";

interface Sent {
  readonly worker: WorkerState;
  readonly assignment: Assignment;
}

interface Scene {
  readonly clock: FakeClock;
  readonly allocator: UserAllocator;
  readonly sent: Sent[];
  /** Workers that can run users; a test changes it. */
  readonly workers: WorkerState[];
  /** What was sent since the last call, as `name:counts`. */
  news(): string[];
  /** All workers confirm everything. */
  confirmAll(): void;
}

function scene(names: readonly string[], classNames = ["A", "B"]): Scene {
  const clock = new FakeClock();
  const sent: Sent[] = [];
  const workers = names.map((name) => worker(name));
  const allocator = new UserAllocator({
    clock,
    classNames,
    workers: {
      available: workers,
      assign: (worker, rate) => {
        const counts = allocator.countsOf(worker);
        const classes = Object.fromEntries(classNames.map((name, cls) => [name, counts[cls]!]));
        const revision = sent.length + 1;
        sent.push({ worker, assignment: assignment({ revision, classes, rate }) });
        allocator.sent(worker, revision);
      },
    },
  });
  let seen = 0;
  return {
    clock,
    allocator,
    sent,
    workers,
    news: () => {
      const fresh = sent.slice(seen);
      seen = sent.length;
      return fresh.map(({ worker, assignment }) =>
        `${worker.id}:${classNames.map((name) => assignment.classes[name])}`
      );
    },
    confirmAll: () => {
      for (const { worker, assignment } of sent) allocator.confirmed(worker, assignment.revision);
    },
  };
}

function worker(name: string, index = 0): WorkerState {
  return new WorkerState({ id: name, incarnation: name, index, host: "box" });
}

Deno.test("assignments are sent at once, in full", () => {
  const { allocator, sent } = scene(["a", "b"]);
  allocator.pace(7);
  allocator.setUsers([3, 1]);
  assert.deepEqual(sent.map(({ worker, assignment }) => [worker.id, assignment]), [
    ["a", assignment({ revision: 1, classes: { A: 2, B: 0 }, rate: 7 })],
    ["b", assignment({ revision: 2, classes: { A: 1, B: 1 }, rate: 7 })],
  ]);
});

Deno.test("changes within 50 ms are sent together, and only to workers whose users change", async () => {
  const { clock, allocator, news } = scene(["a", "b"]);
  allocator.setUsers([2, 2]);
  assert.deepEqual(news(), ["a:1,1", "b:1,1"]);
  for (const users of [3, 4, 5]) allocator.setUsers([users, 2]);
  await clock.advance(49);
  assert.deepEqual(news(), []);
  await clock.advance(1);
  assert.equal(news().length, 2);
  allocator.setUsers([6, 2]);
  await clock.advance(50);
  assert.equal(news().length, 1);
  allocator.setUsers([6, 2]);
  await clock.advance(50);
  assert.deepEqual(news(), []);
});

Deno.test("a worker that joins gets users once those that had them have confirmed it", async () => {
  const { clock, allocator, workers, sent, news } = scene(["a", "b"], ["A"]);
  allocator.pace(2);
  allocator.setUsers([12]);
  await clock.advance(1_000);
  assert.deepEqual(news(), ["a:6", "b:6"]);
  for (const { worker, assignment } of sent) allocator.confirmed(worker, assignment.revision);
  workers.push(worker("c", 2));
  allocator.rebalance();
  assert.deepEqual(news(), ["a:4", "b:4", "c:0"]);
  await clock.advance(1_000);
  assert.deepEqual(news(), []);
  allocator.confirmed(workers[0]!, 3);
  await clock.advance(50);
  assert.deepEqual(news(), ["c:2"]);
  allocator.confirmed(workers[1]!, 4);
  await clock.advance(50);
  assert.deepEqual(news(), ["c:4"]);
  // It has them within about a second, whatever the rate is.
  assert.deepEqual(sent.slice(-2).map(({ assignment }) => assignment.rate), [2, 2]);
});

Deno.test("users that move are started within about a second, others at the rate", async () => {
  const { clock, allocator, workers, sent, confirmAll } = scene(["a", "b"], ["A"]);
  allocator.pace(3);
  allocator.setUsers([100]);
  await clock.advance(1_000);
  confirmAll();
  workers.pop();
  allocator.rebalance();
  assert.deepEqual(sent.at(-1)!.assignment.classes, { A: 100 });
  assert.equal(sent.at(-1)!.assignment.rate, 50);
  await clock.advance(1_000);
  allocator.setUsers([101]);
  assert.equal(sent.at(-1)!.assignment.rate, 3);
});

Deno.test("what a lost worker may or may not have received counts no longer", async () => {
  const { clock, allocator, workers, news } = scene(["a", "b"], ["A"]);
  allocator.setUsers([4]);
  await clock.advance(100);
  news();
  workers.pop();
  allocator.rebalance();
  assert.deepEqual(news(), ["a:4"]);
  workers.push(worker("b", 1));
  await clock.advance(100);
  allocator.rebalance();
  // a has not confirmed that it has given up two of them.
  assert.deepEqual(news(), ["a:2", "b:0"]);
});

Deno.test("a lost worker that returns before the next assignments are due gets its users again", async () => {
  const { clock, allocator, workers, news } = scene(["a"], ["A"]);
  allocator.setUsers([1]);
  assert.deepEqual(news(), ["a:1"]);
  const [a] = workers.splice(0);
  allocator.rebalance();
  workers.push(a!);
  allocator.rebalance();
  await clock.advance(50);
  assert.deepEqual(news(), ["a:1"]);
});

Deno.test("a worker that may have missed its assignment gets it again, as a new revision", () => {
  const { allocator, workers, sent } = scene(["a", "b"], ["A"]);
  allocator.pace(1);
  allocator.setUsers([9]);
  allocator.repeat(workers[0]!);
  assert.deepEqual(
    sent.at(-1)!.assignment,
    assignment({
      revision: 3,
      classes: { A: 5 },
      rate: 5,
    }),
  );
  allocator.repeat(worker("stranger"));
  assert.equal(sent.length, 3);
});

Deno.test("the assignments of an earlier master are taken over, and none is sent", async () => {
  const { clock, allocator, workers, news } = scene(["a", "b"]);
  const assigned = new Map<string, Record<string, number>>([["a", { A: 3, B: 1 }], ["gone", {
    A: 1,
    Ghost: 7,
  }]]);
  assert.deepEqual(allocator.restore(assigned, ([one, other]) => [one!, other!]), [4, 1]);
  await clock.advance(100);
  assert.deepEqual(news(), []);
  allocator.repeat(workers[0]!);
  assert.deepEqual(news(), ["a:3,1"]);
  allocator.rebalance();
  // b gets what the missing worker had, and no more until a has given up its share.
  assert.deepEqual(news(), ["a:2,1", "b:1,0"]);
  allocator.confirmed(workers[0]!, 2);
  await clock.advance(50);
  assert.deepEqual(news(), ["b:2,0"]);
});

Deno.test("after the end no assignment is sent", async () => {
  const { clock, allocator, news } = scene(["a"], ["A"]);
  allocator.setUsers([1]);
  allocator.setUsers([2]);
  allocator.end();
  await clock.advance(100);
  assert.deepEqual(news(), ["a:1"]);
  assert.equal(clock.pending, 0);
});

type Step =
  | { readonly kind: "set"; readonly counts: readonly number[] }
  | { readonly kind: "join" | "leave"; readonly who: number }
  | { readonly kind: "receive"; readonly who: number }
  | { readonly kind: "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("set"), counts: fc.tuple(fc.nat(9), fc.nat(9)) }),
  fc.record({ kind: fc.constantFrom("join", "leave"), who: fc.nat(4) }),
  fc.record({ kind: fc.constant("receive"), who: fc.nat(4) }),
  fc.record({ kind: fc.constant("wait") }),
);

Deno.test("however late workers hear of their assignments, no class exceeds its users, and each reaches them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, allocator, workers, sent } = scene([], ["A", "B"]);
      const all = ["a", "b", "c", "d", "e"].map((name) => worker(name));
      /** What each has confirmed last, and what is on its way to it. */
      const running = new Map<WorkerState, readonly number[]>();
      const onTheWay = new Map<WorkerState, Assignment[]>();
      let asked: readonly number[] = [0, 0];
      /** The most users that may run later, unless something else is sent. */
      let most: readonly number[] = [0, 0];
      let seen = 0;
      const users = (): number[] =>
        [0, 1].map((cls) => [...running.values()].reduce((sum, counts) => sum + counts[cls]!, 0));
      const receive = (one: WorkerState): void => {
        const assignment = onTheWay.get(one)?.shift();
        if (assignment === undefined || !workers.includes(one)) return;
        running.set(one, [assignment.classes.A!, assignment.classes.B!]);
        allocator.confirmed(one, assignment.revision);
      };
      const look = (): void => {
        for (const { worker, assignment } of sent.slice(seen)) {
          onTheWay.set(worker, [...onTheWay.get(worker) ?? [], assignment]);
        }
        seen = sent.length;
        const now = ["A", "B"].map((name, cls) =>
          workers.reduce((sum, one) => {
            const coming = (onTheWay.get(one) ?? []).map(({ classes }) => classes[name]!);
            return sum + Math.max(running.get(one)?.[cls] ?? 0, ...coming);
          }, 0)
        );
        // If fewer are asked for, the surplus ends when its workers hear of it.
        assert.ok(now.every((count, cls) => count <= Math.max(asked[cls]!, most[cls]!)));
        most = now;
      };
      for (const one of steps) {
        if (one.kind === "set") {
          asked = one.counts;
          allocator.setUsers(asked);
        } else if (one.kind === "wait") await clock.advance(50);
        else if (one.kind === "receive") receive(all[one.who]!);
        else {
          const who = all[one.who]!;
          const at = workers.indexOf(who);
          if (one.kind === "join" && at < 0) workers.push(who);
          if (one.kind === "leave" && at >= 0) {
            workers.splice(at, 1);
            running.delete(who);
            onTheWay.delete(who);
          }
          allocator.rebalance();
        }
        look();
      }
      for (let round = 0; round < 20; round++) {
        for (const one of workers) while ((onTheWay.get(one) ?? []).length > 0) receive(one);
        await clock.advance(50);
        look();
      }
      if (workers.length > 0) assert.deepEqual(users(), [...asked]);
    }),
  );
});

/** An allocator with two workers. */
class TwoWorkers {
  readonly clock = new FakeClock();
  readonly sent: [name: string, assignment: Assignment][] = [];
  readonly workers = ["a", "b"].map((name, index) => worker(name, index));
  readonly allocator: Allocator;

  constructor(changes: ProfileChanges = {}) {
    this.allocator = new Allocator({
      parts: partsOf(profileOf(changes)),
      clock: this.clock,
      classNames: ["ATest"],
      elapsed: () => this.clock.now() / 1000,
      workers: {
        available: this.workers,
        assign: ({ id }, assignment) => void this.sent.push([id, assignment]),
      },
    });
  }

  /** What was sent since the last call: users, or the share of the iterations. */
  news(): string[] {
    return this.sent.splice(0).map(([name, { classes, arrivals: [order] }]) =>
      `${name} ${order === undefined ? `${classes.ATest} users` : `${order.index} of ${order.of}`}`
    );
  }
}

const COURSE = {
  part: 0,
  period: { rate: 10, since: 0, position: 0, until: Infinity, limit: Infinity },
  maxUsers: 20,
  over: false,
};

Deno.test("in the closed model each worker gets users, and all is settled once both have confirmed", () => {
  const { allocator, workers: [a, b], sent, ...scene } = new TwoWorkers();
  allocator.pace(3);
  allocator.setUsers([3]);
  assert.deepEqual(sent.map(([name, { classes, rate }]) => [name, classes.ATest, rate]), [
    ["a", 2, 3],
    ["b", 1, 3],
  ]);
  assert.equal(allocator.settled, false);
  allocator.confirmed(a!, 1);
  assert.equal(allocator.settled, false);
  allocator.confirmed(b!, 2);
  assert.equal(allocator.settled, true);
  sent.splice(0);
  allocator.repeat(b!);
  assert.equal(sent[0]![1].classes.ATest, 1);
  assert.ok(scene.clock.now() === 0);
});

Deno.test("in the open model each worker gets a share of the iterations, and all is settled", async () => {
  const scene = new TwoWorkers({ arrivalRate: 10, maxUsers: 20 });
  const { allocator, workers } = scene;
  allocator.setArrivals([COURSE]);
  assert.deepEqual(scene.news(), ["a 0 of 2", "b 1 of 2"]);
  assert.equal(allocator.settled, true);
  allocator.confirmed(workers[0]!, 1);
  const gone = workers.pop()!;
  await scene.clock.advance(1_000);
  allocator.rebalance();
  assert.deepEqual(scene.news(), ["a 0 of 1"]);
  allocator.repeat(workers[0]!);
  allocator.repeat(gone);
  assert.deepEqual(scene.news(), ["a 0 of 1"]);
});

Deno.test("users of an earlier master are taken over, arrivals are assigned again", () => {
  const assigned = new Map([["a", { ATest: 4 }], ["b", { ATest: 3 }]]);
  const closed = new TwoWorkers();
  assert.deepEqual(closed.allocator.restore(assigned), [7]);
  closed.allocator.setUsers([7]);
  assert.deepEqual(closed.news(), []);
  const open = new TwoWorkers({ arrivalRate: 10, maxUsers: 20 });
  assert.deepEqual(open.allocator.restore(assigned), []);
  open.allocator.setArrivals([COURSE]);
  assert.deepEqual(open.news(), ["a 0 of 2", "b 1 of 2"]);
});

Deno.test("after the end neither users nor arrivals are assigned", async () => {
  const scene = new TwoWorkers();
  scene.allocator.setUsers([2]);
  scene.news();
  scene.allocator.setUsers([9]);
  scene.allocator.end();
  await scene.clock.advance(1_000);
  assert.deepEqual(scene.news(), []);
  assert.equal(scene.clock.pending, 0);
});
