import assert from "node:assert/strict";
import { iterationSection } from "../../src/report/final_report.ts";
import { iterations, openSnapshot } from "../support/open_snapshots.ts";
import { latencies, NO_LATENCIES, snapshot, statistics } from "../support/snapshots.ts";

const PLAIN = { columns: 80, color: false };

Deno.test("the open model tells what became of its schedule, and what latency means in it", () => {
  const run = openSnapshot(30, { started: 5988, completed: 5988, dropped: 12 });
  assert.deepEqual(iterationSection(run, PLAIN), [
    "Iterations, times in ms",
    "6,000 scheduled, 5,988 started, 5,988 completed, 12 dropped (0.20%)",
    "                50%    75%    90%    95%    99%  99.9%  99.99%   Max",
    "────────────────────────────────────────────────────────────────────",
    "Service time   40.0   60.0   80.0    120    320    800    1280  1600",
    "Start delay   0.100  0.150  0.200  0.300  0.800   2.00    3.20  4.00",
    "The latency of the first request of an iteration counts from the moment at which",
    "the iteration was due, so it includes the start delay. The service time counts",
    "from the actual start of the iteration to its end.",
  ]);
});

Deno.test("the closed model has no schedule to be late for", () => {
  const closed = iterations({ startDelayMs: NO_LATENCIES });
  const run = snapshot({ statistics: { ...statistics(), iterations: closed } });
  const lines = iterationSection(run, PLAIN);
  assert.equal(lines[1], "6,000 started, 5,998 completed");
  assert.deepEqual(lines.slice(4).map((line) => line.slice(0, 12)), ["Service time"]);
});

Deno.test("a run whose passes are not counted does not tell of them", () => {
  assert.deepEqual(iterationSection(snapshot(), PLAIN), []);
});

Deno.test("many that were dropped are red, and late starts a warning", () => {
  const text = (dropped: number, startDelay: number): string =>
    iterationSection(openSnapshot(30, { dropped, startDelayMs: latencies(startDelay) }), {
      columns: 80,
      color: true,
    }).join("\n");
  assert.ok(text(0, 6).includes(", none dropped"));
  assert.ok(!text(0, 6).includes("\x1b[3"));
  assert.ok(text(60, 6).includes("\x1b[33m60 dropped (1.00%)\x1b[0m"));
  assert.ok(text(61, 6).includes("\x1b[31m61 dropped (1.02%)\x1b[0m"));
  assert.ok(text(0, 7).includes("\x1b[33m"));
});
