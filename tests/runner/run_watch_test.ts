import assert from "node:assert/strict";
import type { WorkerStateName } from "../../src/cluster/protocol.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import { hold, inSequence, stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import {
  arrivalProblems,
  NaturalEnd,
  RunTime,
  RunWatch,
  StepWatch,
  ThresholdWatch,
  Warnings,
} from "../../src/runner/run_watch.ts";
import type { RunStatus, Snapshot } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { secondOf } from "../support/counts.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  iterations,
  latencies,
  openSnapshot,
  requestRow,
  shopSnapshot,
  snapshot,
  statistics,
} from "../support/snapshots.ts";
import { samplesOf } from "../support/steps.ts";

class Scene {
  readonly warnings: string[] = [];
  stops = 0;
  readonly watch: RunWatch;

  constructor(
    thresholds: readonly string[] = [],
    shape: LoadUserShape | null = null,
    abortOnThreshold = false,
  ) {
    this.watch = new RunWatch(
      { thresholds: new ThresholdSet(thresholds), abortOnThreshold },
      shape,
      new Warnings((text) => this.warnings.push(text)),
      () => this.stops++,
    );
  }
}

const FREE = new ClassMix([{ name: "ATest", weight: 1, fixedCount: 0 }]);
const FIXED = new ClassMix([{ name: "ATest", weight: 1, fixedCount: 14 }]);
const NO_SHORTAGE = { shortage: (): string[] => [] };

Deno.test("dropped iterations cause a warning at the end, with the reason", () => {
  const scene = new Scene();
  scene.watch.loadChanged({ arrivalRate: 200, maxUsers: 50 }, 0, FREE);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.equal(scene.warnings.length, 1);
  assert.match(scene.warnings[0]!, /dropped, because this load generator was too slow/);
});

Deno.test("users of fixed counts are all busy if no more of them can start", () => {
  const scene = new Scene();
  scene.watch.loadChanged({ arrivalRate: 200, maxUsers: 50 }, 0, FIXED);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.match(scene.warnings[0]!, /dropped, because all 14 users were busy/);
});

Deno.test("in the closed model only missing iterations cause a warning, not late ones", () => {
  const scene = new Scene();
  scene.watch.loadChanged({ users: 20, rate: 5 }, 0, FIXED);
  const asked: unknown[] = [];
  const shortage = (...given: unknown[]): string[] => {
    asked.push(given);
    return ["Some are missing."];
  };
  const { statistics, ...rest } = openSnapshot(30, { scheduled: 40, dropped: 39 });
  scene.watch.conclude({ ...rest, statistics, arrivalRate: null, complete: true }, { shortage });
  scene.watch.conclude(shopSnapshot(30, { complete: false }), { shortage });
  assert.deepEqual(asked, [[40, true], [0, false]]);
  assert.deepEqual(scene.warnings, [
    "20 users were requested, but all classes have a fixed count: only 14 will run.",
    "Some are missing.",
  ]);
});

Deno.test("a load that rises step by step is judged by the seconds of each step", () => {
  class Steps extends LoadUserShape {
    static override curve = stepUntilItBreaks({
      stepSeconds: 2,
      arrivalRate: { from: 10, step: 10, to: 30 },
    });
  }
  const shape = new Steps();
  const scene = new Scene(["p50<50ms"], shape);
  let view = scene.watch.view(0, false);
  assert.deepEqual(view, { crossed: null });
  const broken: (string | null)[] = [];
  for (let second = 0; second < 6; second++) {
    const target = shape.at(second, view);
    if (target === null) break;
    scene.watch.loadChanged(target, second, FREE);
    scene.watch.count(
      secondOf(samplesOf("arrivalRate" in target ? target.arrivalRate : 0), second),
    );
    view = scene.watch.view(second + 1, false);
    broken.push(view.crossed);
  }
  assert.deepEqual(broken, [null, null, null, null, "p50<50ms"]);
  assert.deepEqual(scene.watch.breakingPoint, {
    passed: { users: 1000, arrivalRate: 20 },
    broke: { users: 1000, arrivalRate: 30 },
    threshold: "p50<50ms",
  });
});

Deno.test("thresholds are checked every second, and end the run with --abort-on-threshold", () => {
  const scene = new Scene(["p95<10ms"], null, true);
  const shop = shopSnapshot(9);
  const thresholds = scene.watch.rows(shop.statistics, "running", 9);
  assert.deepEqual(thresholds.map(({ passed }) => passed), [false]);
  scene.watch.check({ ...shop, thresholds });
  assert.equal(scene.stops, 1);
  assert.equal(scene.watch.breakingPoint, null);
});

