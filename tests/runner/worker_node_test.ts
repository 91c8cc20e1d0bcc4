import assert from "node:assert/strict";
import type { TargetMessage, WorkerPhase } from "../../src/cluster/message.ts";
import { UsageError } from "../../src/core/errors.ts";
import { Events } from "../../src/core/events.ts";
import { Lease } from "../../src/core/lease.ts";
import { WorkerNode } from "../../src/runner/worker_node.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { discovered } from "../support/users.ts";
import { Ground } from "../support/virtual_cluster.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly ground: Ground;
  readonly events: Events;
  readonly node: WorkerNode;
  readonly phases: WorkerPhase[];
  readonly warnings: string[];
}

function scene(openFileLimit: number | null = null): Scene {
  const clock = new FakeClock();
  const ground = new Ground(clock);
  const events = new Events();
  const phases: WorkerPhase[] = [];
  const warnings: string[] = [];
  const node = new WorkerNode({
    runId: "run",
    node: "w1",
    classes: [discovered(ground.userClass("ATest")), discovered(ground.userClass("BTest"))],
    host: null,
    insecure: false,
    firstUserId: 1,
    lease: Lease.endless(),
    events,
    clock,
    random: () => 0.5,
    cpuSeconds: () => 0,
    env: () => undefined,
    openFileLimit,
    link: { connected: false, sendFrame: () => {} },
    onWarning: (text) => warnings.push(text),
    onPhase: (phase) => phases.push(phase),
  });
  return { clock, ground, events, node, phases, warnings };
}

const START = { type: "START", elapsedSeconds: 2, phase: 0 } as const;

function target(
  classes: Record<string, number>,
  changes: Partial<TargetMessage> = {},
): TargetMessage {
  return { type: "TARGET", revision: 1, classes, rate: 1000, stopTimeout: 2, ...changes };
}

Deno.test("a target that comes before the test begins is headed for when it does", async () => {
  const { clock, ground, node, phases } = scene();
  node.aim(target({ ATest: 1 }));
  node.aim(target({ ATest: 2, BTest: 1 }));
  await clock.advance(1_000);
  assert.equal(ground.users(), 0);
  assert.deepEqual([node.begun, node.reporter, node.elapsedSeconds], [false, null, 0]);
  await node.begin(START);
  await clock.advance(100);
  assert.deepEqual(ground.usersOf(["ATest", "BTest"]), [2, 1]);
  assert.equal(node.begun, true);
  assert.equal(node.elapsedSeconds, 2.1);
  assert.deepEqual(phases, ["spawning", "running"]);
  await node.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("it begins once, however often it is told", async () => {
  const { clock, node, events } = scene();
  let starts = 0;
  events.on("testStart", () => void starts++);
  await Promise.all([node.begin(START), node.begin({ ...START, elapsedSeconds: 50 })]);
  assert.equal(starts, 1);
  assert.equal(node.elapsedSeconds, 2);
  await node.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("the time that testStart takes is part of the test", async () => {
  const { clock, node, events } = scene();
  events.on("testStart", () => clock.advance(700));
  await node.begin(START);
  assert.equal(node.elapsedSeconds, 2.7);
  await node.stop();
});

Deno.test("a class that is not named has no users, and one that is not there is an error", async () => {
  const { clock, ground, node } = scene();
  await node.begin(START);
  node.aim(target({ ATest: 2, BTest: 2 }));
  await clock.advance(100);
  node.aim(target({ BTest: 1, GhostTest: 0 }));
  await clock.advance(100);
  assert.deepEqual(ground.usersOf(["ATest", "BTest"]), [0, 1]);
  assert.throws(() => node.aim(target({ GhostTest: 1 })), UsageError);
  assert.throws(() => node.aim(target({ toString: 1 })), UsageError);
  await node.stop();
});

Deno.test("users that are dropped are gone, and a target brings others", async () => {
  const { clock, ground, node } = scene();
  await node.begin(START);
  node.aim(target({ ATest: 3 }));
  await clock.advance(100);
  assert.equal(node.drop(), 3);
  await clock.advance(100);
  assert.deepEqual([node.users, ground.users()], [0, 0]);
  assert.equal(node.drop(), 0);
  node.aim(target({ ATest: 2 }));
  await clock.advance(100);
  assert.deepEqual(ground.ids, [1, 2, 3, 4, 5]);
  await node.stop();
});

Deno.test("a drop forgets what was to be done when the test begins", async () => {
  const { clock, ground, node } = scene();
  node.aim(target({ ATest: 3 }));
  node.drop();
  await node.begin(START);
  await clock.advance(100);
  assert.equal(ground.users(), 0);
  await node.stop();
});

Deno.test("a node that never began has nothing to report, and no end to tell of", async () => {
  const { clock, node, events } = scene();
  events.on("testStop", () => assert.fail("testStop without testStart"));
  await node.stop();
  assert.equal(node.reporter, null);
  assert.equal(clock.pending, 0);
});

Deno.test("testStop comes when all users have stopped and the last report is made", async () => {
  const { clock, node, events } = scene();
  const seen: unknown[] = [];
  events.on("testStop", ({ run }) => void seen.push([run.userCount, node.reporter!.drained]));
  await node.begin(START);
  node.aim(target({ ATest: 3 }));
  await clock.advance(1_500);
  await node.stop();
  assert.deepEqual(seen, [[0, false]]);
});

Deno.test("more users than files may be open is told each time; who hears it says it once", async () => {
  const { node, warnings } = scene(52);
  await node.begin(START);
  node.aim(target({ ATest: 1, BTest: 1 }));
  assert.deepEqual(warnings, []);
  node.aim(target({ ATest: 2, BTest: 1 }));
  assert.match(warnings[0]!, /too low for 3 users/);
  await node.stop();
});
