import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import assert from "node:assert/strict";
import { encodeMessage } from "../../src/cluster/codec.ts";
import { JOURNAL_HEAD, type RunRecord } from "../../src/cluster/journal.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { reportParts } from "../../src/cluster/report_parts.ts";
import {
  createJournal,
  type RestoredRun,
  restoreRun,
  resumeJournal,
} from "../../src/cluster/restore.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import { UsageError } from "../../src/core/errors.ts";
import type { DiskFile, OpenOptions } from "../../src/core/files.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { FakeHost } from "../support/fake_host.ts";
import { journalBytes, readJournal, RUN_RECORD } from "../support/journals.ts";
import { MemoryFile } from "../support/memory_file.ts";
import { anySample, sample } from "../support/samples.ts";

const WORKERS: readonly RunRecord[] = [0, 1, 2].map((index) => ({
  type: "worker",
  id: `w${index}`,
  incarnation: `i${index}`,
  index,
  host: "box",
}));

function restored(records: readonly RunRecord[]): Promise<RestoredRun> {
  return restoreRun(records, "--resume run.journal");
}

/** The error for a run with three workers and these records. */
async function refusalOf(records: readonly RunRecord[]): Promise<[string, string]> {
  const error = await restored(records).then(() => assert.fail("nothing was refused"), (e) => e);
  assert.ok(error instanceof UsageError, String(error));
  return [error.message, error.hint];
}

/** The reports of a worker with these samples. */
function reportsOf(
  samples: readonly Sample[],
  resetCount: number,
  firstSeq: number,
): Message<"REPORT">[] {
  const table = new StatsTable();
  table.start(0);
  for (const one of samples.toSorted((a, b) => a.endedAt - b.endedAt)) {
    table.record(one);
    if (one.error !== null) table.userError(one.name, one.error, one.endedAt);
  }
  return table.flush(10_001)
    .flatMap((interval) => reportParts(interval, { runId: "r1", resetCount, cpu: 0.5, lag: 2 }))
    .map(({ content }, i) => ({
      ...content,
      seq: firstSeq + i,
      final: false,
      damaged: false,
      warnings: [],
      unstartedTests: [],
    }));
}

function recordOf(incarnation: string, report: Message<"REPORT">): RunRecord {
  return { type: "report", incarnation, payload: encodeMessage(report).subarray(4) };
}

/** Everything in a state, as plain values. */
function contentOf(state: RunState): unknown {
  const { runId, testfileHash, epoch, resetCount, startedAt, elapsedSeconds, countedFrom } = state;
  const workers = state.workers.map(({ reports, ...fields }) => ({
    ...fields,
    seq: reports.lastSeq,
  }));
  const { peakUsers, namesCapped, lateSeconds } = state.totals;
  const statistics = state.totals.statistics(10);
  return {
    ...{ runId, testfileHash, epoch, resetCount, startedAt, elapsedSeconds, countedFrom, workers },
    ...{ peakUsers, namesCapped, lateSeconds, statistics },
  };
}

/** An event of a run: a worker reports, or the counts are reset. */
const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      worker: fc.nat(2),
      samples: fc.array(anySample, { maxLength: 20 }),
      isLate: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant(null) },
);

Deno.test("the restored state equals the live one", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 15 }), async (steps) => {
      const live = new RunState("r1", RUN_RECORD.testfileHash);
      const workers = [0, 1, 2].map((n) =>
        live.addWorker({ id: `w${n}`, incarnation: `i${n}`, host: "box" })
      );
      const journal: RunRecord[] = [RUN_RECORD, ...WORKERS];
      for (const [at, step] of steps.entries()) {
        if (step === null) {
          live.reset(live.resetCount + 1, at);
          journal.push({ type: "phase", resetCount: live.resetCount, elapsedSeconds: at });
          continue;
        }
        const worker = workers[step.worker]!;
        // Counted before the last reset, and sent after it.
        const resetCount = Math.max(0, live.resetCount - (step.isLate ? 1 : 0));
        worker.begun = true;
        for (const report of reportsOf(step.samples, resetCount, worker.reports.lastSeq + 1)) {
          assert.equal(live.apply(worker, report), "apply");
          journal.push(recordOf(worker.incarnation, report));
        }
      }
      const { state } = await restored(journal);
      assert.deepEqual(contentOf(state), contentOf(live));
    }),
  );
});

