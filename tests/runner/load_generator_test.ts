import assert from "node:assert/strict";
import { Events } from "../../src/core/events.ts";
import { Lease } from "../../src/core/lease.ts";
import { LoadGenerator, type LoadGeneratorOptions } from "../../src/runner/load_generator.ts";
import type { Interval } from "../../src/stats/interval.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
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
  return new LoadGenerator({
    runId: "run",
    node: "w1",
    classes: [discovered(StepTest)],
    host: null,
    insecure: false,
    firstUserId: 1,
    lease: Lease.endless(),
    events: new Events(),
    clock,
    random: () => 0.5,
    cpuSeconds: () => 0,
    env: () => undefined,
    onWarning: () => {},
    ...changes,
  });
}

function requests(intervals: readonly Interval[]): number {
  return intervals.flatMap(({ seconds }) => seconds)
    .reduce((sum, { requests }) => sum + requests, 0);
}

Deno.test("what users do is handed out once, second by second", async () => {
  const clock = new FakeClock();
  const node = generator(clock);
  node.start(0);
  node.scaleTo([3], 0);
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

Deno.test("a node that begins late counts the run's seconds", async () => {
  const clock = new FakeClock();
  await clock.advance(333);
  const node = generator(clock);
  assert.equal(node.elapsedSeconds, 0);
  node.start(7.6);
  assert.equal(node.elapsedSeconds, 7.6);
  node.scaleTo([1], 0);
  await clock.advance(401);
  assert.deepEqual(node.take().map(({ from, to }) => [from, to]), [[7, 7]]);
  await clock.advance(1_000);
  assert.deepEqual(node.take().map(({ from, to }) => [from, to]), [[8, 8]]);
  assert.ok(Math.abs(node.run.runTime - 9.001) < 1e-9);
  assert.deepEqual([node.run.id, node.run.node, node.run.userCount], ["run", "w1", 1]);
  await node.stopAll(0);
  node.end();
});

Deno.test("without the lease nothing is counted, and nothing ends", async () => {
  const clock = new FakeClock();
  const lease = new Lease(() => {});
  lease.grant(1_500);
  const node = generator(clock, { lease });
  node.start(0);
  node.scaleTo([2], 0);
  await clock.advance(5_000);
  assert.equal(requests(node.take()), 4);
  assert.equal(node.users, 2);
  const stopped = node.stopAll(500);
  await clock.advance(1_000);
  await stopped;
  assert.equal(requests(node.flush()), 0);
  node.end();
});

Deno.test("what was thrown where no user could catch it is counted, once", async () => {
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
  node.scaleTo([1], 0);
  await clock.advance(100);
  node.noteStrayError(failed);
  node.noteStrayError(new Error("lost"));
  const errors = node.flush().flatMap(({ userErrors }) => [...userErrors]);
  assert.deepEqual(errors, [["(not awaited)", "lost", 1]]);
  await node.stopAll(0);
  node.end();
});
