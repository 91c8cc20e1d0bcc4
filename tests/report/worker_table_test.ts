import assert from "node:assert/strict";
import { workerTable } from "../../src/report/live_panel.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import type { WorkerRow } from "../../src/stats/snapshot.ts";
import { workerRow } from "../support/snapshots.ts";
import { CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

function names(workers: readonly WorkerRow[]): (string | undefined)[] {
  return workerTable(workers, { columns: 80, color: false }, 8).slice(1).map((row) =>
    row.split(" ")[0]
  );
}

Deno.test("without workers there is no table", () => {
  assert.deepEqual(workerTable([], { columns: 80, color: false }, 8), []);
});

Deno.test("the lost come first, then the strained, then the busy, and last those that went", () => {
  const workers = [
    workerRow({ id: "gone", state: "left", cpu: 0.99 }),
    workerRow({ id: "idle", cpu: 0.1 }),
    workerRow({ id: "working", cpu: 0.5 }),
    workerRow({ id: "late", cpu: 0.1, lagMs: 50 }),
    workerRow({ id: "full", cpu: 0.9 }),
    workerRow({ id: "lost", state: "lost", cpu: 0 }),
  ];
  assert.deepEqual(names(workers), ["lost", "full", "late", "working", "idle", "gone"]);
});

Deno.test("workers that are about as busy keep their places", () => {
  const workers = [0.31, 0.33, 0.3, 0.34].map((cpu, i) => workerRow({ id: `w${i}`, cpu }));
  assert.deepEqual(names(workers), ["w0", "w1", "w2", "w3"]);
});

Deno.test("six workers are shown, and how many are not", () => {
  const workers = Array.from({ length: 1006 }, (_, i) => workerRow({ id: `w${i}`, users: i }));
  const lines = workerTable(workers, { columns: 60, color: false }, 8);
  assert.deepEqual(lines, [
    "Worker  Users  Req/s  CPU  Lag ms  State",
    "w0          0  100.0  31%    1.25  running",
    "w1          1  100.0  31%    1.25  running",
    "w2          2  100.0  31%    1.25  running",
    "w3          3  100.0  31%    1.25  running",
    "w4          4  100.0  31%    1.25  running",
    "w5          5  100.0  31%    1.25  running",
    "and 1,000 more",
  ]);
  assert.equal(workerTable(workers.slice(0, 6), { columns: 60, color: false }, 8).length, 7);
});

Deno.test("a worker cannot reach the terminal by its name, nor break a line", () => {
  for (const columns of [60, 80, 120]) {
    const lines = workerTable([workerRow({ id: HOSTILE_NAME })], { columns, color: false }, 8);
    for (const line of lines) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }
  const [, row] = workerTable([workerRow({ id: HOSTILE_NAME })], { columns: 60, color: false }, 8);
  assert.equal(row, "␛[31m␛[2J␇aa…aaaaaaaaaaa     10  100.0  31%    1.25  running");
});
