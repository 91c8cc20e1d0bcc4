import assert from "node:assert/strict";
import { stopDeadline } from "../../src/runner/master.ts";

Deno.test("there is time for the tests, for onStop, and for the report", () => {
  assert.deepEqual([0, 2, 5, 30].map(stopDeadline), [15, 17, 20, 70]);
});
