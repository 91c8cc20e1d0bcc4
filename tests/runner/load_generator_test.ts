import assert from "node:assert/strict";
import { ExitCall } from "../../src/core/exit_calls.ts";
import { Lease } from "../../src/core/lease.ts";
import { ALL_ARRIVALS } from "../../src/load/arrival_schedule.ts";
import {
  loadedClasses,
  type LoadGenerator,
  type LoadGeneratorOptions,
  type NodeArrivals,
} from "../../src/runner/load_generator.ts";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import type { SecondStats } from "../../src/stats/stats_table.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { loadGenerator } from "../support/generators.ts";
import { discovered } from "../support/users.ts";

class StepTest extends User {
  static override waitTime = 1;
  async testStep(): Promise<void> {
    await this.measure("step", () => {});
  }
}

function generator(
  clock: FakeClock,
  changes: Partial<LoadGeneratorOptions> = {},
): LoadGenerator {
  return loadGenerator(clock, [StepTest], changes);
}

function requests(intervals: readonly SecondStats[]): number {
  return intervals.flatMap(({ seconds }) => seconds)
    .reduce((sum, { requests }) => sum + requests, 0);
}

Deno.test("statistics are handed out once, second by second", async () => {
  const clock = new FakeClock();
  const node = generator(clock);
  node.start(0);
  node.setUsers([3], 0);
  await clock.advance(2_500);
  const taken = node.take();
  assert.deepEqual(taken.map(({ from, to }) => [from, to]), [[0, 0], [1, 1]]);
  assert.equal(requests(taken), 6);
  assert.deepEqual(node.take(), []);
  assert.equal(requests(node.flush()), 3);
  assert.equal(node.users, 3);
  await node.stopAll(0);
  assert.equal(node.users, 0);
  node.end();
  assert.equal(clock.pending, 0);
});

Deno.test("a node that starts late counts the seconds of the run", async () => {
  const clock = new FakeClock();
  await clock.advance(333);
  const node = generator(clock);
  assert.equal(node.elapsedSeconds, 0);
  node.start(7.6);
  assert.equal(node.elapsedSeconds, 7.6);
  node.setUsers([1], 0);
  await clock.advance(401);
  assert.deepEqual(node.take().map(({ from, to }) => [from, to]), [[7, 7]]);
  await clock.advance(1_000);
  assert.deepEqual(node.take().map(({ from, to }) => [from, to]), [[8, 8]]);
  assert.ok(Math.abs(node.run.runTime - 9.001) < 1e-9);
  assert.deepEqual([node.run.id, node.run.node, node.run.userCount], ["run", "w1", 1]);
  await node.stopAll(0);
  node.end();
});

Deno.test("without a lease no request is sent, and users keep running", async () => {
  const clock = new FakeClock();
  const lease = new Lease(() => {});
  lease.grant(1_500);
  const node = generator(clock, { lease });
  node.start(0);
  node.setUsers([2], 0);
  await clock.advance(5_000);
  assert.equal(requests(node.take()), 4);
  assert.equal(node.users, 2);
  const stopped = node.stopAll(500);
  await clock.advance(1_000);
  await stopped;
  assert.equal(requests(node.flush()), 0);
  node.end();
});

Deno.test("an error that no user could catch is counted once", async () => {
  const clock = new FakeClock();
  const failed = new Error("failed already");
  class FailingTest extends User {
    static override waitTime = 60;
    async testFailing(): Promise<void> {
      await this.measure("failing", () => Promise.reject(failed));
    }
  }
  const node = generator(clock, { classes: [discovered(FailingTest)] });
  node.start(0);
  node.setUsers([1], 0);
  await clock.advance(100);
  node.countStrayError(failed);
  node.countStrayError(new Error("lost"));
  const exit = new ExitCall("Deno.exit(0)");
  node.countStrayError(exit);
  node.countStrayError(exit);
  const errors = node.flush().flatMap(({ userErrors }) => [...userErrors]);
  assert.deepEqual(errors, [
    ["(not awaited)", "lost", 1],
    ["(exit calls)", "ExitCall: Deno.exit(0) was called, which does not end a run", 1],
  ]);
  await node.stopAll(0);
  node.end();
});

