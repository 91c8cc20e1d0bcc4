import assert from "node:assert/strict";
import { Condition } from "../../src/runner/master.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

Deno.test("what is so already is not waited for", async () => {
  const clock = new FakeClock();
  assert.equal(await new Condition(clock).wait(() => true, 1000), true);
  assert.equal(clock.pending, 0);
});

Deno.test("the wait ends when somebody looks and it is so", async () => {
  const clock = new FakeClock();
  const condition = new Condition(clock);
  let count = 0;
  let result: boolean | null = null;
  void condition.wait(() => count === 2, 1000).then((so) => result = so);
  for (let looks = 0; looks < 2; looks++) {
    await settle();
    assert.equal(result, null);
    count++;
    condition.look();
  }
  await settle();
  assert.equal(result, true);
  assert.equal(clock.pending, 0);
});

Deno.test("after the limit it ends with false, whatever is so later", async () => {
  const clock = new FakeClock();
  const condition = new Condition(clock);
  let so = false;
  let result: boolean | null = null;
  void condition.wait(() => so, 1000).then((came) => result = came);
  await clock.advance(999);
  assert.equal(result, null);
  await clock.advance(1);
  assert.equal(result, false);
  so = true;
  condition.look();
  await settle();
  assert.equal(result, false);
});

Deno.test("without a limit it is waited for as long as it takes", async () => {
  const clock = new FakeClock();
  let result: boolean | null = null;
  void new Condition(clock).wait(() => false, null).then((came) => result = came);
  await clock.advance(1e9);
  assert.equal(result, null);
  assert.equal(clock.pending, 0);
});

Deno.test("looking at what nobody waits for does nothing", () => {
  new Condition(new FakeClock()).look();
});
