import assert from "node:assert/strict";
import type { Assignment } from "../../src/cluster/protocol.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import { Allocator } from "../../src/runner/allocation.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type ProfileChanges, profileOf } from "../support/load_profiles.ts";

class Scene {
  readonly clock = new FakeClock();
  readonly told: [name: string, target: Assignment][] = [];
  readonly members = ["a", "b"].map((id, index) =>
    new WorkerState({ id, incarnation: id, index, host: "box" })
  );
  readonly staffing: Allocator;

  constructor(plan: ProfileChanges = {}) {
    this.staffing = new Allocator({
      profile: profileOf(plan),
      mix: new ClassMix([{ name: "ATest", weight: 1, fixedCount: 0 }]),
      clock: this.clock,
      classNames: ["ATest"],
      elapsed: () => this.clock.now() / 1000,
      members: () => this.members,
      tell: ({ id }, target) => void this.told.push([id, target]),
    });
  }

  /** What was told since the last time: users, or which passes. */
  news(): string[] {
    return this.told.splice(0).map(([name, { classes, arrivals: [order] }]) =>
      `${name} ${order === undefined ? `${classes.ATest} users` : `${order.index} of ${order.of}`}`
    );
  }
}

const COURSE = { rate: 10, since: 0, position: 0, until: Infinity, limit: Infinity };

Deno.test("in the closed model everybody is told of users, and has heard it before all is settled", () => {
  const { staffing, members: [a, b], told, ...scene } = new Scene();
  staffing.pace(3);
  staffing.aim([3]);
  assert.deepEqual(told.map(([name, { classes, rate }]) => [name, classes.ATest, rate]), [
    ["a", 2, 3],
    ["b", 1, 3],
  ]);
  assert.equal(staffing.settled, false);
  staffing.heard(a!, 1);
  assert.equal(staffing.settled, false);
  staffing.heard(b!, 2);
  assert.equal(staffing.settled, true);
  told.splice(0);
  staffing.repeat(b!);
  assert.equal(told[0]![1].classes.ATest, 1);
  assert.ok(scene.clock.now() === 0);
});

Deno.test("in the open model everybody is told which passes are its own, and all is settled", async () => {
  const scene = new Scene({ arrivalRate: 10, maxUsers: 20 });
  const { staffing, members } = scene;
  staffing.arrive(COURSE, 20);
  assert.deepEqual(scene.news(), ["a 0 of 2", "b 1 of 2"]);
  assert.equal(staffing.settled, true);
  staffing.heard(members[0]!, 1);
  const gone = members.pop()!;
  await scene.clock.advance(1_000);
  staffing.rebalance();
  assert.deepEqual(scene.news(), ["a 0 of 1"]);
  staffing.repeat(members[0]!);
  staffing.repeat(gone);
  assert.deepEqual(scene.news(), ["a 0 of 1"]);
});

Deno.test("users that ran before are taken up; passes begin anew", () => {
  const assigned = new Map([["a", { ATest: 4 }], ["b", { ATest: 3 }]]);
  const closed = new Scene();
  closed.staffing.restore(assigned);
  assert.equal(closed.staffing.taken, 7);
  closed.staffing.aim([7]);
  assert.deepEqual(closed.news(), []);
  const open = new Scene({ arrivalRate: 10, maxUsers: 20 });
  open.staffing.restore(assigned);
  assert.equal(open.staffing.taken, 0);
  open.staffing.arrive(COURSE, 20);
  assert.deepEqual(open.news(), ["a 0 of 2", "b 1 of 2"]);
});

Deno.test("at the end nobody is told anything more", async () => {
  const scene = new Scene();
  scene.staffing.aim([2]);
  scene.news();
  scene.staffing.aim([9]);
  scene.staffing.end();
  await scene.clock.advance(1_000);
  assert.deepEqual(scene.news(), []);
  assert.equal(scene.clock.pending, 0);
});
