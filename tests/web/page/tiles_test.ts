import assert from "node:assert/strict";
import type { LiveView } from "../../../src/web/live_view.ts";
import { tiles } from "../../../src/web/page/tiles.js";
import {
  liveRequest,
  liveSecond,
  liveState,
  liveTotals,
  liveView,
} from "../../support/live_views.ts";
import { latencies, NO_LATENCIES } from "../../support/snapshots.ts";

function texts(changes: Partial<LiveView>): Record<string, string> {
  return Object.fromEntries(
    tiles(liveView(changes)).map(({ id, value, note }) => [id, `${value} | ${note}`]),
  );
}

Deno.test("while a run goes on, the tiles tell of now beside the whole", () => {
  assert.deepEqual(
    texts({
      live: liveState({ rates: { requests: 412, failures: 3 } }),
      totals: liveTotals({ requests: 4000, failures: 40, retries: 1 }),
      timeline: [liveSecond(0, { p50: 8, p95: null, p99: 30 })],
    }),
    {
      users: "10 | of 10",
      rate: "412.0 | 4,000 in all, 1 retry",
      failures: "40 | 1.00%, now 3.00/s",
      p50: "12.0 ms | last second 8.00 ms",
      p95: "36.0 ms | last second -",
      p99: "96.0 ms | last second 30.0 ms",
    },
  );
});

Deno.test("after its end they tell of all of it", () => {
  assert.deepEqual(
    texts({
      live: liveState({ state: "stopped" }),
      users: { peak: 20, final: 7 },
      requests: [liveRequest({ requests: 4000 })],
    }),
    {
      users: "20 | 7 at the end",
      rate: "400.0 | on average, 4,000 in all",
      failures: "0 | 0% of requests",
      p50: "12.0 ms | of the whole run",
      p95: "36.0 ms | of the whole run",
      p99: "96.0 ms | of the whole run",
    },
  );
});

Deno.test("the open model has its passes", () => {
  const iterations = {
    scheduled: 900,
    started: 800,
    completed: 790,
    dropped: 100,
    serviceTimeMs: latencies(10),
    startDelayMs: latencies(2),
  };
  const open = liveState({
    model: "open",
    users: { current: 12, target: 40 },
    arrivals: { rate: 90, maxUsers: 40 },
  });
  const { users, passes } = texts({ live: open, iterations });
  assert.deepEqual([users, passes], [
    "12 | of 40 at most",
    "790 | 100 dropped, late 6.00 ms (p95)",
  ]);
  const none = { ...iterations, dropped: 0, startDelayMs: NO_LATENCIES };
  assert.equal(texts({ live: open, iterations: none })["passes"], "790 | 0 dropped");
  assert.equal(texts({ iterations })["passes"], "790 | completed");
});

Deno.test("a search for the breaking point says how far it has come", () => {
  const load = (users: number, arrivalRate: number | null = null) => ({ users, arrivalRate });
  const breaking = (breakingPoint: LiveView["breakingPoint"]): string | undefined =>
    texts({ breakingPoint })["breaking"];
  assert.equal(
    breaking({ passed: load(200), broke: load(250), threshold: "p95<1s" }),
    "200 users | broke at 250 users",
  );
  assert.equal(
    breaking({ passed: load(50, 120.5), broke: null, threshold: null }),
    "120.5/s | nothing broke so far",
  );
  assert.equal(
    breaking({ passed: null, broke: load(1), threshold: null }),
    "none | broke at 1 user",
  );
});
