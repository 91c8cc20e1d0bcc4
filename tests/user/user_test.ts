import assert from "node:assert/strict";
import { Lease } from "../../src/core/lease.ts";
import { User } from "../../src/user/user.ts";
import { testContext } from "../support/users.ts";

Deno.test("a measurement begun without the lease never settles, runs nothing, and is not counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { clock, context, recorded } = testContext({ lease });
  const user = new User({ ...context, signal: new AbortController().signal });
  let runs = 0;
  assert.equal(await user.measure("in time", () => ++runs), 1);
  await clock.advance(1_001);
  let settled = false;
  void user.measure("too late", () => ++runs).finally(() => settled = true).catch(() => {});
  await clock.advance(100_000);
  assert.deepEqual([settled, runs], [false, 1]);
  assert.deepEqual(recorded.samples.map(({ name }) => name), ["in time"]);
});

Deno.test("a measurement under way when the lease ran out is counted", async () => {
  const lease = new Lease(() => {});
  lease.grant(1_000);
  const { clock, context, recorded } = testContext({ lease });
  const user = new User({ ...context, signal: new AbortController().signal });
  await user.measure("long", () => clock.advance(5_000));
  assert.deepEqual(recorded.samples.map(({ name, latencyMs }) => [name, latencyMs]), [
    ["long", 5_000],
  ]);
});