/** Scheduled, started, completed and dropped iterations of all seconds that are handed out now. */
function iterations(node: LoadGenerator): number[] {
  const all = new IterationStats();
  for (const { iterations } of node.flush()) if (iterations !== null) all.merge(iterations);
  return [all.scheduled, all.started, all.completed, all.dropped];
}

/** Iterations at this rate, all on this node. */
function arrivals(rate: number, until = Infinity): NodeArrivals {
  return {
    ...{ rate, since: 0, position: 0, until, limit: Infinity },
    ...ALL_ARRIVALS,
    maxUsers: 5,
    spacing: "constant",
    onBusy: "queue",
    classes: [0],
  };
}

Deno.test("in the open model, users are started as the schedule requires, and all iterations are counted", async () => {
  const clock = new FakeClock();
  const over: string[] = [];
  const node = generator(clock, {
    onIterationsOver: () => over.push("iterations"),
    onUsersGone: () => over.push("users"),
  });
  node.start(0);
  node.setArrivals(arrivals(20, 3));
  await clock.advance(3_000);
  const stopped = node.stopAll(0);
  await clock.advance(100);
  await stopped;
  const taken = node.flush();
  assert.equal(requests(taken), 60);
  assert.deepEqual(taken.map(({ iterations }) => iterations?.scheduled ?? null), [20, 20, 20, 0]);
  assert.deepEqual([node.users, over], [0, []]);
  node.end();
  assert.equal(clock.pending, 0);
});

Deno.test("a suspended node starts nothing until its next assignment", async () => {
  const clock = new FakeClock();
  const node = generator(clock);
  node.suspend(0);
  node.start(0);
  node.setArrivals(arrivals(10));
  await clock.advance(1_050);
  node.suspend(0);
  node.setUsers([0], 0);
  await clock.advance(2_000);
  assert.deepEqual(iterations(node), [11, 11, 11, 0]);
  assert.equal(node.users, 0);
  node.setArrivals({ ...arrivals(10), from: 40 });
  await clock.advance(1_960);
  assert.deepEqual(iterations(node), [11, 11, 11, 0]);
  await node.stopAll(0);
  node.end();
});

Deno.test("users start no more iterations than the limit, and the end of the last one is reported", async () => {
  const clock = new FakeClock();
  const over: string[] = [];
  const node = generator(clock, {
    onIterationsOver: () => over.push(`iterations at ${clock.now()}`),
    onUsersGone: () => over.push(`users at ${clock.now()}`),
  });
  node.limit(5, [0]);
  // Only the first call counts.
  node.limit(50, [0]);
  node.start(0);
  node.setUsers([2], 0);
  await clock.advance(10_000);
  assert.deepEqual(iterations(node), [5, 5, 5, 0]);
  assert.deepEqual(over, ["iterations at 2000", "users at 3000"]);
  assert.equal(node.users, 0);
  node.end();
});

Deno.test("the end of all users is reported unless they were stopped", async () => {
  class FewTest extends User {
    static override iterations = 2;
    testStep(): void {}
  }
  const clock = new FakeClock();
  let gone = 0;
  const node = loadGenerator(clock, [FewTest], { onUsersGone: () => gone++ });
  node.start(0);
  node.setUsers([3], 0);
  await clock.advance(500);
  node.setUsers([0], 0);
  await clock.advance(500);
  assert.deepEqual([node.users, gone], [0, 0]);
  node.setUsers([3], 0);
  await clock.advance(5_000);
  assert.deepEqual([node.users, gone], [0, 1]);
  node.end();
});

class BuyerTest extends User {
  static override weight = 4;
  testBuy(): void {}
}

class AdminTest extends User {
  static override fixedCount = 2;
  testImport(): void {}
}

Deno.test("what decides about the load keeps the order of the classes", () => {
  assert.deepEqual(loadedClasses([BuyerTest, AdminTest].map(discovered)), [
    { name: "BuyerTest", weight: 4, fixedCount: 0, load: null },
    { name: "AdminTest", weight: 1, fixedCount: 2, load: null },
  ]);
});
