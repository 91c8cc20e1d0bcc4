import fc from "fast-check";
import assert from "node:assert/strict";
import { ProtocolError } from "../../src/cluster/frames.ts";
import type {
  Report,
  ReportIterations,
  ReportSpread,
  ReportTimes,
} from "../../src/cluster/protocol.ts";
import { countedOf } from "../../src/cluster/report.ts";
import { Totals } from "../../src/stats/totals.ts";
import { plainStatistics } from "../support/exact_statistics.ts";
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

const SPREAD: ReportSpread = { sum: 10, min: 10, max: 10, squaredDeviations: 0 };

const NOTHING: ReportTimes = { buckets: new Uint8Array(0), spread: [] };

/** Nine passes, of which four were begun, three ended and two dropped. */
function told(changes: Partial<ReportIterations> = {}): ReportIterations {
  return {
    scheduled: 9,
    dropped: 2,
    serviceTime: { buckets: packedRequests(3), spread: [{ ...SPREAD, sum: 30 }] },
    startDelay: { buckets: packedRequests(4), spread: [{ ...SPREAD, sum: 40 }] },
    ...changes,
  };
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
  const { requests, failures, userErrors, timeline } = plainStatistics(totals.statistics(2));
  const [{ latencyMs, buckets, codes, ...row } = assert.fail(), ...others] = requests;
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
  assert.deepEqual([buckets.length, buckets[0]?.[1]], [1, 3]);
  assert.deepEqual(codes, [
    { code: 200, requests: 3, bytesReceived: 80, latencySumMs: 30, buckets },
  ]);
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

Deno.test("a method, name and code that are there twice are refused", () => {
  const histograms = [packedRequests(1), packedRequests(1)];
  assertRefused(/a method, name and code .* twice/, { deltas: [delta(), delta()], histograms });
  const pairs = [
    [delta(), delta({ method: "PUT" })],
    [delta(), delta({ name: "pay" })],
    [delta(), delta({ code: 304 })],
    // A name is not taken for a part of a code, nor a code for a part of a name.
    [delta({ code: 200, name: "1 a" }), delta({ code: 2001, name: "a" })],
    [delta({ code: 20, name: "0 a" }), delta({ code: 200, name: "a" })],
  ];
  for (const deltas of pairs) {
    const entries = [...countedOf(report({ deltas, histograms })).entries];
    assert.deepEqual(
      entries.map(([method, name, code]) => [method, name, code]),
      deltas.map(({ method, name, code }) => [method, name, code]),
    );
  }
});

Deno.test("a report without passes tells of none", () => {
  assert.equal(countedOf(report()).iterations, null);
});

Deno.test("passes were started and completed as often as there are times", () => {
  const { iterations } = countedOf(report({ iterations: [told()] }));
  assert.ok(iterations !== null);
  const { serviceTime, startDelay, ...counts } = iterations;
  assert.deepEqual(counts, { scheduled: 9, started: 4, completed: 3, dropped: 2 });
  assert.deepEqual([serviceTime.count, serviceTime.sum, serviceTime.max], [3, 30, 10]);
  assert.deepEqual([startDelay.count, startDelay.sum, startDelay.max], [4, 40, 10]);
  const totals = new Totals();
  totals.add(countedOf(report({ iterations: [told()] })));
  totals.add(
    countedOf(report({ iterations: [told({ serviceTime: NOTHING, startDelay: NOTHING })] })),
  );
  const summary = totals.statistics(1).iterations;
  assert.ok(summary !== null);
  const { serviceTimeMs, startDelayMs, ...summed } = summary;
  assert.deepEqual(summed, { scheduled: 18, started: 4, completed: 3, dropped: 4 });
  assert.deepEqual([serviceTimeMs.mean, startDelayMs.mean], [10, 10]);
});

Deno.test("passes that are told twice in a report are refused", () => {
  assertRefused(/passes twice/, { iterations: [told(), told()] });
});

Deno.test("times of passes that contradict themselves are refused", () => {
  for (const name of ["serviceTime", "startDelay"] as const) {
    const refused: readonly (readonly [RegExp, Partial<ReportTimes>])[] = [
      [/contradict/, { spread: [] }],
      [/contradict/, { spread: [SPREAD, SPREAD] }],
      [/contradict/, { buckets: new Uint8Array(0) }],
      [/shortest latency/, { spread: [{ ...SPREAD, min: 11 }] }],
      [/histogram is broken/, { buckets: Uint8Array.of(0, 1) }],
    ];
    for (const [message, changes] of refused) {
      const times = { ...told()[name], ...changes };
      assertRefused(message, { iterations: [told({ [name]: times })] });
    }
  }
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
