import assert from "node:assert/strict";
import { ShortageWatch } from "../../src/runner/shortages.ts";
import type { DryFeeder, EmptyQueue, Shortage } from "../../src/shared/shortages.ts";

/** A run, and what it has logged. */
class Scene {
  readonly logged: string[] = [];
  readonly watch: ShortageWatch;
  shortages: readonly Shortage[] = [];

  constructor() {
    this.watch = new ShortageWatch(() => this.shortages, (text) => this.logged.push(text));
  }

  /** What is said at a moment. */
  at(elapsedSeconds: number, ...shortages: readonly Shortage[]): readonly string[] {
    this.shortages = shortages;
    this.watch.check({ elapsedSeconds, users: 50 });
    return this.watch.texts;
  }

  /** What is said at the end. */
  end(elapsedSeconds: number, ...shortages: readonly Shortage[]): readonly string[] {
    this.shortages = shortages;
    this.watch.check({ elapsedSeconds, users: 50 }, true);
    return this.watch.texts;
  }
}

function dry(changes: Partial<DryFeeder> = {}): DryFeeder {
  return {
    ...{ kind: "feeder", name: "users", rows: 1000, onEmpty: "stop", refusals: 1, waiting: 0 },
    ...changes,
  };
}

function queue(uses: number, misses: number): EmptyQueue {
  return { kind: "queue", name: "orders", uses, misses };
}

Deno.test("a feeder without rows is logged once, and its warning counts the users that stopped", () => {
  const scene = new Scene();
  assert.deepEqual(scene.at(41.5), []);
  const first = "Feeder users has no more rows: all 1,000 were handed out within 42s; " +
    "1 of 50 users has stopped since.";
  assert.deepEqual(scene.at(41.9, dry()), [first]);
  const last = first.replace("1 of 50 users has", "30 of 50 users have");
  assert.deepEqual(scene.end(60, dry({ refusals: 30 })), [last]);
  assert.deepEqual(scene.logged, [first]);
});

Deno.test("a warning of a feeder follows onEmpty, and says if there are fewer rows than users", () => {
  const text = (feeder: Partial<DryFeeder>): string | undefined =>
    new Scene().at(0.2, dry(feeder))[0];
  assert.equal(
    text({ rows: 10, refusals: 40 }),
    "Feeder users has no more rows: all 10 were handed out within 1s; " +
      "40 of 50 users have stopped since. There are fewer rows than users.",
  );
  assert.equal(
    text({ onEmpty: "throw", refusals: 12_345 }),
    "Feeder users has no more rows: all 1,000 were handed out within 1s; " +
      "12,345 calls of next() have failed since.",
  );
  assert.equal(
    text({ rows: 1, onEmpty: "wait", refusals: 0, waiting: 49 }),
    "Feeder users has no more rows: its only row was handed out within 1s; " +
      "49 of 50 users are waiting for one. There are fewer rows than users.",
  );
  // In the open model, users that have stopped make room for others.
  assert.match(text({ refusals: 70 })!, /; 70 users have stopped since\.$/);
});

Deno.test("a queue that stays empty has a warning, until it is used again", () => {
  const scene = new Scene();
  assert.deepEqual(scene.at(1, queue(5, 100)), []);
  assert.deepEqual(scene.at(10, queue(5, 900)), []);
  const text =
    "Queue orders has been empty since the test had run for 1s: 1,000 calls of pop() found " +
    "nothing, and nothing was pushed.";
  assert.deepEqual(scene.at(11, queue(5, 1000)), [text]);
  assert.deepEqual(scene.at(12, queue(6, 20)), []);
  assert.deepEqual(scene.end(13, queue(6, 30)), []);
  assert.deepEqual(scene.logged, [text]);
});

Deno.test("a queue that never had a value has a warning even in a short run", () => {
  const scene = new Scene();
  assert.deepEqual(scene.at(1, queue(0, 100)), []);
  assert.deepEqual(scene.end(3, queue(0, 300)), [
    "Queue orders has never had a value: 300 calls of pop() found nothing.",
  ]);
  assert.deepEqual(new Scene().end(3, queue(0, 9)), []);
});
