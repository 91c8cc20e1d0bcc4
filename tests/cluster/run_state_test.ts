import assert from "node:assert/strict";
import type { Message } from "../../src/cluster/protocol.ts";
import { ReportSequence, RunState, WorkerState } from "../../src/cluster/run_state.ts";
import { delta, packedRequests, report } from "../support/reports.ts";

function state(): RunState {
  return new RunState("run", "e3b0");
}

function enter(state: RunState, incarnation: string): WorkerState {
  return state.addWorker({ id: `worker-${incarnation}`, incarnation, host: "box" });
}

/** A report of one good request. */
function oneRequest(seq: number, changes: Partial<Message<"REPORT">> = {}): Message<"REPORT"> {
  return report({
    seq,
    from: seq,
    to: seq,
    entries: [delta()],
    histograms: [packedRequests(1)],
    seconds: [{ second: seq, users: 3, peakUsers: 3, requests: 1, failures: 0, maxLagMs: 0 }],
    ...changes,
  });
}

function requestsIn({ totals }: RunState): number {
  return totals.statistics(1).totals.requests;
}

Deno.test("workers are numbered in the order of joining, and keep their number when they return", () => {
  const run = state();
  const [first, second] = [enter(run, "a"), enter(run, "b")];
  assert.deepEqual([first.index, second.index], [0, 1]);
  assert.equal(enter(run, "a"), first);
  assert.equal(run.worker("b"), second);
  assert.equal(run.worker("c"), undefined);
  assert.deepEqual(run.workers, [first, second]);
});

Deno.test("another process of the same name is another worker", () => {
  const run = state();
  const first = run.addWorker({ id: "w1", incarnation: "a", host: "box" });
  const second = run.addWorker({ id: "w1", incarnation: "b", host: "box" });
  assert.notEqual(first, second);
  assert.deepEqual([second.id, second.index], ["w1", 1]);
});

Deno.test("each report is counted once, in order", () => {
  const run = state();
  const worker = enter(run, "a");
  const verdicts = [1, 1, 3, 2, 3, 1].map((seq) => run.apply(worker, oneRequest(seq)));
  assert.deepEqual(verdicts, ["apply", "again", "gap", "apply", "apply", "again"]);
  assert.equal(requestsIn(run), 3);
  assert.equal(worker.requests, 3);
  assert.equal(worker.reports.lastSeq, 3);
  assert.deepEqual(run.totals.statistics(1).timeline.map(({ second }) => second), [1, 2, 3]);
});

Deno.test("reports of several workers are numbered independently, and added up", () => {
  const run = state();
  const workers = [enter(run, "a"), enter(run, "b")];
  for (const worker of workers) assert.equal(run.apply(worker, oneRequest(1)), "apply");
  assert.equal(requestsIn(run), 2);
  assert.equal(run.totals.peakUsers, 6);
});

Deno.test("an invalid report counts nothing, and is still expected", () => {
  const run = state();
  const worker = enter(run, "a");
  const broken = oneRequest(1, {
    entries: [delta(), delta({ name: "pay", min: 11 })],
    histograms: [packedRequests(1), packedRequests(1)],
  });
  assert.throws(() => run.apply(worker, broken), { name: "ProtocolError", code: "protocol" });
  assert.equal(requestsIn(run), 0);
  assert.deepEqual(run.totals.statistics(1).timeline, []);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(1)), "apply");
  assert.equal(requestsIn(run), 1);
});

Deno.test("counts from before a reset are discarded, even if they arrive later", () => {
  const run = state();
  const worker = enter(run, "a");
  run.apply(worker, oneRequest(1));
  run.reset(1, 4.5);
  assert.deepEqual([run.resetCount, run.countedFrom], [1, 4.5]);
  assert.equal(requestsIn(run), 0);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(2)), "apply");
  assert.equal(requestsIn(run), 0);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(3, { resetCount: 1 })), "apply");
  assert.equal(requestsIn(run), 1);
  assert.equal(worker.requests, 1);
  assert.equal(worker.reports.lastSeq, 3);
});

Deno.test("users are the sum of what the workers have reported", () => {
  const state = new RunState("run", "hash");
  assert.equal(state.users, 0);
  for (const [id, users] of [["a", 3], ["b", 4]] as const) {
    state.addWorker({ id, incarnation: id, host: "box" }).users = users;
  }
  assert.equal(state.users, 7);
});

function worker(): WorkerState {
  return new WorkerState({ id: "w1", incarnation: "i1", index: 4, host: "box" });
}

