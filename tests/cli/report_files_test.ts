import assert from "node:assert/strict";
import { requestedFiles } from "../../src/cli/report_files.ts";
import { parse } from "../support/command_line.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { snapshot } from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

Deno.test("without an option for it, no file is written", async () => {
  assert.deepEqual(requestedFiles(await parse({})), []);
});

Deno.test("each report goes to the file that its option names", async () => {
  const files = requestedFiles(
    await parse({ args: ["--junit", "out/junit.xml", "--html", "out.html", "--json", "out.json"] }),
  );
  const named = files.map(({ option, path }) => [option, path]);
  assert.deepEqual(named, [["json", "out.json"], ["html", "out.html"], ["junit", "out/junit.xml"]]);
  const run = { snapshot: snapshot(), exitCode: 3, metadata: runMetadata };
  const [json, html, junit] = await Promise.all(
    files.map(async ({ make }) => joined(await make(run))),
  );
  assert.equal(JSON.parse(json!).exitCode, 3);
  assert.match(html!, /^<!DOCTYPE html>\n/);
  assert.match(junit!, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites /);
});

Deno.test("the names of the CSV files start with the prefix of --csv", async () => {
  const files = requestedFiles(await parse({ args: ["--csv", "out/run"] }));
  assert.deepEqual(files.map(({ path }) => path), [
    "out/run_stats.csv",
    "out/run_stats_history.csv",
    "out/run_failures.csv",
    "out/run_exceptions.csv",
  ]);
});
