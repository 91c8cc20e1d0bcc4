import assert from "node:assert/strict";
import { nameTable, workerTable } from "../../src/report/panel_tables.ts";
import { columnsOf } from "../../src/report/terminal.ts";
import type { RequestRow, WorkerRow } from "../../src/stats/snapshot.ts";
import { requestRow, workerRow } from "../support/snapshots.ts";
import { CONTROLS, HOSTILE_NAME } from "../support/texts.ts";

function workerNames(workers: readonly WorkerRow[]): (string | undefined)[] {
  return workerTable(workers, { columns: 80, color: false }, 8).slice(1).map((row) =>
    row.split(" ")[0]
  );
}

Deno.test("without workers there is no table", () => {
  assert.deepEqual(workerTable([], { columns: 80, color: false }, 8), []);
});

Deno.test("lost workers come first, then strained, busy and idle ones, and those that left", () => {
  const workers = [
    workerRow({ id: "gone", state: "left", cpu: 0.99 }),
    workerRow({ id: "idle", cpu: 0.1 }),
    workerRow({ id: "working", cpu: 0.5 }),
    workerRow({ id: "late", cpu: 0.1, lagMs: 50 }),
    workerRow({ id: "full", cpu: 0.9 }),
    workerRow({ id: "lost", state: "lost", cpu: 0 }),
  ];
  assert.deepEqual(workerNames(workers), ["lost", "full", "late", "working", "idle", "gone"]);
});

Deno.test("similarly busy workers keep their positions", () => {
  const workers = [0.31, 0.33, 0.3, 0.34].map((cpu, i) => workerRow({ id: `w${i}`, cpu }));
  assert.deepEqual(workerNames(workers), ["w0", "w1", "w2", "w3"]);
});

Deno.test("six workers are shown, with the number of the others", () => {
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

Deno.test("the name of a worker cannot print control characters or break a line", () => {
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

function namesOf(count: number): RequestRow[] {
  return Array.from({ length: count }, (_, i) => requestRow({ name: `/${i}`, requests: i * 100 }));
}

function nameTableOf(count: number, most: number, columns = 60): string[] {
  return nameTable(namesOf(count), { columns, color: false }, most);
}

Deno.test("the names with the most requests are shown, with the number of the others", () => {
  const [header, ...lines] = nameTableOf(12, 10);
  assert.equal(header, "Name      Reqs  Req/s  p95 ms  Fails");
  const names = lines.slice(0, -1).map((line) => line.split(" ")[1]);
  assert.deepEqual(names, ["/11", "/10", "/9", "/8", "/7", "/6", "/5", "/4"]);
  assert.equal(lines.at(-1), "and 4 more");
});

Deno.test("all names are shown if they fit, and none if not a single one does", () => {
  assert.equal(nameTableOf(9, 10).length, 10);
  assert.equal(nameTableOf(9, 10).at(-1)!.split(" ")[1], "/0");
  assert.deepEqual(nameTableOf(9, 2).slice(1), ["and 9 more"]);
  assert.deepEqual(nameTableOf(9, 1), []);
  assert.deepEqual(nameTableOf(9, -3), []);
  assert.deepEqual(nameTableOf(0, 10), []);
});

Deno.test("a wider table of names has more columns", () => {
  const titles = (columns: number): string =>
    nameTableOf(1, 9, columns)[0]!.replaceAll(/ {2,}/g, "|");
  assert.equal(titles(49), "Name|Reqs|p95 ms|Fails");
  assert.equal(titles(50), "Name|Reqs|Req/s|p95 ms|Fails");
  assert.equal(titles(80), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Fails");
  assert.equal(titles(100), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Max ms|Fails|Fail%");
});

Deno.test("failures of a name are red", () => {
  const size = { columns: 100, color: true };
  const [, line = ""] = nameTable([requestRow({ failures: 25 })], size, 9);
  assert.ok(line.includes("\x1b[31m   25\x1b[0m"), line);
  assert.ok(line.includes("\x1b[31m2.50%\x1b[0m"), line);
  assert.ok(!nameTable([requestRow()], size, 9)[1]!.includes("\x1b[31m"));
});