interface Watched {
  readonly warnings: string[];
  readonly stops: number;
  readonly watch: ThresholdWatch;
  /** Another second of a run with this `p50`, in milliseconds. */
  second(seconds: number, p50: number, state?: RunStatus, changes?: Partial<Snapshot>): boolean[];
}

function watched(expressions: string[], abortOnThreshold: boolean): Watched {
  const warnings: string[] = [];
  let stops = 0;
  const watch = new ThresholdWatch(
    { thresholds: new ThresholdSet(expressions), abortOnThreshold },
    new Warnings((text) => warnings.push(text)),
    () => stops++,
  );
  return {
    warnings,
    watch,
    get stops(): number {
      return stops;
    },
    second: (seconds, p50, state = "running", changes = {}) => {
      const row = requestRow({ requests: 10 * seconds, rate: 10, latencyMs: latencies(p50) });
      const counted = statistics({ totals: row, requests: [row], timeline: [] });
      const thresholds = watch.rows(counted, state, seconds);
      const times = { elapsedSeconds: seconds + 0.01, durationSeconds: seconds };
      watch.check(snapshot({ ...times, state, statistics: counted, thresholds, ...changes }));
      return thresholds.map(({ passed }) => passed);
    },
  };
}

Deno.test("a threshold ends no run without --abort-on-threshold", () => {
  const run = watched(["max<100ms"], false);
  assert.deepEqual(run.second(9, 12), [false]);
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("the first second that crosses one ends the run, once, and says why", () => {
  const run = watched(["count>=1", "max<500ms"], true);
  assert.deepEqual(run.second(1, 12), [true, true]);
  assert.equal(run.stops, 0);
  run.second(2, 13);
  run.second(3, 14);
  assert.equal(run.stops, 1);
  assert.deepEqual(run.warnings, [
    "The test was ended after 2 s, as max<500ms was crossed: 520 ms.",
  ]);
});

Deno.test("the threshold that has ended a run stays crossed, with the value it had", () => {
  const run = watched(["mean<20ms"], true);
  run.second(2, 20);
  assert.deepEqual(run.second(3, 12, "stopping"), [false]);
  const counted = statistics({ requests: [requestRow()] });
  assert.deepEqual(run.watch.rows(counted, "stopped", 10), [
    { expression: "mean<20ms", observed: 25, passed: false },
  ]);
});

Deno.test("a run that is already stopping is not ended again", () => {
  const run = watched(["max<100ms"], true);
  run.second(2, 12, "stopping");
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("a load that rises until something breaks is not ended by a threshold", () => {
  const run = watched(["max<100ms"], true);
  const breakingPoint = { passed: null, broke: null, threshold: null };
  run.second(9, 12, "running", { breakingPoint });
  assert.equal(run.stops, 0);
});

Deno.test("a rate is not too low in the first five seconds, or while users are starting", () => {
  const run = watched(["rps>=100"], true);
  assert.deepEqual(run.second(4, 12), [true]);
  assert.deepEqual(run.second(30, 12, "spawning"), [true]);
  assert.equal(run.stops, 0);
  assert.deepEqual(run.second(5, 12), [false]);
  assert.equal(run.stops, 1);
});

Deno.test("thresholds without a sample cause a warning at the end", () => {
  const run = watched(["p95[GET serach]<1s", "p95<1s"], false);
  run.watch.conclude(snapshot({ state: "stopped" }));
  assert.deepEqual(run.warnings, [
    "Threshold p95[GET serach]<1s: no request is named GET serach. The names are GET /.",
  ]);
  const never = watched(["p95<1s"], false);
  never.watch.conclude(snapshot({ state: "stopped", startedAt: null }));
  assert.deepEqual(never.warnings, []);
});

class Steps extends LoadUserShape {
  static override curve = inSequence(
    hold({ seconds: 2, users: 50 }),
    stepUntilItBreaks({ stepSeconds: 3, users: { from: 10, step: 10, to: 90 } }),
  );
}

/** Runs the steps against a target of 2 ms a user; what broke, and after how many seconds. */
function run(thresholds: readonly string[], late = 0): [StepWatch, seconds: number] {
  const shape = new Steps();
  const watch = new StepWatch(shape, new ThresholdSet(thresholds));
  const loads: number[] = [];
  for (let second = 0;; second++) {
    const target = shape.at(second, watch.view(second, false));
    if (target === null) return [watch, second];
    watch.enterStepAt(second);
    loads.push("users" in target ? target.users : 0);
    // Counts may arrive late.
    const counted = second - late;
    if (counted >= 0) watch.add(secondOf(samplesOf(loads[counted]!), counted));
  }
}

Deno.test("each step is judged by its own seconds, and nothing before the steps is", () => {
  const [watch, seconds] = run(["p99<70ms"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 30, arrivalRate: null },
    broke: { users: 40, arrivalRate: null },
    threshold: "p99<70ms",
  });
  // 2 s of 50 users, three steps of 3 s, and the first second of the fourth.
  assert.equal(seconds, 12);
});

Deno.test("late counts belong to their own step, or to none", () => {
  const [watch] = run(["p99<70ms"], 1);
  assert.deepEqual(watch.breakingPoint!.broke, { users: 40, arrivalRate: null });
});

Deno.test("a load that breaks nothing passes up to its highest step", () => {
  const [watch, seconds] = run(["p99<1s"]);
  assert.deepEqual(watch.breakingPoint, {
    passed: { users: 90, arrivalRate: null },
    broke: null,
    threshold: null,
  });
  assert.equal(seconds, 29);
});

Deno.test("other loads have no steps", () => {
  class Plain extends LoadUserShape {
    static override curve = hold({ seconds: 5, users: 50 });
  }
  for (const shape of [null, new Plain()]) {
    const watch = new StepWatch(shape, new ThresholdSet(["p99<1ms"]));
    shape?.at(0);
    watch.enterStepAt(0);
    watch.add(secondOf(samplesOf(50), 0));
    assert.deepEqual(watch.view(1, false), { crossed: null });
    assert.equal(watch.breakingPoint, null);
  }
});

Deno.test("the view leaves out seconds that some workers have not reported", () => {
  const shape = new Steps();
  shape.at(2);
  const watch = new StepWatch(shape, new ThresholdSet(["rps>=1"]));
  watch.enterStepAt(2);
  watch.add(secondOf(samplesOf(0), 2));
  watch.add(secondOf(samplesOf(10), 3));
  const seen: number[] = [];
  watch.view(4, false, (all) => {
    seen.push(...all.timeline.map(({ second }) => second));
    return all;
  });
  assert.deepEqual(seen, [2, 3]);
});

const BUSY = { peak: 50, max: 50 };
const ROOM = { peak: 14, max: 50 };
const ALL_BUSY = "because all 50 users were busy: allow more with --max-users, or lower the rate.";
const TOO_SLOW =
  "because this load generator was too slow: spread the load over more processes or " +
  "machines, or lower the rate.";

Deno.test("iterations that start in time cause no warning", () => {
  assert.deepEqual(arrivalProblems(iterations(), BUSY), []);
  const few = iterations({ dropped: 60, startDelayMs: { ...latencies(1), p99: 50 } });
  assert.deepEqual(arrivalProblems(few, BUSY), []);
});

Deno.test("more than 1 % dropped causes a warning, and so does a late 99th percentile", () => {
  const bad = iterations({ dropped: 61, startDelayMs: { ...latencies(1), p99: 50.1 } });
  assert.deepEqual(arrivalProblems(bad, BUSY), [
    `More than 1 % of the iterations were dropped, ${ALL_BUSY}`,
    `More than 1 % of the iterations started over 50 ms late, ${ALL_BUSY}`,
  ]);
});

Deno.test("if users were available, the load generator was too slow", () => {
  const late = iterations({ startDelayMs: { ...latencies(1), p99: 900 } });
  assert.deepEqual(arrivalProblems(late, ROOM), [
    `More than 1 % of the iterations started over 50 ms late, ${TOO_SLOW}`,
  ]);
  assert.deepEqual(arrivalProblems(iterations({ dropped: 3000 }), ROOM), [
    `More than 1 % of the iterations were dropped, ${TOO_SLOW}`,
  ]);
});

Deno.test("a run without iterations has no delay", () => {
  const none = iterations({ started: 0, startDelayMs: { ...latencies(1), p99: null } });
  assert.deepEqual(arrivalProblems(none, BUSY), []);
});

class NaturalEndScene {
  stops = 0;
  readonly driver = {
    spawning: false,
    stop: (): boolean => ++this.stops === 1,
  };
  readonly naturalEnd: NaturalEnd;

  constructor(
    { iterations = null, shape = null, resetStats = false }: {
      readonly iterations?: number | null;
      readonly shape?: LoadUserShape | null;
      readonly resetStats?: boolean;
    } = {},
  ) {
    this.naturalEnd = new NaturalEnd({ profile: { iterations, shape }, resetStats });
  }

  /** Whether a run ends whose workers are so. */
  look(states: readonly WorkerStateName[], settled = true): boolean {
    const before = this.stops;
    this.naturalEnd.check(states.map((state) => ({ state })), { settled }, this.driver);
    return this.stops > before;
  }
}

Deno.test("a run ends when the workers that had something to do have nothing left", () => {
  for (const iterations of [null, 100]) {
    const ends = (...states: WorkerStateName[]): boolean =>
      new NaturalEndScene({ iterations }).look(states);
    assert.equal(ends("exhausted", "exhausted"), true);
    assert.equal(ends("exhausted", "ready"), true);
    assert.equal(ends("exhausted", "running"), false);
    assert.equal(ends("exhausted", "spawning"), false);
    assert.equal(ends("ready", "ready"), false);
    assert.equal(ends(), false);
  }
});

Deno.test("a run does not end while users are still to start, but does without iterations", () => {
  const users = new NaturalEndScene();
  assert.equal(users.look(["exhausted"], false), false);
  users.driver.spawning = true;
  assert.equal(users.look(["exhausted"]), false);
  const shaped = new NaturalEndScene({ shape: new LoadUserShape() });
  assert.equal(shaped.look(["exhausted"]), false);
  const iterations = new NaturalEndScene({ iterations: 5, shape: new LoadUserShape() });
  iterations.driver.spawning = true;
  assert.equal(iterations.look(["exhausted"], false), true);
});

Deno.test("a run whose users have all ended continues if others are to start", () => {
  const scene = new NaturalEndScene();
  scene.naturalEnd.endWithoutUsers(null);
  scene.driver.spawning = true;
  scene.naturalEnd.endWithoutUsers(scene.driver);
  assert.equal(scene.stops, 0);
  scene.driver.spawning = false;
  scene.naturalEnd.endWithoutUsers(scene.driver);
  assert.equal(scene.stops, 1);
});

Deno.test("a run that has ended by itself says how many iterations it lacks, and why", () => {
  const scene = new NaturalEndScene({ iterations: 40 });
  scene.look(["exhausted"]);
  assert.deepEqual(scene.naturalEnd.shortage(40, true), []);
  assert.deepEqual(scene.naturalEnd.shortage(39, true), [
    "Only 39 of 40 iterations started: no user was left to start the others.",
  ]);
  assert.deepEqual(scene.naturalEnd.shortage(12, false), [
    "Only 12 of 40 iterations started, as far as is known: the others were lost with a worker.",
  ]);
});

Deno.test("a run that was stopped lacks no iterations, nor does one with --reset-stats", () => {
  const stopped = new NaturalEndScene({ iterations: 40 });
  stopped.driver.stop();
  stopped.look(["exhausted"]);
  assert.deepEqual(stopped.naturalEnd.shortage(12, true), []);
  const reset = new NaturalEndScene({ iterations: 40, resetStats: true });
  reset.look(["exhausted"]);
  assert.deepEqual(reset.naturalEnd.shortage(12, true), []);
  const free = new NaturalEndScene();
  free.look(["exhausted"]);
  assert.deepEqual(free.naturalEnd.shortage(12, true), []);
});

Deno.test("each warning is passed on and kept once, in order", () => {
  const seen: string[] = [];
  const warnings = new Warnings((text) => seen.push(text));
  warnings.add("b");
  warnings.addAll(["a", "b", "c"]);
  warnings.add("a");
  assert.deepEqual(seen, ["b", "a", "c"]);
  assert.deepEqual(warnings.texts, seen);
});

Deno.test("a run lasts from its start to its end", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  await clock.advance(700);
  assert.deepEqual([time.begun, time.elapsedSeconds, time.endedAt], [false, 0, null]);
  time.begin();
  await clock.advance(2_500);
  assert.deepEqual([time.begun, time.elapsedSeconds, time.endedAt], [true, 2.5, null]);
  time.end();
  await clock.advance(9_000);
  assert.equal(time.elapsedSeconds, 2.5);
  assert.equal(time.endedAt, Date.UTC(2026, 0, 1) + 3_200);
});

Deno.test("a run can start with the time it has already lasted", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  time.begin(60);
  await clock.advance(1_000);
  assert.equal(time.elapsedSeconds, 61);
});

Deno.test("the elapsed time can be corrected upwards, never downwards", async () => {
  const clock = new FakeClock();
  const time = new RunTime(clock);
  time.begin(10);
  await clock.advance(500);
  time.atLeast(9);
  assert.equal(time.elapsedSeconds, 10.5);
  time.atLeast(12);
  await clock.advance(500);
  assert.equal(time.elapsedSeconds, 12.5);
});
