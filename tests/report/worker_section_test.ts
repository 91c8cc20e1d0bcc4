import assert from "node:assert/strict";
import { workerSection } from "../../src/report/final_report.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import type { Snapshot, WorkerRow } from "../../src/stats/snapshot.ts";
import { clusterSnapshot, snapshot, workerRow } from "../support/snapshots.ts";
import { CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

function ended(): Snapshot {
  const run = clusterSnapshot(30, { state: "stopped" });
  const workers = run.workers.map((worker) =>
    worker.state === "running" ? { ...worker, state: "finished" as const } : worker
  );
  return { ...run, workers };
}

function lines(workers: readonly WorkerRow[], columns = 80): string[] {
  return workerSection(snapshot({ mode: "distributed", workers }), { columns, color: false });
}

const SECTION = [
  "Workers, users and CPU at their peak",
  "Worker        Host    Users   Reqs   CPU  State",
  "──────────────────────────────────────────────────────────",
  "attic-k3x9-3  attic      16     40   33%  lost, incomplete",
  "attic-k3x9-6  cellar     20  1,980  104%  finished",
  "attic-k3x9-8  cellar     16  2,040   38%  finished",
  "attic-k3x9-7  cellar     16  2,010   37%  finished",
  "attic-k3x9-5  attic      16  1,950   35%  finished",
  "attic-k3x9-4  attic      16    650   34%  left",
  "attic-k3x9-2  attic      16  1,860   32%  finished",
  "attic-k3x9-1  attic      16  1,830   31%  finished",
];

Deno.test("every worker is told of, the one whose counts are incomplete first", () => {
  for (const columns of [60, 80, 120]) {
    assert.deepEqual(workerSection(ended(), { columns, color: false }), SECTION);
  }
});

Deno.test("incomplete counts are red, and a core that was full is a warning", () => {
  const colored = workerSection(ended(), { columns: 80, color: true });
  assert.ok(colored[3]!.endsWith("   33%  \x1b[31mlost, incomplete\x1b[0m"));
  assert.ok(colored[4]!.endsWith("  \x1b[33m104%\x1b[0m  finished"));
});

Deno.test("a local run has no workers to tell of, and a master without any says so", () => {
  assert.deepEqual(workerSection(snapshot(), { columns: 80, color: false }), []);
  assert.deepEqual(lines([]), ["Workers", "No worker took part."]);
});

Deno.test("of many workers twenty are shown, and what the others came to", () => {
  const workers = Array.from(
    { length: 50 },
    (_, i) => workerRow({ id: `w${i}`, cpuPeak: i / 100, complete: i !== 7, requests: 1000 + i }),
  );
  const [, , , ...rows] = lines(workers);
  const names = rows.slice(0, -1).map((row) => row.split(" ")[0]);
  assert.deepEqual(names, ["w7", ...Array.from({ length: 19 }, (_, i) => `w${49 - i}`)]);
  assert.equal(rows.at(-1), "and 30 more, with 30,458 requests");
});

Deno.test("counts that are incomplete are never hidden without a word", () => {
  const workers = Array.from({ length: 25 }, (_, i) => workerRow({ complete: i > 21 }));
  assert.equal(lines(workers).at(-1), "and 5 more, with 5,000 requests, 2 of them incomplete");
});

Deno.test("a worker cannot reach the terminal by its name, nor break a line", () => {
  const worker = workerRow({ id: HOSTILE_NAME, host: HOSTILE_NAME, complete: false });
  for (const columns of [60, 80, 120]) {
    for (const line of lines([worker], columns)) {
      assert.ok(columnsOf(line) <= columns, line);
      assert.doesNotMatch(line, CONTROLS);
    }
  }
  assert.equal(
    lines([worker]).at(-1),
    "␛[31m␛[2J␇…aaaaaaaaaa ␛[31m␛[2J␇…aaaaaaaaaa    10 1,000 46% running, incomplete",
  );
});
