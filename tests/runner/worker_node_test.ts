import assert from "node:assert/strict";
import fc from "fast-check";
import type {
  ArrivalAssignment,
  Assignment,
  Message,
  WorkerStateName,
} from "../../src/cluster/protocol.ts";
import { UsageError } from "../../src/core/errors.ts";
import { Events } from "../../src/core/events.ts";
import { Lease } from "../../src/core/lease.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { ClockSync } from "../../src/runner/clock_sync.ts";
import type { LoadGenerator } from "../../src/runner/load_generator.ts";
import { RemoteIterationQuota } from "../../src/runner/shared_iterations_executor.ts";
import {
  type LimitedIterations,
  reportDelayMs,
  Reporter,
  WorkerNode,
} from "../../src/runner/worker_node.ts";
import { NO_OBSERVERS, type Observers } from "../../src/user/observers.ts";
import { User } from "../../src/user/user.ts";
import { assignment } from "../support/assignments.ts";
import { Metrics } from "../../src/user/metrics.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { loadGenerator } from "../support/generators.ts";
import { reportIn } from "../support/report_link.ts";
import { discovered } from "../support/users.ts";
import { FakeTarget } from "../support/virtual_cluster.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly target: FakeTarget;
  readonly events: Events;
  readonly node: WorkerNode;
  readonly states: WorkerStateName[];
  readonly warnings: string[];
}

function scene(
  openFileLimit: number | null = null,
  iterations: (clock: FakeClock) => RemoteIterationQuota | null = () => null,
  observers: Observers = NO_OBSERVERS,
): Scene {
  const clock = new FakeClock();
  const target = new FakeTarget(clock);
  const events = new Events();
  const states: WorkerStateName[] = [];
  const warnings: string[] = [];
  const node = new WorkerNode({
    reportDelayMs: 1,
    runId: "run",
    node: "w1",
    classes: [discovered(target.userClass("ATest")), discovered(target.userClass("BTest"))],
    host: null,
    connections: DEFAULT_CONNECTIONS,
    observers,
    setupTimeout: 30,
    iterations: limited(iterations(clock)),
    firstUserId: 1,
    lease: Lease.endless(),
    events,
    metrics: new Metrics(clock),
    clock,
    random: () => 0.5,
    cpuSeconds: () => 0,
    env: () => undefined,
    activity: new Int32Array(1),
    places: { placeOf: () => "" },
    data: () => null,
    dataReceived: () => Promise.resolve(),
    onRunEnd: () => {},
    openFileLimit,
    clockSync: new ClockSync({ call: () => () => {} }, clock),
    connection: { connected: false, sendFrame: () => {} },
    onUnprepared: () => {},
    onWarning: (text) => warnings.push(text),
    onState: (state) => states.push(state),
  });
  return { clock, target, events, node, states, warnings };
}

function limited(source: RemoteIterationQuota | null): LimitedIterations | null {
  return source === null ? null : { source, classes: [0, 1] };
}

const START = { type: "START", elapsedSeconds: 2, resetCount: 0 } as const;

function assigned(
  classes: Record<string, number>,
  changes: Partial<Assignment> = {},
): Assignment {
  return assignment({ classes, rate: 1000, ...changes });
}

