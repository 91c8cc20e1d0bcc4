import assert from "node:assert/strict";
import type { WorkerStateName } from "../../src/cluster/protocol.ts";
import type { ClassWeight } from "../../src/load/class_mix.ts";
import { stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { WorkerState } from "../../src/cluster/run_state.ts";
import { Allocator } from "../../src/runner/allocation.ts";
import { NaturalEnd, RunWatch } from "../../src/runner/run_watch.ts";
import { Warnings } from "../../src/runner/warnings.ts";
import type { Shortage } from "../../src/shared/shortages.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { secondOf } from "../support/counts.ts";
import { openSnapshot, shopSnapshot } from "../support/snapshots.ts";
import { partsOf, profileOf } from "../support/load_profiles.ts";
import { samplesOf } from "../support/steps.ts";

class Scene {
  readonly warnings: string[] = [];
  stops = 0;
  shortages: readonly Shortage[] = [];
  readonly watch: RunWatch;

  constructor(
    thresholds: readonly string[] = [],
    shape: LoadUserShape | null = null,
    abortOnThreshold = false,
    classes: readonly ClassWeight[] = FREE,
  ) {
    this.watch = new RunWatch(
      {
        thresholds: new ThresholdSet(thresholds),
        abortOnThreshold,
        abortAfter: 0,
        onWarning: (text) => this.warnings.push(text),
        shortages: () => this.shortages,
      },
      partsOf(profileOf({ shape }), classes.map((one) => ({ ...one, load: null }))),
      new Warnings((text) => this.warnings.push(text)),
      () => this.stops++,
      () => {},
    );
  }
}

const FREE = [{ name: "ATest", weight: 1, fixedCount: 0 }];
const FIXED = [{ name: "ATest", weight: 1, fixedCount: 14 }];
const NO_SHORTAGE = { shortage: (): string[] => [] };

Deno.test("dropped iterations cause a warning at the end, with the reason", () => {
  const scene = new Scene();
  scene.watch.loadChanged({ arrivalRate: 200, maxUsers: 50 }, 0, 0);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.equal(scene.warnings.length, 1);
  assert.match(scene.warnings[0]!, /dropped, because this load generator was too slow/);
});

Deno.test("users of fixed counts are all busy if no more of them can start", () => {
  const scene = new Scene([], null, false, FIXED);
  scene.watch.loadChanged({ arrivalRate: 200, maxUsers: 50 }, 0, 0);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.match(scene.warnings[0]!, /dropped, because all 14 users were busy/);
});

Deno.test("in the closed model only missing iterations cause a warning, not late ones", () => {
  const scene = new Scene([], null, false, FIXED);
  scene.watch.loadChanged({ users: 20, rate: 5 }, 0, 0);
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

class TickShape extends LoadUserShape {
  override tick(): null {
    return null;
  }
}

const THREE = [["MainTest", 8], ["PayTest", 1], ["OffTest", 0]].map(([name, weight]) => ({
  name: name as string,
  weight: weight as number,
  fixedCount: 0,
}));

Deno.test("classes that a shape of its own code left without a user are named at the end", () => {
  const concluded = (shape: LoadUserShape | null, ...counts: number[]): string[] => {
    const scene = new Scene([], shape, false, THREE);
    scene.watch.loadChanged({ users: 9, rate: 1 }, 0, 0);
    for (const count of counts) scene.watch.usersAssigned([count, 0, 0]);
    const snapshot = shopSnapshot(30, { arrivalRate: null });
    scene.watch.conclude({ ...snapshot, users: { ...snapshot.users, peak: 1 } }, NO_SHORTAGE);
    return scene.warnings.filter((text) => text.includes("never had a user"));
  };
  assert.deepEqual(concluded(new TickShape(), 2, 3, 1), [
    "PayTest never had a user: at most 3 users were divided by weight and fixed count. " +
    "From 5 users on, each class has one.",
  ]);
  assert.deepEqual(concluded(new TickShape(), 5, 1), []);
  assert.deepEqual(concluded(null, 1), []);
});

Deno.test("a shape of its own code that allows fewer users than classes is reported at the end", () => {
  for (const [maxUsers, warns] of [[1, true], [2, false]] as const) {
    const scene = new Scene([], new TickShape(), false, THREE);
    scene.watch.loadChanged({ arrivalRate: 9, maxUsers }, 0, 0);
    scene.watch.conclude(openSnapshot(30), NO_SHORTAGE);
    const found = scene.warnings.filter((text) => text.includes("there are 2 user classes"));
    assert.equal(found.length, warns ? 1 : 0);
  }
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
  let view = scene.watch.view(0, 0, false, []);
  assert.deepEqual(view, { crossed: null });
  const broken: (string | null)[] = [];
  for (let second = 0; second < 6; second++) {
    const target = shape.at(second, view);
    if (target === null) break;
    scene.watch.loadChanged(target, second, 0);
    scene.watch.count(
      secondOf(samplesOf("arrivalRate" in target ? target.arrivalRate : 0), second),
    );
    view = scene.watch.view(0, second + 1, false, []);
    broken.push(view.crossed);
  }
  assert.deepEqual(broken, [null, null, null, null, "p50<50ms"]);
  assert.deepEqual(scene.watch.breakingPoint, {
    className: null,
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

class NaturalEndScene {
  stops = 0;
  readonly driver = {
    spawning: false,
    rising: false,
    mayRise: (): boolean => this.driver.rising,
    isSpawning: (): boolean => this.driver.spawning,
    isOver: (): boolean => false,
    endPart: (): boolean => ++this.stops === 1,
  };
  readonly naturalEnd: NaturalEnd;

  constructor(
    { iterations = null, shape = null, resetStats = false }: {
      readonly iterations?: number | null;
      readonly shape?: LoadUserShape | null;
      readonly resetStats?: boolean;
    } = {},
  ) {
    const parts = partsOf(profileOf({ iterations, shape }));
    this.naturalEnd = new NaturalEnd({ parts, resetStats });
  }

  /** Whether a run ends whose workers are so. */
  look(states: readonly WorkerStateName[], settled = true): boolean {
    const before = this.stops;
    const workers = states.map((state, index) => {
      const id = `w${index}`;
      const worker = new WorkerState({ id, incarnation: id, index, host: "box" });
      worker.state = state;
      return worker;
    });
    const allocator = new Allocator({
      parts: partsOf(),
      classNames: ["ATest"],
      clock: new FakeClock(),
      elapsed: () => 0,
      workers: { available: [], assign: () => {} },
    });
    const isExhausted = allocator.isExhausted.bind(allocator);
    this.naturalEnd.check(workers, { settled, isExhausted }, this.driver);
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
  shaped.driver.rising = true;
  assert.equal(shaped.look(["exhausted"]), false);
  shaped.driver.rising = false;
  assert.equal(shaped.look(["exhausted"]), true);
  const iterations = new NaturalEndScene({ iterations: 5, shape: new LoadUserShape() });
  iterations.driver.spawning = true;
  assert.equal(iterations.look(["exhausted"], false), true);
});

Deno.test("a run whose users have all ended continues if others are to start", () => {
  const scene = new NaturalEndScene();
  scene.naturalEnd.endWithoutUsers(0, null);
  scene.driver.spawning = true;
  scene.naturalEnd.endWithoutUsers(0, scene.driver);
  assert.equal(scene.stops, 0);
  scene.driver.spawning = false;
  scene.naturalEnd.endWithoutUsers(0, scene.driver);
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
  stopped.driver.endPart();
  stopped.look(["exhausted"]);
  assert.deepEqual(stopped.naturalEnd.shortage(12, true), []);
  const reset = new NaturalEndScene({ iterations: 40, resetStats: true });
  reset.look(["exhausted"]);
  assert.deepEqual(reset.naturalEnd.shortage(12, true), []);
  const free = new NaturalEndScene();
  free.look(["exhausted"]);
  assert.deepEqual(free.naturalEnd.shortage(12, true), []);
});

Deno.test("what users lack is a warning every second and at the end", () => {
  const scene = new Scene();
  const queue = { kind: "queue", name: "orders", uses: 0, misses: 10 } as const;
  scene.watch.check(shopSnapshot(30));
  assert.deepEqual(scene.watch.shortages, []);
  scene.shortages = [queue];
  scene.watch.conclude(shopSnapshot(31), NO_SHORTAGE);
  const text = "Queue orders has never had a value: 10 calls of pop() found nothing.";
  assert.deepEqual(scene.watch.shortages, [text]);
  assert.deepEqual(scene.warnings, [text]);
});
