import assert from "node:assert/strict";
import { progressBar } from "../../src/report/live_panel.ts";
import { renderLine } from "../../src/report/terminal.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { emptySnapshot, snapshot } from "../support/snapshots.ts";

function bar(changes: Partial<Snapshot>, columns = 60): string {
  return renderLine(progressBar(snapshot(changes), columns), columns, false);
}

Deno.test("the bar fills up with the planned time, and not beyond it", () => {
  const at = (elapsedSeconds: number): string => bar({ elapsedSeconds, plannedSeconds: 20 });
  assert.equal(at(0), "running     ░░░░░░░░░░░░░░░░░░░░   0%  0s of 20s, 20s left");
  assert.equal(at(10), "running     ██████████░░░░░░░░░░  50%  10s of 20s, 10s left");
  assert.equal(at(22), "running     ████████████████████ 100%  22s of 20s");
});

Deno.test("the bar is as long in every second of a run, whatever stands behind it", () => {
  for (const plannedSeconds of [7, 59, 60, 61, 3599, 3600, 7325]) {
    const lengths = Array.from({ length: plannedSeconds + 1 }, (_, elapsedSeconds) => {
      const line = bar({ elapsedSeconds, plannedSeconds }, 80);
      assert.ok(line.length <= 80, line);
      assert.ok(line.includes(" of "), line);
      return line.replaceAll(/[^█░]/g, "").length;
    });
    assert.equal(new Set(lengths).size, 1, String(plannedSeconds));
  }
});

Deno.test("a bar that has no room is left out, and the time stays", () => {
  assert.equal(
    bar({ elapsedSeconds: 90, plannedSeconds: 600 }, 42),
    "running     15%  1m30s of 10m, 8m30s left",
  );
});

Deno.test("users that are stopping have no time left", () => {
  const line = bar({ state: "stopping", elapsedSeconds: 5, plannedSeconds: 20 });
  assert.equal(line, "stopping    █████░░░░░░░░░░░░░░░  25%  5s of 20s");
});

Deno.test("without a planned time there is only the time that went by", () => {
  assert.equal(bar({ plannedSeconds: null }), "running     10s");
});

Deno.test("a master without its workers says what it waits for", () => {
  const waiting = emptySnapshot({ mode: "distributed", expectedWorkers: 2, workers: [] });
  assert.equal(bar(waiting), "ready       waiting for workers: 0 of 2");
});
