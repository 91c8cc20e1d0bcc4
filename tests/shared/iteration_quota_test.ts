import fc from "fast-check";
import assert from "node:assert/strict";
import type { Cancel, PerformedCall } from "../../src/shared/calls.ts";
import { IterationQuota } from "../../src/shared/iteration_quota.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A quota, and its answers. */
class Scene {
  readonly answers: string[] = [];
  /** The last block of each node. */
  readonly got = new Map<string, PerformedCall>();
  readonly clock = new FakeClock();
  readonly #store: IterationQuota;

  constructor(iterations: number) {
    this.#store = new IterationQuota(iterations, this.clock);
  }

  /** The users of the nodes a, b and so on. */
  async assign(...users: number[]): Promise<void> {
    for (const [index, count] of users.entries()) {
      this.#store.assigned(String.fromCharCode(97 + index), count);
    }
    await this.clock.advance(0);
  }

  ask(from: string, operation: string, count: unknown): Cancel {
    const call = { service: "passes", name: "", operation, args: JSON.stringify([count]) };
    return this.#store.perform(call, [count], (performed) => {
      const { result, value, changed } = performed;
      this.got.set(from, performed);
      this.answers.push(`${from} ${result} ${value}${changed ? " (changed)" : ""}`);
    }, from);
  }

  gone(from: string): void {
    this.#store.nodeLost(from);
  }

  /** The answers since the last call. */
  take(): string[] {
    return this.answers.splice(0);
  }
}

Deno.test("a block is at most a 16th of what is left, and the last iterations are handed out one by one", () => {
  const store = new Scene(100);
  const granted: number[] = [];
  for (let round = 0; round < 60; round++) {
    store.ask("a", "take", 50);
    const answer = store.take()[0];
    if (answer === undefined) break;
    granted.push(Number(/ok (\d+)/.exec(answer)![1]));
  }
  assert.deepEqual(granted.slice(0, 4), [7, 6, 6, 6]);
  assert.deepEqual(granted.slice(-16), new Array(16).fill(1));
  assert.equal(granted.reduce((sum, count) => sum + count), 100);
});

/** How many iterations the answer grants. */
function granted([answer]: readonly string[]): number {
  return answer === undefined ? 0 : Number(/ok (\d+)/.exec(answer)![1]);
}

Deno.test("nodes get shares in proportion to their users, in whatever order they ask", async () => {
  const store = new Scene(100);
  await store.assign(3, 1);
  store.ask("a", "take", 1000);
  assert.equal(granted(store.take()), 75);
  store.ask("a", "take", 1);
  assert.deepEqual(store.take(), []);
  store.ask("b", "take", 20);
  store.ask("b", "take", 20);
  assert.deepEqual(store.take(), ["b ok 20 (changed)", "b ok 5 (changed)"]);
});

Deno.test("the rest is divided again when the users change, or a node is lost", async () => {
  const store = new Scene(100);
  await store.assign(1, 1);
  store.ask("a", "take", 20);
  await store.assign(1, 2, 1);
  store.take();
  for (const node of ["a", "b"]) store.ask(node, "take", 1000);
  assert.deepEqual(store.take(), ["a ok 20 (changed)", "b ok 40 (changed)"]);
  store.ask("a", "take", 1000);
  store.gone("c");
  await store.clock.advance(0);
  assert.equal(granted(store.take()), 7);
});

Deno.test("a node whose share is used up gets a part of the others' after a second", async () => {
  const store = new Scene(40);
  await store.assign(1, 1);
  store.ask("a", "take", 20);
  store.ask("a", "take", 20);
  store.take();
  await store.clock.advance(999);
  assert.deepEqual(store.take(), []);
  await store.clock.advance(1);
  assert.equal(granted(store.take()), 10);
  for (const part of [5, 3, 1, 1]) {
    store.ask("a", "take", 20);
    await store.clock.advance(1_000);
    assert.equal(granted(store.take()), part);
  }
  assert.equal(store.clock.pending, 0);
});

Deno.test("a journal contains what was granted, so that a restarted master grants the same", async () => {
  const store = new Scene(100);
  await store.assign(1, 1);
  store.ask("a", "take", 1000);
  assert.deepEqual(store.got.get("a")!.replayAs, {
    service: "passes",
    name: "",
    operation: "granted",
    args: "[50]",
  });
  const next = new Scene(100);
  next.ask("a", "granted", 50);
  await next.assign(1, 1);
  next.ask("b", "take", 1000);
  assert.deepEqual(next.take(), ["a ok 50 (changed)", "b ok 25 (changed)"]);
});

Deno.test("a node that finds none waits until all have been started, and then gets none", () => {
  const store = new Scene(2);
  store.ask("a", "take", 1);
  store.ask("b", "take", 1);
  assert.deepEqual(store.take(), ["a ok 1 (changed)", "b ok 1 (changed)"]);
  store.ask("a", "take", 1);
  store.ask("a", "begun", 1);
  assert.deepEqual(store.take(), ["a ok null (changed)"]);
  store.ask("b", "begun", 1);
  assert.deepEqual(store.take(), ["b ok null (changed)", "a ok 0"]);
  store.ask("c", "take", 1);
  assert.deepEqual(store.take(), ["c ok 0"]);
});

