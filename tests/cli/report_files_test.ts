import assert from "node:assert/strict";
import {
  fileAt,
  openOutputs,
  type OtherFile,
  ReportFiles,
  requestedFiles,
  type WrittenReports,
} from "../../src/cli/report_files.ts";
import { UsageError } from "../../src/core/errors.ts";
import { histogramOf, type Summary } from "../../src/report/summary.ts";
import type { Histogram } from "../../src/stats/histogram.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import type { ReportedRun } from "../../src/web/report_formats.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { scriptedSnapshot, snapshot } from "../support/snapshots.ts";
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
    "out/run_classes.csv",
    "out/run_groups.csv",
    "out/run_checks.csv",
    "out/run_metrics.csv",
  ]);
});

const FULL = { reason: "no space left on the device", at: "write" } as const;

/** Writes the reports of a run that ends with this exit code. */
async function written(host: FakeHost, args: string[], exitCode: number): Promise<WrittenReports> {
  const files = await ReportFiles.open(host, await parse({ args }), []);
  files.removeOld();
  return await files.write({ snapshot: snapshot(), exitCode, metadata: runMetadata });
}

const ALL = [
  ...["--json", "a.json", "--html", "a.html", "--junit", "a.xml", "--csv", "a"],
  ...["--markdown", "a.md"],
];
const PATHS = ["a.html", "a_stats.csv", "a_stats_history.csv", "a_failures.csv", "a_exceptions.csv"]
  .concat("a.xml", "a.md", "a.json")
  .map((name) => `/home/me/${name}`);

Deno.test("all files that the options ask for are written", async () => {
  const host = new FakeHost();
  assert.deepEqual(await written(host, ALL, 3), { exitCode: 3, problems: [] });
  assert.deepEqual([...host.files.keys()], PATHS);
});

Deno.test("files about classes, groups, checks and metrics are only written if there are any", async () => {
  const host = new FakeHost({ files: { "/home/me/a_groups.csv": "Group,Count\r\nold,1\r\n" } });
  await written(host, ["--csv", "a"], 0);
  const names = (): string[] =>
    [...host.files.keys()].map((path) => path.slice("/home/me/".length));
  assert.deepEqual(names(), PATHS.slice(1, 5).map((path) => path.slice("/home/me/".length)));
  const files = await ReportFiles.open(host, await parse({ args: ["--csv", "a"] }), []);
  await files.write({ snapshot: scriptedSnapshot(20), exitCode: 0, metadata: runMetadata });
  assert.deepEqual(names().slice(4), [
    "a_classes.csv",
    "a_groups.csv",
    "a_checks.csv",
    "a_metrics.csv",
  ]);
});

for (const path of PATHS) {
  Deno.test(`if ${path} cannot be written, all others are, and the exit code is at least 1`, async () => {
    for (const exitCode of [0, 1, 3]) {
      const host = new FakeHost({ files: Object.fromEntries(PATHS.map((old) => [old, "old"])) });
      host.unwritable.set(path, FULL);
      const { problems, ...result } = await written(host, ALL, exitCode);
      assert.deepEqual(result, { exitCode: Math.max(1, exitCode) });
      const name = path.slice("/home/me/".length);
      assert.equal(problems.length, 1);
      assert.match(
        problems[0]!,
        /^--(json|html|junit|csv|markdown) \S+: cannot write the file: no space left/,
      );
      assert.ok(problems[0]!.includes(` ${name}: `));
      assert.deepEqual([...host.files.keys()], PATHS.filter((other) => other !== path));
      assert.ok(![...host.files.values()].includes("old"));
      const summary = host.files.get("/home/me/a.json");
      // Scripts read the exit code there.
      if (summary !== undefined) assert.equal(JSON.parse(summary).exitCode, result.exitCode);
    }
  });
}

Deno.test("a report that cannot be made is one that cannot be written", async () => {
  const host = new FakeHost();
  const files = await ReportFiles.open(host, await parse({ args: ALL }), []);
  const metadata = (): never => {
    throw new TypeError("no machine");
  };
  const { exitCode, problems } = await files.write({ snapshot: snapshot(), exitCode: 0, metadata });
  assert.equal(exitCode, 1);
  assert.deepEqual(problems, [
    "--html a.html: cannot write the file: TypeError: no machine",
    "--json a.json: cannot write the file: TypeError: no machine",
  ]);
  assert.ok(host.files.has("/home/me/a.xml"));
});

