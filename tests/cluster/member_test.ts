import assert from "node:assert/strict";
import { WorkerState } from "../../src/cluster/workers.ts";
import { report } from "../support/reports.ts";

function member(): WorkerState {
  return new WorkerState({ id: "w1", incarnation: "i1", index: 4, host: "box" });
}

Deno.test("a new member is present, has told of no second, and is not complete", () => {
  const { id, incarnation, index, host, ...rest } = member();
  assert.deepEqual([id, incarnation, index, host], ["w1", "i1", 4, "box"]);
  assert.equal(rest.ledger.lastSeq, 0);
  assert.deepEqual([rest.membership, rest.phase], ["present", "preparing"]);
  assert.deepEqual([rest.users, rest.requests, rest.lastSecond, rest.complete], [0, 0, -1, false]);
});

Deno.test("users and rate are those of a report's last second, requests those of all", () => {
  const one = member();
  const second = { failures: 0 };
  one.note(
    report({
      from: 3,
      to: 4,
      users: [
        { ...second, second: 3, users: 7, peakUsers: 9, requests: 20 },
        { ...second, second: 4, users: 6, peakUsers: 7, requests: 30 },
      ],
    }),
    true,
  );
  assert.deepEqual([one.users, one.peakUsers, one.rate, one.requests], [6, 9, 30, 50]);
  assert.equal(one.lastSecond, 4);
});

Deno.test("a report that tells of no second leaves users, rate and requests as they were", () => {
  const one = member();
  const users = [{ second: 4, users: 6, peakUsers: 7, requests: 30, failures: 0 }];
  one.note(report({ from: 4, to: 4, users }), true);
  one.note(report({ from: 4, to: 4 }), true);
  assert.deepEqual([one.users, one.peakUsers, one.rate, one.requests], [6, 7, 30, 30]);
  assert.equal(one.lastSecond, 4);
});

Deno.test("cpu and lag are the last ones, and the highest cpu is kept", () => {
  const one = member();
  one.note(report({ cpu: 0.9, lag: 30 }), true);
  one.note(report({ cpu: 0.4, lag: 2 }), true);
  assert.deepEqual([one.cpu, one.cpuPeak, one.lagMs], [0.4, 0.9, 2]);
});

Deno.test("a member is complete once its final report is in", () => {
  const one = member();
  one.note(report(), true);
  assert.equal(one.complete, false);
  one.note(report({ final: true }), true);
  assert.equal(one.complete, true);
});

Deno.test("a member that is lost runs nothing, and keeps what it has counted", () => {
  const one = member();
  const users = [{ second: 4, users: 6, peakUsers: 7, requests: 30, failures: 0 }];
  one.phase = "running";
  one.note(report({ from: 4, to: 4, users }), true);
  one.lose(11.5);
  assert.deepEqual([one.phase, one.users, one.rate], ["preparing", 0, 0]);
  assert.deepEqual([one.peakUsers, one.requests, one.lastSecond], [7, 30, 4]);
  assert.equal(one.lostAtSeconds, 11.5);
});

Deno.test("who has stopped is complete only where it has no report to send", () => {
  const waiting = member();
  waiting.stopped(0);
  assert.equal(waiting.complete, true);

  // Its last report waits behind a slow network, and is not made yet.
  const slow = member();
  slow.ledger.applied(1);
  slow.stopped(1);
  assert.equal(slow.complete, false);
});
