import assert from "node:assert/strict";
import { breakingPointText } from "../../src/report/verdict.ts";

const LOW = { users: 50, arrivalRate: 100 };
const HIGH = { users: 50, arrivalRate: 200.5 };

Deno.test("what was found is said in one sentence, whatever it was", () => {
  const text = (
    passed: typeof LOW | null,
    broke: typeof LOW | null,
    threshold: string | null = null,
  ): string => breakingPointText({ passed, broke, threshold });
  assert.equal(
    text(LOW, HIGH, "p95<1s"),
    "100 iterations/s passed, 200.5 iterations/s crossed p95<1s.",
  );
  assert.equal(
    text(LOW, HIGH),
    "100 iterations/s passed, 200.5 iterations/s did not pass.",
  );
  assert.equal(
    text(null, LOW, "p95<1s"),
    "The first load of 100 iterations/s crossed p95<1s.",
  );
  assert.equal(text(HIGH, null), "Every load up to 200.5 iterations/s passed.");
  assert.equal(text(null, null), "No load ran long enough to be judged.");
});