Deno.test("all decisions of a master are restored", async () => {
  const classes = { Shopper: 3, Admin: 1 };
  const run = await restored([
    RUN_RECORD,
    ...WORKERS,
    { type: "begin", startedAt: 1_700_000_001_000 },
    { type: "epoch", epoch: 2 },
    { type: "assigned", incarnation: "i0", classes: { Shopper: 1 } },
    { type: "assigned", incarnation: "i0", classes },
    { type: "assigned", incarnation: "i1", classes },
    { type: "assigned", incarnation: "i2", classes },
    { type: "membership", incarnation: "i1", membership: "lost" },
    { type: "assigned", incarnation: "i1", classes },
    { type: "membership", incarnation: "i2", membership: "left" },
    { type: "time", elapsedSeconds: 6.5, targetUsers: 8, runningUsers: 8 },
    { type: "started", userCount: 8 },
    { type: "phase", resetCount: 1, elapsedSeconds: 6.75 },
    { type: "time", elapsedSeconds: 7.5, targetUsers: 9, runningUsers: 4 },
    { type: "steered", elapsedSeconds: 8, model: "closed", users: 5, rate: 0.5 },
    { type: "stopping", finalUsers: 4, elapsedSeconds: 8.25 },
  ]);
  const { state } = run;
  assert.equal(state.startedAt, 1_700_000_001_000);
  assert.equal(state.epoch, 2);
  assert.equal(state.resetCount, 1);
  assert.equal(state.countedFrom, 6.75);
  assert.equal(state.elapsedSeconds, 8.25);
  assert.deepEqual(
    ["i0", "i1", "i2"].map((incarnation) => state.worker(incarnation)?.membership),
    ["present", "lost", "left"],
  );
  assert.deepEqual([...run.assigned], [["i0", classes]]);
  assert.equal(run.targetUsers, 9);
  assert.equal(run.runningUsers, 4);
  assert.equal(run.startedUsers, 8);
  assert.deepEqual(run.steered, [
    { type: "steered", elapsedSeconds: 8, model: "closed", users: 5, rate: 0.5 },
  ]);
  assert.deepEqual(run.stopping, { finalUsers: 4, elapsedSeconds: 8.25 });
});

Deno.test("a worker that was lost and returned is present", async () => {
  const { state } = await restored([
    RUN_RECORD,
    ...WORKERS,
    { type: "membership", incarnation: "i1", membership: "lost" },
    { type: "membership", incarnation: "i1", membership: "present" },
  ]);
  assert.equal(state.worker("i1")?.membership, "present");
});

Deno.test("a lost worker runs nothing, and is still incomplete if the test had started for it", async () => {
  const [report] = reportsOf([sample()], 0, 1);
  assert.ok(report !== undefined);
  const second = { second: 0, users: 5, peakUsers: 6, requests: 1, failures: 0, maxLagMs: 0 };
  const { state } = await restored([
    RUN_RECORD,
    ...WORKERS,
    recordOf("i0", { ...report, seconds: [second] }),
    { type: "assigned", incarnation: "i1", classes: { Shopper: 1 } },
    ...["i0", "i1", "i2"].map((incarnation): RunRecord => ({
      type: "membership",
      incarnation,
      membership: "lost",
    })),
  ]);
  const workers = ["i0", "i1", "i2"].map((incarnation) => state.worker(incarnation)!);
  assert.deepEqual(workers.map(({ users, rate, begun }) => [users, rate, begun]), [
    [0, 0, true],
    [0, 0, true],
    [0, 0, false],
  ]);
  // The others have counted nothing.
  assert.deepEqual(state.workers.map(({ id }) => id), ["w0"]);
  assert.deepEqual([state.lostEarly, state.isComplete], [{ id: "w1", count: 1 }, false]);
  assert.equal(state.workers[0]!.peakUsers, 6);
});

