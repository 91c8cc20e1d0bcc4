import fc from "fast-check";
import assert from "node:assert/strict";
import type { Assignment } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { UserAllocator } from "../../src/runner/allocation.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { assignment } from "../support/assignments.ts";

interface Told {
  readonly member: WorkerState;
  readonly target: Assignment;
}

interface Scene {
  readonly clock: FakeClock;
  readonly allocation: UserAllocator;
  readonly told: Told[];
  /** Those that are there; a test changes it. */
  readonly members: WorkerState[];
  /** What was told since it was asked last, as `name:counts`. */
  news(): string[];
  /** Everyone has heard everything. */
  hearAll(): void;
}

function scene(names: readonly string[], classNames = ["A", "B"]): Scene {
  const clock = new FakeClock();
  const told: Told[] = [];
  const members = names.map(member);
  const allocation = new UserAllocator({
    clock,
    classNames,
    stopTimeout: 3,
    members: () => members,
    tell: (member, target) => void told.push({ member, target }),
  });
  let seen = 0;
  return {
    clock,
    allocation,
    told,
    members,
    news: () => {
      const fresh = told.slice(seen);
      seen = told.length;
      return fresh.map(({ member, target }) =>
        `${member.id}:${classNames.map((name) => target.classes[name])}`
      );
    },
    hearAll: () => {
      for (const { member, target } of told) allocation.heard(member, target.revision);
    },
  };
}

function member(name: string, index = 0): WorkerState {
  return new WorkerState({ id: name, incarnation: name, index, host: "box" });
}

Deno.test("what is to run is told at once, in full", () => {
  const { allocation, told } = scene(["a", "b"]);
  allocation.pace(7);
  allocation.aim([3, 1]);
  assert.deepEqual(told.map(({ member, target }) => [member.id, target]), [
    ["a", assignment({ revision: 1, classes: { A: 2, B: 0 }, rate: 7, stopTimeout: 3 })],
    ["b", assignment({ revision: 2, classes: { A: 1, B: 1 }, rate: 7, stopTimeout: 3 })],
  ]);
});

Deno.test("what changes within 50 ms is told together, and only to those whose users change", async () => {
  const { clock, allocation, news } = scene(["a", "b"]);
  allocation.aim([2, 2]);
  assert.deepEqual(news(), ["a:1,1", "b:1,1"]);
  for (const users of [3, 4, 5]) allocation.aim([users, 2]);
  await clock.advance(49);
  assert.deepEqual(news(), []);
  await clock.advance(1);
  assert.equal(news().length, 2);
  allocation.aim([6, 2]);
  await clock.advance(50);
  assert.equal(news().length, 1);
  allocation.aim([6, 2]);
  await clock.advance(50);
  assert.deepEqual(news(), []);
});

Deno.test("a newcomer gets users when those that had them are known to have heard it", async () => {
  const { clock, allocation, members, told, news } = scene(["a", "b"], ["A"]);
  allocation.pace(2);
  allocation.aim([12]);
  await clock.advance(1_000);
  assert.deepEqual(news(), ["a:6", "b:6"]);
  for (const { member, target } of told) allocation.heard(member, target.revision);
  members.push(member("c", 2));
  allocation.rebalance();
  assert.deepEqual(news(), ["a:4", "b:4", "c:0"]);
  await clock.advance(1_000);
  assert.deepEqual(news(), []);
  allocation.heard(members[0]!, 3);
  await clock.advance(50);
  assert.deepEqual(news(), ["c:2"]);
  allocation.heard(members[1]!, 4);
  await clock.advance(50);
  assert.deepEqual(news(), ["c:4"]);
  // It has them within about a second, whatever the rate.
  assert.deepEqual(told.slice(-2).map(({ target }) => target.rate), [2, 2]);
});

Deno.test("users that move are started within about a second, others at the rate", async () => {
  const { clock, allocation, members, told, hearAll } = scene(["a", "b"], ["A"]);
  allocation.pace(3);
  allocation.aim([100]);
  await clock.advance(1_000);
  hearAll();
  members.pop();
  allocation.rebalance();
  assert.deepEqual(told.at(-1)!.target.classes, { A: 100 });
  assert.equal(told.at(-1)!.target.rate, 50);
  await clock.advance(1_000);
  allocation.aim([101]);
  assert.equal(told.at(-1)!.target.rate, 3);
});

Deno.test("what a lost worker may still have heard or not is nobody's any more", async () => {
  const { clock, allocation, members, news } = scene(["a", "b"], ["A"]);
  allocation.aim([4]);
  await clock.advance(100);
  news();
  members.pop();
  allocation.rebalance();
  assert.deepEqual(news(), ["a:4"]);
  members.push(member("b", 1));
  await clock.advance(100);
  allocation.rebalance();
  // a has not been heard to give up two of them.
  assert.deepEqual(news(), ["a:2", "b:0"]);
});

