import assert from "node:assert/strict";
import { openFilesProblem } from "../../src/runner/generator_health.ts";

Deno.test("each user needs a file, and the process some more", () => {
  assert.equal(openFilesProblem(950, 1000), null);
  assert.equal(
    openFilesProblem(951, 1000),
    "The open file limit of 1000 is too low for 951 users with a connection each: " +
      "raise it with `ulimit -n` before the test.",
  );
});

Deno.test("where nobody knows the limit, nobody is warned", () => {
  assert.equal(openFilesProblem(1e6, null), null);
});
