import assert from "node:assert/strict";
import type { WorkerPhase } from "../../src/cluster/protocol.ts";
import { LoadUserShape } from "../../src/load/load_user_shape.ts";
import { Exhaustion } from "../../src/runner/run_watch.ts";

class Scene {
  stops = 0;
  readonly driver = {
    spawning: false,
    stop: (): boolean => ++this.stops === 1,
  };
  readonly exhaustion: Exhaustion;

  constructor(
    { iterations = null, shape = null, resetStats = false }: {
      readonly iterations?: number | null;
      readonly shape?: LoadUserShape | null;
      readonly resetStats?: boolean;
    } = {},
  ) {
    this.exhaustion = new Exhaustion({ profile: { iterations, shape }, resetStats });
  }

  /** Whether a run ends whose workers are so. */
  look(phases: readonly WorkerPhase[], settled = true): boolean {
    const before = this.stops;
    this.exhaustion.look(phases.map((phase) => ({ phase })), { settled }, this.driver);
    return this.stops > before;
  }
}

Deno.test("a run ends when those that had something to do have nothing left", () => {
  for (const iterations of [null, 100]) {
    const ends = (...phases: WorkerPhase[]): boolean => new Scene({ iterations }).look(phases);
    assert.equal(ends("exhausted", "exhausted"), true);
    assert.equal(ends("exhausted", "ready"), true);
    assert.equal(ends("exhausted", "running"), false);
    assert.equal(ends("exhausted", "spawning"), false);
    assert.equal(ends("ready", "ready"), false);
    assert.equal(ends(), false);
  }
});

Deno.test("users that have ended are not all, where more are to come; passes are", () => {
  const users = new Scene();
  assert.equal(users.look(["exhausted"], false), false);
  users.driver.spawning = true;
  assert.equal(users.look(["exhausted"]), false);
  const shaped = new Scene({ shape: new LoadUserShape() });
  assert.equal(shaped.look(["exhausted"]), false);
  const iterations = new Scene({ iterations: 5, shape: new LoadUserShape() });
  iterations.driver.spawning = true;
  assert.equal(iterations.look(["exhausted"], false), true);
});

Deno.test("a run whose users have all ended goes on where others are to start", () => {
  const scene = new Scene();
  scene.exhaustion.endWithoutUsers(null);
  scene.driver.spawning = true;
  scene.exhaustion.endWithoutUsers(scene.driver);
  assert.equal(scene.stops, 0);
  scene.driver.spawning = false;
  scene.exhaustion.endWithoutUsers(scene.driver);
  assert.equal(scene.stops, 1);
});

Deno.test("a run that has ended so says how many passes it lacks, and why", () => {
  const scene = new Scene({ iterations: 40 });
  scene.look(["exhausted"]);
  assert.deepEqual(scene.exhaustion.shortage(40, true), []);
  assert.deepEqual(scene.exhaustion.shortage(39, true), [
    "Only 39 of 40 passes were begun: no user was left to begin the others.",
  ]);
  assert.deepEqual(scene.exhaustion.shortage(12, false), [
    "Only 12 of 40 passes were begun, as far as is known: the others were lost with a worker.",
  ]);
});

Deno.test("a run that has ended in another way lacks nothing, nor does one that was not counted whole", () => {
  const stopped = new Scene({ iterations: 40 });
  stopped.driver.stop();
  stopped.look(["exhausted"]);
  assert.deepEqual(stopped.exhaustion.shortage(12, true), []);
  const reset = new Scene({ iterations: 40, resetStats: true });
  reset.look(["exhausted"]);
  assert.deepEqual(reset.exhaustion.shortage(12, true), []);
  const free = new Scene();
  free.look(["exhausted"]);
  assert.deepEqual(free.exhaustion.shortage(12, true), []);
});
