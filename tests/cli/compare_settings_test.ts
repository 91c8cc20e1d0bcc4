import assert from "node:assert/strict";
import { compareFlags } from "../../src/cli/flag_parser.ts";
import { COMPARE_SETTINGS } from "../../src/cli/settings.ts";

Deno.test("a percentage is a number with its sign", () => {
  const { kind } = COMPARE_SETTINGS.maxRegression;
  for (
    const [text, share] of [["5%", 0.05], ["0%", 0], ["12.5%", 0.125], [".5%", 0.005]] as const
  ) {
    assert.equal(kind.parse(text), share);
  }
  for (const text of ["5", "", "%", "-5%", "five%", "5 %", "1e2%", "Infinity%"]) {
    assert.equal(kind.parse(text), null, text);
  }
});

Deno.test("no configuration file is for comparisons", () => {
  const names = compareFlags().map((option) => option.name());
  assert.deepEqual(names, ["max-regression", "json", "version", "help"]);
});
