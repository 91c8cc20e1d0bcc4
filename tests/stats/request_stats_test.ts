import fc from "fast-check";
import assert from "node:assert/strict";
import { Latencies } from "../../src/stats/latencies.ts";
import {
  countText,
  EntriesByCode,
  Entry,
  EntryTable,
  NameCap,
  OTHER_CODE,
  PairMap,
  type Sample,
} from "../../src/stats/request_stats.ts";
import { anySample, latency, sample } from "../support/samples.ts";
import { NO_LATENCIES } from "../support/snapshots.ts";

function entryOf(samples: Iterable<Sample>): Entry {
  const entry = new Entry();
  for (const one of samples) entry.add(one);
  return entry;
}

/** The counts of an entry without the sums of latencies, which depend on rounding. */
function countsOf(
  { requests, failures, retries, bytesReceived, bytesSent, ...rest }: Entry,
): unknown {
  const { latencies, failureLatencies, errors } = rest;
  return {
    requests,
    failures,
    retries,
    bytesReceived,
    bytesSent,
    min: latencies.min,
    max: latencies.max,
    buckets: [...latencies.histogram.buckets()],
    failureMin: failureLatencies?.min,
    failureMax: failureLatencies?.max,
    failureBuckets: failureLatencies && [...failureLatencies.histogram.buckets()],
    errors: new Map(errors),
  };
}

Deno.test("an entry is the sum of its samples", () => {
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
  assert.equal(entry.latencies.sum, 5);
  assert.equal(entry.failureLatencies?.sum, 27);
  assert.deepEqual(entry.errors, new Map([["HTTP 500", 2], ["timed out", 1]]));
});

Deno.test("without a failure, an entry has no second distribution", () => {
  const entry = entryOf([sample(), sample({ status: 404 })]);
  assert.equal(entry.failureLatencies, null);
  entry.merge(entryOf([sample()]));
  assert.equal(entry.failureLatencies, null);
  entry.merge(entryOf([sample({ error: "refused" })]));
  assert.deepEqual([entry.requests, entry.failures, entry.latencies.count], [4, 1, 3]);
});

Deno.test("merged entries equal one that counted all samples", () => {
  const samples = fc.array(anySample, { maxLength: 100 });
  fc.assert(fc.property(samples, samples, (left, right) => {
    const merged = entryOf(left);
    merged.merge(entryOf(right));
    assert.deepEqual(countsOf(merged), countsOf(entryOf([...left, ...right])));
  }));
});

Deno.test("from the 1,001st distinct error on, errors are counted as one", () => {
  const errors = Array.from({ length: 1200 }, (_, i) => sample({ error: `no order ${i}` }));
  const entry = entryOf([...errors, ...errors]);
  assert.equal(entry.failures, 2400);
  assert.equal(entry.errors.size, 1001);
  assert.equal(entry.errors.get("no order 999"), 2);
  assert.equal(entry.errors.has("no order 1000"), false);
  assert.equal(entry.errors.get("(other)"), 400);
});