Deno.test("a run without further records has initial values", async () => {
  const { state, assigned, ...rest } = await restored([RUN_RECORD]);
  assert.deepEqual(contentOf(state), contentOf(new RunState("r1", RUN_RECORD.testfileHash)));
  assert.equal(assigned.size, 0);
  assert.deepEqual(rest, {
    targetUsers: 0,
    runningUsers: 0,
    startedUsers: null,
    pauses: [],
    steered: [],
    stopping: null,
  });
});

Deno.test("pauses are restored, also one that has not ended", async () => {
  const pause = (isPaused: boolean, elapsedSeconds: number): RunRecord => ({
    ...{ type: "pause", isPaused, elapsedSeconds },
  });
  const run = await restored([RUN_RECORD, pause(true, 2), pause(false, 5), pause(true, 9)]);
  assert.deepEqual(run.pauses, [{ from: 2, to: 5 }, { from: 9, to: null }]);
  assert.equal(run.state.elapsedSeconds, 9);
  const [message] = await refusalOf([RUN_RECORD, pause(false, 5)]);
  assert.match(message!, /contradicts itself: a pause ends that has not begun/);
});

Deno.test("a run that has ended, or was never begun, is refused", async () => {
  assert.deepEqual(await refusalOf([RUN_RECORD, { type: "ended" }]), [
    "--resume run.journal: the run r1 has already ended",
    "There is nothing to resume. Start a new run with --journal and another file.",
  ]);
  assert.deepEqual(await refusalOf([]), [
    "--resume run.journal: the file contains no run",
    "The master ended before the run started. Delete the file, and start again with --journal.",
  ]);
});

Deno.test("a journal that contradicts itself is refused with the reason", async () => {
  const [report] = reportsOf([sample()], 0, 1);
  assert.ok(report !== undefined);
  const good = recordOf("i0", report);
  const gap = recordOf("i0", { ...report, seq: 3 });
  const backwards = recordOf("i0", { ...report, from: report.to + 1 });
  const ack = encodeMessage({ type: "ACK", seq: 3 }).subarray(4);
  const begun: readonly RunRecord[] = [RUN_RECORD, ...WORKERS];
  for (
    const [records, why] of [
      [[{ type: "epoch", epoch: 2 }, RUN_RECORD], "the run comes after epoch"],
      [[...begun, RUN_RECORD], "there is a second run, r1"],
      [[RUN_RECORD, { ...WORKERS[1]! }], "worker w1 is 0, not 1"],
      [[RUN_RECORD, good], "there is no worker i0"],
      [
        [RUN_RECORD, { type: "membership", incarnation: "i9", membership: "lost" }],
        "there is no worker i9",
      ],
      [[RUN_RECORD, { type: "assigned", incarnation: "i9", classes: {} }], "there is no worker i9"],
      [[...begun, good, good], "a report of worker w0 is not the next one: again"],
      [[...begun, gap], "a report of worker w0 is not the next one: gap"],
      [
        [...begun, backwards],
        "a report of worker w0: ProtocolError: invalid REPORT: " +
        "it ends before it starts",
      ],
      [
        [...begun, { type: "report", incarnation: "i0", payload: ack }],
        "a report of worker w0 is not the next one: ACK",
      ],
      [
        [...begun, { type: "report", incarnation: "i0", payload: encode(["ACK"]) }],
        "a report of worker w0: ProtocolError: ACK must be a list of 2 values, not 1",
      ],
    ] as [RunRecord[], string][]
  ) {
    assert.deepEqual(await refusalOf(records), [
      `--resume run.journal: the journal contradicts itself: ${why}`,
      "Use the version of aiotest that wrote it.",
    ]);
  }
});

Deno.test("records of shared state are passed on in order, including changes of membership", async () => {
  const shared: readonly RunRecord[] = [
    {
      type: "call",
      incarnation: "i0",
      id: 1,
      service: "feeder",
      name: "f",
      operation: "next",
      args: "[]",
    },
    { type: "settled", incarnation: "i0", ids: [1] },
    { type: "membership", incarnation: "i0", membership: "lost" },
    {
      type: "call",
      incarnation: "",
      id: 0,
      service: "counter",
      name: "c",
      operation: "add",
      args: "[1]",
    },
  ];
  const told: RunRecord[] = [];
  const records = [RUN_RECORD, ...WORKERS, ...shared, { type: "epoch", epoch: 2 } as const];
  const { state } = await restoreRun(
    records,
    "--resume run.journal",
    (record) => told.push(record),
  );
  assert.deepEqual(told, shared);
  assert.equal(state.worker("i0")?.membership, "lost");
});