Deno.test("an assignment that arrives before the test begins is run when it does", async () => {
  const { clock, target, node, states } = scene();
  node.assign(assigned({ ATest: 1 }));
  node.assign(assigned({ ATest: 2, BTest: 1 }));
  await clock.advance(1_000);
  assert.equal(target.users(), 0);
  assert.deepEqual([node.hasBegun, node.reporter, node.elapsedSeconds], [false, null, 0]);
  await node.begin(START);
  await clock.advance(100);
  assert.deepEqual(target.usersOf(["ATest", "BTest"]), [2, 1]);
  assert.equal(node.hasBegun, true);
  assert.equal(node.elapsedSeconds, 2.1);
  assert.deepEqual(states, ["spawning", "running"]);
  await node.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("a node begins once, however often it gets START", async () => {
  const { clock, node, events } = scene();
  let starts = 0;
  events.on("testStart", () => void starts++);
  await Promise.all([node.begin(START), node.begin({ ...START, elapsedSeconds: 50 })]);
  assert.equal(starts, 1);
  assert.equal(node.elapsedSeconds, 2);
  await node.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("observers learn once of each reset of the counts, and not of those before the test", async () => {
  let resets = 0;
  const observer = { counted: () => {}, reset: () => void resets++ };
  const { node } = scene(null, undefined, { ...NO_OBSERVERS, requests: [observer] });
  await node.begin(START);
  assert.equal(resets, 0);
  await node.started({ type: "STARTED", userCount: 1, resetCount: 1 });
  await node.started({ type: "STARTED", userCount: 1, resetCount: 1 });
  assert.equal(resets, 1);
  await node.stop();
});

Deno.test("observers that take long to end do not hold up the final report", async () => {
  const ending = Promise.withResolvers<string[]>();
  const { clock, node, warnings } = scene(null, undefined, {
    ...NO_OBSERVERS,
    end: () => ending.promise,
  });
  await node.begin(START);
  const stopped = node.stop();
  await clock.advance(2000);
  await stopped;
  assert.deepEqual(warnings, []);
  ending.resolve(["A line is missing."]);
  await settle();
  assert.deepEqual(warnings, ["A line is missing."]);
  assert.equal(clock.pending, 0);
});

Deno.test("the time that testStart takes is part of the test", async () => {
  const { clock, node, events } = scene();
  events.on("testStart", () => clock.advance(700));
  await node.begin(START);
  assert.equal(node.elapsedSeconds, 2.7);
  await node.stop();
});

Deno.test("a node whose testStart never ends does not begin, and can be stopped meanwhile", async () => {
  const { clock, node, events, target } = scene();
  events.on("testStart", () => new Promise(() => {}));
  const begun = node.begin(START);
  const failed = assert.rejects(begun, /testStart have not ended within 30 s/);
  node.assign(assigned({ ATest: 1 }));
  await clock.advance(30_000);
  await failed;
  assert.deepEqual([target.users(), node.reporter], [0, null]);
  await node.stop();
  assert.equal(clock.pending, 0);

  const other = scene();
  other.events.on("testStart", () => new Promise(() => {}));
  void other.node.begin(START);
  await other.node.stop();
  assert.equal(other.target.users(), 0);
  assert.equal(other.clock.pending, 0);
});

Deno.test("a node does not wait for a testStop that never ends", async () => {
  const { clock, node, events, warnings } = scene();
  events.on("testStop", () => new Promise(() => {}));
  await node.begin(START);
  const stopped = node.stop();
  await clock.advance(5_000);
  await stopped;
  assert.deepEqual(warnings, ["Handlers of the event testStop have not ended within 5 s."]);
  assert.equal(clock.pending, 0);
});

Deno.test("a class that is not named has no users, and an unknown one is an error", async () => {
  const { clock, target, node } = scene();
  await node.begin(START);
  node.assign(assigned({ ATest: 2, BTest: 2 }));
  await clock.advance(100);
  node.assign(assigned({ BTest: 1, GhostTest: 0 }));
  await clock.advance(100);
  assert.deepEqual(target.usersOf(["ATest", "BTest"]), [0, 1]);
  assert.throws(() => node.assign(assigned({ GhostTest: 1 })), UsageError);
  assert.throws(() => node.assign(assigned({ toString: 1 })), UsageError);
  await node.stop();
});

Deno.test("users that are dropped are gone, and an assignment starts new ones", async () => {
  const { clock, target, node } = scene();
  await node.begin(START);
  node.assign(assigned({ ATest: 3 }));
  await clock.advance(100);
  assert.equal(node.dropUsers(), 3);
  await clock.advance(100);
  assert.deepEqual([node.users, target.users()], [0, 0]);
  assert.equal(node.dropUsers(), 0);
  node.assign(assigned({ ATest: 2 }));
  await clock.advance(100);
  assert.deepEqual(target.ids, [1, 2, 3, 4, 5]);
  await node.stop();
});

Deno.test("dropping users also drops the assignment that waits for the test", async () => {
  const { clock, target, node } = scene();
  node.assign(assigned({ ATest: 3 }));
  node.dropUsers();
  await node.begin(START);
  await clock.advance(100);
  assert.equal(target.users(), 0);
  await node.stop();
});

Deno.test("a node that never began has nothing to report, and emits no testStop", async () => {
  const { clock, node, events } = scene();
  events.on("testStop", () => assert.fail("testStop without testStart"));
  await node.stop();
  assert.equal(node.reporter, null);
  assert.equal(clock.pending, 0);
});

Deno.test("testStop is emitted when all users have stopped and the final report is made", async () => {
  const { clock, node, events } = scene();
  const seen: unknown[] = [];
  events.on("testStop", ({ run }) => void seen.push([run.userCount, node.reporter!.drained]));
  await node.begin(START);
  node.assign(assigned({ ATest: 3 }));
  await clock.advance(1_500);
  await node.stop();
  assert.deepEqual(seen, [[0, false]]);
});

Deno.test("more users than files may be open are reported with each assignment", async () => {
  const { node, warnings } = scene(52);
  await node.begin(START);
  node.assign(assigned({ ATest: 1, BTest: 1 }));
  assert.deepEqual(warnings, []);
  node.assign(assigned({ ATest: 2, BTest: 1 }));
  assert.match(warnings[0]!, /too low for 3 users/);
  await node.stop();
});

/** A quota of `count` iterations, and the calls that a worker makes to it. */
function iterationsOf(
  clock: FakeClock,
  count: number,
): { iterations: RemoteIterationQuota; calls: string[] } {
  let left = count;
  const calls: string[] = [];
  const iterations = new RemoteIterationQuota({
    call: ({ operation, args }, _, done) => {
      const [wanted] = JSON.parse(args);
      const granted = operation === "take" ? Math.min(left, wanted) : 0;
      if (operation !== "begun") left -= operation === "take" ? granted : -wanted;
      calls.push(`${operation} ${wanted}`);
      done({ result: "ok", value: String(granted) });
      return () => {};
    },
  }, clock);
  return { iterations, calls };
}

function arrivals(changes: Partial<ArrivalAssignment> = {}): ArrivalAssignment {
  return {
    rate: 10,
    since: 0,
    position: 0,
    until: Number.MAX_VALUE,
    limit: Number.MAX_SAFE_INTEGER,
    from: 0,
    of: 1,
    index: 0,
    maxUsers: 5,
    spacing: "constant",
    onBusy: "queue",
    classes: [],
    over: false,
    ...changes,
  };
}

Deno.test("a worker without users is ready, and does not keep the run from ending", async () => {
  const { clock, node, states } = scene();
  await node.begin({ ...START, elapsedSeconds: 0 });
  node.assign(assigned({ ATest: 0 }));
  assert.deepEqual(states, ["ready"]);
  node.assign(assigned({ ATest: 2 }));
  await clock.advance(100);
  node.assign(assigned({}));
  assert.deepEqual(states, ["ready", "spawning", "running", "ready"]);
  await stop(node, clock);
});

Deno.test("a worker without iterations left is exhausted, even with new users", async () => {
  const { clock, target, node, states } = scene(null, (clock) => iterationsOf(clock, 3).iterations);
  await node.begin({ ...START, elapsedSeconds: 0 });
  node.assign(assigned({ ATest: 2 }));
  await clock.advance(5_000);
  assert.equal(target.steps.length, 3);
  assert.equal(states.at(-1), "exhausted");
  node.assign(assigned({ ATest: 4 }));
  await clock.advance(5_000);
  assert.equal(states.at(-1), "exhausted");
  assert.equal(target.steps.length, 3);
  // Another master repeats the assignment of the one before.
  node.assign(assigned({ ATest: 4 }));
  assert.equal(states.at(-1), "exhausted");
  await stop(node, clock);
});

Deno.test("a worker that drops its users gives back the iterations that they have not begun", async () => {
  let shared: { iterations: RemoteIterationQuota; calls: string[] } | null = null;
  const { clock, target, node, states } = scene(
    null,
    (clock) => (shared = iterationsOf(clock, 1_000)).iterations,
  );
  await node.begin({ ...START, elapsedSeconds: 0 });
  node.assign(assigned({ ATest: 40 }));
  await clock.advance(1_500);
  node.dropUsers();
  await clock.advance(1_000);
  const { calls } = shared!;
  const sum = (operation: string): number =>
    calls.filter((one) => one.startsWith(operation))
      .reduce((sum, one) => sum + Number(one.split(" ")[1]), 0);
  assert.equal(sum("take") - sum("return"), target.steps.length);
  assert.equal(sum("begun"), target.steps.length);
  assert.equal(states.includes("exhausted"), false);
  await stop(node, clock);
  assert.equal(clock.pending, 0);
});

Deno.test("a worker that stops is not exhausted", async () => {
  const { clock, node, states } = scene(null, (clock) => iterationsOf(clock, 1_000).iterations);
  await node.begin({ ...START, elapsedSeconds: 0 });
  node.assign(assigned({ ATest: 4 }));
  await clock.advance(1_500);
  await stop(node, clock);
  assert.equal(states.at(-1), "running");
});

Deno.test("in the open model a worker begins the iterations of its share", async () => {
  const { clock, target, node, states } = scene();
  await node.begin({ ...START, elapsedSeconds: 0 });
  const mine = arrivals({ rate: 40, of: 2, index: 1, until: 2 });
  node.assign(assigned({}, { arrivals: [mine] }));
  await clock.advance(2_500);
  assert.deepEqual(
    target.steps.map(({ atMs }) => Math.round(atMs)),
    Array.from({ length: 40 }, (_, n) => 25 + 50 * n),
  );
  assert.deepEqual(states, ["running"]);
  node.assign(assigned({}));
  assert.deepEqual(states, ["running", "ready"]);
  await stop(node, clock);
});

Deno.test("in the open model a worker that has completed its last iteration is exhausted", async () => {
  const { clock, node, states } = scene();
  await node.begin({ ...START, elapsedSeconds: 0 });
  node.assign(assigned({}, { arrivals: [arrivals({ limit: 4, of: 2 })] }));
  await clock.advance(1_000);
  assert.deepEqual(states, ["running", "exhausted"]);
  await stop(node, clock);
  assert.deepEqual(states, ["running", "exhausted"]);
});

async function stop(node: WorkerNode, clock: FakeClock): Promise<void> {
  const stopped = node.stop();
  await clock.advance(5_000);
  await stopped;
}

interface ReporterScene {
  readonly clock: FakeClock;
  readonly generator: LoadGenerator;
  readonly reporter: Reporter;
  /** Whether there is a connection, and a master that acknowledges reports. */
  readonly connection: { connected: boolean; acknowledges: boolean };
  readonly sent: Message<"REPORT">[];
}

class StepTest extends User {
  static override waitTime = 1;
  testStep(): void {
    this.record({ name: "step", latencyMs: 1 });
  }
}

/** A node that begins when the run has lasted for `elapsedSeconds`. */
function reporterScene(elapsedSeconds = 0, delayMs = 1): ReporterScene {
  const clock = new FakeClock();
  const sent: Message<"REPORT">[] = [];
  const connection = {
    connected: true,
    acknowledges: true,
    sendFrame: (frame: Uint8Array): void => {
      const report = reportIn(frame);
      sent.push(report);
      if (connection.acknowledges) queueMicrotask(() => reporter.acknowledged(report.seq));
    },
  };
  const generator = loadGenerator(clock, [StepTest], { cpuSeconds: () => clock.now() / 4000 });
  generator.start(elapsedSeconds);
  const reporter: Reporter = new Reporter({
    runId: "run",
    clock,
    generator,
    connection,
    resetCount: 0,
    delayMs,
    onWarning: (text) => assert.fail(text),
  });
  reporter.start();
  return { clock, generator, reporter, connection, sent };
}

function requests(reports: readonly Message<"REPORT">[]): number {
  return reports.flatMap(({ seconds: users }) => users).reduce(
    (sum, { requests }) => sum + requests,
    0,
  );
}

async function end({ generator, reporter }: ReporterScene): Promise<void> {
  reporter.end();
  await generator.stopAll(0);
  generator.end();
}

Deno.test("each second is reported right after its end", async () => {
  const all = reporterScene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(1_000);
  assert.equal(all.sent.length, 0);
  await all.clock.advance(2_500);
  assert.deepEqual(all.sent.map(({ seq, from, to }) => [seq, from, to]), [
    [1, 0, 0],
    [2, 1, 1],
    [3, 2, 2],
  ]);
  assert.ok(all.sent.every(({ cpu }) => Math.abs(cpu - 0.25) < 1e-9));
  assert.equal(requests(all.sent), 6);
  assert.equal(all.reporter.lastSeq, 3);
  await end(all);
  assert.equal(all.clock.pending, 0);
});

Deno.test("1,000 workers report evenly over 0.8 s, and a few of them at once", () => {
  const delays = Array.from({ length: 1_000 }, (_, index) => reportDelayMs(index));
  assert.ok(delays.slice(0, 10).every((delay) => delay < 10));
  assert.ok(Math.min(...delays) >= 1 && Math.max(...delays) < 802);
  for (const nth of [0, 1, 2, 3]) {
    const inFifth = delays.filter((delay) => Math.floor((delay - 1) / 200) === nth).length;
    assert.equal(inFifth, 250);
  }
  assert.ok(reportDelayMs(9_999) < 802);
});

Deno.test("seconds are reported whole, however long after their end", async () => {
  await fc.assert(fc.asyncProperty(
    fc.nat(9_999),
    fc.double({ min: 0, max: 100, noNaN: true }),
    async (index, begin) => {
      const delayMs = reportDelayMs(index);
      const all = reporterScene(begin, delayMs);
      all.generator.setUsers([2], 0);
      await all.clock.advance(4_000);
      const first = Math.floor(begin);
      const now = begin + 4;
      const due = Array.from({ length: 6 }, (_, n) => first + n)
        .filter((second) => second + 1 + delayMs / 1000 < now - 1e-9);
      const reported = all.sent.map(({ from, to }) => [from, to]);
      assert.deepEqual(reported.slice(0, due.length), due.map((second) => [second, second]));
      assert.ok(reported.length <= due.length + 1);
      await end(all);
    },
  ));
});

Deno.test("a worker that begins late reports at the end of the run's seconds", async () => {
  const all = reporterScene(7.75);
  await all.clock.advance(300);
  assert.deepEqual(all.sent.map(({ from, to }) => [from, to]), [[7, 7]]);
  await all.clock.advance(1_000);
  assert.deepEqual(all.sent.map(({ from, to }) => [from, to]), [[7, 7], [8, 8]]);
  await end(all);
});

Deno.test("without a connection nothing is sent, and nothing is lost", async () => {
  const all = reporterScene();
  all.generator.setUsers([1], 0);
  all.connection.connected = false;
  await all.clock.advance(3_100);
  assert.equal(all.sent.length, 0);
  all.connection.connected = true;
  all.reporter.reconnected(0);
  await all.clock.advance(0);
  assert.deepEqual(all.sent.map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(requests(all.sent), 3);
  await end(all);
});

Deno.test("a report that the master lacks is sent again, unchanged", async () => {
  const all = reporterScene();
  all.connection.acknowledges = false;
  await all.clock.advance(1_100);
  all.reporter.resume(1);
  all.reporter.reconnected(0);
  assert.deepEqual(all.sent.map(({ seq }) => seq), [1, 1, 1]);
  assert.deepEqual(all.sent[2], all.sent[0]);
  await end(all);
});

Deno.test("what was counted before a new part of the run belongs to the old part", async () => {
  const all = reporterScene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(1_400);
  all.reporter.setResetCount(1);
  all.reporter.setResetCount(1);
  await all.clock.advance(2_000);
  // The rest of the second in which the new part began is counted with the next second.
  assert.deepEqual(all.sent.map((report) => [report.resetCount, report.to, requests([report])]), [
    [0, 0, 2],
    [0, 1, 2],
    [1, 2, 2],
  ]);
  await end(all);
});

Deno.test("the final report has the rest, and the reporter is drained once it is acknowledged", async () => {
  const all = reporterScene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(2_300);
  all.connection.acknowledges = false;
  await all.generator.stopAll(0);
  all.generator.end();
  all.reporter.finish();
  assert.deepEqual(all.sent.map(({ seq, final }) => [seq, final]), [
    [1, false],
    [2, false],
    [3, true],
  ]);
  assert.equal(requests(all.sent), 6);
  assert.equal(all.reporter.drained, false);
  all.reporter.acknowledged(3);
  assert.equal(all.reporter.drained, true);
  assert.equal(all.clock.pending, 0);
});
