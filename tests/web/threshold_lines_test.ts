import assert from "node:assert/strict";
import { thresholdLine } from "../../src/web/threshold_lines.ts";

Deno.test("a threshold is a line in the charts that show what it judges", () => {
  const latency = { charts: ["latency", "heat"], value: 200 };
  assert.deepEqual(thresholdLine("p95<200ms"), { ...latency, kind: "run", subject: "" });
  assert.deepEqual(thresholdLine("max[GET /search] <= 0.2s"), {
    ...latency,
    ...{ kind: "request", subject: "GET /search" },
  });
  assert.deepEqual(thresholdLine("p99{class=BuyerTest}<200ms"), {
    ...latency,
    ...{ kind: "class", subject: "BuyerTest" },
  });
  assert.deepEqual(thresholdLine("p95[group checkout]<3s"), {
    ...{ charts: ["latency"], kind: "group", subject: "checkout", value: 3000 },
  });
  assert.deepEqual(thresholdLine("rate>=50"), {
    ...{ charts: ["rates"], kind: "run", subject: "", value: 50 },
  });
});

Deno.test("a threshold without a chart of the same unit and subject is no line", () => {
  for (
    const expression of [
      ...["error_rate<1%", "count>=100", "failures<5", "p95{cache=hit}<200ms", "checks>99%"],
      ...["p95[/search]{class=BuyerTest}<200ms", "not a threshold"],
    ]
  ) {
    assert.equal(thresholdLine(expression), null, expression);
  }
});
