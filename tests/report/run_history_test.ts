import assert from "node:assert/strict";
import { ExitCode } from "../../src/core/errors.ts";
import { historyId, isHistoryId, RunHistory } from "../../src/report/run_history.ts";
import { FakeHost } from "../support/fake_host.ts";
import { MemoryFile } from "../support/memory_file.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { shopSnapshot, snapshot } from "../support/snapshots.ts";
import { writtenSummary } from "../support/texts.ts";

const FOLDER = "/home/me/.aiotest";

/** A summary of a run that has ended, as its file has it. */
function summary(runId: string, exitCode = 0, name: string | null = null): string {
  const run = shopSnapshot(30, { state: "stopped", runId, name });
  return JSON.stringify(writtenSummary(run, { metadata: runMetadata(), exitCode }));
}

/** The summary of a run that was killed, or goes on. */
function running(runId: string): string {
  const run = shopSnapshot(30, { state: "running", complete: false, runId });
  return JSON.stringify(writtenSummary(run, { metadata: runMetadata(), exitCode: null }));
}

const RUNS = {
  "20260101-100000-aaaa0001": summary("aaaa0001-1", 0, "nightly"),
  "20260102-100000-aaaa0002": summary("aaaa0002-1", 3, "nightly"),
  "20260103-100000-bbbb0003": summary("bbbb0003-1"),
} as const;

function hostWith(runs: Readonly<Record<string, string>>): FakeHost {
  return new FakeHost({
    files: Object.fromEntries(
      Object.entries(runs).map(([id, text]) => [`${FOLDER}/${id}.json`, text]),
    ),
  });
}

/** A host that records which files are read. */
function countingReads(host: FakeHost): string[] {
  const reads: string[] = [];
  const read = host.readTextFile.bind(host);
  host.readTextFile = (path) => {
    reads.push(path.slice(FOLDER.length + 1));
    return read(path);
  };
  return reads;
}

function historyOf(host: FakeHost): RunHistory {
  return new RunHistory(host, FOLDER, ".aiotest");
}

Deno.test("an id tells when a run started, and cannot leave the directory", () => {
  const at = Date.parse("2026-11-27T16:54:59.789Z");
  assert.equal(
    historyId("1B9D6BCD-bbfd-4b2d-9b5d-ab8dfbbd4bed", at),
    "20261127-165459-1b9d6bcd",
  );
  // A journal may contain anything.
  for (const runId of ["", "../../etc", "x/y", "é", "a".repeat(100)]) {
    assert.ok(isHistoryId(historyId(runId, at)), runId);
  }
  for (const id of ["", "..", "../a", "20261127-165459-1b9d/..", "index", "20261127-165459-"]) {
    assert.equal(isHistoryId(id), false, id);
  }
});

Deno.test("no path leads out of the directory", async () => {
  const history = historyOf(new FakeHost({ files: { "/home/me/secret.json": "{}" } }));
  for (const id of ["../secret", "/home/me/secret", "20260101-100000-a/../../../secret"]) {
    await assert.rejects(history.readText(id), TypeError);
    await assert.rejects(history.remove(id), TypeError);
    await assert.rejects(history.open(id), TypeError);
  }
});

Deno.test("runs are listed in the order of their start, with what lists show", async () => {
  const runs = await historyOf(hostWith(RUNS)).list();
  assert.deepEqual(runs.map(({ shortId, verdict }) => [shortId, verdict]), [
    ["aaaa0001", "passed"],
    ["aaaa0002", "failed"],
    ["bbbb0003", "passed"],
  ]);
  const { name, exitCode, requests, test } = runs[1]!.head!;
  assert.deepEqual([name, exitCode, test], ["nightly", 3, runMetadata().test]);
  assert.ok(requests > 0);
});

