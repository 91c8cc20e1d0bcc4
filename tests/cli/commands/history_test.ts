import assert from "node:assert/strict";
import { main } from "../../../src/cli/main.ts";
import { FakeHost } from "../../support/fake_host.ts";
import { runMetadata } from "../../support/run_metadata.ts";
import { shopSnapshot } from "../../support/snapshots.ts";
import { CONTROLS, HOSTILE_NAME, writtenSummary } from "../../support/texts.ts";

function summary(runId: string, name: string | null, exitCode = 0): string {
  const labels = { branch: "feature/a-long-name-of-a-branch" };
  const run = shopSnapshot(30, { state: "stopped", runId, name, labels });
  return JSON.stringify(writtenSummary(run, { metadata: runMetadata(), exitCode }));
}

const FILES = {
  "/home/me/.aiotest/20260101-100000-aaaa0001.json": summary("aaaa0001-1", "nightly"),
  "/home/me/.aiotest/20260102-100000-aaaa0002.json": summary("aaaa0002-1", HOSTILE_NAME, 3),
  "/home/me/.aiotest/20260103-100000-bbbb0003.json": "{",
  "/home/me/other/20260104-100000-cccc0004.json": summary("cccc0004-1", "other"),
};

async function history(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<FakeHost> {
  const host = new FakeHost({ args: ["history", ...args], env, files: FILES });
  host.exitCode = await main(host);
  return host;
}

Deno.test("the list fits 80 columns, whatever runs are called", async () => {
  const host = await history([]);
  assert.equal(host.exitCode, 0, host.stderr.text);
  const lines = host.stdout.text.split("\n");
  assert.match(lines[0]!, /^ID +Started \(UTC\) +Run +Verdict +Req\/s +95% ms +Fail%$/);
  for (const line of lines) assert.ok([...line].length <= 80, line);
  assert.match(host.stdout.text, /^aaaa0001 2026-01-01 10:00 nightly +passed /m);
  assert.match(host.stdout.text, /^bbbb0003 2026-01-03 10:00 20260103-/m);
  assert.doesNotMatch(host.stdout.text.replaceAll("\n", ""), CONTROLS);
});

Deno.test("the list can be of one name, of another directory, and JSON", async () => {
  const names = async (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string[]> =>
    JSON.parse((await history(["--json", ...args], env)).stdout.text).runs
      .map(({ name }: { name: string }) => name);
  assert.deepEqual(await names(["--name", "nightly"]), ["nightly"]);
  assert.deepEqual(await names(["--history", "other"]), ["other"]);
  assert.deepEqual(await names([], { AIOTEST_HISTORY: "other" }), ["other"]);
  // The name of the next run has nothing to do with the list.
  assert.equal((await names([], { AIOTEST_NAME: "next" })).length, 3);
  const none = await history(["--name", "none"]);
  assert.equal(none.stdout.text, "There are no runs named none in .aiotest.\n");
  assert.equal(
    (await history(["--history", "empty"])).stdout.text,
    "There are no runs in empty.\n",
  );
});

Deno.test("show prints what report prints", async () => {
  const shown = await history(["show", "aaaa0001"]);
  assert.equal(shown.exitCode, 0, shown.stderr.text);
  const host = new FakeHost({ args: ["report", "last~1"], files: FILES });
  assert.equal(await main(host), 0, host.stderr.text);
  assert.equal(shown.stdout.text, host.stdout.text);
  assert.match(shown.stdout.text, /Run nightly, aaaa0001-1/);
});

Deno.test("rm removes runs by name, and all but the last", async () => {
  const left = (host: FakeHost): string[] =>
    [...host.files.keys()].filter((path) => /\/\.aiotest\/2/.test(path))
      .map((path) => path.slice(-13, -5));
  const one = await history(["rm", "bbbb", "aaaa0002", "aaaa0002"]);
  assert.equal(one.stdout.text, "Removed 2 runs from .aiotest; 1 is left.\n");
  assert.deepEqual(left(one), ["aaaa0001"]);
  assert.deepEqual(left(await history(["rm", "--keep-last", "1"])), ["bbbb0003"]);
  assert.deepEqual(left(await history(["rm", "--keep-last", "0"])), []);
  const all = await history(["rm", "--keep-last", "9"]);
  assert.equal(all.stdout.text, "Removed 0 runs from .aiotest; 3 are left.\n");
});

const MISTAKES: readonly (readonly [args: string[], message: RegExp])[] = [
  [
    ["aaaa0001"],
    /^history aaaa0001: expected show or rm\nTo print .*: aiotest history show aaaa0001$/,
  ],
  [["show"], /^history show: expected a run\nTry: aiotest history show last$/],
  [["show", "aaaa0001", "x"], /^history show: expected one run, but there is a second one: x$/],
  [["show", "zzz"], /^zzz: no such run in \.aiotest\nThere are bbbb0003, aaaa0002 \(/],
  [["show", "aaaa"], /^aaaa is the start of several runs in \.aiotest: aaaa0002 \(/],
  [["show", "bbbb"], /^20260103-100000-bbbb0003\.json is not valid JSON: /],
  [["rm"], /^history rm: expected a run, or --keep-last N\n/],
  [["rm", "aaaa0001", "--keep-last", "1"], /^history rm takes either runs or --keep-last\n/],
  [["rm", "--keep-last", "x"], /^--keep-last x: expected a whole number of at least 0$/],
  [["rm", "aaaa0001", "zzz"], /^zzz: no such run/],
  [
    ["--keep-last", "1"],
    /^--keep-last cannot be used with history\nTry: aiotest history rm --keep/,
  ],
  [["show", "last", "--json"], /^--json cannot be used with history show$/],
  [["--users", "5"], /^--users: unknown option\nFor all options, run aiotest history --help\.$/],
  [["--history"], /^--history: missing value$/],
];

Deno.test("mistakes are named, and nothing is removed", async () => {
  for (const [args, message] of MISTAKES) {
    const host = await history(args);
    assert.equal(host.exitCode, 2, args.join(" "));
    const text = host.stderr.text.replace(/^aiotest: /, "").trimEnd();
    assert.match(text, new RegExp(message.source, "s"), args.join(" "));
    for (const path of Object.keys(FILES)) assert.ok(host.files.has(path), args.join(" "));
  }
});

Deno.test("compare and report prefer a file to an id, and last to a file", async () => {
  const run = async (...args: string[]): Promise<FakeHost> => {
    const own = summary("own", "own file");
    const files = { ...FILES, "/home/me/aaaa0001": own, "/home/me/last": own };
    const host = new FakeHost({ args, files });
    host.exitCode = await main(host);
    return host;
  };
  assert.match((await run("report", "aaaa0001")).stdout.text, /Run own file, own/);
  assert.match((await run("report", "last~1")).stdout.text, /Run nightly, aaaa0001-1/);
  assert.doesNotMatch((await run("report", "last")).stdout.text, /own file/);
  assert.match((await run("report", "./last")).stdout.text, /Run own file, own/);
  const { stdout } = await run("compare", "20260101", "aaaa0002");
  assert.match(stdout.text, /^A {2}\.aiotest\/20260101-100000-aaaa0001\.json: nightly, /m);
});
