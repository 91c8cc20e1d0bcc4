import fc from "fast-check";
import assert from "node:assert/strict";
import { IterationQueue } from "../../src/runner/open_model_executor.ts";

Deno.test("the oldest comes first, however many come and go in between", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -300, max: 400 })), (steps) => {
    const queue = new IterationQueue();
    const model: number[] = [];
    let at = 0;
    for (const step of steps) {
      for (let n = 0; n < step; n++) {
        queue.push(++at);
        model.push(at);
      }
      for (let n = 0; n > step; n--) assert.equal(queue.shift(), model.shift() ?? null);
      assert.equal(queue.size, model.length);
    }
  }));
});

Deno.test("ten thousand that wait are taken in their order", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 10_000; n++) queue.push(n);
  for (let n = 0; n < 9_000; n++) assert.equal(queue.shift(), n);
  queue.push(10_000);
  assert.equal(queue.size, 1_001);
  assert.equal(queue.shift(), 9_000);
});

Deno.test("no more than a million wait", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 1_000_000; n++) assert.equal(queue.push(n), true);
  assert.equal(queue.push(0), false);
  assert.equal(queue.size, 1_000_000);
  queue.shift();
  assert.equal(queue.push(1_000_000), true);
});

Deno.test("a queue that was cleared begins anew", () => {
  const queue = new IterationQueue();
  for (let n = 0; n < 5; n++) queue.push(n);
  queue.shift();
  queue.clear();
  assert.deepEqual([queue.size, queue.shift()], [0, null]);
  queue.push(7);
  assert.deepEqual([queue.size, queue.shift()], [1, 7]);
});
