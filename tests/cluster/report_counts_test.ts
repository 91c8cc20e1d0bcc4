import assert from "node:assert/strict";
import fc from "fast-check";
import type { Report } from "../../src/cluster/message.ts";
import { ProtocolError } from "../../src/cluster/protocol_error.ts";
import { countedOf } from "../../src/cluster/report_counts.ts";
import { Totals } from "../../src/stats/totals.ts";
import { messages } from "../support/messages.ts";
import { delta, packedRequests, report } from "../support/reports.ts";

function assertRefused(message: RegExp, changes: Partial<Report>): void {
  const expected = { name: "ProtocolError", code: "protocol", message };
  assert.throws(() => countedOf(report(changes)), expected);
}

/** A report of one entry. */
function withEntry(changes: Parameters<typeof delta>[0], requests = 3): Partial<Report> {
  return { deltas: [delta(changes)], histograms: [packedRequests(requests)] };
}

/** A second of which there is nothing else to say. */
function second(second: number, requests = 0, failures = 0): Report["users"][number] {
  return { second, users: 1, peakUsers: 1, requests, failures };
}

Deno.test("a report counts what it says", () => {
  const changes = { failures: 2, retries: 1, bytesReceived: 80, bytesSent: 5, sum: 30 };
  const users = [second(4, 1), second(6, 2, 2)];
  const totals = new Totals();
  totals.add(countedOf(report({
    ...withEntry({ ...changes, errors: [["HTTP 500", 2]] }),
    from: 4,
    to: 6,
    users,
    errors: [["BuyTest", "no token", 3]],
  })));
  const { requests, failures, userErrors, timeline } = totals.statistics(2);
  const [{ latencyMs, ...row } = assert.fail(), ...others] = requests;
  assert.deepEqual(row, {
    method: "GET",
    name: "search",
    requests: 3,
    failures: 2,
    retries: 1,
    errorRate: 2 / 3,
    rate: 1.5,
    bytesReceived: 80,
    bytesSent: 5,
  });
  assert.deepEqual([latencyMs.min, latencyMs.mean, latencyMs.max, latencyMs.p99], [10, 10, 10, 10]);
  assert.deepEqual(others, []);
  assert.deepEqual(failures, [{ method: "GET", name: "search", error: "HTTP 500", count: 2 }]);
  assert.deepEqual(userErrors, [{ user: "BuyTest", error: "no token", count: 3 }]);
  assert.deepEqual(timeline.map(({ second, requests, failures }) => [second, requests, failures]), [
    [4, 1, 0],
    [6, 2, 2],
  ]);
});

Deno.test("a time that ends before it begins, or is longer than a day, is refused", () => {
  assertRefused(/ends before it begins/, { from: 5, to: 4 });
  assert.equal(countedOf(report({ from: 7, to: 100_007 })).to, 100_007);
  assertRefused(/too long/, { from: 7, to: 100_008 });
});

Deno.test("seconds outside of the time, out of order or there twice are refused", () => {
  const time = { from: 4, to: 6 };
  assert.equal(countedOf(report({ ...time, users: [second(4), second(6)] })).seconds.length, 2);
  assertRefused(/outside/, { ...time, users: [second(3)] });
  assertRefused(/outside/, { ...time, users: [second(4), second(7)] });
  assertRefused(/order/, { ...time, users: [second(5), second(4)] });
  assertRefused(/order/, { ...time, users: [second(4), second(4)] });
});

Deno.test("more failures than requests are refused, of an entry and of a second", () => {
  assertRefused(/more failures/, withEntry({ failures: 4 }));
  assertRefused(/more failures/, { users: [second(0, 1, 2)] });
});

Deno.test("a histogram that is broken, missing or too many is refused", () => {
  assertRefused(/histogram is broken/, { deltas: [delta()], histograms: [Uint8Array.of(0, 1)] });
  assertRefused(/one histogram an entry/, { deltas: [delta()] });
  assertRefused(/one histogram an entry/, { histograms: [packedRequests(1)] });
});

Deno.test("a shortest latency that is longer than the longest is refused", () => {
  assertRefused(/shortest latency/, withEntry({ min: 11, max: 10 }));
});

Deno.test("a method and name that are there twice are refused", () => {
  const histograms = [packedRequests(1), packedRequests(1)];
  assertRefused(/twice/, { deltas: [delta(), delta()], histograms });
  const different = [delta(), delta({ method: "PUT" })];
  assert.equal([...countedOf(report({ deltas: different, histograms })).entries].length, 2);
});

Deno.test("an error that was counted not even once is refused", () => {
  for (const count of [0, -1, NaN]) {
    const entry = withEntry({ errors: [["HTTP 500", 1], ["timed out", count]] });
    assertRefused(/not counted even once/, entry);
    assertRefused(/not counted even once/, { errors: [["BuyTest", "no token", count]] });
  }
});

Deno.test("whatever a report says, it is refused or can be added", () => {
  const span = fc.record({ from: fc.nat(3), to: fc.nat(3) });
  fc.assert(fc.property(messages.REPORT, span, (message, { from, to }) => {
    let counted;
    try {
      counted = countedOf({ ...message, from, to, users: message.users.slice(0, to) });
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
      return;
    }
    new Totals().add(counted);
  }));
});
