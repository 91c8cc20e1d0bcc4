import fc from "fast-check";
import assert from "node:assert/strict";
import { Entry, type Sample } from "../../src/stats/request_stats.ts";
import { anySample, sample } from "../support/samples.ts";

function entryOf(samples: Iterable<Sample>): Entry {
  const entry = new Entry();
  for (const one of samples) entry.add(one);
  return entry;
}

/** All that an entry counts, without the sums of latencies, which rounding may change. */
function countsOf(
  { requests, failures, retries, bytesReceived, bytesSent, ...rest }: Entry,
): unknown {
  const { latencies, errors } = rest;
  return {
    requests,
    failures,
    retries,
    bytesReceived,
    bytesSent,
    min: latencies.min,
    max: latencies.max,
    buckets: [...latencies.histogram.buckets()],
    errors: new Map(errors),
  };
}

Deno.test("an entry adds up what its samples say", () => {
  const entry = entryOf([
    sample({ latencyMs: 5, bytesReceived: 10, bytesSent: 1, retries: 2 }),
    sample({ latencyMs: 7, bytesReceived: 20, bytesSent: 2, error: "HTTP 500" }),
    sample({ latencyMs: 9, bytesReceived: 30, bytesSent: 3, retries: 1, error: "HTTP 500" }),
    sample({ latencyMs: 11, error: "timed out" }),
  ]);
  assert.equal(entry.requests, 4);
  assert.equal(entry.failures, 3);
  assert.equal(entry.retries, 3);
  assert.equal(entry.bytesReceived, 60);
  assert.equal(entry.bytesSent, 6);
  assert.equal(entry.latencies.sum, 32);
  assert.deepEqual(entry.errors, new Map([["HTTP 500", 2], ["timed out", 1]]));
});

Deno.test("merged entries are the one that all samples were added to", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  fc.assert(fc.property(samples, samples, (left, right) => {
    const merged = entryOf(left);
    merged.merge(entryOf(right));
    assert.deepEqual(countsOf(merged), countsOf(entryOf([...left, ...right])));
  }));
});

Deno.test("the 1,001st distinct error and all after it are counted as one", () => {
  const errors = Array.from({ length: 1200 }, (_, i) => sample({ error: `no order ${i}` }));
  const entry = entryOf([...errors, ...errors]);
  assert.equal(entry.failures, 2400);
  assert.equal(entry.errors.size, 1001);
  assert.equal(entry.errors.get("no order 999"), 2);
  assert.equal(entry.errors.has("no order 1000"), false);
  assert.equal(entry.errors.get("(other)"), 400);
});

Deno.test("merging keeps to 1,000 distinct errors, and every failure has one", () => {
  const entry = new Entry();
  for (let node = 0; node < 3; node++) {
    const errors = Array.from({ length: 1100 }, (_, i) => sample({ error: `${node}: ${i}` }));
    entry.merge(entryOf(errors));
  }
  const counts = [...entry.errors.values()];
  assert.equal(entry.errors.size, 1001);
  assert.equal(entry.errors.get("(other)"), 2300);
  assert.equal(counts.reduce((a, b) => a + b), entry.failures);
});
