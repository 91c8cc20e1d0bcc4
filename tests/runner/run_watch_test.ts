import assert from "node:assert/strict";
import { ClassMix } from "../../src/load/class_mix.ts";
import { stepUntilItBreaks } from "../../src/load/curves.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { RunWatch, Warnings } from "../../src/runner/run_watch.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { intervalOf } from "../support/counts.ts";
import { openSnapshot } from "../support/open_snapshots.ts";
import { shopSnapshot } from "../support/snapshots.ts";
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

Deno.test("at the end, passes that were dropped are warned of, and why", () => {
  const scene = new Scene();
  scene.watch.aimed({ arrivalRate: 200, maxUsers: 50 }, 0, FREE);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.equal(scene.warnings.length, 1);
  assert.match(scene.warnings[0]!, /dropped, as this generator was itself too slow/);
});

Deno.test("users of fixed counts are all busy where there can be no more of them", () => {
  const scene = new Scene();
  scene.watch.aimed({ arrivalRate: 200, maxUsers: 50 }, 0, FIXED);
  scene.watch.conclude(openSnapshot(30, { dropped: 100 }), NO_SHORTAGE);
  assert.match(scene.warnings[0]!, /dropped, as all 14 users were busy/);
});

Deno.test("in the closed model nothing is said of how passes begin, but of what is missing", () => {
  const scene = new Scene();
  scene.watch.aimed({ users: 20, rate: 5 }, 0, FIXED);
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
    "20 users were asked for, but every class has a fixed count: 14 run.",
    "Some are missing.",
  ]);
});

Deno.test("a load that goes up step by step is judged by the seconds of each step", () => {
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
    scene.watch.aimed(target, second, FREE);
    scene.watch.count(
      intervalOf(samplesOf("arrivalRate" in target ? target.arrivalRate : 0), second),
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

Deno.test("thresholds are looked at every second, and end the run where that is wanted", () => {
  const scene = new Scene(["p95<10ms"], null, true);
  const shop = shopSnapshot(9);
  const thresholds = scene.watch.rows(shop.statistics, "running", 9);
  assert.deepEqual(thresholds.map(({ passed }) => passed), [false]);
  scene.watch.look({ ...shop, thresholds });
  assert.equal(scene.stops, 1);
  assert.equal(scene.watch.breakingPoint, null);
});