Deno.test("descriptors for the reports are kept until they are written", async () => {
  const host = new FakeHost();
  const without = await ReportFiles.open(host, await parse({}), []);
  assert.equal(host.reserved, 0);
  const files = await ReportFiles.open(host, await parse({ args: ["--json", "a.json"] }), []);
  assert.equal(host.reserved, 1);
  const run = { snapshot: snapshot(), exitCode: 0, metadata: runMetadata };
  await files.write(run);
  assert.equal(host.reserved, 0);
  assert.deepEqual(await without.write(run), { exitCode: 0, problems: [] });
});

/** What options are refused with; the check changes nothing. */
async function refusal(args: string[], others: OtherFile[] = []): Promise<string> {
  const files = { "/home/me/shop.ts": "a test", "/home/me/old.json": "old" };
  const host = new FakeHost({ files });
  host.links.set("/home/me/link.json", "/home/me/old.json");
  host.unwritable.set("/none/a.json", {
    reason: "the directory /none does not exist",
    at: "check",
  });
  const before = [...host.files];
  const error = await ReportFiles.open(host, await parse({ args }), others)
    .then(() => null, (error) => error);
  assert.ok(error instanceof UsageError, String(error));
  assert.deepEqual([...host.files], before);
  return error.message;
}

Deno.test("a file that cannot be written is refused before the run", async () => {
  assert.equal(
    await refusal(["--html", "ok.html", "--json", "/none/a.json"]),
    "--json /none/a.json: cannot write the file: the directory /none does not exist",
  );
});

Deno.test("two outputs cannot be the same file, whichever paths lead to it", async () => {
  for (
    const [json, html] of [["a", "a"], ["a", "./a"], ["a", "/home/me/b/../a"], [
      "old.json",
      "link.json",
    ]]
  ) {
    assert.equal(
      await refusal(["--json", json!, "--html", html!]),
      `--html ${html}: this is the same file as --json ${json}`,
    );
  }
  assert.equal(
    await refusal(["--csv", "a", "--junit", "a_failures.csv"]),
    "--junit a_failures.csv: this is the same file as --csv a_failures.csv",
  );
});

Deno.test("devices can have several outputs", async () => {
  const host = new FakeHost();
  host.outputFile = () => ({
    identity: null,
    clear: () => {},
    write: () => Promise.resolve(),
  });
  const outputs = ["json", "html"].map((option) => ({ option, path: "/dev/null" }));
  assert.equal((await openOutputs(host, outputs, [])).length, 2);
});

Deno.test("a file that the run reads, or another one that it writes, is not overwritten", async () => {
  const others: OtherFile[] = [
    { what: "the test file", path: "shop.ts" },
    { what: "the data file", path: "missing.csv" },
    { what: "the journal", path: "run.journal", isNew: true },
  ];
  assert.equal(
    await refusal(["--json", "./shop.ts"], others),
    "--json ./shop.ts: this is the test file, which would be overwritten",
  );
  assert.equal(
    await refusal(["--junit", "run.journal"], others),
    "--junit run.journal: this is the journal, which would be overwritten",
  );
  const host = new FakeHost({ files: { "/home/me/shop.ts": "a test", "/home/me/run.log": "" } });
  assert.equal(await fileAt(host, "../me/shop.ts", others), others[0]);
  assert.equal(await fileAt(host, "run.log", others), null);
  assert.equal(await fileAt(host, "missing.csv", others), null);
});

/** A run after some seconds, as a session hands it over. */
function going(elapsedSeconds: number, changes: Partial<Snapshot> = {}): ReportedRun {
  return {
    snapshot: snapshot({ elapsedSeconds, complete: false, ...changes }),
    exitCode: null,
    metadata: runMetadata,
  };
}

