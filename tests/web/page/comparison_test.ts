import assert from "node:assert/strict";
import type { ComparedView } from "../../../src/web/comparison_view.ts";
import { COMPARED_CHARTS, comparedColumns } from "../../../src/web/page/comparison.js";

function view(seconds: readonly number[], requests: number): ComparedView {
  const length = (seconds.at(-1) ?? 0) + 1;
  return {
    head: { durationSeconds: length } as ComparedView["head"],
    elapsedSeconds: length,
    pausedSeconds: 0,
    timeline: seconds.map((second) => ({
      ...{ second, users: 2, requests, failures: 0, p50: second === 1 ? null : 10 },
      ...{ p95: 20, p99: 30 },
    })),
  };
}

function columnsOf(id: string, a: ComparedView, b: ComparedView): unknown {
  const chart = COMPARED_CHARTS.find((chart) => chart.id === id)!;
  return comparedColumns({ a, b }, chart.value);
}

Deno.test("both runs are on one axis, each from its own start", () => {
  assert.deepEqual(columnsOf("compared-rate", view([0, 1, 2], 5), view([0, 1, 2, 3], 7)), [
    [1, 2, 3, 4],
    [5, 5, 5, undefined],
    [7, 7, 7, 7],
  ]);
});

Deno.test("a second without a response is a gap", () => {
  const columns = columnsOf("compared-p50", view([0, 1], 5), view([0, 1], 5));
  assert.deepEqual(columns, [[1, 2], [10, null], [10, null]]);
});

Deno.test("the last second is scaled if it is shorter, as in the charts of a run", () => {
  const short = { ...view([0, 1], 5), elapsedSeconds: 1.5 };
  const a = { ...short, head: { ...short.head, durationSeconds: 1.5 } };
  assert.deepEqual(columnsOf("compared-rate", a, view([0, 1], 5)), [[1, 2], [5, 10], [5, 5]]);
});

Deno.test("runs without a second have nothing to show", () => {
  assert.deepEqual(columnsOf("compared-users", view([], 0), view([], 0)), [[], [], []]);
});
