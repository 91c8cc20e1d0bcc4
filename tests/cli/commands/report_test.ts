import assert from "node:assert/strict";
import { main } from "../../../src/cli/main.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { runMetadata } from "../../support/run_metadata.ts";
import { shopSnapshot } from "../../support/snapshots.ts";
import { writtenSummary } from "../../support/texts.ts";

const SUMMARY = JSON.stringify(
  writtenSummary(shopSnapshot(60, { state: "stopped" }), { metadata: runMetadata(), exitCode: 3 }),
);
const RUNNING = JSON.stringify(
  writtenSummary(shopSnapshot(60, { complete: false }), {
    metadata: runMetadata(),
    exitCode: null,
  }),
);

async function report(
  args: readonly string[],
  unwritable: string | null = null,
): Promise<FakeHost> {
  const host = new FakeHost({
    args: ["report", ...args],
    env: { AIOTEST_HTML: "variable.html" },
    files: {
      "/home/me/run.json": SUMMARY,
      "/home/me/going.json": RUNNING,
      "/home/me/no.json": "{",
    },
  });
  if (unwritable !== null) host.unwritable.set(unwritable, { reason: "no space", at: "write" });
  host.exitCode = await main(host);
  return host;
}

const INPUTS = ["/home/me/run.json", "/home/me/going.json", "/home/me/no.json"];

Deno.test("without options, the tables are printed, and nothing is written", async () => {
  const host = await report(["run.json"]);
  assert.equal(host.exitCode, 0, host.stderr.text);
  assert.match(host.stdout.text, /\nFAILED {2}.*\(exit code 3\)\n$/s);
  assert.deepEqual([...host.files.keys()], INPUTS);
});

Deno.test("each report goes to its file; the exit code says whether they were written", async () => {
  const args = ["run.json", "--html", "a.html", "--junit", "a.xml", "--csv", "a"]
    .concat("--markdown", "a.md");
  const host = await report(args);
  assert.equal(host.exitCode, 0, host.stderr.text);
  assert.deepEqual([...host.files.keys()].slice(INPUTS.length), [
    "/home/me/a.html",
    "/home/me/a_stats.csv",
    "/home/me/a_stats_history.csv",
    "/home/me/a_failures.csv",
    "/home/me/a_exceptions.csv",
    "/home/me/a.xml",
    "/home/me/a.md",
  ]);
  assert.match(host.files.get("/home/me/a.md")!, /^## ❌ FAILED\n[^]*\(exit code 3\)\n/);
  const full = await report(args, "/home/me/a.xml");
  assert.equal(full.exitCode, 1);
  assert.equal(full.stderr.text, "aiotest: --junit a.xml: cannot write the file: no space\n");
  assert.ok(full.files.has("/home/me/a.html"));
});

Deno.test("reports of a run that was killed say that it was still going", async () => {
  const host = await report([
    "going.json",
    "--html",
    "a.html",
    "--junit",
    "a.xml",
    "--markdown",
    "a.md",
  ]);
  assert.equal(host.exitCode, 0);
  const going = /the run was still going when this was written/;
  assert.match(host.stdout.text, /\nRUNNING {2}/);
  for (
    const text of [
      host.stdout.text,
      host.files.get("/home/me/a.html")!,
      host.files.get("/home/me/a.xml")!,
      host.files.get("/home/me/a.md")!,
    ]
  ) {
    assert.match(text, going);
  }
});

const MISTAKES: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [[], /^aiotest: report: expected the summary of a run\nTry: /],
  [
    ["run.json", "other.json"],
    /^aiotest: report: expected one summary, but there is a second one: other\.json\n/,
  ],
  [["missing.json"], /^aiotest: file not found: \/home\/me\/missing\.json\nA summary is a file/],
  [["no.json"], /^aiotest: no\.json is not valid JSON: /],
  [
    ["run.json", "--json", "b.json"],
    /^aiotest: --json cannot be used with report, which reads the summary\n/,
  ],
  [
    ["run.json", "--html", "run.json"],
    /^aiotest: --html run\.json: this is the summary, which would be overwritten\n$/,
  ],
  [["run.json", "--users", "5"], /^aiotest: --users: unknown option\n/],
];

for (const [args, message] of MISTAKES) {
  Deno.test(`aiotest report ${args.join(" ")} is refused`, async () => {
    const host = await report(args);
    assert.equal(host.exitCode, 2);
    assert.match(host.stderr.text, message);
    assert.deepEqual([...host.files.keys()], INPUTS);
  });
}