Deno.test("returned iterations go to the node that has waited longest, after the journal is written", () => {
  const store = new Scene(1);
  store.ask("a", "take", 1);
  store.ask("b", "take", 3);
  store.ask("c", "take", 3);
  store.take();
  store.ask("a", "return", 1);
  assert.deepEqual(store.take(), ["a ok null (changed)", "b ok 1 (changed)"]);
  // The answer never arrived.
  store.got.get("b")!.giveBack!();
  assert.deepEqual(store.take(), ["c ok 1 (changed)"]);
});

Deno.test("what a lost node held is not handed out again, and no longer waited for", () => {
  const store = new Scene(2);
  store.ask("a", "take", 1);
  store.ask("b", "take", 1);
  store.ask("b", "begun", 1);
  store.ask("b", "take", 1);
  store.take();
  store.gone("a");
  assert.deepEqual(store.take(), ["b ok 0"]);
  // It was only disconnected, and now returns what it has not started.
  store.ask("a", "return", 1);
  store.ask("a", "take", 1);
  assert.deepEqual(store.take(), ["a ok null (changed)", "a ok 1 (changed)"]);
});

Deno.test("a cancelled wait gets nothing", () => {
  const store = new Scene(1);
  store.ask("a", "take", 1);
  store.ask("b", "take", 1)();
  store.ask("c", "take", 1);
  store.take();
  store.ask("a", "return", 1);
  assert.deepEqual(store.take(), ["a ok null (changed)", "c ok 1 (changed)"]);
});

for (const [operation, count] of [["take", 0], ["take", 1.5], ["return", "3"], ["begun", null]]) {
  Deno.test(`${operation} ${count} is refused, and changes nothing`, () => {
    const store = new Scene(16);
    store.ask("a", operation as string, count);
    assert.deepEqual(store.take(), [
      "a error iterations: the number must be a whole number of 1 or more",
    ]);
    store.ask("a", "take", 1);
    assert.deepEqual(store.take(), ["a ok 1 (changed)"]);
  });
}

Deno.test("iterations can only be taken, started and returned", () => {
  const store = new Scene(16);
  store.ask("a", "keep", 1);
  assert.deepEqual(store.take(), ["a error iterations cannot keep"]);
});

type Step = readonly [
  node: number,
  act: "take" | "begin" | "return" | "lose" | "go",
  count: number,
];

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(
    fc.nat(2),
    fc.constantFrom("take", "begin", "return", "lose", "go"),
    fc.integer({ min: 1, max: 9 }),
  ),
  { maxLength: 60 },
);

Deno.test("whatever is taken, returned and lost, no iteration is handed out twice, and no node waits forever", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 50 }), steps, (iterations, steps) => {
    const store = new IterationQuota(iterations, new FakeClock());
    const nodes = [0, 1, 2].map(() => ({
      held: 0,
      waits: false,
      last: null as PerformedCall | null,
    }));
    let begun = 0;
    let lost = 0;
    const ask = (node: number, operation: string, count: number): void => {
      const one = nodes[node]!;
      const call = { service: "passes", name: "", operation, args: "" };
      if (operation === "take") one.waits = true;
      store.perform(call, [count], (performed) => {
        if (operation !== "take") return;
        one.waits = false;
        one.last = performed;
        one.held += Number(performed.value);
      }, String(node));
    };
    for (const [node, act, count] of steps) {
      const one = nodes[node]!;
      const some = Math.min(one.held, count);
      if (act === "take" && !one.waits) ask(node, "take", count);
      if (act === "begin" && some > 0) {
        [one.held, begun] = [one.held - some, begun + some];
        ask(node, "begun", some);
      }
      if (act === "return" && some > 0) {
        one.held -= some;
        ask(node, "return", some);
      }
      if (act === "lose" && one.last?.giveBack && one.held >= Number(one.last.value)) {
        one.held -= Number(one.last.value);
        const { giveBack } = one.last;
        one.last = null;
        giveBack();
      }
      if (act === "go" && !one.waits) {
        [lost, one.held] = [lost + one.held, 0];
        one.last = null;
        store.nodeLost(String(node));
      }
      const held = nodes.reduce((sum, { held }) => sum + held, 0);
      assert.ok(begun + lost + held <= iterations);
    }
    for (const [node, one] of nodes.entries()) {
      const { held } = one;
      [one.held, begun] = [0, begun + held];
      if (held > 0) ask(node, "begun", held);
    }
    // Now only waiting nodes hold iterations, so they get more.
    for (let round = 0; round < 200; round++) {
      for (const [node, one] of nodes.entries()) {
        if (one.held > 0) {
          begun += one.held;
          const { held } = one;
          one.held = 0;
          ask(node, "begun", held);
        } else if (!one.waits) ask(node, "take", 5);
      }
    }
    assert.equal(begun + lost, iterations);
    assert.ok(nodes.every(({ waits }) => !waits));
  }));
});
