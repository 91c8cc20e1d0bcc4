import assert from "node:assert/strict";
import { percentileLine, trafficLines } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import {
  latencies,
  NO_LATENCIES,
  requestRow,
  snapshot,
  statistics,
  timelineSecond,
} from "../support/snapshots.ts";

function lines(changes: Partial<Statistics>, columns = 60, color = false): string[] {
  return trafficLines(snapshot({ statistics: statistics(changes) }), columns)
    .map((line) => renderLine(line, columns, color));
}

const TIMELINE = [
  timelineSecond({ second: 0, requests: 50, p95: 10 }),
  timelineSecond({ second: 1, requests: 100, failures: 1, p95: 80 }),
  timelineSecond({ second: 2, requests: 0, p50: null, p95: null, p99: null }),
  timelineSecond({ second: 3, requests: 70, p95: 20, p99: 55 }),
];

Deno.test("rate and slowness have one time axis, and say what the last second was", () => {
  assert.deepEqual(lines({ timeline: TIMELINE }), [
    "rate        70.0/s    ▅█▁▆",
    "p95         20.0 ms   ▂█▁▃",
    "requests    1,000   failures 0",
    "latency     p50 12.0   p95 36.0   p99 96.0   max 480    ms",
    "last 5 s    p50 12.0   p95 80.0   p99 96.0   ms",
  ]);
});

Deno.test("a second in which nothing ended has a rate, and no percentile", () => {
  const [rate, slowness] = lines({ timeline: TIMELINE.slice(0, 3) });
  assert.equal(rate, "rate        0/s       ▅█▁");
  assert.equal(slowness, "p95         -         ▂█▁");
});

Deno.test("seconds with failures are red", () => {
  const [rate = ""] = lines({ timeline: TIMELINE }, 60, true);
  assert.ok(rate.endsWith("\x1b[36m▅\x1b[0m\x1b[31m█\x1b[0m\x1b[36m▁▆\x1b[0m"), rate);
});

Deno.test("only the seconds are drawn for which there is room, two minutes at most", () => {
  const timeline = Array.from({ length: 300 }, (_, second) => timelineSecond({ second }));
  const seconds = (columns: number): (number | undefined)[] =>
    lines({ timeline }, columns).slice(0, 2).map((line) => /█+$/.exec(line)?.[0].length);
  assert.deepEqual(seconds(60), [38, 38]);
  assert.deepEqual(seconds(22), [undefined, undefined]);
  assert.deepEqual(seconds(200), [120, 120]);
});

Deno.test("failures and errors of users' code are counted, in red", () => {
  const requests = [requestRow({ failures: 25 })];
  const userErrors = [{ user: "A", error: "x", count: 2 }, { user: "B", error: "y", count: 3 }];
  assert.equal(
    lines({ requests, userErrors })[2],
    "requests    1,000   failures 25 (2.50%)   user errors 5",
  );
  assert.ok(lines({ requests }, 60, true)[2]!.endsWith("\x1b[31m25\x1b[0m\x1b[31m (2.50%)\x1b[0m"));
  assert.ok(!lines({}, 60, true)[2]!.includes("\x1b[31m"));
});

Deno.test("percentiles keep their places, and have the tone that they are given", () => {
  const text = (line: ReturnType<typeof percentileLine>, color = false): string =>
    renderLine(line, 80, color);
  assert.equal(
    text(percentileLine("delay", latencies(123_456))),
    "delay       p50 123456 p95 370368 p99 987648 max 4938s  ms",
  );
  assert.equal(
    text(percentileLine("delay", NO_LATENCIES)),
    "delay       p50 -      p95 -      p99 -      max -      ms",
  );
  const late = percentileLine("delay", latencies(10), (ms) => ms > 50 ? "warning" : "plain");
  const colored = text(late, true);
  assert.ok(colored.includes("\x1b[33m80.0"), colored);
  assert.ok(!colored.includes("\x1b[33m30.0"), colored);
});
