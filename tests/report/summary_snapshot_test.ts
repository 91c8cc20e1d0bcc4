import fc from "fast-check";
import assert from "node:assert/strict";
import { UsageError } from "../../src/core/errors.ts";
import { finalReport } from "../../src/report/final_report.ts";
import { summaryJson, summaryRows } from "../../src/report/summary.ts";
import { readRun, summarized } from "../../src/report/summary_snapshot.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { Totals } from "../../src/stats/totals.ts";
import { REPORT_FILES, type ReportedRun } from "../../src/web/report_formats.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { anySample } from "../support/samples.ts";
import {
  classRow,
  clusterSnapshot,
  emptySnapshot,
  openSnapshot,
  requestRow,
  scriptedSnapshot,
  shopSnapshot,
  snapshot,
  statistics,
  unfinishedAt,
} from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

/** The parsed content of the file. */
function written(run: Snapshot, exitCode: number | null = 0): Record<string, unknown> {
  return JSON.parse(joined(summaryJson(summaryRows(run, { metadata: runMetadata(), exitCode }))));
}

/** Every report but the summary itself, and the tables. */
async function reportsOf(run: ReportedRun): Promise<Record<string, string>> {
  const { snapshot, exitCode } = run;
  const texts = await Promise.all(
    REPORT_FILES.filter(({ kind }) => kind !== "json")
      .map(async ({ kind, make }) => [kind, joined(await make(run))]),
  );
  const tables = finalReport(snapshot, { exitCode, columns: 200, color: false, bars: true });
  return { ...Object.fromEntries(texts), tables };
}

/** Compares the reports of a run with those that are made from its summary. */
async function checkReports(run: Snapshot, exitCode: number | null = 0): Promise<void> {
  const metadata = runMetadata();
  const read = readRun(written(run, exitCode), "run.json");
  assert.equal(read.exitCode, exitCode);
  assert.deepEqual(
    await reportsOf({ ...read, metadata: () => read.metadata, fullHistory: true }),
    await reportsOf({
      snapshot: summarized(run, metadata),
      exitCode,
      metadata: () => metadata,
      fullHistory: true,
    }),
  );
}

const ENDED: Partial<Snapshot> = {
  state: "stopped",
  endedAt: Date.UTC(2026, 2, 5, 10, 31, 0, 5),
  elapsedSeconds: 60.10512,
  durationSeconds: 50.00049,
};

const RUNS: readonly (readonly [what: string, run: Snapshot, exitCode?: number | null])[] = [
  ["with everything that a test file can say", scriptedSnapshot(60, ENDED)],
  ["of several workers", clusterSnapshot(60, ENDED), 4],
  ["of the open model", openSnapshot(60, { dropped: 7, interrupted: 2 }, ENDED), 3],
  ["that measured nothing", emptySnapshot({ state: "stopped" }), 130],
  ["that was interrupted", shopSnapshot(60, { ...ENDED, interrupted: true })],
  ["that is still going", shopSnapshot(60, { complete: false }), null],
  ["that has not started", emptySnapshot(), null],
  [
    "with unfinished requests, thresholds, and an end of its own",
    snapshot({
      ...ENDED,
      thresholds: [
        { expression: "p95<200ms", observed: 120.51234567, passed: true },
        { expression: "count[GET gone]>=1", observed: null, passed: false },
      ],
      runEnd: { kind: "fail", reason: "no stock", node: "local" },
      statistics: statistics({
        requests: [requestRow({ ...unfinishedAt(300.00049, 11_000), failures: 3 })],
        classes: [classRow({ load: { users: 2, arrivalRate: 0.5 } }), classRow({ name: "B" })],
      }),
    }),
    3,
  ],
];

for (const [what, run, exitCode] of RUNS) {
  Deno.test(`all reports of a run ${what} can be made from its summary`, () =>
    checkReports(run, exitCode));

  Deno.test(`the tables of a run ${what} are those of what was counted`, () => {
    const options = { exitCode: exitCode ?? 0, columns: 200, color: false, bars: true };
    assert.equal(finalReport(summarized(run, runMetadata()), options), finalReport(run, options));
  });
}

Deno.test("whatever was counted, reports from the summary are those of the run", () =>
  fc.assert(
    fc.asyncProperty(fc.array(anySample, { maxLength: 40 }), async (samples) => {
      const table = new StatsTable();
      table.start(0);
      for (const one of samples.toSorted((a, b) => a.endedAt - b.endedAt)) table.record(one);
      const totals = new Totals();
      for (const second of table.flush(10_001)) totals.add(second);
      await checkReports(snapshot({ ...ENDED, statistics: totals.statistics(7.00077) }), 1);
    }),
    { numRuns: 20 },
  ));

/** A summary as an earlier version wrote it. */
function earlier(schema: 1 | 2 | 3, run: Snapshot): Record<string, unknown> {
  const summary = written(run) as Record<string, unknown> & {
    totals: Record<string, unknown>;
    requests: Record<string, unknown>[];
  };
  const fields = [
    ...["state", "elapsedSeconds", "load", "expectedWorkers", "inProgress", "metadata"],
    ...(schema < 3
      ? ["classes", "groups", "metrics", "checks", "histories", "runEnd", "name"]
      : []),
  ];
  for (const field of fields) delete summary[field];
  for (const totals of [summary.totals, ...summary.requests]) {
    delete totals.failedStatuses;
    delete totals.waits;
    if (schema < 3) delete totals.tags;
    if (schema < 2) {
      for (const one of ["failureLatencyMs", "failureHistogram"]) delete totals[one];
    }
  }
  return { ...summary, schema };
}

Deno.test("summaries of earlier versions become reports that say what they lack", async () => {
  const run = shopSnapshot(60, ENDED);
  for (const schema of [1, 2, 3] as const) {
    const read = readRun(earlier(schema, run), "run.json");
    const { tables } = await reportsOf({ ...read, metadata: () => read.metadata });
    const expected = finalReport(run, { exitCode: 0, columns: 200, color: false });
    const section = (text: string): string =>
      text.split("\n\n").find((one) => one.startsWith("Requests"))!;
    assert.equal(section(tables!), section(expected));
    assert.match(tables!, new RegExp(`an earlier version \\(schema ${schema}\\)`));
    assert.doesNotMatch(tables!, /^Statuses/m);
    assert.equal(read.hasWaits, true);
  }
  const cut = snapshot({
    ...ENDED,
    statistics: statistics({ requests: [requestRow(unfinishedAt(9))] }),
  });
  assert.equal(readRun(earlier(3, cut), "run.json").hasWaits, false);
});

Deno.test("files that are no summaries are refused, and the first wrong field is named", () => {
  const good = written(shopSnapshot(60, ENDED));
  const wrong: [content: unknown, message: RegExp][] = [
    [{}, /^run\.json is not a summary of a run$/],
    [
      { ...good, schema: 5 },
      /^run\.json has schema 5, but this version of aiotest reads schemas 1 to 4$/,
    ],
    [{ ...good, state: "lost" }, /: state must be running, finished or interrupted$/],
    [{ ...good, startedAt: "yesterday" }, /: startedAt must be a time$/],
    [
      { ...good, totals: { ...good.totals as object, retries: -1 } },
      /: totals\.retries must be a whole number/,
    ],
    [{
      ...good,
      histories: [{ kind: "class", method: "", name: "A", stepSeconds: 1, seconds: [1] }],
    }, /: histories\[0\]\.requests must be a list$/],
  ];
  for (const [content, message] of wrong) {
    assert.throws(() => readRun(content, "run.json"), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  }
});
