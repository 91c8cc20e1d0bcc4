import assert from "node:assert/strict";
import { toRow } from "../../bench/support/comparison.ts";
import { withHttpFigures } from "../../bench/support/http_figures.ts";
import { type HttpResult, resultRow, resultText } from "../../bench/support/http_result.ts";
import { type ContenderName, SCENARIOS } from "../../bench/support/scenario.ts";
import { measurement } from "./measurements.ts";

const PAGE =
  "# aiotest\n\n<!-- figures of the HTTP benchmark -->\n\nold\n\n<!-- end of figures -->\nend";

const RATES: Partial<Record<ContenderName, number>> = {
  wrk: 115_321,
  "tls-loop": 100_000,
  fetch: 20_000,
  HttpUser: 15_000,
};

const RESULT: HttpResult = {
  date: "2026-11-30",
  machine: { processor: "Fast CPU", cores: 2, system: "Linux 6" },
  versions: { wrk: "4.1.0" },
  runs: 5,
  seconds: 3,
  scenarios: SCENARIOS.map(({ name, contenders, connections: users }) => ({
    name,
    rows: contenders.map((contender) => {
      const rate = RATES[contender] ?? 80_000;
      return resultRow(toRow(contender, [measurement({ rate })], { users, planned: 1 }));
    }),
  })),
  goals: [],
};

Deno.test("the figures of a complete run replace those in the page, and the rest stays", () => {
  const page = withHttpFigures(PAGE, RESULT);
  assert.ok(
    page.startsWith("# aiotest\n\n<!-- figures of the HTTP benchmark -->\n\nThese results"),
  );
  assert.ok(page.endsWith("\n\n<!-- end of figures -->\nend"));
  assert.ok(!page.includes("old"));
  assert.match(page, /from November 2026, .* of 2 \(Fast CPU\): medians of 5 runs of 3 seconds/);
  assert.ok(page.includes("| wrk 4.1.0 | 115,300 | 12.0 µs | 100 MB |"));
  assert.ok(page.includes("| 5,000 users | 80,000 | 0.69 of wrk | 0.97 | 0.790 ms | 100 MB | 0 |"));
  assert.ok(page.includes("| 3,000 users over TLS | 80,000 | 0.80 of a bare loop"));
  assert.ok(page.includes("`HttpUser` reaches 0.75 of a bare `fetch` loop with 64 users"));
  assert.equal(withHttpFigures(page, RESULT), page);
});

Deno.test("the fastest client comes first", () => {
  const page = withHttpFigures(PAGE, RESULT);
  assert.ok(page.indexOf("| wrk") < page.indexOf("| **aiotest, FastHttpUser**"));
  assert.ok(page.indexOf("| **aiotest, FastHttpUser**") < page.indexOf("| a bare `fetch` loop"));
});

Deno.test("the page says how many goals were met", () => {
  const goal = {
    scenario: "get-64",
    contender: "FastHttpUser",
    what: "share of wrk's rate",
    measured: "0.600",
    goal: "≥ 0.72",
    met: false,
  };
  const goals = [goal, { ...goal, what: "failed requests", measured: "0", met: true }];
  assert.match(withHttpFigures(PAGE, { ...RESULT, goals }), /^1 of 2 goals .* were met\. /m);
});

Deno.test("a page without a place for figures, or a result without a scenario, is an error", () => {
  assert.throws(() => withHttpFigures("# aiotest", RESULT), /no place/);
  const scenarios = RESULT.scenarios.filter(({ name }) => name !== "tls-64");
  assert.throws(() => withHttpFigures(PAGE, { ...RESULT, scenarios }), /no scenario tls-64/);
});

Deno.test("the result is written with five digits, and reads as it was", () => {
  const text = resultText({ ...RESULT, seconds: 3.123456789 });
  assert.equal(JSON.parse(text).seconds, 3.1235);
  assert.ok(text.endsWith("}\n"));
});
