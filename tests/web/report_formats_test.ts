import assert from "node:assert/strict";
import { REPORT_FILES, REPORT_FORMATS } from "../../src/web/report_formats.ts";
import { runMetadata } from "../support/run_metadata.ts";
import {
  requestRow,
  shopSnapshot,
  snapshot,
  statistics,
  timelineSecond,
} from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

Deno.test("every report has a name, a media type, and a text of that type", async () => {
  const run = { snapshot: shopSnapshot(20), exitCode: 7, metadata: runMetadata };
  const made = await Promise.all(REPORT_FILES.map(async ({ suffix, mediaType, make }) => {
    const text = joined(await make(run));
    return [suffix, mediaType, text.trimStart().split(/[\s,]/)[0]];
  }));
  assert.deepEqual(made, [
    [".json", "application/json; charset=utf-8", "{"],
    [".html", "text/html; charset=utf-8", "<!DOCTYPE"],
    ["_stats.csv", "text/csv; charset=utf-8", "Type"],
    ["_stats_history.csv", "text/csv; charset=utf-8", "Timestamp"],
    ["_failures.csv", "text/csv; charset=utf-8", "Method"],
    ["_exceptions.csv", "text/csv; charset=utf-8", "Count"],
    ["_classes.csv", "text/csv; charset=utf-8", "Class"],
    ["_groups.csv", "text/csv; charset=utf-8", "Group"],
    ["_checks.csv", "text/csv; charset=utf-8", "Check"],
    ["_metrics.csv", "text/csv; charset=utf-8", "Metric"],
    ["-junit.xml", "application/xml; charset=utf-8", "<?xml"],
    [".md", "text/markdown; charset=utf-8", "##"],
  ]);
});

Deno.test("the names and paths of downloads need no escaping, and differ from one another", () => {
  for (const { kind, suffix } of REPORT_FILES) {
    assert.match(kind, /^[a-z-]+$/);
    assert.match(suffix, /^[\w.-]+$/);
  }
  for (const key of ["kind", "suffix"] as const) {
    assert.equal(new Set(REPORT_FILES.map((file) => file[key])).size, REPORT_FILES.length);
  }
});

Deno.test("the JSON report says what the run would exit with", async () => {
  const [json] = REPORT_FORMATS.json.files;
  const run = { snapshot: shopSnapshot(20), exitCode: 7, metadata: runMetadata };
  assert.equal(JSON.parse(joined(await json!.make(run))).exitCode, 7);
});

Deno.test("no part of a report grows with the run, so a report of any length can be written", async () => {
  const longest = async (seconds: number): Promise<number[]> => {
    const row = requestRow({ name: "search", failures: 1 });
    const timeline = Array.from({ length: seconds }, (_, second) => timelineSecond({ second }));
    const many = <Row>(make: (index: number) => Row): Row[] => timeline.map((_, i) => make(i));
    const run = {
      snapshot: snapshot({
        state: "stopped",
        elapsedSeconds: 1000,
        statistics: statistics({
          requests: many((i) => ({ ...row, name: `search ${i % 10}` })),
          failures: many((i) => ({ method: "GET", name: `${i % 10}`, error: "E", count: 1 })),
          timeline: timeline.map((second) => ({ ...second, second: second.second % 10 })),
        }),
      }),
      exitCode: 0,
      metadata: runMetadata,
    };
    return await Promise.all(REPORT_FILES.map(async ({ make }) => {
      let most = 0;
      for (const part of await make(run)) most = Math.max(most, part.length);
      return most;
    }));
  };
  assert.deepEqual(await longest(2000), await longest(200));
});
