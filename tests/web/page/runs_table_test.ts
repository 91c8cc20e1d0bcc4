import assert from "node:assert/strict";
import type { ListedRun } from "../../../src/report/history_table.ts";
import {
  describeTrend,
  durationText,
  startText,
  titleOf,
  toneOf,
  TREND_CHARTS,
  trendsOf,
} from "../../../src/web/page/runs_table.js";
import { formatElapsed } from "../../../src/report/quantity.ts";

function run(id: string, changes: Partial<ListedRun> = {}): ListedRun {
  return {
    id: `202601${id}-100000-${id}`,
    verdict: "passed",
    problem: null,
    name: "nightly",
    test: "shop_test.ts",
    p95: 40,
    rate: 100,
    ...changes,
  };
}

Deno.test("a run is called by its name, its test file, or its id", () => {
  assert.equal(titleOf(run("01")), "nightly");
  assert.equal(titleOf(run("01", { name: null })), "shop_test.ts");
  assert.equal(titleOf(run("01", { name: null, test: "" })), "20260101-100000-01");
  assert.equal(titleOf({ id: "x", verdict: "unreadable", problem: "damaged" }), "x");
});

Deno.test("trends are of runs that have ended, of names with several, the newest first", () => {
  const trends = trendsOf([
    run("01"),
    run("02", { name: "checkout" }),
    run("03", { name: "checkout", verdict: "failed" }),
    run("04", { name: null }),
    run("05", { name: null, verdict: "interrupted" }),
    run("06", { name: "once" }),
    run("07"),
    run("08", { verdict: "running" }),
    run("09", { verdict: "unreadable" }),
  ]);
  assert.deepEqual(
    trends.map(({ title, runs }) => [title, ...runs.map(({ id }) => id.slice(-2))]),
    [["nightly", "01", "07"], ["shop_test.ts", "04", "05"], ["checkout", "02", "03"]],
  );
});

Deno.test("a trend has the last fifty runs", () => {
  const ids = Array.from({ length: 60 }, (_, index) => String(index).padStart(2, "0"));
  const [trend] = trendsOf(ids.map((id) => run(id)));
  assert.equal(trend!.runs.length, 50);
  assert.equal(trend!.runs.at(-1)!.id, run("59").id);
});

Deno.test("a trend is described in words", () => {
  const [trend] = trendsOf([run("01"), run("02", { p95: null }), run("03", { p95: 55.4 })]);
  assert.equal(
    describeTrend(trend!, TREND_CHARTS[0]!),
    "3 runs of nightly: 40.0 ms in the first, nothing in the last but one, 55.4 ms in the last.",
  );
});

Deno.test("durations are those of the terminal", () => {
  for (const seconds of [0, 3.04, 59.94, 59.96, 60, 61.5, 3600, 3725.2]) {
    assert.equal(durationText(seconds), formatElapsed(seconds));
  }
});

Deno.test("a run without a start has that of its id", () => {
  const id = "20260102-030405-a";
  assert.equal(startText({ id }), startText({ id, startedAt: "2026-01-02T03:04:05Z" }));
});

Deno.test("verdicts have tones", () => {
  const verdicts = ["passed", "failed", "nothing measured", "running", "interrupted"] as const;
  assert.deepEqual(verdicts.map((verdict) => toneOf({ verdict })), [
    ...["good", "bad", "warning", null, "warning"],
  ]);
});