Deno.test("only what has changed is read again, also by another process", async () => {
  const host = hostWith(RUNS);
  await historyOf(host).list();
  const reads = countingReads(host);
  const history = historyOf(host);
  const before = await history.list();
  assert.deepEqual(reads, ["index.json"]);
  host.files.set(`${FOLDER}/20260103-100000-bbbb0003.json`, summary("bbbb0003-1", 1, "changed"));
  host.files.set(`${FOLDER}/20260104-100000-cccc0004.json`, summary("cccc0004-1"));
  host.files.delete(`${FOLDER}/20260101-100000-aaaa0001.json`);
  const after = await history.list();
  assert.deepEqual(reads.slice(1), [
    "20260103-100000-bbbb0003.json",
    "20260104-100000-cccc0004.json",
  ]);
  assert.equal(before[0]!.shortId, "aaaa0001");
  assert.deepEqual(after.map(({ shortId, head }) => [shortId, head?.name]), [
    ["aaaa0002", "nightly"],
    ["bbbb0003", "changed"],
    ["cccc0004", null],
  ]);
});

Deno.test("a damaged index, or one of another version, is made again", async () => {
  const wanted = await historyOf(hostWith(RUNS)).list();
  const sizes = Object.entries(RUNS).map(([id, text]) => [`${id}.json`, text.length] as const);
  const damaged = sizes.map(([name, size]) => [
    name,
    { size, modifiedAt: 0, problem: null, head: { runId: "x", rate: "fast" } },
  ]);
  for (
    const index of [
      "",
      "{",
      "null",
      "[]",
      '{"version":1}',
      '{"version":1,"files":[null]}',
      JSON.stringify({ version: 2, files: {} }),
      JSON.stringify({ version: 1, files: Object.fromEntries(damaged) }),
    ]
  ) {
    const host = hostWith(RUNS);
    host.files.set(`${FOLDER}/index.json`, index);
    assert.deepEqual(await historyOf(host).list(), wanted, index);
  }
});

Deno.test("a directory that cannot be written is listed all the same", async () => {
  const host = hostWith(RUNS);
  host.unwritable.set(`${FOLDER}/index.json`, { reason: "read-only", at: "check" });
  assert.equal((await historyOf(host).list()).length, 3);
});

Deno.test("files that cannot be read are listed with the reason, others are ignored", async () => {
  const host = hostWith({
    "20260101-100000-a": "{",
    "20260102-100000-b": '{"schema":9,"aiotest":"9.0.0"}',
    "20260103-100000-c": '{"hello":1}',
    "20260104-100000-d": RUNS["20260103-100000-bbbb0003"],
  });
  for (const name of ["notes.txt", "before.json", ".gitignore", "20260104-100000-d.json.bak"]) {
    host.files.set(`${FOLDER}/${name}`, "x");
  }
  const runs = await historyOf(host).list();
  assert.deepEqual(runs.map(({ shortId, verdict }) => [shortId, verdict]), [
    ["a", "unreadable"],
    ["b", "unreadable"],
    ["c", "unreadable"],
    ["d", "passed"],
  ]);
  assert.match(runs[0]!.problem!, /^20260101-100000-a\.json is not valid JSON: /);
  assert.match(runs[1]!.problem!, /has schema 9, but this version of aiotest reads schemas 1 to 4/);
  assert.match(runs[2]!.problem!, /is not a summary of a run$/);
});

Deno.test("a run without an end is running as long as its process has its lock", async () => {
  const host = hostWith({ "20260101-100000-a": running("a") });
  const lock = new MemoryFile();
  lock.open();
  host.disk.set(`${FOLDER}/20260101-100000-a.lock`, lock);
  const history = historyOf(host);
  assert.equal((await history.list())[0]!.verdict, "running");
  // The system closes the files of a process that is killed.
  lock.close();
  assert.equal((await history.list())[0]!.verdict, "interrupted");
  assert.equal(host.disk.size, 0);
  assert.equal((await history.list())[0]!.verdict, "interrupted");
});

