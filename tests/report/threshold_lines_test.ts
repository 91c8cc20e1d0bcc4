import assert from "node:assert/strict";
import { thresholdLines } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import type { ThresholdRow } from "../../src/stats/snapshot.ts";

function row(expression: string, observed: number | null, passed = true): ThresholdRow {
  return { expression, observed, passed };
}

function lines(rows: readonly ThresholdRow[], columns: number, most = 2, color = false): string[] {
  return thresholdLines(rows, columns, most).map((line) => renderLine(line, columns, color));
}

const THREE = [
  row("p95<200ms", 36.04),
  row("error_rate<1%", 0.0251, false),
  row("p99[POST pay]<0.5s", null),
];

Deno.test("each threshold has a mark and what is observed now, as many in a line as fit", () => {
  assert.deepEqual(lines(THREE, 120), [
    "thresholds  ✓ p95<200ms 36.04 ms   ✗ error_rate<1% 2.51%      · p99[POST pay]<0.5s -",
  ]);
  assert.deepEqual(lines(THREE, 70), [
    "thresholds  ✓ p95<200ms 36.04 ms   ✗ error_rate<1% 2.51%",
    "            · p99[POST pay]<0.5s -",
  ]);
  assert.deepEqual(lines([], 80), []);
});

Deno.test("where there is no room for all, crossed ones are shown before others", () => {
  assert.deepEqual(lines(THREE, 60, 1), ["thresholds  ✗ error_rate<1% 2.51%      and 2 more"]);
  const many = Array.from({ length: 50 }, (_, i) => row(`p${i}<1s`, 900 + i, i !== 33));
  const shown = lines(many, 80, 3);
  assert.equal(shown.length, 3);
  assert.ok(shown[0]!.startsWith("thresholds  ✗ p33<1s 933 ms"));
  const count = shown.join("\n").match(/[✓✗]/g)?.length ?? 0;
  assert.ok(shown[2]!.endsWith(`and ${50 - count} more`));
  assert.deepEqual(lines(THREE, 60, 0), []);
});

Deno.test("one that is wider than the line loses the middle of its name, not what was observed", () => {
  const name = `p95[GET /${"segment/".repeat(9)}end]<200ms`;
  assert.deepEqual(lines([row(name, 250, false)], 70), [
    "thresholds  ✗ p95[GET /segment/seg…/segment/end]<200ms 250 ms",
  ]);
});

Deno.test("crossed ones are red", () => {
  assert.deepEqual(lines(THREE.slice(1, 2), 60, 1, true), [
    "\x1b[2mthresholds  \x1b[0m\x1b[31m✗\x1b[0m error_rate<1% \x1b[31m2.51%\x1b[0m",
  ]);
});
