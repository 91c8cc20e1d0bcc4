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
    "The highest load that passed: 100 passes/s; 200.5 passes/s crossed p95<1s.",
  );
  assert.equal(
    text(LOW, HIGH),
    "The highest load that passed: 100 passes/s; 200.5 passes/s did not.",
  );
  assert.equal(
    text(null, LOW, "p95<1s"),
    "Not even the first load passed: 100 passes/s crossed p95<1s.",
  );
  assert.equal(text(HIGH, null), "Every load passed, the highest with 200.5 passes/s.");
  assert.equal(text(null, null), "No load was held for long enough to be judged.");
});
