import assert from "node:assert/strict";
import { generatorLine } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import type { WorkerRow } from "../../src/stats/snapshot.ts";
import { snapshot, workerRow } from "../support/snapshots.ts";

function line(workers: readonly WorkerRow[], color = false): string {
  return renderLine(generatorLine(snapshot({ mode: "distributed", workers })), 80, color);
}

Deno.test("the process of a local run is told of as what it is", () => {
  assert.equal(
    renderLine(generatorLine(snapshot()), 80, false),
    "process     cpu 31%   loop lag 1.25 ms",
  );
});

Deno.test("of many workers the one in the worst state is shown", () => {
  const workers = [workerRow({ cpu: 0.2, lagMs: 3 }), workerRow({ cpu: 0.95, lagMs: 1 })];
  assert.equal(line(workers), "workers     2   busiest cpu 95%   loop lag 3.00 ms");
  assert.ok(line(workers, true).includes("\x1b[33m95%\x1b[0m"));
});

Deno.test("a single worker is not the busiest of anything", () => {
  assert.equal(line([workerRow()]), "workers     1   cpu 31%   loop lag 1.25 ms");
});

Deno.test("how busy workers were that are gone says nothing of now", () => {
  const lost = workerRow({ state: "lost", cpu: 0.99, lagMs: 500 });
  assert.equal(line([lost, workerRow()]), "workers     1 of 2   cpu 31%   loop lag 1.25 ms");
  assert.equal(line([lost]), "workers     0 of 1");
  assert.equal(line([]), "workers     none yet");
});
