import assert from "node:assert/strict";
import { readSummaryFile } from "../../../src/cli/commands/compare.ts";
import { main } from "../../../src/cli/main.ts";
import { UsageError } from "../../../src/core/errors.ts";
import { summaryJson } from "../../../src/report/summary.ts";
import { seeded } from "../../support/cutting_target.ts";
import { FakeHost, type FakeHostOptions } from "../../support/fake_host.ts";
import { simulatedRun } from "../../support/simulated_summary.ts";
import { runMetadata } from "../../support/run_metadata.ts";
import { snapshot } from "../../support/snapshots.ts";
import { joined, writtenSummary } from "../../support/texts.ts";

const NAMES = [{ name: "/search", rate: 100, median: 20, spread: 0.1 }];

function summaryText(slower: number, seed: number): string {
  const run = simulatedRun({ seconds: 10, names: NAMES, slower }, seeded(seed));
  return JSON.stringify({ aiotest: "0.1.0", ...run });
}

const FILES = {
  "/home/me/a.json": summaryText(1, 1),
  "/home/me/b.json": summaryText(1, 2),
  "/home/me/slow.json": summaryText(1.1, 3),
};

async function compare(args: readonly string[], options: FakeHostOptions = {}): Promise<FakeHost> {
  const host = new FakeHost({ ...options, args: ["compare", ...args], files: FILES });
  host.exitCode = await main(host);
  return host;
}

Deno.test("equal runs pass with exit code 0", async () => {
  const host = await compare(["a.json", "b.json"]);
  assert.equal(host.exitCode, 0);
  assert.match(host.stdout.text, /\nA {2}a\.json: .*\nB {2}b\.json: /);
  assert.match(host.stdout.text, /\nGET \/search\n {2}Reqs +1,0\d\d +1,0\d\d\n|\n {2}Reqs +9/);
  assert.match(host.stdout.text, /\nPASSED no figure is certainly worse by more than 5%/);
  assert.equal(host.stderr.text, "");
  assert.deepEqual([...host.files.keys()], Object.keys(FILES));
});

Deno.test("a slower run is a regression, and exits with 3", async () => {
  const host = await compare(["a.json", "slow.json"]);
  assert.equal(host.exitCode, 3);
  assert.match(host.stdout.text, /\n {2}50% +.+regression\n/);
  assert.match(host.stdout.text, /\nREGRESSION \d figures are worse by more than 5%/);
});

Deno.test("--max-regression may precede or follow the files", async () => {
  assert.equal((await compare(["a.json", "slow.json", "--max-regression", "20%"])).exitCode, 0);
  assert.equal((await compare(["a.json", "--max-regression=1%", "slow.json"])).exitCode, 3);
});

Deno.test("--json writes the comparison", async () => {
  const host = await compare(["a.json", "slow.json", "--json", "diff.json"]);
  const { a, b, exitCode, requests } = JSON.parse(host.files.get("/home/me/diff.json")!);
  assert.deepEqual([a.file, b.file, exitCode], ["a.json", "slow.json", 3]);
  assert.equal(requests[0].p50.finding, "regression");
});