const REWRITTEN = ["a.json", "a_stats.csv", "a_stats_history.csv", "a_failures.csv"]
  .concat("a_exceptions.csv")
  .map((name) => `/home/me/${name}`);

Deno.test("JSON and CSV are rewritten every 30 s of a run, and marked as running", async () => {
  const host = new FakeHost();
  const files = await ReportFiles.open(host, await parse({ args: ALL }), []);
  const at = (seconds: number): Promise<readonly string[]> | null =>
    files.rewrite(5_000 + seconds * 1000, going(seconds));
  assert.equal(files.rewrite(0, going(0, { startedAt: null })), null);
  for (let second = 1; second < 30; second++) assert.equal(at(second), null);
  assert.deepEqual([...host.files.keys()], []);
  assert.deepEqual(await at(30), []);
  assert.deepEqual([...host.files.keys()], REWRITTEN);
  const summary = (): Summary => JSON.parse(host.files.get("/home/me/a.json")!);
  assert.deepEqual([summary().state, summary().exitCode, summary().elapsedSeconds], [
    "running",
    null,
    30,
  ]);
  assert.equal(at(59), null);
  assert.notEqual(at(60), null);
  // It waits for those that are being written.
  await files.write({ ...going(61, { state: "stopped" }), exitCode: 0 });
  assert.deepEqual([summary().state, summary().exitCode], ["finished", 0]);
  assert.equal(host.reserved, 0);
});

Deno.test("reports of a run that is resumed are rewritten at once", async () => {
  const host = new FakeHost();
  const files = await ReportFiles.open(host, await parse({ args: ["--json", "a.json"] }), []);
  assert.deepEqual(await files.rewrite(1_000, going(500)), []);
  assert.ok(host.files.has("/home/me/a.json"));
});

Deno.test("a full disk during the run is named once for each option, and the rest is written", async () => {
  const host = new FakeHost();
  const files = await ReportFiles.open(host, await parse({ args: ALL }), []);
  for (const path of REWRITTEN.slice(1)) host.unwritable.set(path, FULL);
  files.rewrite(0, going(0));
  assert.deepEqual(await files.rewrite(30_000, going(30)), [
    "--csv a_stats.csv and 3 more files: cannot write the files: no space left on the device",
  ]);
  assert.deepEqual([...host.files.keys()], ["/home/me/a.json"]);
  assert.deepEqual(await files.rewrite(60_000, going(60)), []);
  // There is space again.
  host.unwritable.clear();
  assert.deepEqual(await files.write({ ...going(61), exitCode: 0 }), { exitCode: 0, problems: [] });
});

Deno.test("a report that is made while the run goes on has what was counted when it began", async () => {
  const host = new FakeHost();
  const files = await ReportFiles.open(host, await parse({ args: ["--json", "a.json"] }), []);
  files.rewrite(0, going(0));
  const run = going(30);
  const rewriting = files.rewrite(30_000, run);
  const { histogram } = run.snapshot.statistics.requests[0]!;
  (histogram as Histogram).addBucket(1, 1000);
  await rewriting;
  const { requests }: Summary = JSON.parse(host.files.get("/home/me/a.json")!);
  assert.equal(histogramOf(requests[0]!.histogram).count, 1000);
  assert.equal(histogram.count, 2000);
});

Deno.test("devices and pipes get no report during the run", async () => {
  const host = new FakeHost();
  let writes = 0;
  host.outputFile = () => ({
    identity: null,
    clear: () => {},
    write: () => Promise.resolve(void writes++),
  });
  const files = await ReportFiles.open(host, await parse({ args: ["--json", "/dev/stdout"] }), []);
  assert.equal(files.rewrite(30_000, going(30)), null);
  await files.write({ ...going(61), exitCode: 0 });
  assert.equal(writes, 1);
});

Deno.test("what a process that exits at once has not written is named, with earlier states", async () => {
  const host = new FakeHost();
  const args = ["--json", "a.json", "--html", "a.html"];
  const files = await ReportFiles.open(host, await parse({ args }), []);
  await files.rewrite(0, going(30));
  assert.deepEqual(files.unwritten, [
    "--json a.json (it has an earlier state of the run)",
    "--html a.html",
  ]);
});
