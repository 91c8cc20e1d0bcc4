import assert from "node:assert/strict";
import { LiveReports } from "../../src/cli/dashboard.ts";
import { runMetadata } from "../../src/cli/run_metadata.ts";
import { REPORT_KINDS } from "../../src/web/routes.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";
import { shopSnapshot, snapshot } from "../support/snapshots.ts";

async function reports(...args: string[]): Promise<LiveReports> {
  const options = await parse({ args });
  return new LiveReports(options, () => runMetadata(new FakeHost(), options));
}

Deno.test("every report can be had of a run, whatever files were asked for", async () => {
  const own = await reports();
  const made = await Promise.all(REPORT_KINDS.map((kind) => own.make(kind, shopSnapshot(20), 0)));
  assert.deepEqual(made.map((file) => [file?.name, file?.type]), [
    ["aiotest.json", "application/json; charset=utf-8"],
    ["aiotest.html", "text/html; charset=utf-8"],
    ["aiotest_stats.csv", "text/csv; charset=utf-8"],
    ["aiotest_stats_history.csv", "text/csv; charset=utf-8"],
    ["aiotest_failures.csv", "text/csv; charset=utf-8"],
    ["aiotest_exceptions.csv", "text/csv; charset=utf-8"],
    ["aiotest-junit.xml", "application/xml; charset=utf-8"],
  ]);
  const beginnings = made.map((file) => file!.body.slice(0, 15).trimStart());
  assert.deepEqual(beginnings.map((text) => text.split(/[\s,]/)[0]), [
    "{",
    "<!DOCTYPE",
    "Type",
    "Timestamp",
    "Method",
    "Count",
    "<?xml",
  ]);
});

Deno.test("they are those of the run at that moment, and not of when they could be had first", async () => {
  const own = await reports();
  const requests: number[] = [];
  for (const seconds of [10, 20]) {
    const file = await own.make("json", shopSnapshot(seconds), 0);
    requests.push(JSON.parse(file!.body).totals.requests);
  }
  assert.deepEqual(requests, [4120, 8240]);
});

Deno.test("names of files that were asked for stay on this machine", async () => {
  const own = await reports("--json", "/home/me/secret/run.json", "--csv", "/home/me/secret/run");
  for (const kind of REPORT_KINDS) {
    const file = await own.make(kind, snapshot(), 0);
    assert.match(file!.name, /^aiotest[\w.-]*$/);
  }
  assert.equal(JSON.parse((await own.make("json", snapshot(), 7))!.body).exitCode, 7);
});