Deno.test("--markdown writes the comparison for people, alone or with --json", async () => {
  const outputs = ["--markdown", "diff.md", "--json", "diff.json"];
  const host = await compare(["a.json", "slow.json", ...outputs]);
  assert.equal(host.exitCode, 3);
  assert.match(host.files.get("/home/me/diff.md")!, /^## ❌ Comparison: REGRESSION\n/);
  assert.equal(JSON.parse(host.files.get("/home/me/diff.json")!).exitCode, 3);
  const alone = await compare(["a.json", "b.json", "--markdown", "diff.md"]);
  assert.match(alone.files.get("/home/me/diff.md")!, /^## ✅ Comparison: PASSED\n/);
});

Deno.test("a comparison that cannot be written is shown, and raises the exit code", async () => {
  const host = new FakeHost({
    args: ["compare", "a.json", "b.json", "--json", "d.json"],
    files: FILES,
  });
  host.files.set("/home/me/d.json", "an old one");
  host.unwritable.set("/home/me/d.json", { reason: "no space left on the device", at: "write" });
  assert.equal(await main(host), 1);
  assert.match(host.stdout.text, /PASSED/);
  assert.equal(
    host.stderr.text,
    "aiotest: --json d.json: cannot write the file: no space left on the device\n",
  );
  assert.equal(host.files.has("/home/me/d.json"), false);
});

Deno.test("variables for runs do not apply to compare", async () => {
  const env = { AIOTEST_JSON: "b.json", AIOTEST_CONFIG: "none.toml", AIOTEST_MAX_REGRESSION: "1" };
  const host = await compare(["a.json", "b.json"], { env });
  assert.equal(host.exitCode, 0);
  assert.equal(host.files.get("/home/me/b.json"), FILES["/home/me/b.json"]);
});

Deno.test("colours are for terminals", async () => {
  const escape = "\x1b[31m";
  assert.ok(!(await compare(["a.json", "slow.json"])).stdout.text.includes(escape));
  const terminal = { isTerminal: true };
  assert.ok((await compare(["a.json", "slow.json"], terminal)).stdout.text.includes(escape));
  const env = { NO_COLOR: "1" };
  const without = await compare(["a.json", "slow.json"], { ...terminal, env });
  assert.ok(!without.stdout.text.includes(escape));
});

const MISTAKES: readonly (readonly [args: string[], message: string, hint: string])[] = [
  [
    [],
    "compare: expected two summaries, but there is none",
    "Try: aiotest compare before.json after.json, or: aiotest compare last~1 last",
  ],
  [
    ["a.json"],
    "compare: expected two summaries, but there is only a.json",
    "Try: aiotest compare before.json after.json, or: aiotest compare last~1 last",
  ],
  [
    ["a.json", "b.json", "c.json"],
    "compare: expected two summaries, but there is a third one: c.json",
    "For all options, run aiotest compare --help.",
  ],
  [
    ["a.json", "none.json"],
    "file not found: /home/me/none.json",
    "A summary is a file that aiotest has written with --json.",
  ],
  [
    ["a.json", "b.json", "--max-regression", "5"],
    "--max-regression 5: expected a percentage like 5%",
    "",
  ],
  [
    ["a.json", "b.json", "--json", "./a.json"],
    "--json ./a.json: this is one of the two files to compare, which would be overwritten",
    "",
  ],
  [
    ["a.json", "b.json", "--json", "d.md", "--markdown", "d.md"],
    "--markdown d.md: this is the same file as --json d.md",
    "Give each output a file of its own.",
  ],
  [
    ["a.json", "b.json", "--users", "5"],
    "--users: unknown option",
    "For all options, run aiotest compare --help.",
  ],
];

for (const [args, message, hint] of MISTAKES) {
  Deno.test(`aiotest compare ${args.join(" ")} is refused`, async () => {
    const host = await compare(args);
    assert.equal(host.exitCode, 2);
    assert.equal(host.stdout.text, "");
    assert.equal(host.stderr.text, `aiotest: ${message}\n${hint === "" ? "" : `${hint}\n`}`);
    assert.equal(host.files.get("/home/me/a.json"), FILES["/home/me/a.json"]);
  });
}

const SUMMARY = writtenSummary(snapshot(), { metadata: runMetadata(), exitCode: 0 });
const HINT = "A summary is a file that aiotest has written with --json.";

function hostWith(content: unknown): FakeHost {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return new FakeHost({ files: { "/home/me/run.json": text } });
}

async function refusal(content: unknown): Promise<UsageError> {
  const error = await readSummaryFile(hostWith(content), "run.json").then(() => null, (e) => e);
  assert.ok(error instanceof UsageError, String(error));
  assert.equal(error.exitCode, 2);
  return error;
}

Deno.test("a summary written by --json is read", async () => {
  const run = await readSummaryFile(hostWith(joined(summaryJson(SUMMARY))), "run.json");
  assert.deepEqual(run, JSON.parse(joined(summaryJson(SUMMARY))));
});

Deno.test("fields of later versions are ignored", async () => {
  const run = await readSummaryFile(hostWith({ ...SUMMARY, more: 1 }), "run.json");
  assert.equal(run.runId, SUMMARY.runId);
});

Deno.test("a summary of a version that did not count unfinished requests is read", async () => {
  const text = JSON.stringify(
    SUMMARY,
    (field, value) => field === "unfinished" || field === "lowerBounds" ? undefined : value,
  );
  assert.doesNotMatch(text, /unfinished/);
  const content = JSON.parse(text);
  const run = await readSummaryFile(hostWith(content), "run.json");
  assert.equal(run.totals.requests, SUMMARY.totals.requests);
});

Deno.test("a summary in UTF-16, as some shells save it, is read, and a compressed one is refused", async () => {
  const text = JSON.stringify(SUMMARY);
  const utf16 = Uint8Array.of(
    ...[0xff, 0xfe],
    ...Array.from(text, (_, index) => text.charCodeAt(index)).flatMap((
      one,
    ) => [one & 0xff, one >> 8]),
  );
  const binaries = { "/home/me/run.json": utf16, "/home/me/run.gz": Uint8Array.of(0x1f, 0x8b) };
  const host = new FakeHost({ binaries });
  assert.equal((await readSummaryFile(host, "run.json")).runId, SUMMARY.runId);
  await assert.rejects(readSummaryFile(host, "run.gz"), {
    name: "UsageError",
    message: "cannot read run.gz: it is compressed with gzip: decompress it first",
  });
});

Deno.test("a missing file is reported", async () => {
  await assert.rejects(readSummaryFile(new FakeHost(), "gone.json"), {
    name: "UsageError",
    message: "file not found: /home/me/gone.json",
    hint: HINT,
  });
});

Deno.test("a file that is not JSON is reported with the reason", async () => {
  const { message, hint } = await refusal("<html>\n</html>");
  assert.match(message, /^run\.json is not valid JSON: .+/);
  assert.ok(!message.includes("\n"));
  assert.equal(hint, HINT);
});

for (const content of [[], null, 5, "5", {}, { schema: 1 }, { aiotest: "0.1.0" }]) {
  Deno.test(`${JSON.stringify(content)} is not accepted as a summary`, async () => {
    assert.equal((await refusal(content)).message, "run.json is not a summary of a run");
  });
}

Deno.test("a summary of another schema is refused", async () => {
  assert.equal(
    (await refusal({ ...SUMMARY, schema: 5 })).message,
    "run.json has schema 5, but this version of aiotest reads schemas 1 to 4",
  );
});

Deno.test("a summary without histograms is refused with the version that wrote it", async () => {
  const { histogram: _, ...totals } = SUMMARY.totals;
  const { message, hint } = await refusal({ ...SUMMARY, aiotest: "0.0.9", totals });
  assert.equal(message, "run.json was written by aiotest 0.0.9, which did not write histograms");
  assert.equal(hint, "Repeat the run with a newer version.");
});

Deno.test("a comparison is not accepted as a summary", async () => {
  const content = { schema: 1, aiotest: "0.1.0", maxRegression: 0.05 };
  assert.equal(
    (await refusal(content)).message,
    "run.json is a comparison, not a summary of a run",
  );
});

const BROKEN: readonly (readonly [change: object, problem: string])[] = [
  [{ runId: 5 }, "runId must be a string"],
  [{ mode: "cloud" }, "mode must be local or distributed"],
  [{ durationSeconds: -1 }, "durationSeconds must be a number of at least 0"],
  [{ users: null }, "users must be an object"],
  [{ users: { peak: 0.5 } }, "users.peak must be a whole number of at least 0"],
  [{ totals: { ...SUMMARY.totals, histogram: "gA==" } }, "totals.histogram must be a histogram"],
  [{ totals: { ...SUMMARY.totals, histogram: "?" } }, "totals.histogram must be a histogram"],
  [
    { totals: { ...SUMMARY.totals, unfinished: { count: -1 } } },
    "totals.unfinished must be an object with a count, or missing",
  ],
  [
    { totals: { ...SUMMARY.totals, lowerBounds: ["p12"] } },
    "totals.lowerBounds must be a list of figures, or missing",
  ],
  [{ timeline: [{ second: 1e15 }] }, "timeline[0].second must be a second of a run"],
  [{ requests: {} }, "requests must be a list"],
  [{ requests: [{ method: "GET" }] }, "requests[0].name must be a string"],
  [
    { timeline: [...SUMMARY.timeline, { second: 1, requests: 1, failures: 0, p50: "1" }] },
    `timeline[${SUMMARY.timeline.length}].p50 must be a number of at least 0, or null`,
  ],
];

for (const [change, problem] of BROKEN) {
  Deno.test(`a summary is refused with the problem: ${problem}`, async () => {
    const { message } = await refusal({ ...SUMMARY, ...change });
    assert.equal(message, `run.json is not a summary of a run: ${problem}`);
  });
}

Deno.test("a run that was still going is compared with a warning", async () => {
  const run = JSON.parse(FILES["/home/me/b.json"]);
  const going = JSON.stringify({ ...run, schema: 4, state: "running", complete: false });
  const host = new FakeHost({
    args: ["compare", "a.json", "going.json"],
    files: { ...FILES, "/home/me/going.json": going },
  });
  assert.equal(await main(host), 0);
  assert.match(
    host.stdout.text.replaceAll(/\s+/g, " "),
    /! B was still going when its summary was written, or was killed after it: what came later is missing\./,
  );
  assert.doesNotMatch(host.stdout.text, /counts of B are incomplete/);
});
