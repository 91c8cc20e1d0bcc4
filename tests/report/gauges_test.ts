import assert from "node:assert/strict";
import { cpuGauge, isStrained, lagGauge } from "../../src/report/worker_counts.ts";

Deno.test("a core is a warning from 90 % on, a late loop from 50 ms on", () => {
  assert.deepEqual([0.899, 0.9].map(cpuGauge), [
    { text: "90%", tone: "plain" },
    { text: "90%", tone: "warning" },
  ]);
  assert.deepEqual([49.9, 50].map(lagGauge), [
    { text: "49.9", tone: "plain" },
    { text: "50.0", tone: "warning" },
  ]);
});

Deno.test("either of them strains a process", () => {
  assert.deepEqual([isStrained(0.9, 0), isStrained(0, 50), isStrained(0.89, 49)], [
    true,
    true,
    false,
  ]);
});
