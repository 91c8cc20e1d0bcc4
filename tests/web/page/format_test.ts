import assert from "node:assert/strict";
import fc from "fast-check";
import * as terminal from "../../../src/report/quantity.ts";
import * as page from "../../../src/web/page/format.js";

Deno.test("numbers have the same format on the page and on the terminal", () => {
  const counts = fc.oneof(fc.nat(), fc.nat({ max: 10_000 }), fc.integer({ min: 0, max: 1e15 }));
  const sizes = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.nat({ max: 2000 }));
  fc.assert(fc.property(counts, (count) => {
    assert.equal(page.formatCount(count), terminal.formatCount(count));
    assert.equal(page.formatExact(count), terminal.formatExact(count));
    assert.equal(page.formatBytes(count), terminal.formatBytes(count));
    assert.equal(page.formatAmount(count, "user"), terminal.formatAmount(count, "user"));
  }));
  fc.assert(fc.property(fc.option(sizes), (size) => {
    assert.equal(page.formatRate(size), terminal.formatRate(size));
    assert.equal(page.formatLatency(size), terminal.formatLatency(size));
    assert.equal(page.formatAge(size ?? 0), terminal.formatAge(size ?? 0));
  }));
  fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
    assert.equal(page.formatShare(share), terminal.formatShare(share));
  }));
  const values = fc.oneof(fc.double(), fc.integer(), fc.double({ min: -2000, max: 2000 }));
  fc.assert(fc.property(fc.option(values), (value) => {
    assert.equal(page.formatNumber(value), terminal.formatNumber(value));
  }));
  for (const share of [0, 0.00009, 0.0001, 0.09995, 0.1, 0.999, 0.99901, 1]) {
    assert.equal(page.formatShare(share), terminal.formatShare(share));
  }
});

Deno.test("milliseconds have a unit unless they are shown as seconds or hours", () => {
  assert.equal(page.formatMilliseconds(0.1234), "0.123 ms");
  assert.equal(page.formatMilliseconds(0), "0 ms");
  assert.equal(page.formatMilliseconds(1_200_000), "1200s");
  assert.equal(page.formatMilliseconds(null), "-");
});

Deno.test("a duration is formatted as a clock time", () => {
  const texts = [-1, 0, 7.9, 59.99, 60, 65, 3599, 3600, 3665, 90_061].map(page.formatClock);
  assert.deepEqual(texts, [
    ...["0:00", "0:00", "0:07", "0:59", "1:00"],
    ...["1:05", "59:59", "1:00:00", "1:01:05", "25:01:01"],
  ]);
});
