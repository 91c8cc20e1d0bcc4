import fc from "fast-check";
import assert from "node:assert/strict";
import { shapeChart } from "../../src/report/shape_chart.ts";
import { columnsOf } from "../../src/report/terminal.ts";

/** Compares a chart with `text`, which starts with a line break. */
function assertChart(
  series: { readonly values: readonly number[]; readonly seconds: number },
  columns: number,
  text: string,
): void {
  assert.equal(`\n${shapeChart(series, columns)}`, text);
}

Deno.test("a ramp with a spike is drawn with both axes", () => {
  const values = Array.from({ length: 120 }, (_, t) => t < 60 ? t + 1 : t < 90 ? 250 : 20);
  assertChart(
    { values, seconds: 120 },
    50,
    `
250 ┤                      ████████████
    │                      ████████████
200 ┤                      ████████████
    │                      ████████████
150 ┤                      ████████████
    │                      ████████████
100 ┤                      ████████████
    │                  ▁▂▂▃████████████
 50 ┤         ▁▂▃▄▅▅▆▇█████████████████
    │▁▂▃▄▅▆▇███████████████████████████▇▇▇▇▇▇▇▇▇▇▇
  0 ┼──────────┬───────────┬──────────┬──────────┬
    0s         30s         1m         1m30s     2m`,
  );
});

Deno.test("a short peak is visible even if a column covers many seconds", () => {
  const values = Array(3600).fill(1);
  values[1800] = 10;
  assertChart(
    { values, seconds: 3600 },
    30,
    `
10 ┤             █
   │             █
 8 ┤             █
   │             █
 6 ┤             █
   │             █
 4 ┤             █
   │             █
 2 ┤             █
   │██████████████████████████
 0 ┼────────────┬────────────┬
   0s           30m         1h`,
  );
});

Deno.test("small values and short times use the full chart", () => {
  assertChart(
    { values: [1, 2], seconds: 1.5 },
    24,
    `
2 ┤              ███████
  │              ███████
  │              ███████
  │              ███████
1 ┤█████████████████████
  │█████████████████████
  │█████████████████████
  │█████████████████████
0 ┼─────────────┬───────
  0s            1s`,
  );
});

Deno.test("the value axis has fractions if values do", () => {
  assertChart(
    { values: [0.25, 0.5, 0], seconds: 3 },
    20,
    `
0.5 ┤     █████
    │     █████
0.4 ┤     █████
    │     █████
0.3 ┤     █████
    │██████████
0.2 ┤██████████
    │██████████
0.1 ┤██████████
    │██████████
  0 ┼─────────┬─────
    0s        2s`,
  );
});

Deno.test("a load of 0 is an empty chart", () => {
  assertChart(
    { values: [0, 0], seconds: 2 },
    24,
    `
1 ┤
  │
  │
  │
0 ┼──────────┬─────────┬
  0s         1s       2s`,
  );
});

Deno.test("no line is longer than the terminal, and none ends in spaces", () => {
  const value = fc.oneof(fc.nat(1e6), fc.double({ min: 0, max: 1e6, noNaN: true }));
  fc.assert(fc.property(
    fc.array(value, { minLength: 1, maxLength: 400 }),
    fc.double({ min: 0.01, max: 1, noNaN: true }),
    fc.integer({ min: 24, max: 250 }),
    (values, last, columns) => {
      const lines = shapeChart({ values, seconds: values.length - 1 + last }, columns).split("\n");
      for (const line of lines) {
        assert.ok(columnsOf(line) <= columns, line);
        assert.equal(line, line.trimEnd());
      }
    },
  ));
});
