import assert from "node:assert/strict";
import { reportFiles } from "../../src/cli/report_files.ts";
import { parse } from "../support/command_line.ts";
import { reportFacts } from "../support/report_facts.ts";
import { snapshot } from "../support/snapshots.ts";

Deno.test("nothing is written that was not asked for", async () => {
  assert.deepEqual(reportFiles(await parse({}), reportFacts), []);
});

Deno.test("each report goes to the file that its flag names", async () => {
  const files = reportFiles(
    await parse({ args: ["--junit", "out/junit.xml", "--html", "out.html", "--json", "out.json"] }),
    reportFacts,
  );
  const named = files.map(({ flag, path }) => [flag, path]);
  assert.deepEqual(named, [["json", "out.json"], ["html", "out.html"], ["junit", "out/junit.xml"]]);
  const [json, html, junit] = await Promise.all(files.map(({ make }) => make(snapshot(), 3)));
  assert.equal(JSON.parse(json!).exitCode, 3);
  assert.match(html!, /^<!DOCTYPE html>\n/);
  assert.match(junit!, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites /);
});