Deno.test("merging keeps 1,000 distinct errors, and every failure has one", () => {
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

const values = fc.array(latency, { minLength: 1, maxLength: 200 });

function latenciesOf(values: Iterable<number>): Latencies {
  const latencies = new Latencies();
  for (const ms of values) latencies.add(ms);
  return latencies;
}

/** Asserts that two numbers are equal up to rounding errors of this scale. */
function assertClose(actual: number | null, expected: number, scale: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= scale * 1e-9,
    `${actual} is not ${expected}`,
  );
}

Deno.test("min and max are exact, and mean and population stddev up to rounding", () => {
  fc.assert(fc.property(values, (values) => {
    const { min, mean, max, stddev } = latenciesOf(values).summary();
    const expected = values.reduce((a, b) => a + b) / values.length;
    const variance = values.reduce((sum, ms) => sum + (ms - expected) ** 2, 0) / values.length;
    assert.equal(min, Math.min(...values));
    assert.equal(max, Math.max(...values));
    assertClose(mean, expected, expected);
    assertClose(stddev, Math.sqrt(variance), Math.max(...values));
  }));
});

Deno.test("the stddev of 2, 4, 4, 4, 5, 5, 7, 9 is 2", () => {
  assertClose(latenciesOf([2, 4, 4, 4, 5, 5, 7, 9]).summary().stddev, 2, 2);
});

Deno.test("the stddev of large values that are close together is precise", () => {
  const latencies = new Latencies();
  for (let i = 0; i < 1000; i++) {
    const part = latenciesOf([3_000_000.001, 3_000_000.003]);
    latencies.merge(part);
  }
  assertClose(latencies.summary().stddev, 0.001, 1e3);
});

Deno.test("merged latencies equal those added to one distribution", () => {
  fc.assert(fc.property(values, values, (left, right) => {
    const merged = latenciesOf(left);
    merged.merge(latenciesOf(right));
    const whole = latenciesOf([...left, ...right]);
    const { mean, stddev, ...rest } = merged.summary();
    const { mean: wholeMean, stddev: wholeStddev, ...wholeRest } = whole.summary();
    assert.deepEqual(rest, wholeRest);
    assert.deepEqual([...merged.histogram.buckets()], [...whole.histogram.buckets()]);
    assertClose(mean, wholeMean!, whole.max);
    assertClose(stddev, wholeStddev!, whole.max);
  }));
});

Deno.test("merging an empty distribution changes nothing, and merging into one copies", () => {
  const some = latenciesOf([1, 2, 30]);
  const before = some.summary();
  some.merge(new Latencies());
  assert.deepEqual(some.summary(), before);
  const none = new Latencies();
  none.merge(some);
  assert.deepEqual(none.summary(), before);
});

Deno.test("percentiles and mean are never outside the measured range", () => {
  fc.assert(
    fc.property(latency, fc.integer({ min: 1, max: 50 }), (ms, times) => {
      const { stddev, ...rest } = latenciesOf(Array<number>(times).fill(ms)).summary();
      assert.deepEqual(new Set(Object.values(rest)), new Set([ms]));
      assertClose(stddev, 0, ms * 100);
    }),
  );
});

Deno.test("latencies outside the buckets have correct min, max and percentiles", () => {
  assert.equal(latenciesOf([0, 0, 0]).summary().p99, 0);
  const days = latenciesOf([86_400_000, 86_400_000]).summary();
  assert.deepEqual([days.min, days.p50, days.max], [86_400_000, 86_400_000, 86_400_000]);
});

Deno.test("without latencies, every figure of the summary is null", () => {
  assert.deepEqual(new Latencies().summary(), NO_LATENCIES);
  assert.equal(new Latencies().percentile(0.5), null);
});

Deno.test("latencies restored from their fields and buckets are the same", () => {
  fc.assert(fc.property(values, (values) => {
    const { min, max, sum, squaredDeviations, histogram } = latenciesOf(values);
    const sent = JSON.parse(
      JSON.stringify({ min, max, sum, squaredDeviations, buckets: [...histogram.buckets()] }),
    );
    const copy = new Latencies();
    for (const [index, count] of sent.buckets) copy.histogram.addBucket(index, count);
    copy.min = sent.min;
    copy.max = sent.max;
    copy.sum = sent.sum;
    copy.squaredDeviations = sent.squaredDeviations;
    assert.deepEqual(copy.summary(), latenciesOf(values).summary());
  }));
});

function entriesOf(codes: Iterable<number>): EntriesByCode {
  const entries = new EntriesByCode();
  for (const status of codes) entries.of(status).add(sample({ status }));
  return entries;
}

function tableOf(samples: readonly Sample[]): EntryTable {
  const table = new EntryTable();
  for (const one of samples) table.at(one.method, one.name).of(one.status).add(one);
  return table;
}

function requestsByCode(entries: EntriesByCode): [code: number, requests: number][] {
  return Array.from(entries, ([code, { requests }]) => [code, requests]);
}

Deno.test("a name without samples has no codes and an empty total", () => {
  const entries = new EntriesByCode();
  assert.deepEqual([...entries], []);
  assert.equal(entries.requests, 0);
  assert.equal(entries.whole.requests, 0);
});

Deno.test("a name with one code has the entry of that code", () => {
  const entries = entriesOf([200, 200]);
  const entry = entries.of(200);
  assert.equal(entries.of(200), entry);
  assert.equal(entries.whole, entry);
  assert.deepEqual(requestsByCode(entries), [[200, 2]]);
  assert.equal(entries.requests, 2);
});

Deno.test("codes are counted separately in any order, including 0", () => {
  const entries = entriesOf([200, 0, 200, 503, 0, 200]);
  assert.deepEqual(requestsByCode(entries), [[200, 3], [0, 2], [503, 1]]);
  assert.equal(entries.requests, 6);
  assert.equal(entries.whole.requests, 6);
});

Deno.test("a returned entry stays the entry of its code", () => {
  const entries = new EntriesByCode();
  const good = entries.of(200);
  const bad = entries.of(500);
  assert.notEqual(good, bad);
  assert.deepEqual([entries.of(200) === good, entries.of(500) === bad], [true, true]);
  good.add(sample());
  assert.deepEqual(requestsByCode(entries), [[200, 1], [500, 0]]);
});

Deno.test("the total of several codes includes what was added since the last call", () => {
  const entries = entriesOf([200, 500]);
  const before = entries.whole;
  assert.equal(entries.whole, before);
  assert.equal(before.requests, 2);
  entries.of(200).add(sample({ bytesReceived: 7 }));
  assert.equal(entries.whole.requests, 3);
  assert.equal(entries.whole.bytesReceived, 7);
});

Deno.test("the total is not one of its parts, so nothing is counted twice", () => {
  const entries = entriesOf([200, 500]);
  for (let i = 0; i < 3; i++) assert.equal(entries.whole.requests, 2);
  assert.deepEqual(requestsByCode(entries), [[200, 1], [500, 1]]);
});

Deno.test("from the 51st code of a name on, codes are counted as one", () => {
  const codes = Array.from({ length: 60 }, (_, i) => 400 + i);
  const entries = entriesOf([...codes, ...codes, 400]);
  const counts = requestsByCode(entries);
  assert.equal(counts.length, 51);
  assert.deepEqual(counts.slice(0, 3), [[400, 3], [401, 2], [402, 2]]);
  assert.deepEqual(counts.slice(-2), [[449, 2], [OTHER_CODE, 20]]);
  assert.equal(entries.whole.requests, 121);
});

Deno.test("a code beyond the limit is not counted as the previous code", () => {
  const entries = entriesOf(Array.from({ length: 50 }, (_, i) => 400 + i));
  for (const status of [599, 449, 598, 599, 449]) entries.of(status).add(sample({ status }));
  const counts = new Map(requestsByCode(entries));
  assert.deepEqual([counts.get(449), counts.get(OTHER_CODE), counts.get(599)], [3, 3, undefined]);
});

Deno.test("a table creates entries for a method and name on demand", () => {
  const table = new EntryTable();
  assert.equal(table.get("GET", "search"), undefined);
  assert.equal(table.size, 0);
  const entries = table.at("GET", "search");
  assert.equal(table.at("GET", "search"), entries);
  assert.equal(table.get("GET", "search"), entries);
  assert.notEqual(table.at("POST", "search"), entries);
  assert.equal(table.size, 2);
  assert.deepEqual([...table], []);
});

Deno.test("a table iterates over every code of every name, and over the names", () => {
  const table = tableOf([
    sample(),
    sample({ name: "pay", method: "POST", status: 500 }),
    sample({ status: 304 }),
    sample({ name: "pay", method: "POST", status: 201 }),
    sample({ status: 304 }),
  ]);
  assert.deepEqual(
    Array.from(table, ([method, name, code, { requests }]) => [method, name, code, requests]),
    [
      ["GET", "search", 200, 1],
      ["GET", "search", 304, 2],
      ["POST", "pay", 500, 1],
      ["POST", "pay", 201, 1],
    ],
  );
  assert.deepEqual(
    Array.from(table.names(), ([method, name, { whole }]) => [method, name, whole.requests]),
    [["GET", "search", 3], ["POST", "pay", 2]],
  );
});

Deno.test("the total of a name equals an entry that counted all its samples", () => {
  fc.assert(fc.property(fc.array(anySample, { maxLength: 100 }), (samples) => {
    for (const [method, name, { whole }] of tableOf(samples).names()) {
      const entry = new Entry();
      for (const one of samples) if (one.method === method && one.name === name) entry.add(one);
      assert.deepEqual(countsOf(whole), countsOf(entry));
    }
  }));
});

Deno.test("a pair map behaves like a map with joined keys", () => {
  const text = fc.constantFrom("", "a", "b", "ab", "__proto__");
  const writes = fc.array(fc.tuple(text, text, fc.nat()), { maxLength: 50 });
  fc.assert(fc.property(writes, (writes) => {
    const pairs = new PairMap<number>();
    const reference = new Map<string, number>();
    for (const [first, second, value] of writes) {
      pairs.set(first, second, value);
      reference.set(JSON.stringify([first, second]), value);
    }
    assert.equal(pairs.size, reference.size);
    const seen = Array.from(pairs, ([a, b, value]) => [JSON.stringify([a, b]), value] as const);
    assert.deepEqual(new Map(seen), reference);
    assert.equal(seen.length, reference.size);
    for (const [first, second] of writes) {
      assert.equal(pairs.get(first, second), reference.get(JSON.stringify([first, second])));
    }
  }));
});

Deno.test("a pair that was never set has no value, even if both texts are known", () => {
  const pairs = new PairMap<number>();
  pairs.set("GET", "search", 1);
  pairs.set("POST", "pay", 2);
  assert.equal(pairs.get("GET", "pay"), undefined);
  assert.equal(pairs.get("PUT", "search"), undefined);
});

function fullCap(): NameCap {
  const cap = new NameCap();
  for (let i = 0; i < 1000; i++) cap.admit("GET", `${i}`);
  return cap;
}

Deno.test("pairs are admitted up to the limit", () => {
  const cap = fullCap();
  assert.equal(cap.reached, false);
  assert.equal(cap.admit("GET", "0"), "0");
  assert.equal(cap.admit("GET", `999`), `999`);
  assert.equal(cap.reached, false);
});

Deno.test("a pair with a new first text is a new pair", () => {
  const cap = fullCap();
  assert.equal(cap.admit("POST", "0"), "(other)");
  assert.equal(cap.reached, true);
});

Deno.test("pairs that another node rejected take no room, and are reported as rejected", () => {
  const cap = new NameCap();
  assert.equal(cap.admit("GET", "(other)"), "(other)");
  assert.equal(cap.reached, true);
  for (let i = 0; i < 1000; i++) assert.equal(cap.admit("GET", `${i}`), `${i}`);
});

Deno.test("the text for all others does not count toward the limit", () => {
  const counts = new Map<string, number>();
  countText(counts, "(other)", 5);
  for (let i = 0; i < 1000; i++) countText(counts, `${i}`, 1);
  assert.equal(counts.size, 1000 + 1);
  countText(counts, "one more", 2);
  countText(counts, "0", 2);
  assert.equal(counts.get("(other)"), 7);
  assert.equal(counts.get("0"), 3);
});
