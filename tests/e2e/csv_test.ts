import { parse } from "csv-parse/sync";
import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { CountingTarget } from "../support/counting_target.ts";
import { projectPath } from "../support/paths.ts";
import { runAiotest } from "../support/process.ts";

const COUNTED = projectPath("tests/e2e/fixtures/counted.ts");

Deno.test("--csv writes four files that agree with the summary and with the target", async () => {
  await using target = new CountingTarget();
  const folder = await Deno.makeTempDir();
  const { code, stderr } = await runAiotest(
    ["-f", COUNTED, "-H", target.url, "-u", "10", "-r", "100", "-t", "3s", "--quota", "400"]
      .concat("--csv", "july", "--json", "summary.json", "--no-web"),
    { cwd: folder },
  );
  assert.equal(code, 1, stderr);
  const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/summary.json`));
  const rows = async (name: string): Promise<Record<string, string>[]> =>
    parse(await Deno.readTextFile(`${folder}/july_${name}.csv`), { columns: true });

  const stats = await rows("stats");
  assert.deepEqual(
    stats.map((row) => [row.Type, row.Name, Number(row["Request Count"])]),
    [
      ...summary.requests.map(({ method, name, requests }) => [method, name, requests]),
      ["", "Aggregated", 400],
    ],
  );
  for (const { Type, Name, ...row } of stats.slice(0, -1)) {
    const one = summary.requests.find(({ method, name }) => method === Type && name === Name)!;
    const { requests, bytesOut } = target.seen.get(`${Type} ${Name}`)!;
    assert.equal(one.requests, requests);
    assert.equal(Number(row["Failure Count"]), one.failures);
    assert.ok(Math.abs(Number(row["Average Content Size"]) - bytesOut / requests) < 0.001);
    assert.equal(Number(row["95%"]), one.latencyMs.p95);
    assert.equal(Number(row["99.99%"]), one.latencyMs.p9999);
    assert.equal(Number(row["100%"]), one.latencyMs.max);
  }

  const history = await rows("stats_history");
  assert.equal(history.length, summary.timeline.length);
  assert.equal(history.at(-1)!["Total Request Count"], "400");
  assert.equal(history.at(-1)!["Total Failure Count"], String(summary.totals.failures));
  assert.equal(Number(history.at(-1)!["Total Median Response Time"]), summary.totals.latencyMs.p50);
  assert.deepEqual(
    history.map((row) => Number(row["Requests/s"])),
    summary.timeline.map(({ requests }) => requests),
  );

  assert.deepEqual(
    (await rows("failures")).map((row) => [row.Name, row.Error, Number(row.Occurrences)]),
    summary.failures.map(({ name, error, count }) => [name, error, count]),
  );
  assert.deepEqual(await rows("exceptions"), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("names and errors that a spreadsheet would run are inert", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { User } from "aiotest";
    export class FormulaTest extends User {
      static waitTime = 0.1;
      testStep() {
        this.record({ name: '=HYPERLINK("x")', latencyMs: 1, error: "@SUM(1;=1)" });
        throw new Error("-1+1");
      }
    }`,
  );
  await runAiotest(["-t", "1s", "--csv", "july", "--no-web"], { cwd: folder });
  const read = (name: string): Promise<string> => Deno.readTextFile(`${folder}/july_${name}.csv`);
  assert.match(await read("stats"), /\r\nTASK,"'=HYPERLINK\(""x""\)",\d/);
  assert.match(await read("failures"), /"'=HYPERLINK\(""x""\)","'@SUM\(1;'=1\)",\d/);
  assert.match(await read("exceptions"), /\r\n\d+,'-1\+1,in FormulaTest,local\r\n/);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a prefix in a folder that is not there is refused before anything starts", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${folder}/aiotestfile.ts`,
    `import { User } from "aiotest"; export class OneTest extends User { testOne() {} }`,
  );
  const { code, stderr } = await runAiotest(["--csv", "none/july"], { cwd: folder });
  assert.equal(code, 2);
  assert.match(stderr, /--csv none\/july_stats\.csv: the file cannot be written/);
  await Deno.remove(folder, { recursive: true });
});
