import assert from "node:assert/strict";
import { metricOf } from "../../../src/stats/threshold_metrics.ts";
import { observedText } from "../../../src/web/page/observed_text.js";

Deno.test("what a threshold observed has the unit of its metric", () => {
  const texts = {
    time: "0.25",
    share: "25.0%",
    rate: "0.25/s",
    count: "0.25",
  };
  const times = [
    "p50",
    "p99.9",
    "min",
    "mean",
    "avg",
    "med",
    "max",
    "service_p95",
    "start_delay_max",
  ];
  for (
    const name of [...times, "error_rate", "dropped_rate", "rps", "failures", "count", "dropped"]
  ) {
    const metric = metricOf(name);
    assert.ok(typeof metric === "object", `${name}: ${metric}`);
    const expected = metric.kind === "time" ? "0.250 ms" : texts[metric.kind];
    assert.equal(observedText(`${name}<1`, 0.25), expected, name);
  }
});

Deno.test("a threshold may name its requests, and have seen none", () => {
  assert.equal(observedText("p95[GET error_rate]<1s", 1200), "1200 ms");
  assert.equal(observedText(" count[x] >= 1", 12_345), "12,345");
  assert.equal(observedText("p95<1s", null), "no sample");
});
