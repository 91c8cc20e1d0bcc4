import assert from "node:assert/strict";
import {
  formatAge,
  formatAmount,
  formatBound,
  formatBytes,
  formatCount,
  formatElapsed,
  formatExact,
  formatLatency,
  formatNumber,
  formatRate,
  formatShare,
} from "../../src/report/quantity.ts";

function assertFormats<Value>(format: (value: Value) => string, expected: [Value, string][]): void {
  for (const [value, text] of expected) assert.equal(format(value), text, String(value));
}

Deno.test("latencies have three significant digits after rounding", () => {
  assertFormats(formatLatency, [
    [null, "-"],
    [0, "0"],
    [0.0123, "0.012"],
    [0.9994, "0.999"],
    [0.9996, "1.00"],
    [1.234, "1.23"],
    [9.996, "10.0"],
    [12.34, "12.3"],
    [99.96, "100"],
    [1234.4, "1234"],
    [999_999.4, "999999"],
    [999_999.5, "1000s"],
    [99_999_499, "99999s"],
    [1e8, "28h"],
  ]);
});

Deno.test("an age has a unit, and three significant digits below a minute", () => {
  assertFormats(formatAge, [
    [0, "0 ms"],
    [0.25, "0.250 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [11_040, "11.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1m"],
    [90_000, "1m30s"],
    [3_600_000, "1h"],
  ]);
});

Deno.test("a lower bound is marked", () => {
  assert.equal(formatBound("11.0", true), "≥11.0");
  assert.equal(formatBound("11.0", false), "11.0");
});

Deno.test("counts are exact up to ten million, and then abbreviated", () => {
  assertFormats(formatCount, [
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [9_999_999, "9,999,999"],
    [10_000_000, "10.0M"],
    [999_600_000, "1.00G"],
    [1_234_567_890, "1.23G"],
  ]);
});

Deno.test("an exact count can have a noun", () => {
  assert.equal(formatExact(1_234_567_890), "1,234,567,890");
  assert.equal(formatAmount(0, "user"), "0 users");
  assert.equal(formatAmount(1, "user"), "1 user");
  assert.equal(formatAmount(2000, "retry", "retries"), "2,000 retries");
});

Deno.test("rates have fewer decimals the higher they are", () => {
  assertFormats(formatRate, [
    [null, "-"],
    [0, "0"],
    [0.333, "0.33"],
    [9.996, "10.0"],
    [999.94, "999.9"],
    [999.96, "1,000"],
    [123_456.7, "123,457"],
    [12_345_678, "12.3M"],
  ]);
});

Deno.test("only 0 is 0% and only 1 is 100%", () => {
  assertFormats(formatShare, [
    [0, "0%"],
    [1e-9, "<0.01%"],
    [0.0001, "0.01%"],
    [0.03061, "3.06%"],
    [0.09996, "10.0%"],
    [0.5, "50.0%"],
    [0.99999, ">99.9%"],
    [1, "100%"],
  ]);
});

Deno.test("bytes have decimal prefixes", () => {
  assertFormats(formatBytes, [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 KB"],
    [999_600, "1.00 MB"],
    [45_800_000, "45.8 MB"],
  ]);
});

Deno.test("durations from one minute have no tenths of a second", () => {
  assertFormats(formatElapsed, [
    [0, "0.0s"],
    [30.02, "30.0s"],
    [59.94, "59.9s"],
    [59.96, "1m"],
    [65.6, "1m6s"],
  ]);
});

Deno.test("any number has three digits, and a whole one is exact up to ten million", () => {
  assertFormats(formatNumber, [
    [null, "-"],
    [0, "0"],
    [7, "7"],
    [-1234, "-1,234"],
    [9_999_999, "9,999,999"],
    [1e7, "10.0M"],
    [-2.5e12, "-2.50T"],
    [1e30, "1.00e+30"],
    [42.5, "42.5"],
    [-0.123456, "-0.123"],
    [0.00012345, "1.2e-4"],
    [12_345.67, "12,346"],
    [Infinity, "Infinity"],
  ]);
});
