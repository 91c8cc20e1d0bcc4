import assert from "node:assert/strict";
import fc from "fast-check";
import { TRACED_PER_NAME, TracedTable } from "../../src/stats/traced_requests.ts";

const anyRequest = fc.tuple(
  fc.constantFrom("GET", "POST"),
  fc.constantFrom("search", "pay"),
  fc.nat(20),
  fc.constantFrom("a", "b", "c"),
);

Deno.test("the slowest requests of each name are kept, in any order and over any parts", () => {
  fc.assert(fc.property(fc.array(fc.array(anyRequest)), (parts) => {
    const merged = new TracedTable();
    for (const part of parts) {
      const table = new TracedTable();
      for (const [method, name, latencyMs, traceId] of part) {
        if (!table.admits(method, name, latencyMs)) continue;
        table.add(method, name, { latencyMs, startedAt: 0, status: 200, traceId });
      }
      for (const one of table) merged.add(...one);
    }
    for (const method of ["GET", "POST"]) {
      for (const name of ["search", "pay"]) {
        const all = parts.flat().filter((one) => one[0] === method && one[1] === name);
        const slowest = all.map((one) => one[2]).sort((a, b) => b - a).slice(0, TRACED_PER_NAME);
        const kept = merged.rows().filter((row) => row.method === method && row.name === name);
        assert.deepEqual(kept.map(({ latencyMs }) => latencyMs), slowest);
      }
    }
  }));
});
