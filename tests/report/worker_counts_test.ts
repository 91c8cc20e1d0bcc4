import assert from "node:assert/strict";
import {
  awaited,
  cpuGauge,
  isPresent,
  isStrained,
  lagGauge,
  workerCounts,
} from "../../src/report/worker_counts.ts";
import type { WorkerStatus } from "../../src/stats/snapshot.ts";
import { emptySnapshot, snapshot, workerRow } from "../support/snapshots.ts";

Deno.test("a worker is present unless it was lost or has left", () => {
  const states: WorkerStatus[] = [
    "preparing",
    "ready",
    "spawning",
    "running",
    "stopping",
    "finished",
    "left",
    "lost",
  ];
  assert.deepEqual(states.filter((state) => !isPresent({ state })), ["left", "lost"]);
});

Deno.test("the number of workers includes the total if some are gone", () => {
  const many = Array.from({ length: 1200 }, () => workerRow());
  assert.equal(workerCounts(many), "1,200");
  assert.equal(workerCounts([...many, workerRow({ state: "left" })]), "1,200 of 1,201");
  assert.equal(workerCounts([]), "0");
});

Deno.test("a master waits until enough workers are prepared, not counting those that left", () => {
  const workers = (["ready", "preparing", "lost", "left"] as const)
    .map((state) => workerRow({ state }));
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 2, workers });
  assert.equal(awaited(waiting), "waiting for workers: 1 of 2");
  assert.equal(awaited({ ...waiting, expectedWorkers: 1 }), null);
});

Deno.test("a local run, and a run that has started, wait for no workers", () => {
  assert.equal(awaited(snapshot({ mode: "distributed", expectedWorkers: 8 })), null);
  assert.equal(awaited(emptySnapshot()), null);
});

Deno.test("a core is yellow from 90 %, and a late event loop from 50 ms", () => {
  assert.deepEqual([0.899, 0.9].map(cpuGauge), [
    { text: "90%", tone: "plain" },
    { text: "90%", tone: "warning" },
  ]);
  assert.deepEqual([49.9, 50].map(lagGauge), [
    { text: "49.9", tone: "plain" },
    { text: "50.0", tone: "warning" },
  ]);
});

Deno.test("a process is strained by either of them", () => {
  assert.deepEqual([isStrained(0.9, 0), isStrained(0, 50), isStrained(0.89, 49)], [
    true,
    true,
    false,
  ]);
});
