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

Deno.test("while a run is in progress, the tiles show current values beside those of the whole run", () => {
  assert.deepEqual(
    texts({
      live: liveState({ rates: { requests: 412, failures: 3 } }),
      totals: liveTotals({ requests: 4000, failures: 40, retries: 1 }),
      timeline: [liveSecond(0, { p50: 8, p95: null, p99: 30 })],
    }),
    {
      users: "10 | target 10",
      rate: "412.0 | 4,000 total, 1 retry",
      failures: "40 | 1.00%, now 3.00/s, median 3.00 ms",
      "in-progress": "0 | no request",
      p50: "12.0 ms | last second 8.00 ms",
      p95: "36.0 ms | last second -",
      p99: "96.0 ms | last second 30.0 ms",
    },
  );
});

Deno.test("after its end, the tiles show the whole run", () => {
  assert.deepEqual(
    texts({
      live: liveState({ state: "stopped" }),
      users: { peak: 20, final: 7 },
      requests: [liveRequest({ requests: 4000 })],
    }),
    {
      users: "20 | 7 at end",
      rate: "400.0 | average, 4,000 total",
      failures: "0 | 0% of requests",
      p50: "12.0 ms | whole run",
      p95: "36.0 ms | whole run",
      p99: "96.0 ms | whole run",
    },
  );
});

Deno.test("requests without an answer have tiles, and lower bounds are marked", () => {
  const totals = liveTotals({
    unfinished: { count: 50, oldestMs: 11_040 },
    lowerBounds: ["mean", "max", "p99"],
  });
  const live = liveState({ inProgress: { count: 4, oldestMs: 850 } });
  const shown = texts({ totals, live, timeline: [liveSecond(0, { p99: 30 })] });
  assert.equal(shown.unfinished, "50 | oldest 11.0 s");
  assert.equal(shown["in-progress"], "4 | oldest 850 ms");
  assert.match(shown.p95!, /^36.0 ms \| last second/);
  assert.equal(shown.p99, "≥96.0 ms | lower bound, last second 30.0 ms");
  const [p99] = tiles(liveView({ totals })).filter(({ id }) => id === "p99");
  assert.match(p99!.hint!, /without an answer/);
  const stopped = texts({ totals, live: liveState({ state: "stopped" }) });
  assert.equal(stopped.p99, "≥96.0 ms | lower bound, whole run");
  assert.equal("in-progress" in stopped, false);
});

Deno.test("iterations have a tile if they are counted", () => {
  const iterations = {
    scheduled: 900,
    started: 800,
    completed: 790,
    interrupted: 0,
    dropped: 100,
    serviceTimeMs: latencies(10),
    lowerBounds: [],
    startDelayMs: latencies(2),
  };
  const open = liveState({
    model: "open",
    users: { current: 12, target: 40 },
    arrivals: { rate: 90, maxUsers: 40 },
  });
  const shown = texts({ live: open, iterations });
  assert.deepEqual([shown.users, shown.iterations], [
    "12 | maximum 40",
    "790 | 100 dropped, delay p95 6.00 ms",
  ]);
  const onTime = { ...iterations, dropped: 0, startDelayMs: NO_LATENCIES };
  assert.equal(texts({ live: open, iterations: onTime }).iterations, "790 | 0 dropped");
  assert.equal(texts({ iterations }).iterations, "790 | completed");
  const cutOff = { ...iterations, interrupted: 3 };
  assert.equal(
    texts({ live: open, iterations: cutOff }).iterations,
    "790 | 100 dropped, 3 interrupted, delay p95 6.00 ms",
  );
  assert.equal(texts({ iterations: cutOff }).iterations, "790 | completed, 3 interrupted");
});

Deno.test("a breaking point search shows its progress", () => {
  const search = { className: null, passed: null, broke: null, threshold: null, text: "" };
  const breaking = (passedText: string | null, brokeText: string | null): string | undefined =>
    texts({ breakingPoint: { ...search, passedText, brokeText } }).breaking;
  assert.equal(breaking("200 users", "250 users"), "200 users | exceeded at 250 users");
  assert.equal(breaking("120.5/s", null), "120.5/s | not exceeded so far");
  assert.equal(breaking(null, "1 user"), "none | exceeded at 1 user");
  const ofClass = { ...search, className: "BuyerTest", passedText: "2 users", brokeText: null };
  assert.equal(
    texts({ breakingPoint: ofClass }).breaking,
    "2 users | BuyerTest: not exceeded so far",
  );
});