Deno.test("a member that may have missed it is told again, under a new number", () => {
  const { allocation, members, told } = scene(["a", "b"], ["A"]);
  allocation.pace(1);
  allocation.aim([9]);
  allocation.repeat(members[0]!);
  assert.deepEqual(
    told.at(-1)!.target,
    assignment({
      revision: 3,
      classes: { A: 5 },
      rate: 5,
      stopTimeout: 3,
    }),
  );
  allocation.repeat(member("stranger"));
  assert.equal(told.length, 3);
});

Deno.test("what was assigned before is taken up, and nobody is told", async () => {
  const { clock, allocation, members, news } = scene(["a", "b"]);
  const assigned = new Map<string, Record<string, number>>([["a", { A: 3, B: 1 }], ["gone", {
    A: 1,
    Ghost: 7,
  }]]);
  assert.equal(allocation.restore(assigned, (users) => [users - 1, 1]), 5);
  await clock.advance(100);
  assert.deepEqual(news(), []);
  allocation.repeat(members[0]!);
  assert.deepEqual(news(), ["a:3,1"]);
  allocation.rebalance();
  // b gets what the one that is gone had, and no more as long as a has not given it up.
  assert.deepEqual(news(), ["a:2,1", "b:1,0"]);
  allocation.heard(members[0]!, 2);
  await clock.advance(50);
  assert.deepEqual(news(), ["b:2,0"]);
});

Deno.test("at the end nobody is told any more", async () => {
  const { clock, allocation, news } = scene(["a"], ["A"]);
  allocation.aim([1]);
  allocation.aim([2]);
  allocation.end();
  await clock.advance(100);
  assert.deepEqual(news(), ["a:1"]);
  assert.equal(clock.pending, 0);
});

type Step =
  | { readonly kind: "aim"; readonly counts: readonly number[] }
  | { readonly kind: "join" | "end"; readonly who: number }
  | { readonly kind: "hear"; readonly who: number }
  | { readonly kind: "wait" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("aim"), counts: fc.tuple(fc.nat(9), fc.nat(9)) }),
  fc.record({ kind: fc.constantFrom("join", "end"), who: fc.nat(4) }),
  fc.record({ kind: fc.constant("hear"), who: fc.nat(4) }),
  fc.record({ kind: fc.constant("wait") }),
);

Deno.test("however late who hears what, no class has more users than it should, and in the end as many", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, allocation, members, told } = scene([], ["A", "B"]);
      const all = ["a", "b", "c", "d", "e"].map(member);
      /** What each has heard last, and what is on its way to it. */
      const running = new Map<WorkerState, readonly number[]>();
      const onTheWay = new Map<WorkerState, Assignment[]>();
      let asked: readonly number[] = [0, 0];
      /** Users that there may be at any later moment, unless somebody is told something else. */
      let most: readonly number[] = [0, 0];
      let seen = 0;
      const users = (): number[] =>
        [0, 1].map((cls) => [...running.values()].reduce((sum, counts) => sum + counts[cls]!, 0));
      const hear = (one: WorkerState): void => {
        const target = onTheWay.get(one)?.shift();
        if (target === undefined || !members.includes(one)) return;
        running.set(one, [target.classes.A!, target.classes.B!]);
        allocation.heard(one, target.revision);
      };
      const look = (): void => {
        for (const { member, target } of told.slice(seen)) {
          onTheWay.set(member, [...onTheWay.get(member) ?? [], target]);
        }
        seen = told.length;
        const now = ["A", "B"].map((name, cls) =>
          members.reduce((sum, one) => {
            const coming = (onTheWay.get(one) ?? []).map(({ classes }) => classes[name]!);
            return sum + Math.max(running.get(one)?.[cls] ?? 0, ...coming);
          }, 0)
        );
        // Where fewer are asked for, those that are too many go when they hear of it.
        assert.ok(now.every((count, cls) => count <= Math.max(asked[cls]!, most[cls]!)));
        most = now;
      };
      for (const one of steps) {
        if (one.kind === "aim") {
          asked = one.counts;
          allocation.aim(asked);
        } else if (one.kind === "wait") await clock.advance(50);
        else if (one.kind === "hear") hear(all[one.who]!);
        else {
          const who = all[one.who]!;
          const at = members.indexOf(who);
          if (one.kind === "join" && at < 0) members.push(who);
          if (one.kind === "end" && at >= 0) {
            members.splice(at, 1);
            running.delete(who);
            onTheWay.delete(who);
          }
          allocation.rebalance();
        }
        look();
      }
      for (let round = 0; round < 20; round++) {
        for (const one of members) while ((onTheWay.get(one) ?? []).length > 0) hear(one);
        await clock.advance(50);
        look();
      }
      if (members.length > 0) assert.deepEqual(users(), [...asked]);
    }),
  );
});
