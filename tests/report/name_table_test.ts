import assert from "node:assert/strict";
import { nameTable } from "../../src/report/live_panel.ts";
import type { RequestRow } from "../../src/stats/snapshot.ts";
import { requestRow } from "../support/snapshots.ts";

function rows(count: number): RequestRow[] {
  return Array.from({ length: count }, (_, i) => requestRow({ name: `/${i}`, requests: i * 100 }));
}

function table(count: number, most: number, columns = 60): string[] {
  return nameTable(rows(count), { columns, color: false }, most);
}

Deno.test("the names with the most requests are shown, and how many are not", () => {
  const [header, ...lines] = table(12, 10);
  assert.equal(header, "Name      Reqs  Req/s  p95 ms  Fails");
  const names = lines.slice(0, -1).map((line) => line.split(" ")[1]);
  assert.deepEqual(names, ["/11", "/10", "/9", "/8", "/7", "/6", "/5", "/4"]);
  assert.equal(lines.at(-1), "and 4 more");
});

Deno.test("all names are shown where they fit, and none where not one does", () => {
  assert.equal(table(9, 10).length, 10);
  assert.equal(table(9, 10).at(-1)!.split(" ")[1], "/0");
  assert.deepEqual(table(9, 2).slice(1), ["and 9 more"]);
  assert.deepEqual(table(9, 1), []);
  assert.deepEqual(table(9, -3), []);
  assert.deepEqual(table(0, 10), []);
});

Deno.test("the wider the table may be, the more it says", () => {
  const titles = (columns: number): string => table(1, 9, columns)[0]!.replaceAll(/ {2,}/g, "|");
  assert.equal(titles(49), "Name|Reqs|p95 ms|Fails");
  assert.equal(titles(50), "Name|Reqs|Req/s|p95 ms|Fails");
  assert.equal(titles(80), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Fails");
  assert.equal(titles(100), "Name|Reqs|Req/s|p50 ms|p95 ms|p99 ms|Max ms|Fails|Fail%");
});

Deno.test("failures are red", () => {
  const size = { columns: 100, color: true };
  const [, line = ""] = nameTable([requestRow({ failures: 25 })], size, 9);
  assert.ok(line.includes("\x1b[31m   25\x1b[0m"), line);
  assert.ok(line.includes("\x1b[31m2.50%\x1b[0m"), line);
  assert.ok(!nameTable([requestRow()], size, 9)[1]!.includes("\x1b[31m"));
});