Deno.test("a run is named by last, by the one before, or by the start of its id", async () => {
  const host = hostWith({ ...RUNS, "20260104-100000-dddd": running("dddd-1") });
  const lock = new MemoryFile();
  lock.open();
  host.disk.set(`${FOLDER}/20260104-100000-dddd.lock`, lock);
  const history = historyOf(host);
  const found = async (text: string): Promise<string> => (await history.find(text)).shortId;
  assert.equal(await found("last"), "bbbb0003");
  assert.equal(await found("last~0"), "bbbb0003");
  assert.equal(await found("last~2"), "aaaa0001");
  assert.equal(await found("b"), "bbbb0003");
  assert.equal(await found("AAAA0002"), "aaaa0002");
  assert.equal(await found("aaaa0001-1"), "aaaa0001");
  assert.equal(await found("20260102"), "aaaa0002");
  assert.equal(await found("d"), "dddd");
  await assert.rejects(history.find("aaaa"), {
    name: "UsageError",
    exitCode: ExitCode.usage,
    message:
      "aaaa is the start of several runs in .aiotest: aaaa0002 (nightly), aaaa0001 (nightly)",
  });
  await assert.rejects(history.find("zzz"), {
    message: "zzz: no such run in .aiotest",
    hint:
      "There are dddd, bbbb0003, aaaa0002 (nightly), aaaa0001 (nightly). For all, run aiotest history.",
  });
  await assert.rejects(history.find("last~3"), {
    message: "last~3: of the runs in .aiotest, only 3 runs have ended",
  });
  await assert.rejects(historyOf(new FakeHost()).find("last"), {
    message: "last: of the runs in .aiotest, none has ended",
    hint: "There are no runs in .aiotest.",
  });
});

Deno.test("the oldest runs are removed beyond a number, and beyond a size", async () => {
  const kept = async (limits: { runs: number; bytes: number }): Promise<string[]> => {
    const host = hostWith({ ...RUNS, "20251231-100000-old": running("old") });
    const lock = new MemoryFile();
    lock.open();
    host.disk.set(`${FOLDER}/20251231-100000-old.lock`, lock);
    const history = historyOf(host);
    await history.prune(limits, 0);
    return (await history.list()).map(({ shortId }) => shortId);
  };
  const size = RUNS["20260103-100000-bbbb0003"].length;
  assert.deepEqual(await kept({ runs: 500, bytes: Infinity }), [
    ...["old", "aaaa0001", "aaaa0002", "bbbb0003"],
  ]);
  // A run in progress stays.
  assert.deepEqual(await kept({ runs: 2, bytes: Infinity }), ["old", "aaaa0002", "bbbb0003"]);
  assert.deepEqual(await kept({ runs: 500, bytes: size * 2.5 }), ["old", "aaaa0002", "bbbb0003"]);
  assert.deepEqual(await kept({ runs: 500, bytes: 10 }), ["old", "bbbb0003"]);
});

Deno.test("what killed processes have left is removed once it is a day old", async () => {
  const host = hostWith(RUNS);
  host.files.set(`${FOLDER}/.aiotest-00000001.tmp`, "{");
  host.files.set(`${FOLDER}/.aiotest-00000002.tmp`, "{");
  const day = 86_400_000;
  host.times.set(`${FOLDER}/.aiotest-00000002.tmp`, day);
  await historyOf(host).prune({ runs: 500, bytes: Infinity }, day + 1);
  const left = [...host.files.keys()].filter((path) => path.endsWith(".tmp"));
  assert.deepEqual(left, [`${FOLDER}/.aiotest-00000002.tmp`]);
});

Deno.test("a run that measured nothing is listed as such", async () => {
  const empty = snapshot({ state: "stopped" });
  const written = writtenSummary(empty, { metadata: runMetadata(), exitCode: 0 });
  const text = JSON.stringify({ ...written, totals: { ...written.totals, requests: 0 } });
  const [run] = await historyOf(hostWith({ "20260101-100000-a": text })).list();
  assert.equal(run!.verdict, "nothing measured");
});
