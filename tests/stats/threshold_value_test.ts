import assert from "node:assert/strict";
import type { MetricKind } from "../../src/stats/threshold_metrics.ts";
import { valueOf } from "../../src/stats/thresholds.ts";

Deno.test("values have the unit of their kind", () => {
  const good: readonly [text: string, kind: MetricKind, value: number][] = [
    ["200", "time", 200],
    ["200 ms", "time", 200],
    ["0.29s", "time", 290],
    ["1.5m", "time", 90_000],
    ["250us", "time", 0.25],
    ["250\u00b5s", "time", 0.25],
    ["250\u03bcs", "time", 0.25],
    ["7%", "share", 0.07],
    ["0.29%", "share", 0.0029],
    ["100%", "share", 1],
    ["1", "share", 1],
    ["5.", "count", 5],
    ["1000/s", "rate", 1000],
    ["12.5", "rate", 12.5],
  ];
  for (const [text, kind, value] of good) assert.equal(valueOf(text, kind), value, text);
});

Deno.test("for an invalid value, a description of the expected one is returned", () => {
  const bad: readonly [text: string, kind: MetricKind][] = [
    ["", "time"],
    [".", "time"],
    ["1e3", "time"],
    ["Infinity", "time"],
    ["1 2", "time"],
    ["200msec", "time"],
    ["1.01", "share"],
    ["100.1%", "share"],
    ["5ms", "count"],
    ["10/m", "rate"],
  ];
  for (const [text, kind] of bad) {
    assert.match(String(valueOf(text, kind)), /^an? .* such as /, text);
  }
});
