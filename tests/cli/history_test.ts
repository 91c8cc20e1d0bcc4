import assert from "node:assert/strict";
import { HistoryWriter, keptHistory } from "../../src/cli/history.ts";
import type { Options } from "../../src/cli/options.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { parse } from "../support/command_line.ts";
import { FakeHost } from "../support/fake_host.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { shopSnapshot } from "../support/snapshots.ts";

const FOLDER = "/home/me/.aiotest";

const GOING = shopSnapshot(30, { state: "running", complete: false });

interface Written {
  readonly host: FakeHost;
  readonly writer: HistoryWriter;
  readonly warnings: string[];
}

async function newWriter(host = new FakeHost()): Promise<Written> {
  const options: Options = await parse({ args: [] });
  const warnings: string[] = [];
  const history = keptHistory(host, options)!;
  const writer = new HistoryWriter(host, options, {
    history,
    warn: (text) => void warnings.push(text),
  });
  return { host, writer, warnings };
}

function ended(run: Snapshot): Parameters<HistoryWriter["end"]>[0] {
  return {
    snapshot: { ...run, state: "stopped" },
    exitCode: 0,
    metadata: () => runMetadata(),
  };
}

function summaries(host: FakeHost): string[] {
  return [...host.files.keys()].filter((path) => /\/\d{8}-\d{6}-\w+\.json$/.test(path));
}

Deno.test("runs of a test file are kept, except passes, and in CI only if that is asked for", async () => {
  const directory = async (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string | null> =>
    keptHistory(new FakeHost({ env }), await parse({ args, env }))?.directory ?? null;
  assert.equal(await directory([]), ".aiotest");
  assert.equal(await directory(["--history", "runs"]), "runs");
  assert.equal(await directory([], { AIOTEST_HISTORY: "runs" }), "runs");
  assert.equal(await directory(["--no-history"]), null);
  assert.equal(await directory(["--no-history", "--history", "runs"]), null);
  assert.equal(await directory(["--once"]), null);
  assert.equal(await directory([], { CI: "true" }), null);
  assert.equal(await directory([], { CI: "false" }), ".aiotest");
  assert.equal(await directory(["--history", "runs"], { CI: "true" }), "runs");
});

Deno.test("a run is kept at its end, in a directory that git ignores", async () => {
  const { host, writer, warnings } = await newWriter();
  await writer.end(ended(GOING));
  const [path, ...others] = summaries(host);
  assert.deepEqual(others, []);
  const { state, exitCode, runId } = JSON.parse(host.files.get(path!)!);
  assert.deepEqual([state, exitCode, runId], ["finished", 0, GOING.runId]);
  assert.match(host.files.get(`${FOLDER}/.gitignore`)!, /^\*$/m);
  assert.equal(host.disk.size, 0);
  assert.deepEqual(warnings, []);
});

Deno.test("a run that goes on has a lock, and is kept as it is", async () => {
  const { host, writer } = await newWriter();
  writer.update(GOING);
  // The directory is opened first.
  while (host.disk.size === 0) await Promise.resolve();
  writer.update(GOING);
  while (summaries(host).length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  const { state } = JSON.parse(host.files.get(summaries(host)[0]!)!);
  assert.equal(state, "running");
  await writer.end(ended(GOING));
  assert.equal(summaries(host).length, 1);
  assert.equal(JSON.parse(host.files.get(summaries(host)[0]!)!).state, "finished");
  assert.equal(host.disk.size, 0);
});

Deno.test("a run that has not started leaves nothing", async () => {
  const { host, writer } = await newWriter();
  const unstarted = { ...GOING, startedAt: null };
  writer.update(unstarted);
  await writer.end(ended(unstarted));
  assert.deepEqual([...host.files.keys()], []);
});

Deno.test("one writer adds several runs, one after the other", async () => {
  const { host, writer } = await newWriter();
  for (const runId of ["aaaa", "bbbb"]) {
    writer.update({ ...GOING, runId });
    await writer.end(ended({ ...GOING, runId }));
  }
  assert.deepEqual(summaries(host).map((path) => path.replace(/.*-/, "")), [
    "aaaa.json",
    "bbbb.json",
  ]);
});

Deno.test("a directory that cannot be written is one warning", async () => {
  const host = new FakeHost();
  host.createTextFile = () => Promise.reject(new Error("read-only file system"));
  const { writer, warnings } = await newWriter(host);
  writer.update(GOING);
  await writer.end(ended(GOING));
  await writer.end(ended(GOING));
  assert.deepEqual(warnings, [
    "This run is not kept in .aiotest: read-only file system. --history names another directory, and --no-history keeps no runs.",
  ]);
  assert.deepEqual(summaries(host), []);
});