Deno.test("a new worker is present, has reported no second and is not complete", () => {
  const { id, incarnation, index, host, ...rest } = worker();
  assert.deepEqual([id, incarnation, index, host], ["w1", "i1", 4, "box"]);
  assert.equal(rest.reports.lastSeq, 0);
  assert.deepEqual([rest.membership, rest.state], ["present", "preparing"]);
  assert.deepEqual([rest.users, rest.requests, rest.lastSecond, rest.complete], [0, 0, -1, false]);
});

Deno.test("users and rate are those of the last second, requests those of all seconds", () => {
  const one = worker();
  const second = { failures: 0, maxLagMs: 0 };
  const seconds = [
    { ...second, second: 3, users: 7, peakUsers: 9, requests: 20 },
    { ...second, second: 4, users: 6, peakUsers: 7, requests: 30 },
  ];
  one.update(report({ from: 3, to: 4, seconds }), true);
  assert.deepEqual([one.users, one.peakUsers, one.rate, one.requests], [6, 9, 30, 50]);
  assert.equal(one.lastSecond, 4);
});

Deno.test("a report without seconds does not change users, rate and requests", () => {
  const one = worker();
  const users = [{ second: 4, users: 6, peakUsers: 7, requests: 30, failures: 0, maxLagMs: 0 }];
  one.update(report({ from: 4, to: 4, seconds: users }), true);
  one.update(report({ from: 4, to: 4 }), true);
  assert.deepEqual([one.users, one.peakUsers, one.rate, one.requests], [6, 7, 30, 30]);
  assert.equal(one.lastSecond, 4);
});

Deno.test("CPU usage and lag are the latest, and the highest CPU usage is kept", () => {
  const one = worker();
  one.update(report({ cpu: 0.9, lag: 30 }), true);
  one.update(report({ cpu: 0.4, lag: 2 }), true);
  assert.deepEqual([one.cpu, one.cpuPeak, one.lagMs], [0.4, 0.9, 2]);
});

Deno.test("a worker is complete once its final report has arrived", () => {
  const one = worker();
  one.update(report(), true);
  assert.equal(one.complete, false);
  one.update(report({ final: true }), true);
  assert.equal(one.complete, true);
});

Deno.test("a lost worker runs nothing, and keeps its counts", () => {
  const one = worker();
  const users = [{ second: 4, users: 6, peakUsers: 7, requests: 30, failures: 0, maxLagMs: 0 }];
  one.state = "running";
  one.update(report({ from: 4, to: 4, seconds: users }), true);
  one.lose(11.5);
  assert.deepEqual([one.state, one.users, one.rate], ["preparing", 0, 0]);
  assert.deepEqual([one.peakUsers, one.requests, one.lastSecond], [7, 30, 4]);
  assert.equal(one.lostAtSeconds, 11.5);
});

Deno.test("a worker that has stopped is complete only if it has no reports to send", () => {
  const waiting = worker();
  waiting.stopped(0);
  assert.equal(waiting.complete, true);

  // Its last report has not been made yet, because the network is slow.
  const slow = worker();
  slow.reports.applied(1);
  slow.stopped(1);
  assert.equal(slow.complete, false);
});

function ledgerAt(seq: number): ReportSequence {
  const sequence = new ReportSequence();
  for (let next = 1; next <= seq; next++) sequence.applied(next);
  return sequence;
}

Deno.test("the first report is number 1", () => {
  const sequence = new ReportSequence();
  assert.equal(sequence.lastSeq, 0);
  assert.deepEqual([0, 1, 2].map((seq) => sequence.judge(seq)), ["again", "apply", "gap"]);
});

Deno.test("reports are not applied twice, and not before those they follow", () => {
  const sequence = ledgerAt(3);
  assert.equal(sequence.lastSeq, 3);
  const verdicts = [1, 3, 4, 5, 1000].map((seq) => sequence.judge(seq));
  assert.deepEqual(verdicts, ["again", "again", "apply", "gap", "gap"]);
});

Deno.test("judging a report changes nothing", () => {
  const sequence = ledgerAt(3);
  assert.deepEqual([4, 4, 5, 4].map((seq) => sequence.judge(seq)), [
    "apply",
    "apply",
    "gap",
    "apply",
  ]);
  assert.equal(sequence.lastSeq, 3);
});

Deno.test("only the next report can be applied", () => {
  const sequence = ledgerAt(3);
  for (const seq of [0, 3, 5]) assert.throws(() => sequence.applied(seq), RangeError);
  assert.equal(sequence.lastSeq, 3);
});
