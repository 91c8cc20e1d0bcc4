import assert from "node:assert/strict";
import type { Report } from "../../src/cluster/protocol.ts";
import { RunState } from "../../src/cluster/run_state.ts";
import type { WorkerState } from "../../src/cluster/workers.ts";
import { delta, packedRequests, report } from "../support/reports.ts";

function book(): RunState {
  return new RunState("run", "e3b0");
}

function enter(book: RunState, incarnation: string): WorkerState {
  return book.enter({ id: `worker-${incarnation}`, incarnation, host: "box" });
}

/** A report of one good request. */
function oneRequest(seq: number, changes: Partial<Report> = {}): Report {
  return report({
    seq,
    from: seq,
    to: seq,
    deltas: [delta()],
    histograms: [packedRequests(1)],
    users: [{ second: seq, users: 3, peakUsers: 3, requests: 1, failures: 0 }],
    ...changes,
  });
}

function requestsIn({ totals }: RunState): number {
  return totals.statistics(1).totals.requests;
}

Deno.test("workers are numbered as they come, and one that comes back is the same member", () => {
  const run = book();
  const [first, second] = [enter(run, "a"), enter(run, "b")];
  assert.deepEqual([first.index, second.index], [0, 1]);
  assert.equal(enter(run, "a"), first);
  assert.equal(run.member("b"), second);
  assert.equal(run.member("c"), undefined);
  assert.deepEqual(run.members, [first, second]);
});

Deno.test("the same worker as another process is another member", () => {
  const run = book();
  const first = run.enter({ id: "w1", incarnation: "a", host: "box" });
  const second = run.enter({ id: "w1", incarnation: "b", host: "box" });
  assert.notEqual(first, second);
  assert.deepEqual([second.id, second.index], ["w1", 1]);
});

Deno.test("each report is counted once, in its order", () => {
  const run = book();
  const worker = enter(run, "a");
  const verdicts = [1, 1, 3, 2, 3, 1].map((seq) => run.apply(worker, oneRequest(seq)));
  assert.deepEqual(verdicts, ["apply", "again", "gap", "apply", "apply", "again"]);
  assert.equal(requestsIn(run), 3);
  assert.equal(worker.requests, 3);
  assert.equal(worker.ledger.lastSeq, 3);
  assert.deepEqual(run.totals.statistics(1).timeline.map(({ second }) => second), [1, 2, 3]);
});

Deno.test("reports of several workers are numbered each by itself, and added up", () => {
  const run = book();
  const workers = [enter(run, "a"), enter(run, "b")];
  for (const worker of workers) assert.equal(run.apply(worker, oneRequest(1)), "apply");
  assert.equal(requestsIn(run), 2);
  assert.equal(run.totals.peakUsers, 6);
});

Deno.test("a report that contradicts itself counts nothing, and is still to come", () => {
  const run = book();
  const worker = enter(run, "a");
  const broken = oneRequest(1, {
    deltas: [delta(), delta({ name: "pay", failures: 2 })],
    histograms: [packedRequests(1), packedRequests(1)],
  });
  assert.throws(() => run.apply(worker, broken), { name: "ProtocolError", code: "protocol" });
  assert.equal(requestsIn(run), 0);
  assert.deepEqual(run.totals.statistics(1).timeline, []);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(1)), "apply");
  assert.equal(requestsIn(run), 1);
});

Deno.test("what was counted before a reset, or comes later but was counted before, does not count", () => {
  const run = book();
  const worker = enter(run, "a");
  run.apply(worker, oneRequest(1));
  run.reset(1, 4.5);
  assert.deepEqual([run.phase, run.countedFrom], [1, 4.5]);
  assert.equal(requestsIn(run), 0);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(2)), "apply");
  assert.equal(requestsIn(run), 0);
  assert.equal(worker.requests, 0);
  assert.equal(run.apply(worker, oneRequest(3, { phase: 1 })), "apply");
  assert.equal(requestsIn(run), 1);
  assert.equal(worker.requests, 1);
  assert.equal(worker.ledger.lastSeq, 3);
});

Deno.test("users are those that all workers have told of", () => {
  const book = new RunState("run", "hash");
  assert.equal(book.users, 0);
  for (const [id, users] of [["a", 3], ["b", 4]] as const) {
    book.enter({ id, incarnation: id, host: "box" }).users = users;
  }
  assert.equal(book.users, 7);
});
