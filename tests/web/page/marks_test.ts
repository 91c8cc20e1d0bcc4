import assert from "node:assert/strict";
import { axisEnd, boundLines, marksOf } from "../../../src/web/page/marks.js";
import { thresholdLine } from "../../../src/web/threshold_lines.ts";
import { liveState, liveView } from "../../support/live_views.ts";
import { history } from "../../support/snapshots.ts";

Deno.test("marks are in order, and a pause that has not ended lasts until now", () => {
  const view = liveView({
    annotations: [
      { kind: "note", atSeconds: 3, text: "deploy", node: "w1" },
      { kind: "note", atSeconds: 9, text: "deploy", node: "local" },
      { kind: "threshold", atSeconds: 5, text: "p95<1s crossed: 2000 ms", node: null },
    ],
    pauses: [{ from: 4, to: 6 }, { from: 70, to: null }],
    live: liveState({ elapsedSeconds: 80 }),
  });
  assert.deepEqual(marksOf(view), [
    { kind: "note", from: 3, to: null, text: "deploy (w1)" },
    { kind: "pause", from: 4, to: 6, text: "Paused until 0:06" },
    { kind: "threshold", from: 5, to: null, text: "p95<1s crossed: 2000 ms" },
    { kind: "note", from: 9, to: null, text: "deploy" },
    { kind: "pause", from: 70, to: 80, text: "Paused since then" },
  ]);
});

Deno.test("a chart has the bounds of what it shows", () => {
  const expressions = [
    "p95<200ms",
    "p95[GET /]<100ms",
    "p95[/]<90ms",
    "p95{class=A}<80ms",
    "rate>5",
  ];
  const thresholds = expressions.map((expression) => ({
    ...{ expression, observed: 1, passed: true, observedText: "", line: thresholdLine(expression) },
  }));
  const [name, classA, classB] = [
    history({ method: "GET", name: "/" }),
    history({ kind: "class", method: "", name: "A" }),
    history({ kind: "class", method: "", name: "B" }),
  ];
  const texts = (chart: string, shown?: typeof name, histories = [name!, classA!, classB!]) =>
    boundLines({ thresholds, histories }, chart, shown).map(({ text }) => text);
  assert.deepEqual(texts("latency"), ["p95<200ms"]);
  assert.deepEqual(texts("heat"), ["p95<200ms"]);
  assert.deepEqual(texts("rates"), ["rate>5"]);
  assert.deepEqual(texts("latency", name), ["p95[GET /]<100ms", "p95[/]<90ms"]);
  assert.deepEqual(texts("latency", classA), ["p95{class=A}<80ms"]);
  assert.deepEqual(texts("latency", classB), []);
  // The only class has no chart of its own.
  assert.deepEqual(texts("latency", undefined, [name!]), ["p95<200ms", "p95{class=A}<80ms"]);
});

Deno.test("an axis reaches up to a bound unless that would flatten its values", () => {
  const at = (...values: number[]) => values.map((value) => ({ value, text: "", passed: true }));
  assert.equal(axisEnd(0, []), 1);
  assert.equal(axisEnd(100, []), 108);
  assert.equal(axisEnd(100, at(50, 200)), 216);
  assert.equal(axisEnd(100, at(500)), 108);
});
