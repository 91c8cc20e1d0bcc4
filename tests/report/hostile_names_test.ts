import { parse } from "csv-parse/sync";
import assert from "node:assert/strict";
import {
  checksCsv,
  classesCsv,
  failuresCsv,
  groupsCsv,
  metricsCsv,
  statsCsv,
} from "../../src/report/csv.ts";
import { finalReport } from "../../src/report/final_report.ts";
import { junit } from "../../src/report/junit.ts";
import { RunMetrics } from "../../src/report/metrics.ts";
import { otlpMetrics } from "../../src/report/otlp.ts";
import { PrometheusText } from "../../src/report/prometheus.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { NAMES_CAPPED, Totals } from "../../src/stats/totals.ts";
import { checkJunit, elementsOf, parseXml } from "../support/junit.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { sample } from "../support/samples.ts";
import {
  checkRow,
  classRow,
  groupRow,
  rateRow,
  requestRow,
  snapshot,
  trendRow,
} from "../support/snapshots.ts";
import { CONTROLS, joined, writtenSummary } from "../support/texts.ts";

/** Names that look like labels of reports, that break formats, or that look like members of objects. */
const NAMES = [
  ..."(other)|(load generator)|(not awaited)|(exit calls)|Aggregated|Total".split("|"),
  ..."__proto__|constructor|toString|hasOwnProperty".split("|"),
  ..."=1+1|+1|-1|@sum|=cmd|{x}=y|a]b|p95<1s|back\\slash|]]>|&amp;|<script>alert(1)</script>".split(
    "|",
  ),
  ...["a,b", 'q"q', "'", "a;=b", "a\nb", "a\r\nb", "a\tb", "\t=1", "\x1b[31mred", "nul\0", "\x85"],
  ...["", " lead", "trail ", "\ufeffbom", "\uffff", "lone\ud800", "\u202ertl", "\u2028", "😀"],
  "x".repeat(10_000),
];

/** One request of each name that succeeds, and one that fails with the name as its error. */
function hostile(): Snapshot {
  const table = new StatsTable();
  table.start(0);
  for (const name of NAMES) {
    table.record(sample({ name, method: name }));
    table.record(sample({ name, method: name, status: 500, error: name }));
  }
  const totals = new Totals();
  for (const second of table.flush(10)) totals.add(second);
  assert.equal(totals.namesCapped, false);
  const statistics = totals.statistics(1);
  assert.equal(statistics.requests.length, NAMES.length);
  assert.equal(statistics.totals.requests, 2 * NAMES.length);
  const own = {
    groups: NAMES.map((name) => groupRow({ name })),
    checks: NAMES.map((name) => checkRow({ name })),
    metrics: NAMES.flatMap((name) => [trendRow({ name, unit: name }), rateRow({ name })]),
    classes: NAMES.map((name) => classRow({ name, requests: [requestRow({ name })] })),
  };
  return snapshot({
    statistics: { ...statistics, ...own },
    state: "stopped",
    warnings: [NAMES_CAPPED],
  });
}

const RUN = hostile();
/** As they are counted. */
const COUNTED = RUN.statistics.requests;

/** What a spreadsheet shows of a cell that is no formula. */
function withoutApostrophes(text: string): string {
  return text.replaceAll("'", "");
}

Deno.test("CSV files have a row for each name, and none that a spreadsheet calculates", () => {
  const rows: Record<string, string>[] = parse(joined(statsCsv(RUN)), { columns: true });
  assert.equal(rows.length, NAMES.length + 1);
  assert.deepEqual(
    rows.slice(0, -1).map(({ Name = "" }) => withoutApostrophes(Name)),
    COUNTED.map(({ name }) => withoutApostrophes(name)),
  );
  const sums = rows.filter(({ Type, Name }) => Type === "" && Name === "Aggregated");
  assert.deepEqual(sums.map((row) => row["Request Count"]), [String(2 * NAMES.length)]);
  const own = [classesCsv, groupsCsv, checksCsv, metricsCsv].map((make): string[][] =>
    parse(joined(make(RUN)), { from: 2 })
  );
  assert.deepEqual(own.map(({ length }) => length), [1, 1, 1, 2].map((n) => n * NAMES.length));
  for (const text of own.flat().map(([name = ""]) => name)) {
    assert.doesNotMatch(text, /^[\s"]*[=+\-@]/);
  }
  const failures: string[][] = parse(joined(failuresCsv(RUN)), { from: 2 });
  assert.equal(failures.length, NAMES.length);
  for (const text of [...rows.map(({ Name = "" }) => Name), ...failures.flat()]) {
    assert.doesNotMatch(text, /^[\s"]*[=+\-@]/);
  }
});

Deno.test("JUnit reports with such names are well-formed, and each name has a test of its own", () => {
  const root = parseXml(joined(junit(RUN)));
  checkJunit(root);
  for (const suite of ["requests", "groups"]) {
    const names = elementsOf(root, "testcase")
      .filter(({ attributes }) => attributes.classname === `aiotest.${suite}`)
      .map(({ attributes }) => attributes.name);
    assert.equal(new Set(names).size, NAMES.length);
  }
});

Deno.test("summaries contain each name as it was counted", () => {
  const { requests } = writtenSummary(RUN, { metadata: runMetadata(), exitCode: 1 });
  assert.deepEqual(requests.map(({ name }) => name), COUNTED.map(({ name }) => name));
});

Deno.test("terminals get no character of such names that they would obey", () => {
  for (const columns of [40, 200]) {
    for (const line of finalReport(RUN, { exitCode: 1, columns, color: false }).split("\n")) {
      assert.doesNotMatch(line, CONTROLS);
    }
  }
});

Deno.test("metrics have one series for each name", () => {
  const families = new RunMetrics({ buckets: [50], version: "0.1.0" }).of(RUN, []);
  const text = new PrometheusText().of(families);
  const lines = text.trimEnd().split("\n").filter((line) => !line.startsWith("#"));
  for (const line of lines) {
    assert.match(line, /^\w+(?:\{(?:\w+="(?:[^"\\]|\\["\\n])*",?)*\})? \S+$/);
  }
  const series = lines.map((line) => line.slice(0, line.lastIndexOf(" ")));
  assert.equal(new Set(series).size, series.length);
  const { scopeMetrics } = otlpMetrics(families, {
    ...{ version: "0", runId: "r", name: null, labels: {} },
    since: 0,
    at: 1,
  });
  assert.ok(scopeMetrics[0]!.metrics.some(({ dataPoints }) => dataPoints.length >= NAMES.length));
});
