import assert from "node:assert/strict";
import type { Message } from "../../src/cluster/protocol.ts";
import { Events, type WorkerReport } from "../../src/core/events.ts";
import { emitReport } from "../../src/runner/master.ts";
import { report } from "../support/reports.ts";

function workerReport(sent: Message<"REPORT">): WorkerReport {
  const events = new Events();
  const heard: WorkerReport[] = [];
  events.on("workerReport", ({ workerId, report }) => {
    assert.equal(workerId, "w1");
    heard.push(report);
  });
  emitReport(events, "w1", sent);
  assert.equal(heard.length, 1);
  return heard[0]!;
}

Deno.test("requests and failures are those of all its seconds, users those of the last", () => {
  const users = [
    { second: 3, users: 7, peakUsers: 9, requests: 20, failures: 2 },
    { second: 4, users: 6, peakUsers: 7, requests: 30, failures: 1 },
  ];
  assert.deepEqual(workerReport(report({ from: 3, to: 4, users, cpu: 0.25, lag: 3 })), {
    from: 3,
    to: 4,
    users: 6,
    requests: 50,
    failures: 3,
    cpu: 0.25,
    lagMs: 3,
  });
});

Deno.test("a report that tells of no second has nothing", () => {
  const { users, requests, failures } = workerReport(report());
  assert.deepEqual([users, requests, failures], [0, 0, 0]);
});
