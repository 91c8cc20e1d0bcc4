import assert from "node:assert/strict";
import { Events } from "../../src/core/events.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import type { Plan } from "../../src/load/plan.ts";
import { LocalRun, type LocalRunOptions } from "../../src/runner/local_run.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { discovered } from "../support/users.ts";

interface Running {
  readonly clock: FakeClock;
  readonly run: LocalRun;
  readonly seconds: Snapshot[];
  readonly warnings: string[];
  readonly events: Events;
  result: Snapshot | null;
}

function begin(
  classes: UserClass[],
  plan: Partial<Plan>,
  options: Partial<LocalRunOptions> = {},
): Running {
  const clock = new FakeClock();
  const seconds: Snapshot[] = [];
  const warnings: string[] = [];
  const events = options.events ?? new Events();
  const run = new LocalRun({
    runId: "run-1",
    hostname: "here",
    plan: { users: 1, rate: 1, runTime: null, stopTimeout: 2, shape: null, ...plan },
    classes: classes.map(discovered),
    mix: new ClassMix(classes),
    host: null,
    insecure: false,
    resetStats: false,
    events,
    clock,
    random: () => 0.5,
    cpuSeconds: () => 0,
    openFileLimit: null,
    warnings: [],
    env: () => undefined,
    onSecond: (snapshot) => seconds.push(snapshot),
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  const running: Running = { clock, run, seconds, warnings, events, result: null };
  void run.run().then((result) => running.result = result);
  return running;
}

class StepTest extends User {
  static override waitTime = 1;

  testStep(): void {
    this.record({ name: "step", latencyMs: 10, bytes: 5 });
  }
}

Deno.test("what users did is counted, and the run lasts from the first start to the last stop", async () => {
  const running = begin([StepTest], { users: 4, rate: 1000, runTime: 3.5 });
  await running.clock.advance(10_000);
  const result = running.result!;
  assert.equal(result.state, "stopped");
  assert.equal(result.complete, true);
  assert.equal(result.durationSeconds, 3.5);
  assert.equal(result.plannedSeconds, 3.5);
  assert.deepEqual(result.users, { current: 0, target: 4, peak: 4, final: 4 });
  assert.equal(result.startedAt, Date.UTC(2026, 0, 1));
  assert.equal(result.endedAt, Date.UTC(2026, 0, 1) + 3500);
  const { totals, requests, timeline } = result.statistics;
  // Each user steps at about 0, 1, 2 and 3 s.
  assert.equal(totals.requests, 16);
  assert.equal(totals.bytesReceived, 80);
  assert.equal(totals.rate, 16 / 3.5);
  assert.deepEqual(requests.map(({ method, name }) => [method, name]), [["TASK", "step"]]);
  assert.deepEqual(timeline.map(({ second, users, requests }) => [second, users, requests]), [
    [0, 4, 4],
    [1, 4, 4],
    [2, 4, 4],
    [3, 0, 4],
  ]);
  assert.equal(running.clock.pending, 0);
});

Deno.test("each second of the run is shown, also while users are stopping", async () => {
  class SlowTest extends User {
    async testSlow(): Promise<void> {
      await this.measure("slow", () => this.sleep(5));
    }
  }
  const running = begin([SlowTest], { runTime: 2, stopTimeout: 4 });
  await running.clock.advance(10_000);
  const states = running.seconds.map(({ durationSeconds, state }) => [durationSeconds, state]);
  assert.deepEqual(states, [
    [1, "running"],
    [3, "stopping"],
    [4, "stopping"],
  ]);
  assert.equal(running.result!.durationSeconds, 5);
  assert.equal(running.result!.statistics.totals.requests, 1);
});

Deno.test("events come in their order, with the run that they speak of", async () => {
  const events = new Events();
  const seen: string[] = [];
  events.on("testStart", ({ run }) => void seen.push(`testStart ${run.id} ${run.node}`));
  events.on("startComplete", ({ userCount }) => void seen.push(`startComplete ${userCount}`));
  events.on("testStop", ({ run }) => void seen.push(`testStop ${run.userCount} ${run.runTime}`));
  const running = begin([StepTest], { users: 3, rate: 2, runTime: 2 }, { events });
  await running.clock.advance(5000);
  assert.deepEqual(seen, ["testStart run-1 local", "startComplete 3", "testStop 0 2"]);
});

Deno.test("a request handler gets what was counted", async () => {
  const events = new Events();
  const seen: unknown[] = [];
  events.on("request", (event) => void seen.push(event));
  const running = begin([StepTest], { runTime: 0.5 }, { events });
  await running.clock.advance(1000);
  assert.equal(running.result!.statistics.totals.requests, 1);
  assert.deepEqual(seen, [{
    name: "step",
    method: "TASK",
    status: 0,
    latencyMs: 10,
    bytes: 5,
    error: null,
    userCount: 1,
  }]);
});

Deno.test("reset-stats drops what was counted before all users ran, and its time", async () => {
  const running = begin([StepTest], { users: 3, rate: 1, runTime: 6 }, { resetStats: true });
  await running.clock.advance(10_000);
  const result = running.result!;
  // The third user starts at 2 s; from then on three users step once a second for four seconds.
  assert.equal(result.durationSeconds, 4);
  assert.equal(result.elapsedSeconds, 6);
  assert.equal(result.users.peak, 3);
  assert.ok(result.statistics.totals.requests >= 12 && result.statistics.totals.requests <= 14);
  assert.equal(result.statistics.timeline[0]!.second, 2);
});

Deno.test("stop ends the run early, and nothing that was counted is lost", async () => {
  const running = begin([StepTest], { users: 2, rate: 1000 });
  await running.clock.advance(2500);
  running.run.stop();
  await running.clock.advance(0);
  assert.equal(running.result!.durationSeconds, 2.5);
  assert.equal(running.result!.statistics.totals.requests, 6);
});

Deno.test("a shape that fails half-way ends the run with what was counted", async () => {
  class BrokenShape extends LoadUserShape {
    override tick(): Tick | null {
      if (this.getRunTime() >= 2) throw new Error("no more");
      return [1, 1];
    }
  }
  const running = begin([StepTest], { shape: new BrokenShape() });
  await running.clock.advance(10_000);
  assert.match(String(running.run.failure), /BrokenShape\.tick\(\) at 2\.0 s threw: no more/);
  assert.equal(running.result!.state, "stopped");
  assert.ok(running.result!.statistics.totals.requests >= 2);
});

Deno.test("more users than files may be open is warned of, once", async () => {
  const running = begin([StepTest], { users: 300, rate: 1000, runTime: 3 }, { openFileLimit: 256 });
  await running.clock.advance(5000);
  assert.equal(running.warnings.length, 1);
  assert.match(running.warnings[0]!, /limit of open files is 256, too low for 300 users/);
  assert.deepEqual(running.result!.warnings, running.warnings);
});

Deno.test("over a thousand names are counted under (other), with a warning and nothing lost", async () => {
  class NamesTest extends User {
    testNames(): void {
      for (let i = 0; i < 1500; i++) this.record({ name: `item ${i}`, latencyMs: 1 });
    }
  }
  const running = begin([NamesTest], { runTime: 1.5 });
  await running.clock.advance(5000);
  const { totals, requests } = running.result!.statistics;
  assert.equal(totals.requests, 3000);
  assert.equal(requests.reduce((sum, row) => sum + row.requests, 0), 3000);
  assert.ok(requests.length <= 1001, String(requests.length));
  assert.ok(requests.some(({ name }) => name === "(other)"));
  assert.match(running.warnings[0]!, /More than 1,000 request names/);
});

Deno.test("weights and fixed counts say how many users of each class run", async () => {
  const running = new Map<string, number>();
  const counting = (name: string, weight: number, fixedCount: number): UserClass => {
    const userClass = class extends User {
      static override weight = weight;
      static override fixedCount = fixedCount;
      override onStart(): void {
        running.set(name, (running.get(name) ?? 0) + 1);
      }
      testNothing(): void {}
    };
    Object.defineProperty(userClass, "name", { value: name });
    return userClass;
  };
  const classes = [counting("ATest", 4, 0), counting("BTest", 1, 0), counting("CTest", 1, 2)];
  const local = begin(classes, { users: 12, rate: 1000, runTime: 1 });
  await local.clock.advance(2000);
  assert.deepEqual(Object.fromEntries(running), { ATest: 8, BTest: 2, CTest: 2 });
});
