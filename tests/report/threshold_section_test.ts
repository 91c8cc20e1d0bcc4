import assert from "node:assert/strict";
import { thresholdSection } from "../../src/report/final_report.ts";

const ROWS = [
  { expression: "p95<200ms", observed: 120.5, passed: true },
  { expression: "error_rate<1%", observed: 0.01004, passed: false },
  { expression: "p99[POST pay]<0.5s", observed: null, passed: false },
];

Deno.test("every threshold is told of in its order, with what was observed", () => {
  assert.deepEqual(thresholdSection(ROWS, { columns: 80, color: false }), [
    "Thresholds",
    "Threshold            Observed  Result",
    "────────────────────────────────────────",
    "p95<200ms            120.5 ms  ✓ passed",
    "error_rate<1%          1.004%  ✗ crossed",
    "p99[POST pay]<0.5s  no sample  ✗ crossed",
  ]);
  assert.deepEqual(thresholdSection([], { columns: 80, color: false }), []);
});

Deno.test("passed is green, and crossed is red", () => {
  const lines = thresholdSection(ROWS, { columns: 80, color: true });
  assert.ok(lines[3]!.endsWith("\x1b[32m✓ passed\x1b[0m"));
  assert.ok(lines[4]!.endsWith("\x1b[31m✗ crossed\x1b[0m"));
});