const PATH = "/tmp/run.journal";
const OPTIONS = { path: PATH, onFailure: assert.fail };
const WORKER: RunRecord = {
  type: "worker",
  id: "w1",
  incarnation: "i1",
  index: 0,
  host: "box",
};
const EPOCH_2: RunRecord = { type: "epoch", epoch: 2 };

/** A host with one file. */
function hostWith(bytes: Uint8Array<ArrayBuffer>): { host: FakeHost; file: MemoryFile } {
  const host = new FakeHost();
  const file = new MemoryFile(bytes);
  host.disk.set(PATH, file);
  return { host, file };
}

async function openingRefusal(opening: Promise<unknown>): Promise<[string, string]> {
  const error = await opening.then(() => assert.fail("nothing was refused"), (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return [error.message, error.hint];
}

Deno.test("a new journal contains its run", async () => {
  for (const host of [new FakeHost(), hostWith(new Uint8Array()).host]) {
    const journal = await createJournal(host, RUN_RECORD, OPTIONS);
    const file = host.disk.get(PATH)!;
    assert.deepEqual(file.bytes, journalBytes([RUN_RECORD]));
    journal.append(WORKER);
    assert.deepEqual(file.bytes, journalBytes([RUN_RECORD, WORKER]));
    journal.close();
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a new journal is written at once, so a master that is killed leaves a run or an empty file", async () => {
  const { host, file } = hostWith(new Uint8Array());
  let writes = 0;
  const append = file.append.bind(file);
  file.append = (bytes) => {
    writes++;
    append(bytes);
  };
  (await createJournal(host, RUN_RECORD, OPTIONS)).close();
  assert.equal(writes, 1);
});

Deno.test("a resumed run has its journal's records and the next epoch", async () => {
  const { host, file } = hostWith(journalBytes([RUN_RECORD, WORKER]));
  const { run, journal } = await resumeJournal(host, OPTIONS);
  assert.equal(run.state.runId, "r1");
  assert.equal(run.state.testfileHash, "e3b0c442");
  assert.deepEqual(run.state.workers.map(({ id }) => id), ["w1"]);
  assert.equal(run.state.epoch, 2);
  journal.append({ type: "started", userCount: 3 });
  journal.close();
  const again = await resumeJournal(host, OPTIONS);
  assert.equal(again.run.state.epoch, 3);
  assert.equal(again.run.startedUsers, 3);
  assert.deepEqual(
    file.bytes,
    journalBytes([RUN_RECORD, WORKER, EPOCH_2, { type: "started", userCount: 3 }, {
      type: "epoch",
      epoch: 3,
    }]),
  );
});

Deno.test("an incomplete record is cut off before records are added", async () => {
  const { host, file } = hostWith(journalBytes([RUN_RECORD, WORKER]).slice(0, -1));
  const { run } = await resumeJournal(host, OPTIONS);
  assert.deepEqual(run.state.workers, []);
  assert.deepEqual((await readJournal(new MemoryFile(file.bytes))).records, [RUN_RECORD, EPOCH_2]);
});

Deno.test("a file that is not empty is never used for a new journal", async () => {
  for (
    const [bytes, what, hint] of [
      [
        journalBytes([RUN_RECORD, WORKER]),
        "the file contains the run r1",
        `To resume it, use --resume ${PATH}. For a new run, choose another file.`,
      ],
      [
        new TextEncoder().encode("dear diary"),
        "the file already exists and is not overwritten",
        "Choose a file that does not exist.",
      ],
      [
        journalBytes([]),
        "the file already exists and is not overwritten",
        "Choose a file that does not exist.",
      ],
    ] as const
  ) {
    const { host, file } = hostWith(bytes);
    assert.deepEqual(await openingRefusal(createJournal(host, RUN_RECORD, OPTIONS)), [
      `--journal ${PATH}: ${what}`,
      hint,
    ]);
    assert.deepEqual(file.bytes, bytes);
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a new journal on a full disk is an error", async () => {
  const { host, file } = hostWith(new Uint8Array());
  file.room = 30;
  assert.deepEqual(await openingRefusal(createJournal(host, RUN_RECORD, OPTIONS)), [
    `--journal ${PATH}: the file cannot be written (No space left on device)`,
    "",
  ]);
  assert.equal(file.isOpen, false);
});

Deno.test("a disk that fills up later leaves a journal that cannot be resumed", async () => {
  const host = new FakeHost();
  const failures: string[] = [];
  const journal = await createJournal(host, RUN_RECORD, {
    path: PATH,
    onFailure: (reason) => failures.push(reason),
  });
  host.disk.get(PATH)!.room = 5;
  journal.append(WORKER);
  assert.deepEqual(failures, ["No space left on device"]);
  assert.deepEqual(await openingRefusal(resumeJournal(host, OPTIONS)), [
    `--resume ${PATH}: the run cannot be resumed because the journal is incomplete: ` +
    "No space left on device",
    "Start a new run with --journal and another file.",
  ]);
});

Deno.test("a journal that cannot be continued is refused, and its records are kept", async () => {
  const records = [RUN_RECORD, WORKER];
  const { host, file } = hostWith(journalBytes(records));
  file.room = 5;
  assert.deepEqual(await openingRefusal(resumeJournal(host, OPTIONS)), [
    `--resume ${PATH}: the file cannot be written (No space left on device)`,
    "",
  ]);
  assert.equal(file.isOpen, false);
  assert.deepEqual((await readJournal(new MemoryFile(file.bytes))).records, records);
});

Deno.test("a file that cannot be resumed is refused and left unchanged", async () => {
  const damaged = journalBytes([RUN_RECORD, WORKER]);
  damaged[JOURNAL_HEAD.length]! ^= 1;
  for (
    const [bytes, what] of [
      [new Uint8Array(), "the file contains no run"],
      [journalBytes([]), "the file contains no run"],
      [new TextEncoder().encode("dear diary"), "the file is not an aiotest journal"],
      [damaged, `the journal is damaged at byte ${JOURNAL_HEAD.length}`],
      [journalBytes([RUN_RECORD, { type: "ended" }]), "the run r1 has already ended"],
    ] as const
  ) {
    const { host, file } = hostWith(bytes);
    const [message, hint] = await openingRefusal(resumeJournal(host, OPTIONS));
    assert.equal(message, `--resume ${PATH}: ${what}`);
    assert.notEqual(hint, "");
    assert.deepEqual(file.bytes, bytes);
    assert.equal(file.isOpen, false);
  }
});

Deno.test("a missing, locked or unreadable file is refused", async () => {
  assert.deepEqual(await openingRefusal(resumeJournal(new FakeHost(), OPTIONS)), [
    `--resume ${PATH}: there is no such file`,
    "A master with --journal FILE creates it before it waits for workers.",
  ]);
  const { host, file } = hostWith(journalBytes([RUN_RECORD]));
  file.open();
  const busy = "another aiotest is using the file";
  assert.deepEqual(await openingRefusal(resumeJournal(host, OPTIONS)), [
    `--resume ${PATH}: ${busy}`,
    "Stop that one first.",
  ]);
  assert.equal(
    (await openingRefusal(createJournal(host, RUN_RECORD, OPTIONS)))[0],
    `--journal ${PATH}: ${busy}`,
  );
  const files = {
    openFile(path: string, { create }: OpenOptions): DiskFile {
      throw create ? new Deno.errors.NotFound(path) : new Deno.errors.PermissionDenied("not yours");
    },
  };
  assert.deepEqual(await openingRefusal(resumeJournal(files, OPTIONS)), [
    `--resume ${PATH}: the file cannot be opened (PermissionDenied: not yours)`,
    "",
  ]);
  assert.deepEqual(await openingRefusal(createJournal(files, RUN_RECORD, OPTIONS)), [
    `--journal ${PATH}: the file cannot be opened (NotFound: ${PATH})`,
    "",
  ]);
});
