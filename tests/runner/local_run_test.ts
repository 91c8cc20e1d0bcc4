import assert from "node:assert/strict";
import { PreparationError } from "../../src/core/errors.ts";
import { Events } from "../../src/core/events.ts";
import type { Load } from "../../src/load/load.ts";
import { LoadUserShape, type Tick } from "../../src/load/load_user_shape.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { FastHttpUser } from "../../src/user/fast_http_user.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { beginLocally as begin, type RunningLocally as Running } from "../support/local_runs.ts";

class StepTest extends User {
  static override waitTime = 1;

  testStep(): void {
    this.record({ name: "step", latencyMs: 10, bytes: 5 });
  }
}

Deno.test("what users do is counted, and the run lasts from the first start to the last stop", async () => {
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

Deno.test("observers end when all users have, and what they warn of becomes the run's", async () => {
  const counted: string[] = [];
  const observers = {
    ...NO_OBSERVERS,
    requests: [{ counted: () => void counted.push("counted") }],
    end: () => {
      counted.push("end");
      return Promise.resolve(["A line is missing."]);
    },
  };
  const running = begin([StepTest], { users: 1, runTime: 1.5 }, { observers });
  await running.clock.advance(10_000);
  assert.deepEqual(counted, ["counted", "counted", "end"]);
  assert.deepEqual(running.result!.warnings, ["A line is missing."]);
});

Deno.test("a relative URL without a host ends the run before it counts anything", async () => {
  class ShopTest extends FastHttpUser {
    async testSearch(): Promise<void> {
      await this.session.get("/search").catch(() => {});
    }
    async testPay(): Promise<void> {
      await this.session.post("/pay");
    }
  }
  const running = begin([ShopTest], { users: 3, rate: 1000, runTime: 60 });
  await running.clock.advance(3000);
  const { failure } = running.run;
  assert.ok(failure instanceof PreparationError);
  assert.equal(failure.exitCode, 2);
  assert.equal(failure.message, "ShopTest has no host, so it cannot request '/search'");
  const { statistics } = running.result!;
  assert.equal(statistics.totals.requests, 0);
  assert.equal(statistics.userErrors.length, 0);
});

Deno.test("users that are stopping count, and the report says why there were more than asked for", async () => {
  class SlowTest extends StepTest {
    override async onStop(): Promise<void> {
      await this.sleep(3);
    }
  }
  class UpAndDown extends LoadUserShape {
    override tick(): Tick | null {
      const seconds = this.getRunTime();
      if (seconds >= 6) return null;
      return [seconds >= 2 && seconds < 3 ? 2 : 4, 1000];
    }
  }
  const running = begin([SlowTest], { shape: new UpAndDown(), runTime: null });
  await running.clock.advance(15_000);
  assert.equal(running.result!.users.peak, 6);
  assert.deepEqual(running.result!.warnings, [
    "Up to 6 users ran at a time, but the load had at most 4: users that are stopped count until their test " +
    "and onStop have ended.",
  ]);
});

Deno.test("each second of the run is reported, even while users are stopping", async () => {
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

Deno.test("events are emitted in order, with their run", async () => {
  const events = new Events();
  const seen: string[] = [];
  events.on("testStart", ({ run }) => void seen.push(`testStart ${run.id} ${run.node}`));
  events.on("startComplete", ({ userCount }) => void seen.push(`startComplete ${userCount}`));
  events.on("testStop", ({ run }) => void seen.push(`testStop ${run.userCount} ${run.runTime}`));
  const running = begin([StepTest], { users: 3, rate: 2, runTime: 2 }, { events });
  await running.clock.advance(5000);
  assert.deepEqual(seen, ["testStart run-1 local", "startComplete 3", "testStop 0 2"]);
});

Deno.test("a request handler gets what is counted", async () => {
  const events = new Events();
  const seen: unknown[] = [];
  events.on("request", ({ at: _, ...event }) => void seen.push(event));
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
    userId: 1,
    userClass: "StepTest",
    iteration: 0,
    url: "",
    group: "",
    tags: {},
  }]);
});

Deno.test("resetStats discards the statistics and the time before all users ran", async () => {
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

Deno.test("resetStats tells observers, so that what they have seen since is what is counted", async () => {
  let counted = 0;
  const observer = { counted: () => void counted++, reset: () => void (counted = 0) };
  const running = begin([StepTest], { users: 3, rate: 1, runTime: 6 }, {
    resetStats: true,
    observers: { ...NO_OBSERVERS, requests: [observer] },
  });
  await running.clock.advance(10_000);
  assert.equal(counted, running.result!.statistics.totals.requests);
});

Deno.test("stop() ends the run early without losing counts", async () => {
  const running = begin([StepTest], { users: 2, rate: 1000 });
  await running.clock.advance(2500);
  running.run.stop();
  await running.clock.advance(0);
  assert.equal(running.result!.durationSeconds, 2.5);
  assert.equal(running.result!.statistics.totals.requests, 6);
});

Deno.test("a shape that fails ends the run, and what was counted is reported", async () => {
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

Deno.test("more users than open files allow cause one warning", async () => {
  const running = begin([StepTest], { users: 300, rate: 1000, runTime: 3 }, { openFileLimit: 256 });
  await running.clock.advance(5000);
  assert.equal(running.warnings.length, 1);
  assert.match(running.warnings[0]!, /open file limit of 256 is too low for 300 users/);
  assert.deepEqual(running.result!.warnings, running.warnings);
});

Deno.test("names beyond a thousand are counted under (other), with a warning", async () => {
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

Deno.test("a threshold ends the test at the end of the second that crosses it", async () => {
  class SlowTest extends User {
    static override waitTime = 0.25;

    testStep(): void {
      this.record({ name: "step", latencyMs: this.run.runTime < 2 ? 10 : 500 });
    }
  }
  const thresholds = new ThresholdSet(["max<400ms"]);
  const profile = { users: 1, runTime: 60 };
  const running = begin([SlowTest], profile, { thresholds, abortOnThreshold: true });
  await running.clock.advance(60_000);
  const result = running.result!;
  assert.equal(result.elapsedSeconds, 3);
  assert.deepEqual(result.thresholds, [
    { expression: "max<400ms", observed: 500, passed: false },
  ]);
  assert.deepEqual(result.warnings, [
    "The test was ended after 3 s, as max<400ms was crossed: 500 ms.",
  ]);
  assert.equal(running.clock.pending, 0);
});

/** Records events in order. */
function seen(events: Events): string[] {
  const names: string[] = [];
  for (const name of ["testStart", "startComplete", "testStop"] as const) {
    events.on(name, () => void names.push(name));
  }
  return names;
}

Deno.test("a run that waits for its start reports each second, and starts nothing", async () => {
  const events = new Events();
  const names = seen(events);
  const profile = { users: 2, rate: 1000, runTime: 1.5 };
  const running = begin([StepTest], profile, { events, waitsForStart: true });
  await running.clock.advance(60_500);
  assert.deepEqual(names, []);
  assert.equal(running.seconds.length, 61);
  const waiting = running.seconds.at(-1)!;
  assert.deepEqual(
    [waiting.state, waiting.startedAt, waiting.elapsedSeconds, waiting.users.current],
    ["ready", null, 0, 0],
  );
  assert.equal(running.run.control.canStart, true);

  running.run.control.start(null);
  await running.clock.advance(5000);
  const result = running.result!;
  assert.deepEqual(names, ["testStart", "startComplete", "testStop"]);
  assert.equal(result.startedAt, Date.UTC(2026, 0, 1) + 60_500);
  assert.equal(result.durationSeconds, 1.5);
  assert.deepEqual(result.users, { current: 0, target: 2, peak: 2, final: 2 });
  assert.equal(result.statistics.totals.requests, 4);
  assert.equal(running.clock.pending, 0);
});

Deno.test("a run that is stopped while it waits never starts", async () => {
  const events = new Events();
  const names = seen(events);
  const running = begin([StepTest], {}, { events, waitsForStart: true });
  await running.clock.advance(3300);
  running.run.stop();
  await running.clock.advance(0);
  const result = running.result!;
  assert.deepEqual(names, []);
  assert.deepEqual([result.state, result.complete], ["stopped", true]);
  assert.deepEqual([result.startedAt, result.durationSeconds], [null, 0]);
  assert.equal(result.statistics.totals.requests, 0);
  assert.deepEqual(result.warnings, []);
  assert.equal(running.clock.pending, 0);
});

Deno.test("a start may give a load other than that of the profile", async () => {
  const profile = { users: 50, rate: 1, runTime: 2.5 };
  const running = begin([StepTest], profile, { waitsForStart: true });
  await running.clock.advance(1000);
  running.run.control.start({ users: 3, rate: 1000 });
  await running.clock.advance(5000);
  assert.deepEqual(running.result!.users, { current: 0, target: 3, peak: 3, final: 3 });
  assert.equal(running.result!.statistics.totals.requests, 9);
});

Deno.test("a load that is changed during the run is applied and reported", async () => {
  const running = begin([StepTest], { users: 2, rate: 1000, runTime: 5.5 });
  await running.clock.advance(2500);
  running.run.control.changeLoad({ users: 5, rate: 1000 });
  assert.equal(running.run.snapshot().users.target, 5);
  await running.clock.advance(2000);
  assert.equal(running.run.snapshot().users.current, 5);
  running.run.control.changeLoad({ users: 1, rate: 1000 });
  await running.clock.advance(5000);
  const result = running.result!;
  assert.deepEqual(
    [result.elapsedSeconds, result.users.peak, result.users.final],
    [5.5, 5, 1],
  );
  assert.deepEqual(result.statistics.timeline.map(({ users }) => users), [2, 2, 5, 5, 1, 0]);
  assert.throws(() => running.run.control.changeLoad({ users: 2, rate: 1 }), {
    name: "UsageError",
    message: "The test is over.",
  });
});

Deno.test("an arrival rate that is changed during the run is followed to the iteration", async () => {
  const arrivals = { arrivalRate: 10, maxUsers: 50 };
  const running = begin([StepTest], { ...arrivals, runTime: 4 }, { waitsForStart: true });
  await running.clock.advance(700);
  running.run.control.start({ arrivalRate: 20, maxUsers: 40 });
  await running.clock.advance(2000);
  assert.deepEqual(
    [running.run.snapshot().arrivalRate, running.run.snapshot().users.target],
    [20, 40],
  );
  running.run.control.changeLoad({ arrivalRate: 5, maxUsers: 30 });
  await running.clock.advance(10_000);
  const { statistics: { totals, iterations }, arrivalRate, users } = running.result!;
  assert.equal(iterations!.scheduled, 2 * 20 + 2 * 5);
  assert.deepEqual([iterations!.completed, iterations!.dropped], [50, 0]);
  assert.equal(totals.requests, 50);
  assert.deepEqual([arrivalRate, users.target], [5, 30]);
});

Deno.test("stopping a run that has ended changes nothing", async () => {
  const events = new Events();
  const running = begin([StepTest], { runTime: 1 }, { events });
  events.on("testStop", () => running.run.stop());
  await running.clock.advance(3000);
  assert.deepEqual([running.result!.state, running.result!.complete], ["stopped", true]);
});

/** Scheduled, started, completed, dropped. */
function iterationCounts({ result }: Running): number[] {
  const { scheduled, started, completed, dropped } = result!.statistics.iterations!;
  return [scheduled, started, completed, dropped];
}

/** A class whose iteration takes as long as `target` says, in seconds. */
function slowClass(target: { seconds: number }): UserClass {
  return class SlowTest extends User {
    async testSlow(): Promise<void> {
      await this.measure("slow", () => this.sleep(target.seconds));
    }
  };
}

Deno.test("in the open model iterations start on schedule, and all that were due are counted", async () => {
  const running = begin([slowClass({ seconds: 0.1 })], {
    arrivalRate: 33,
    maxUsers: 10,
    runTime: 4.5,
  });
  await running.clock.advance(10_000);
  const result = running.result!;
  const { iterations, totals } = result.statistics;
  // 33 per second for 4.5 s are 148.5: the last one is due 15 ms before the end.
  assert.deepEqual(iterationCounts(running), [149, 149, 149, 0]);
  assert.equal(totals.requests, 149);
  assert.deepEqual(result.users, { current: 0, target: 10, peak: 4, final: 4 });
  assert.equal(result.arrivalRate, 33);
  assert.equal(iterations!.startDelayMs.max, 0);
  assert.ok(Math.abs(iterations!.serviceTimeMs.p50! - 100) < 0.2);
  assert.deepEqual(result.warnings, []);
  assert.equal(running.clock.pending, 0);
});

Deno.test("a target that stalls affects the latency, not the service time", async () => {
  const target = { seconds: 0.005 };
  const running = begin([slowClass(target)], {
    arrivalRate: 200,
    maxUsers: 4,
    runTime: 10,
  });
  await running.clock.advance(4_000);
  target.seconds = 1.4;
  await running.clock.advance(30);
  target.seconds = 0.005;
  await running.clock.advance(20_000);
  const { totals, iterations } = running.result!.statistics;
  assert.deepEqual(iterationCounts(running), [2_000, 2_000, 2_000, 0]);
  assert.ok(totals.latencyMs.p99! > 900, String(totals.latencyMs.p99));
  assert.ok(iterations!.serviceTimeMs.p99! < 20, String(iterations!.serviceTimeMs.p99));
  assert.ok(iterations!.startDelayMs.p99! > 900);
  assert.match(running.warnings[0]!, /started over 50 ms late, because all 4 users were busy/);
});

Deno.test("iterations that wait at the end are dropped, and many of them cause a warning", async () => {
  const running = begin([slowClass({ seconds: 1 })], {
    arrivalRate: 20,
    maxUsers: 5,
    runTime: 3,
    stopTimeout: 2,
  });
  await running.clock.advance(10_000);
  assert.deepEqual(iterationCounts(running), [60, 15, 15, 45]);
  assert.match(
    running.warnings[0]!,
    /1 % of the iterations were dropped, because all 5 users were busy/,
  );
});

Deno.test("a run with a limit ends with the last iteration, in either model", async () => {
  const closed = begin([StepTest], { users: 4, rate: 1000, iterations: 10 });
  const open = begin([StepTest], { arrivalRate: 4, maxUsers: 9, iterations: 10 });
  for (const running of [closed, open]) {
    await running.clock.advance(60_000);
    assert.deepEqual(iterationCounts(running), [10, 10, 10, 0]);
    assert.deepEqual(running.warnings, []);
    assert.equal(running.clock.pending, 0);
  }
  // The third iteration of each user is its last; the tenth iteration is due after 2.25 s.
  assert.ok(closed.result!.durationSeconds < 2.1 && closed.result!.durationSeconds >= 2);
  assert.ok(Math.abs(open.result!.durationSeconds - 2.25) < 0.02);
});

Deno.test("a run without an end ends with its last user, and reports what is missing", async () => {
  class FewTest extends StepTest {
    static override iterations = 2;
  }
  const free = begin([FewTest], { users: 3, rate: 1 });
  const counted = begin([FewTest], { users: 3, rate: 1, iterations: 7 });
  for (const running of [free, counted]) {
    await running.clock.advance(60_000);
    assert.equal(running.result!.statistics.totals.requests, 6);
    assert.ok(running.result!.durationSeconds < 4);
  }
  assert.equal(free.result!.statistics.iterations, null);
  assert.deepEqual(free.warnings, []);
  assert.deepEqual(counted.warnings, [
    "Only 6 of 7 iterations started: no user was left to start the others.",
  ]);
});

Deno.test("a run with a limit that is stopped early does not report missing iterations", async () => {
  const running = begin([StepTest], { users: 2, rate: 1000, iterations: 100 });
  await running.clock.advance(2_500);
  running.run.stop();
  await running.clock.advance(5_000);
  assert.deepEqual(iterationCounts(running), [6, 6, 6, 0]);
  assert.deepEqual(running.warnings, []);
});

Deno.test("a shape may give an arrival rate, and its end is the end of the schedule", async () => {
  class Rising extends LoadUserShape {
    override tick(): Load | null {
      const seconds = Math.floor(this.getRunTime());
      return seconds < 3 ? { arrivalRate: 10 * (seconds + 1), maxUsers: 7 } : null;
    }
  }
  const running = begin([StepTest], { shape: new Rising() });
  await running.clock.advance(10_000);
  assert.deepEqual(iterationCounts(running), [60, 60, 60, 0]);
  assert.deepEqual(
    running.result!.statistics.timeline.map(({ requests }) => requests),
    [10, 20, 30, 0],
  );
  assert.deepEqual([running.result!.arrivalRate, running.result!.users.target], [30, 7]);
});

Deno.test("a handler of testStart that throws ends the run before the first user starts", async () => {
  const events = new Events();
  events.on("testStart", () => Promise.reject(new Error("no test data")));
  const running = begin([StepTest], { users: 1, runTime: 1 }, { events });
  await running.clock.advance(5000);
  assert.equal(
    String(running.run.failure),
    "UsageError: A handler of the event testStart threw: no test data",
  );
  const { startedAt, statistics } = running.result!;
  assert.equal(startedAt, null);
  assert.equal(statistics.totals.requests, 0);
});

Deno.test("what handlers of testStop throw is counted as errors of users", async () => {
  const events = new Events();
  events.on("testStop", () => Promise.reject(new Error("cannot clean up")));
  events.on("testStop", () => {
    throw new Error("cannot clean up");
  });
  const running = begin([StepTest], { users: 1, runTime: 1.5 }, { events });
  await running.clock.advance(5000);
  const { userErrors, timeline } = running.result!.statistics;
  assert.deepEqual(userErrors, [{
    user: "(event testStop)",
    error: "cannot clean up",
    place: null,
    count: 2,
  }]);
  assert.equal(timeline.length, 2);
});

Deno.test("a testStart that never ends ends the run with an error, before any user starts", async () => {
  const running = begin([StepTest], { runTime: 3 }, { setupTimeout: 30 });
  running.events.on("testStart", () => new Promise(() => {}));
  await running.clock.advance(29_999);
  assert.equal(running.result, null);
  await running.clock.advance(1);
  assert.equal(running.result!.statistics.totals.requests, 0);
  assert.equal(running.result!.startedAt, null);
  assert.equal(
    String(running.run.failure),
    "UsageError: Handlers of the event testStart have not ended within 30 s",
  );
  assert.equal(running.clock.pending, 0);
});

Deno.test("a testStop that never ends is waited for as long as onStop, and the report says so", async () => {
  const running = begin([StepTest], { runTime: 3, stopTimeout: 7 });
  running.events.on("testStop", () => new Promise(() => {}));
  await running.clock.advance(3_000 + 6_999);
  assert.equal(running.result, null);
  await running.clock.advance(1);
  assert.deepEqual(running.result!.warnings, [
    "Handlers of the event testStop have not ended within 7 s.",
  ]);
  assert.equal(running.result!.complete, true);
  assert.equal(running.clock.pending, 0);
});

Deno.test("a run that is stopped does not wait for testStart or testStop", async () => {
  const running = begin([StepTest], { runTime: 3 });
  for (const name of ["testStart", "testStop"] as const) {
    running.events.on(name, () => new Promise(() => {}));
  }
  await running.clock.advance(1_000);
  running.run.stop();
  await running.clock.advance(0);
  assert.equal(running.result, null, "a testStop that has just begun gets its time");
  running.run.stop();
  await running.clock.advance(0);
  assert.equal(running.result!.statistics.totals.requests, 0);
  assert.equal(running.run.failure, null);
  assert.equal(running.clock.pending, 0);
});

Deno.test("setup, handlers, users and teardown are called in order, and see the data", async () => {
  const seen: string[] = [];
  const note = (text: string): void => void seen.push(text);
  class DataTest extends StepTest {
    override testStep(): void {
      note(`user ${JSON.stringify(this.run.data)}`);
    }
  }
  const running = begin([DataTest], { users: 1, runTime: 0.5 }, {
    functions: {
      setup: () => {
        note("setup");
        return Promise.resolve({ id: 1 });
      },
      teardown: (data) => note(`teardown ${JSON.stringify(data)}`),
    },
  });
  running.events.on("testStart", ({ run }) => note(`testStart ${JSON.stringify(run.data)}`));
  running.events.on("testStop", ({ run }) => note(`testStop ${JSON.stringify(run.data)}`));
  await running.clock.advance(3_000);
  const data = '{"id":1}';
  assert.deepEqual(seen, [
    "setup",
    `testStart ${data}`,
    `user ${data}`,
    `testStop ${data}`,
    `teardown ${data}`,
  ]);
  assert.equal(running.result!.runEnd, null);
  assert.equal(running.clock.pending, 0);
});

Deno.test("a setup that throws ends the run before the first user starts, with the place", async () => {
  const running = begin([StepTest], { users: 1, runTime: 1 }, {
    functions: {
      setup: () => Promise.reject(new TypeError("no stock")),
      teardown: () => assert.fail("teardown without setup"),
    },
    places: { placeOf: () => "shop.ts:3:9" },
  });
  await running.clock.advance(5_000);
  assert.equal(
    String(running.run.failure),
    "UsageError: setup threw: TypeError: no stock (shop.ts:3:9)",
  );
  assert.equal(running.result!.startedAt, null);
  assert.equal(running.result!.statistics.totals.requests, 0);
});

for (const kind of ["stop", "fail"] as const) {
  Deno.test(`run.${kind} of a user ends the run as if its time were over, and teardown follows`, async () => {
    class EndTest extends StepTest {
      override testStep(): void {
        super.testStep();
        if (this.run.runTime >= 2) this.run[kind]("no stock");
      }
    }
    let tornDown = 0;
    const running = begin([EndTest], { users: 3, rate: 1000, runTime: 60 }, {
      functions: { setup: null, teardown: () => void tornDown++ },
      thresholds: new ThresholdSet(["count>3"]),
    });
    await running.clock.advance(3_000);
    const { runEnd, thresholds, complete, durationSeconds } = running.result!;
    assert.deepEqual(runEnd, { kind, reason: "no stock", node: "local" });
    assert.deepEqual([complete, tornDown], [true, 1]);
    assert.ok(durationSeconds < 2.5);
    assert.equal(thresholds[0]!.passed, true);
    const said = `The run is ended by run.${kind}: no stock.`;
    assert.deepEqual(kind === "fail" ? running.warnings : running.infos, [said]);
  });
}

Deno.test("a run that ends itself before its start has no users, and judges no thresholds", async () => {
  type End = (running: Running) => void;
  const places: readonly End[] = [
    (running) => running.run.info.stop("enough"),
    ({ events }) => events.on("testStart", ({ run }) => run.stop("enough")),
  ];
  for (const end of places) {
    let tornDown = 0;
    const running = begin([StepTest], { users: 1, runTime: 5 }, {
      functions: { setup: () => 1, teardown: () => void tornDown++ },
      thresholds: new ThresholdSet(["p95<1s"]),
      waitsForStart: true,
    });
    end(running);
    running.run.control.cancelWait();
    await running.clock.advance(10_000);
    const { startedAt, runEnd, thresholds, complete } = running.result!;
    assert.deepEqual([startedAt, runEnd!.kind, complete], [null, "stop", true]);
    assert.deepEqual(thresholds.map(({ passed }) => passed), [true]);
    assert.equal(running.result!.statistics.totals.requests, 0);
    assert.ok(tornDown <= 1);
    assert.equal(running.clock.pending, 0);
  }
});

Deno.test("run.fail in testStop and in teardown still makes the run fail", async () => {
  for (const place of ["testStop", "teardown"]) {
    const running: Running = begin([StepTest], { users: 1, runTime: 1 }, {
      functions: {
        setup: null,
        teardown: () => {
          if (place === "teardown") running.run.info.fail(place);
        },
      },
    });
    running.events.on("testStop", ({ run }) => {
      if (place === "testStop") run.fail(place);
      run.stop("too late");
    });
    await running.clock.advance(5_000);
    assert.deepEqual(running.result!.runEnd, { kind: "fail", reason: place, node: "local" });
  }
});

Deno.test("what teardown throws is a user error and a warning", async () => {
  const running = begin([StepTest], { users: 1, runTime: 1 }, {
    functions: { setup: null, teardown: () => Promise.reject(new Error("cannot clean up")) },
    places: { placeOf: () => "shop.ts:9:1" },
  });
  await running.clock.advance(5_000);
  const { statistics, warnings } = running.result!;
  assert.deepEqual(statistics.userErrors, [
    { user: "(teardown)", error: "cannot clean up", place: "shop.ts:9:1", count: 1 },
  ]);
  assert.deepEqual(warnings, ["teardown threw: cannot clean up (shop.ts:9:1)."]);
});

Deno.test("if the process exits at once, requests in progress are unfinished and cross thresholds", async () => {
  class HangTest extends User {
    async testHang(): Promise<void> {
      await this.measure("hang", () => this.sleep(100));
    }
  }
  const running = begin([HangTest], { users: 3, rate: 1000, runTime: 60 }, {
    thresholds: new ThresholdSet(["unfinished==0", "max<2s"]),
  });
  await running.clock.advance(4_500);
  const { statistics, thresholds, complete } = running.run.cutOff();
  const { unfinished, inProgress } = statistics.totals;
  assert.deepEqual([unfinished, inProgress.count], [{ count: 3, oldestMs: 4_500 }, 0]);
  assert.deepEqual(thresholds.map(({ passed }) => passed), [false, false]);
  assert.equal(complete, false);
});

Deno.test("a load generator that does not run for a while says so, and when that was", async () => {
  const blocks = [0, 3_000, 900, 1_200];
  class StallTest extends StepTest {
    override testStep(): void {
      super.testStep();
      clock.block(blocks.shift() ?? 0);
    }
  }
  const running = begin([StallTest], { runTime: 12 });
  const { clock } = running;
  await clock.advance(20_000);
  const { warnings, statistics: { timeline } } = running.result!;
  const stalls = (texts: readonly string[]): string[] =>
    texts.filter((text) => text.includes("did not run"));
  const why = "it was suspended, or code of the test file blocked it. " +
    "Latencies measured then include this time.";
  assert.deepEqual(stalls(warnings), [
    `The load generator did not run 2 times, for 4.2 s in total (the longest: 3.0 s, until 4s of the ` +
    `test): ${why}`,
  ]);
  assert.deepEqual(stalls(running.warnings), [
    `The load generator did not run for 3.0 s, until 4s of the test: ${why}`,
    `The load generator did not run for 1.2 s, until 8s of the test: ${why}`,
  ]);
  const lags = timeline.map(({ maxLagMs }) => maxLagMs);
  assert.deepEqual(lags, [0, 0, 0, 0, 3_000, 900, 0, 0, 1_200, 0, 0, 0]);
});

Deno.test("a wall clock that is set during the run does not change when the run ended", async () => {
  for (const step of [-3_600_000, 3_600_000]) {
    const running = begin([StepTest], { runTime: 3 });
    await running.clock.advance(1_000);
    running.clock.setWallClock(step);
    await running.clock.advance(5_000);
    const { startedAt, endedAt, durationSeconds } = running.result!;
    assert.equal(startedAt, Date.UTC(2026, 0, 1));
    assert.equal(endedAt, startedAt + 3_000);
    assert.equal(durationSeconds, 3);
  }
});

/** Users whose third step never ends. */
class HangingTest extends User {
  static override waitTime = 1;
  #steps = 0;

  async testStep(): Promise<void> {
    if (++this.#steps < 3) return this.record({ name: "step", latencyMs: 10 });
    await this.measure("step", () => new Promise(() => {}));
  }
}

Deno.test("requests that never end are in progress during the run, and unfinished after it", async () => {
  const running = begin([HangingTest], { users: 4, rate: 1000, runTime: 8, stopTimeout: 1 });
  await running.clock.advance(20_000);
  const of = ({ statistics: { totals, requests } }: Snapshot): unknown[] =>
    [totals, ...requests].map(({ requests, inProgress, unfinished, lowerBounds, latencyMs }) => [
      [requests, lowerBounds, latencyMs.max],
      [inProgress.count, inProgress.oldestMs],
      [unfinished.count, unfinished.oldestMs],
    ]);
  const [first, third, seventh] = [0, 2, 6].map((i) => of(running.seconds[i]!));
  const none = [[4, false, 10], [0, null], [0, null]];
  assert.deepEqual(first, [none, none]);
  const early = [[8, false, 10], [4, 1000], [0, null]];
  assert.deepEqual(third, [early, early]);
  const later = [[8, true, 5000], [4, 5000], [0, null]];
  assert.deepEqual(seventh, [later, later]);
  // They are cut off 1 s after the end of the run, and abandoned 0.1 s after that.
  const end = [[8, true, 7100], [0, null], [4, 7100]];
  assert.deepEqual(of(running.result!), [end, end]);
});

Deno.test("requests that are cut off when the load is lowered are unfinished at once", async () => {
  const running = begin([HangingTest], { users: 4, rate: 1000, runTime: 20, stopTimeout: 1 });
  await running.clock.advance(5_000);
  running.run.control.changeLoad({ users: 1, rate: 1000 });
  await running.clock.advance(3_000);
  const { unfinished, inProgress } = running.seconds.at(-1)!.statistics.totals;
  assert.deepEqual([unfinished.count, inProgress.count], [3, 1]);
  await running.clock.advance(20_000);
  assert.equal(running.result!.statistics.totals.unfinished.count, 4);
});

Deno.test("iterations that are cut off are interrupted, in both models", async () => {
  for (
    const profile of [
      { users: 4, rate: 1000, iterations: 100 },
      { arrivalRate: 4, maxUsers: 6 },
    ]
  ) {
    const running = begin([HangingTest], { ...profile, runTime: 8, stopTimeout: 0 });
    await running.clock.advance(20_000);
    const { iterations, totals } = running.result!.statistics;
    const { scheduled, started, completed, interrupted, dropped } = iterations!;
    assert.equal(interrupted, totals.unfinished.count);
    assert.ok(interrupted > 3 && completed > 7, `${interrupted} ${completed}`);
    assert.deepEqual([started + dropped, completed + interrupted], [scheduled, started]);
    // The time of an iteration is at least the time until it was cut off.
    assert.ok(iterations!.serviceTimeMs.max! >= 5_000);
  }
});

class ShopTest extends FastHttpUser {
  static override waitTime = 1;
  async testBrowse(): Promise<void> {
    await Promise.resolve();
    throw new Error("no basket");
  }
  testBuy(): void {}
}

Deno.test("a warning names the tests that never ran, and why", async () => {
  const running = begin([ShopTest], { users: 3, rate: 1000, runTime: 9.5 });
  await running.clock.advance(20_000);
  const text = "ShopTest.testBuy never ran: in all 30 iterations an earlier test ended with an " +
    'error: "no basket" in testBrowse.';
  assert.deepEqual(running.warnings, [text]);
  assert.deepEqual(running.result!.warnings, [text]);
});

Deno.test("in the open model, a warning names the tests that never ran", async () => {
  const running = begin([ShopTest], { arrivalRate: 4, maxUsers: 10, runTime: 9.9 });
  await running.clock.advance(20_000);
  assert.deepEqual(running.result!.warnings, [
    "ShopTest.testBuy never ran: in all 40 iterations an earlier test ended with an error: " +
    '"no basket" in testBrowse.',
  ]);
});

Deno.test("a run that ends before a test, and random tests that never come up, are said differently", async () => {
  class RareTest extends ShopTest {
    static override order = "random" as const;
  }
  class SlowTest extends ShopTest {
    override async testBrowse(): Promise<void> {
      await this.sleep(5);
    }
  }
  for (
    const [userClass, text] of [
      [
        RareTest,
        "RareTest.testBrowse never ran: none of 2 iterations chose it (its weight is 1 of 2).",
      ],
      [SlowTest, "SlowTest.testBuy never ran: the run ended before an iteration got that far."],
    ] as const
  ) {
    const running = begin([userClass], { users: 1, runTime: 1.5 });
    await running.clock.advance(20_000);
    assert.deepEqual(running.result!.warnings, [text]);
  }
});
