import assert from "node:assert/strict";
import { CurrentRun } from "../../src/core/current_run.ts";
import { RUN } from "../support/users.ts";

Deno.test("there is no run to end while the test file is imported", () => {
  const run = new CurrentRun();
  assert.throws(() => run.fail("why"), {
    message: "run.fail: there is no run yet. Call it in init or later.",
  });
  assert.deepEqual([run.id, run.node, run.userCount, run.runTime, run.data], ["", "", 0, 0, null]);
  assert.equal(run.host, null);
});

Deno.test("calls in init reach the run, once of each kind, and later ones at once", () => {
  const run = new CurrentRun();
  const calls: string[] = [];
  run.prepare("w1", "http://a.test");
  assert.deepEqual([run.node, run.host], ["w1", "http://a.test"]);
  run.stop("first");
  run.stop("second");
  run.fail("third");
  run.attach({
    ...RUN,
    data: { id: 1 },
    stop: (reason) => calls.push(`stop ${reason}`),
    fail: (reason) => calls.push(`fail ${reason}`),
  });
  assert.deepEqual(calls, ["stop first", "fail third"]);
  run.stop("fourth");
  assert.deepEqual(calls.slice(2), ["stop fourth"]);
  assert.deepEqual([run.id, run.data], ["run", { id: 1 }]);
});
