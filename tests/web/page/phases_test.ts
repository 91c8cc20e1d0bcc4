import assert from "node:assert/strict";
import { averageParts, networkText, phaseLines } from "../../../src/web/page/phases.js";
import type { SummaryPhases, SummaryTimes } from "../../../src/report/summary.ts";
import { liveRequest, liveTotals } from "../../support/live_views.ts";
import { latencies } from "../../support/snapshots.ts";

function times(count: number, mean: number): SummaryTimes {
  return { count, ...latencies(mean), mean };
}

const NONE: SummaryPhases = {
  ...{ dnsMs: null, connectMs: null, tlsMs: null, ttfbMs: null, downloadMs: null },
};

Deno.test("an average request has its share of what opening connections took", () => {
  const phases = {
    ...NONE,
    connectMs: times(10, 20),
    ttfbMs: times(100, 6),
    downloadMs: times(100, 2),
  };
  assert.deepEqual(averageParts(phases), [
    { field: "connectMs", title: "Connect", ms: 2, share: 0.2 },
    { field: "ttfbMs", title: "First byte", ms: 6, share: 0.6 },
    { field: "downloadMs", title: "Download", ms: 2, share: 0.2 },
  ]);
  assert.deepEqual(averageParts(NONE), []);
});

Deno.test("names with phases are shown, unless all of their time was waiting for the first byte", () => {
  const plain = { ...NONE, ttfbMs: times(5, 6), downloadMs: { ...times(5, 0), max: 0 } };
  const step = liveRequest({ method: "TASK" });
  const page = liveRequest({ phases: plain, connections: { opened: 0, reused: 5 } });
  const reused = { totals: liveTotals({ phases: plain, connections: page.connections }) };
  assert.deepEqual(phaseLines({ ...reused, requests: [step, page] }), []);
  const opened = liveTotals({ phases: plain, connections: { opened: 1, reused: 4 } });
  assert.deepEqual(phaseLines({ totals: opened, requests: [step, page] }), [page]);
  const slow = liveTotals({ phases: { ...plain, downloadMs: times(5, 3) } });
  assert.deepEqual(phaseLines({ totals: slow, requests: [page] }), [page]);
});

Deno.test("what the system said about connections is told in sentences", () => {
  assert.equal(networkText(null), "");
  const roundTripMs = { ...latencies(0.2), p99: 1.5 };
  assert.equal(
    networkText({ samples: 1200, retransmitting: 3, roundTripMs }),
    "Round-trip time of connections: 0.200 ms median, 1.50 ms p99. " +
      "3 of 1,200 sampled connections had sent data again (0.25%).",
  );
});
