import assert from "node:assert/strict";
import { RunState, type WorkerState } from "../../src/cluster/run_state.ts";
import {
  type MasterMoment,
  masterSnapshot,
  missingCounts,
} from "../../src/runner/master_snapshot.ts";
import { profileOf } from "../support/load_profiles.ts";
import { delta, packedRequests, report } from "../support/reports.ts";

const PLAN = profileOf({ users: 10, runTime: 60 });

function moment(book: RunState, changes: Partial<MasterMoment> = {}): MasterMoment {
  return {
    book,
    state: "running",
    profile: PLAN,
    elapsedSeconds: 5,
    endedAt: null,
    load: { users: 10, rate: 1 },
    finalUsers: 0,
    expectedWorkers: 2,
    watch: { rows: () => [], breakingPoint: null },
    warnings: ["one"],
    ...changes,
  };
}

/** A book with members that have begun. */
function begun(...names: string[]): { readonly book: RunState; readonly members: WorkerState[] } {
  const book = new RunState("run", "e3b0");
  book.startedAt = 1000;
  const members = names.map((id) => book.enter({ id, incarnation: id, host: `${id}'s box` }));
  for (const member of members) {
    member.begun = true;
    member.phase = "running";
  }
  return { book, members };
}

/** The member reports one request in each of these seconds. */
function count(
  book: RunState,
  member: WorkerState,
  seconds: readonly number[],
  final = false,
): void {
  for (const second of seconds) {
    book.apply(
      member,
      report({
        seq: member.ledger.lastSeq + 1,
        from: second,
        to: second,
        deltas: [delta()],
        histograms: [packedRequests(1)],
        users: [{ second, users: 3, peakUsers: 4, requests: 1, failures: 0 }],
        cpu: 0.5,
        lag: 2,
        final: final && second === seconds.at(-1),
      }),
    );
  }
}

Deno.test("all that is known of a run that goes on", () => {
  const { book, members: [a, b] } = begun("a", "b");
  count(book, a!, [0, 1, 2]);
  count(book, b!, [0, 1, 2]);
  const { statistics, workers, ...rest } = masterSnapshot(moment(book));
  assert.deepEqual(rest, {
    runId: "run",
    mode: "distributed",
    state: "running",
    startedAt: 1000,
    endedAt: null,
    elapsedSeconds: 5,
    durationSeconds: 5,
    plannedSeconds: 60,
    complete: false,
    users: { current: 6, target: 10, peak: 8, final: 0 },
    arrivalRate: null,
    breakingPoint: null,
    thresholds: [],
    expectedWorkers: 2,
    warnings: ["one"],
  });
  assert.equal(statistics.totals.requests, 6);
  assert.deepEqual(workers[0], {
    id: "a",
    host: "a's box",
    state: "running",
    users: 3,
    peakUsers: 4,
    rate: 1,
    cpu: 0.5,
    cpuPeak: 0.5,
    lagMs: 2,
    requests: 3,
    complete: false,
  });
});

Deno.test("a second is shown when all workers that are there have told of it", () => {
  const { book, members: [a, b, lost, mute] } = begun("a", "b", "lost", "mute");
  count(book, a!, [0, 1, 2, 3]);
  count(book, b!, [0, 1]);
  count(book, lost!, [0]);
  lost!.membership = "lost";
  assert.equal(mute!.lastSecond, -1);
  const shown = (): number[] =>
    masterSnapshot(moment(book)).statistics.timeline.map(({ second }) => second);
  assert.deepEqual(shown(), [0, 1]);
  count(book, b!, [2, 3, 4]);
  assert.deepEqual(shown(), [0, 1, 2, 3]);
  count(book, a!, [4], true);
  assert.deepEqual(shown(), [0, 1, 2, 3, 4]);
});

Deno.test("after the end all seconds are shown", () => {
  const { book, members: [a, b] } = begun("a", "b");
  count(book, a!, [0, 1, 2], true);
  count(book, b!, [0]);
  const { statistics } = masterSnapshot(moment(book, { state: "stopped" }));
  assert.deepEqual(statistics.timeline.map(({ second }) => second), [0, 1, 2]);
});

Deno.test("what was counted before a reset has no part in the time", () => {
  const { book } = begun("a");
  book.reset(1, 3.5);
  assert.equal(masterSnapshot(moment(book)).durationSeconds, 1.5);
  assert.equal(masterSnapshot(moment(book, { elapsedSeconds: 3 })).durationSeconds, 0);
});

Deno.test("a run is complete when it is over and everyone who began has handed in everything", () => {
  const { book, members: [a, b] } = begun("a", "b");
  book.enter({ id: "never began", incarnation: "n", host: "box" });
  const complete = (state: "running" | "stopped"): boolean =>
    masterSnapshot(moment(book, { state })).complete;
  count(book, a!, [0], true);
  assert.equal(complete("stopped"), false);
  count(book, b!, [0], true);
  assert.equal(complete("running"), false);
  assert.equal(complete("stopped"), true);
  b!.membership = "lost";
  assert.equal(complete("stopped"), true);
});

Deno.test("a worker's row says what it does, or how its part ended", () => {
  const { book, members } = begun("a", "b", "c", "d", "e", "f");
  const [gone, lost, leaving, stopped, last] = members;
  gone!.membership = "left";
  lost!.membership = "lost";
  leaving!.phase = "leaving";
  stopped!.phase = "stopped";
  last!.phase = "stopping";
  count(book, last!, [0], true);
  const states = (state: "running" | "stopped"): string[] =>
    masterSnapshot(moment(book, { state })).workers.map((worker) => worker.state);
  assert.deepEqual(states("running"), [
    "left",
    "lost",
    "stopping",
    "finished",
    "stopping",
    "running",
  ]);
  assert.equal(states("stopped")[4], "finished");
});

Deno.test("who never began lacks nothing when the run is over", () => {
  const book = new RunState("run", "e3b0");
  book.enter({ id: "a", incarnation: "a", host: "box" });
  const complete = (state: "ready" | "stopped"): boolean =>
    masterSnapshot(moment(book, { state })).workers[0]!.complete;
  assert.deepEqual([complete("ready"), complete("stopped")], [false, true]);
});

Deno.test("missing counts are named, with how many seconds they may be", () => {
  const { book, members: [a, b, c] } = begun("a", "b", "c");
  book.enter({ id: "never began", incarnation: "n", host: "box" });
  count(book, a!, [0, 1], true);
  count(book, b!, [0, 1]);
  assert.equal(c!.lastSecond, -1);
  assert.deepEqual(missingCounts(book.members, 6.2), [
    "Worker b has not sent its last counts: up to 5 s of them are missing.",
    "Worker c has not sent its last counts: up to 7 s of them are missing.",
  ]);
  // Its last second may be told of, and still be lacking something.
  assert.match(missingCounts(book.members, 1.9)[0]!, /Worker b .* up to 1 s/);
});
