import assert from "node:assert/strict";
import { main } from "../../src/cli/main.ts";
import { FakeHost, type FakeHostOptions } from "../support/fake_host.ts";
import { seeded } from "../support/cutting_target.ts";
import { simulatedRun } from "../support/simulated_summary.ts";

const NAMES = [{ name: "/search", rate: 100, median: 20, spread: 0.1 }];

function summaryText(slower: number, seed: number): string {
  const run = simulatedRun({ seconds: 10, names: NAMES, slower }, seeded(seed));
  return JSON.stringify({ schema: 1, aiotest: "0.1.0", ...run });
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
  assert.match(host.stdout.text, /\nPASSED no figure is for sure worse by more than 5%/);
  assert.equal(host.stderr.text, "");
  assert.deepEqual([...host.files.keys()], Object.keys(FILES));
});

Deno.test("a slower run is a regression, and exits with 3", async () => {
  const host = await compare(["a.json", "slow.json"]);
  assert.equal(host.exitCode, 3);
  assert.match(host.stdout.text, /\n {2}50% +.+regression\n/);
  assert.match(host.stdout.text, /\nREGRESSION \d figures are worse by more than 5%/);
});

Deno.test("how much worse it may be can be said, on either side of the files", async () => {
  assert.equal((await compare(["a.json", "slow.json", "--max-regression", "20%"])).exitCode, 0);
  assert.equal((await compare(["a.json", "--max-regression=1%", "slow.json"])).exitCode, 3);
});

Deno.test("--json writes the comparison", async () => {
  const host = await compare(["a.json", "slow.json", "--json", "diff.json"]);
  const { a, b, exitCode, requests } = JSON.parse(host.files.get("diff.json")!);
  assert.deepEqual([a.file, b.file, exitCode], ["a.json", "slow.json", 3]);
  assert.equal(requests[0].p50.finding, "regression");
});

Deno.test("what the environment says of runs means nothing here", async () => {
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
    "compare: two summaries are needed, and none is given",
    "Try: aiotest compare before.json after.json",
  ],
  [
    ["a.json"],
    "compare: two summaries are needed, and only a.json is given",
    "Try: aiotest compare before.json after.json",
  ],
  [
    ["a.json", "b.json", "c.json"],
    "compare: two summaries are needed, and c.json is a third one",
    "aiotest compare --help shows the options.",
  ],
  [
    ["a.json", "none.json"],
    "there is no file /home/me/none.json",
    "A file is needed that aiotest has written with --json.",
  ],
  [
    ["a.json", "b.json", "--max-regression", "5"],
    "--max-regression 5: a percentage like 5% is needed",
    "",
  ],
  [
    ["a.json", "b.json", "--json", "./a.json"],
    "--json ./a.json: this file is one of those that are compared",
    "",
  ],
  [
    ["a.json", "b.json", "--users", "5"],
    "--users: there is no such flag",
    "aiotest compare --help shows all flags.",
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
