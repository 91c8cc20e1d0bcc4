import assert from "node:assert/strict";
import { REPORT_FILES, REPORT_FORMATS } from "../../src/web/report_formats.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { shopSnapshot } from "../support/snapshots.ts";

Deno.test("every report has a name, a media type, and a text of that type", async () => {
  const run = { snapshot: shopSnapshot(20), exitCode: 7, metadata: runMetadata };
  const made = await Promise.all(REPORT_FILES.map(async ({ suffix, mediaType, make }) => {
    const text = await make(run);
    return [suffix, mediaType, text.trimStart().split(/[\s,]/)[0]];
  }));
  assert.deepEqual(made, [
    [".json", "application/json; charset=utf-8", "{"],
    [".html", "text/html; charset=utf-8", "<!DOCTYPE"],
    ["_stats.csv", "text/csv; charset=utf-8", "Type"],
    ["_stats_history.csv", "text/csv; charset=utf-8", "Timestamp"],
    ["_failures.csv", "text/csv; charset=utf-8", "Method"],
    ["_exceptions.csv", "text/csv; charset=utf-8", "Count"],
    ["-junit.xml", "application/xml; charset=utf-8", "<?xml"],
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
  const text = await json!.make({
    snapshot: shopSnapshot(20),
    exitCode: 7,
    metadata: runMetadata,
  });
  assert.equal(JSON.parse(text).exitCode, 7);
});
