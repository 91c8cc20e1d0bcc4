import assert from "node:assert/strict";
import { RequestQuota } from "../../src/cli/commands/quick.ts";
import { settle } from "../support/fake_clock.ts";

Deno.test("a quota gives out as many as it has, and is done when the last of them is over", async () => {
  const quota = new RequestQuota(2);
  let done = false;
  void quota.done.then(() => done = true);
  assert.deepEqual([quota.take(), quota.take(), quota.take(), quota.take()], [
    true,
    true,
    false,
    false,
  ]);
  quota.settle();
  await settle();
  assert.equal(done, false);
  quota.settle();
  await settle();
  assert.equal(done, true);
});

Deno.test("a quota without an end never runs out", async () => {
  const quota = new RequestQuota(Infinity);
  let done = false;
  void quota.done.then(() => done = true);
  for (let i = 0; i < 1000; i++) {
    assert.equal(quota.take(), true);
    quota.settle();
  }
  await settle();
  assert.equal(done, false);
});
