import assert from "node:assert/strict";
import { compactSummary } from "../../src/report/summary.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { reportContent } from "../../src/web/report_content.ts";
import { reportFacts } from "../support/report_facts.ts";
import {
  emptySnapshot,
  histogramOf,
  latencies,
  requestRow,
  snapshot,
  statistics,
  totalsOf,
} from "../support/snapshots.ts";

Deno.test("a run that has ended is told as the summary tells it, with its verdict", () => {
  const ended = snapshot({ state: "stopped" });
  const { view, verdict, facts } = reportContent(ended, 0, reportFacts());
  const { live, exitCode, ...rest } = view;
  const { exitCode: _, ...whole } = compactSummary(ended, "0.1.0");
  assert.deepEqual(rest, whole);
  assert.equal(exitCode, 0);
  assert.equal(live.state, "stopped");
  assert.deepEqual(live.log, []);
  assert.equal(live.control.allowed, false);
  assert.deepEqual(verdict, {
    word: "PASSED",
    tone: "good",
    facts: "1,000 requests, no failures",
  });
  assert.equal(facts.test, "shop.ts");
});

Deno.test("the verdict follows the exit code, and is none before the end", () => {
  const failed = snapshot({
    state: "stopped",
    thresholds: [{ expression: "p95<10ms", observed: 36, passed: false }],
  });
  assert.deepEqual(reportContent(failed, 3, reportFacts()).verdict, {
    word: "FAILED",
    tone: "bad",
    facts: "1,000 requests, no failures, threshold crossed: p95<10ms (36 ms) (exit code 3)",
  });
  const nothing = emptySnapshot({ state: "stopped" });
  assert.equal(reportContent(nothing, 0, reportFacts()).verdict.tone, "warning");
  const { view, verdict } = reportContent(snapshot(), 0, reportFacts());
  assert.deepEqual([verdict.word, verdict.tone, view.exitCode], ["UNFINISHED", "warning", null]);
  assert.equal(reportContent(emptySnapshot(), 0, reportFacts()).verdict.word, "NOT STARTED");
});

Deno.test("all latencies are in the bars", () => {
  const requests = [requestRow({ histogram: histogramOf(1000) })];
  const totals = { ...totalsOf(requests), latencyMs: { ...latencies(12), min: 12, max: 240 } };
  const { distribution } = reportContent(
    snapshot({ statistics: { ...statistics({ requests }), totals } }),
    0,
    reportFacts(),
  );
  assert.equal(distribution.length, 16);
  assert.equal(distribution.at(-1)?.upToMs, 240);
  assert.equal(distribution.reduce((sum, { count }) => sum + count, 0), 1000);
  const none = {
    ...totals,
    histogram: new Histogram(),
    latencyMs: { ...latencies(12), max: null },
  };
  const empty = snapshot({ statistics: { ...statistics(), totals: none } });
  assert.deepEqual(reportContent(empty, 0, reportFacts()).distribution, []);
});

Deno.test("the open model has a note, and a load that was raised a sentence", () => {
  const iterations = {
    ...{ scheduled: 10, started: 10, completed: 9, dropped: 0 },
    serviceTimeMs: latencies(15),
    startDelayMs: latencies(1),
  };
  const counted = statistics({ iterations });
  const open = reportContent(
    snapshot({
      arrivalRate: 100,
      statistics: counted,
      breakingPoint: { passed: { users: 50, arrivalRate: 100 }, broke: null, threshold: null },
    }),
    0,
    reportFacts(),
  );
  assert.match(open.iterationNote!, /counts from when the pass was meant to start/);
  assert.equal(open.breakingPoint, "Every load passed, the highest with 100 passes/s.");
  const closed = reportContent(snapshot({ statistics: counted }), 0, reportFacts());
  assert.deepEqual([closed.iterationNote, closed.breakingPoint], [null, null]);
});
