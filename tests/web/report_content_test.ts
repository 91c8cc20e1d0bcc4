import assert from "node:assert/strict";
import { compactSummary } from "../../src/report/summary.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import { reportContent } from "../../src/web/report_content.ts";
import { runMetadata } from "../support/run_metadata.ts";
import {
  emptySnapshot,
  histogramOf,
  latencies,
  requestRow,
  snapshot,
  statistics,
  totalsOf,
} from "../support/snapshots.ts";

Deno.test("a report contains the summary and the verdict", () => {
  const ended = snapshot({ state: "stopped" });
  const { view, verdict, metadata } = reportContent(ended, 0, runMetadata());
  const { live, ...summary } = view;
  const expected = compactSummary(ended, "0.1.0");
  const requests = expected.requests
    .map(({ statuses: _, retries: __, bytesSent: ___, inProgress: ____, ...row }) => row);
  assert.deepEqual(summary, {
    ...expected,
    requests,
    failureSamples: [],
    workerLogs: {},
    exitCode: 0,
  });
  assert.equal(live.state, "stopped");
  assert.deepEqual(live.log, []);
  assert.equal(live.control.allowed, false);
  assert.deepEqual(verdict, {
    word: "PASSED",
    tone: "good",
    reasons: "1,000 requests, no failures",
  });
  assert.equal(metadata.test, "shop.ts");
});

Deno.test("the verdict follows from the exit code, and is RUNNING before the end", () => {
  const failed = snapshot({
    state: "stopped",
    thresholds: [{ expression: "p95<10ms", observed: 36, passed: false }],
  });
  assert.deepEqual(reportContent(failed, 3, runMetadata()).verdict, {
    word: "FAILED",
    tone: "bad",
    reasons: "1,000 requests, no failures, threshold crossed: p95<10ms (36 ms) (exit code 3)",
  });
  const nothing = emptySnapshot({ state: "stopped" });
  assert.equal(reportContent(nothing, 0, runMetadata()).verdict.tone, "warning");
  const { view, verdict } = reportContent(snapshot(), null, runMetadata());
  assert.deepEqual([verdict.word, verdict.tone, view.exitCode], ["RUNNING", "warning", null]);
  assert.equal(reportContent(emptySnapshot(), null, runMetadata()).verdict.word, "NOT STARTED");
});

Deno.test("the bars contain all latencies", () => {
  const requests = [requestRow({ histogram: histogramOf(1000) })];
  const totals = { ...totalsOf(requests), latencyMs: { ...latencies(12), min: 12, max: 240 } };
  const { distribution } = reportContent(
    snapshot({ statistics: { ...statistics({ requests }), totals } }),
    0,
    runMetadata(),
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
  assert.deepEqual(reportContent(empty, 0, runMetadata()).distribution, []);
});

Deno.test("the open model has a note, and a breaking point a sentence", () => {
  const iterations = {
    ...{ scheduled: 10, started: 10, completed: 9, interrupted: 0, dropped: 0 },
    serviceTimeMs: latencies(15),
    startDelayMs: latencies(1),
  };
  const counted = statistics({ iterations });
  const open = reportContent(
    snapshot({
      arrivalRate: 100,
      statistics: counted,
      breakingPoint: {
        className: null,
        passed: { users: 50, arrivalRate: 100 },
        broke: null,
        threshold: null,
      },
    }),
    0,
    runMetadata(),
  );
  assert.match(open.iterationNote!, /counts from the moment at which the iteration was due/);
  assert.equal(
    open.view.breakingPoint?.text,
    "Every load up to 100 iterations/s passed.",
  );
  const closed = reportContent(snapshot({ statistics: counted }), 0, runMetadata());
  assert.deepEqual([closed.iterationNote, closed.view.breakingPoint], [null, null]);
});
