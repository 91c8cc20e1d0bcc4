import assert from "node:assert/strict";
import { ThresholdWatch, Warnings } from "../../src/runner/run_watch.ts";
import type { RunStatus, Snapshot } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { latencies, requestRow, snapshot, statistics } from "../support/snapshots.ts";

interface Watched {
  readonly warnings: string[];
  readonly stops: number;
  readonly watch: ThresholdWatch;
  /** Another second of a run in which `p50` is so many milliseconds. */
  second(seconds: number, p50: number, state?: RunStatus, changes?: Partial<Snapshot>): boolean[];
}

function watched(expressions: string[], abortOnThreshold: boolean): Watched {
  const warnings: string[] = [];
  let stops = 0;
  const watch = new ThresholdWatch(
    { thresholds: new ThresholdSet(expressions), abortOnThreshold },
    new Warnings((text) => warnings.push(text)),
    () => stops++,
  );
  return {
    warnings,
    watch,
    get stops(): number {
      return stops;
    },
    second: (seconds, p50, state = "running", changes = {}) => {
      const row = requestRow({ requests: 10 * seconds, rate: 10, latencyMs: latencies(p50) });
      const counted = statistics({ totals: row, requests: [row], timeline: [] });
      const thresholds = watch.rows(counted, state, seconds);
      const times = { elapsedSeconds: seconds + 0.01, durationSeconds: seconds };
      watch.look(snapshot({ ...times, state, statistics: counted, thresholds, ...changes }));
      return thresholds.map(({ passed }) => passed);
    },
  };
}

Deno.test("without being asked to, nothing is ended by a threshold", () => {
  const run = watched(["max<100ms"], false);
  assert.deepEqual(run.second(9, 12), [false]);
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("the first second that crosses one ends the run, once, and says why", () => {
  const run = watched(["count>=1", "max<500ms"], true);
  assert.deepEqual(run.second(1, 12), [true, true]);
  assert.equal(run.stops, 0);
  run.second(2, 13);
  run.second(3, 14);
  assert.equal(run.stops, 1);
  assert.deepEqual(run.warnings, [
    "The test was ended after 2 s, as max<500ms was crossed: 520 ms.",
  ]);
});

Deno.test("what has ended a run stays crossed, as it was then", () => {
  const run = watched(["mean<20ms"], true);
  run.second(2, 20);
  assert.deepEqual(run.second(3, 12, "stopping"), [false]);
  const counted = statistics({ requests: [requestRow()] });
  assert.deepEqual(run.watch.rows(counted, "stopped", 10), [
    { expression: "mean<20ms", observed: 25, passed: false },
  ]);
});

Deno.test("a run that is stopping anyhow is not ended again", () => {
  const run = watched(["max<100ms"], true);
  run.second(2, 12, "stopping");
  assert.deepEqual([run.stops, run.warnings], [0, []]);
});

Deno.test("a load that is raised until something breaks ends by itself", () => {
  const run = watched(["max<100ms"], true);
  const breakingPoint = { passed: null, broke: null, threshold: null };
  run.second(9, 12, "running", { breakingPoint });
  assert.equal(run.stops, 0);
});

Deno.test("a rate is not too low in the first five seconds, nor while users are being started", () => {
  const run = watched(["rps>=100"], true);
  assert.deepEqual(run.second(4, 12), [true]);
  assert.deepEqual(run.second(30, 12, "spawning"), [true]);
  assert.equal(run.stops, 0);
  assert.deepEqual(run.second(5, 12), [false]);
  assert.equal(run.stops, 1);
});

Deno.test("in the end, what had no sample is warned of", () => {
  const run = watched(["p95[GET serach]<1s", "p95<1s"], false);
  run.watch.conclude(snapshot({ state: "stopped" }));
  assert.deepEqual(run.warnings, [
    "Threshold p95[GET serach]<1s: no request is named GET serach. The names are GET /.",
  ]);
  const never = watched(["p95<1s"], false);
  never.watch.conclude(snapshot({ state: "stopped", startedAt: null }));
  assert.deepEqual(never.warnings, []);
});
