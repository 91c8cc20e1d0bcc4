import assert from "node:assert/strict";
import { formatDuration, parseDuration } from "../../src/core/duration.ts";

const PARSED: [text: string, seconds: number | null][] = [
  ["20", 20],
  ["20s", 20],
  ["0.5", 0.5],
  ["1.5s", 1.5],
  ["3m", 180],
  ["2h", 7200],
  ["1h20m", 4800],
  ["3h30m10s", 12610],
  ["1h5s", 3605],
  ["", null],
  ["s", null],
  ["-5", null],
  ["20m3h", null],
  ["5 m", null],
  ["1d", null],
  ["1e3", null],
  ["1.5h", null],
];

for (const [text, seconds] of PARSED) {
  Deno.test(`the duration "${text}" is ${seconds === null ? "none" : `${seconds} s`}`, () => {
    assert.equal(parseDuration(text), seconds);
  });
}

Deno.test("a formatted duration is parsed to the same value", () => {
  for (const text of ["20s", "3m", "2h", "1h20m", "3h30m10s"]) {
    assert.equal(formatDuration(parseDuration(text)!), text);
  }
});
