import fc from "fast-check";
import assert from "node:assert/strict";
import {
  Entry,
  EntryTable,
  NameEntries,
  OTHER_CODE,
  type Sample,
} from "../../src/stats/request_stats.ts";
import { bucketsOf } from "../support/exact_statistics.ts";
import { anySample, sample } from "../support/samples.ts";

function entriesOf(codes: Iterable<number>): NameEntries {
  const entries = new NameEntries();
  for (const status of codes) entries.of(status).add(sample({ status }));
  return entries;
}

function tableOf(samples: readonly Sample[]): EntryTable {
  const table = new EntryTable();
  for (const one of samples) table.at(one.method, one.name).of(one.status).add(one);
  return table;
}

function requestsByCode(entries: NameEntries): [code: number, requests: number][] {
  return Array.from(entries, ([code, { requests }]) => [code, requests]);
}

/** All that an entry counts, without the sums of latencies, which rounding may change. */
function countsOf(entry: Entry): unknown {
  const { requests, failures, retries, bytesReceived, bytesSent, latencies, errors } = entry;
  const { min, max, histogram } = latencies;
  const counts = { requests, failures, retries, bytesReceived, bytesSent, min, max };
  return { ...counts, buckets: bucketsOf(histogram), errors: new Map(errors) };
}

Deno.test("a name of which nothing came has no code, and its whole is empty", () => {
  const entries = new NameEntries();
  assert.deepEqual([...entries], []);
  assert.equal(entries.requests, 0);
  assert.equal(entries.whole.requests, 0);
});

Deno.test("a name with one code is that code's entry, for as often as it comes", () => {
  const entries = entriesOf([200, 200]);
  const entry = entries.of(200);
  assert.equal(entries.of(200), entry);
  assert.equal(entries.whole, entry);
  assert.deepEqual(requestsByCode(entries), [[200, 2]]);
  assert.equal(entries.requests, 2);
});

Deno.test("codes are told apart, in whichever order they come, and 0 is one of them", () => {
  const entries = entriesOf([200, 0, 200, 503, 0, 200]);
  assert.deepEqual(requestsByCode(entries), [[200, 3], [0, 2], [503, 1]]);
  assert.equal(entries.requests, 6);
  assert.equal(entries.whole.requests, 6);
});

Deno.test("an entry that was handed out stays the one of its code", () => {
  const entries = new NameEntries();
  const good = entries.of(200);
  const bad = entries.of(500);
  assert.notEqual(good, bad);
  assert.deepEqual([entries.of(200) === good, entries.of(500) === bad], [true, true]);
  good.add(sample());
  assert.deepEqual(requestsByCode(entries), [[200, 1], [500, 0]]);
});

Deno.test("the whole of several codes has what was added since it was asked for last", () => {
  const entries = entriesOf([200, 500]);
  const before = entries.whole;
  assert.equal(entries.whole, before);
  assert.equal(before.requests, 2);
  entries.of(200).add(sample({ bytesReceived: 7 }));
  assert.equal(entries.whole.requests, 3);
  assert.equal(entries.whole.bytesReceived, 7);
});

Deno.test("the whole is not one of its parts: nothing is counted twice", () => {
  const entries = entriesOf([200, 500]);
  for (let i = 0; i < 3; i++) assert.equal(entries.whole.requests, 2);
  assert.deepEqual(requestsByCode(entries), [[200, 1], [500, 1]]);
});

Deno.test("the 51st code of a name and all after it are counted as one, and none is lost", () => {
  const codes = Array.from({ length: 60 }, (_, i) => 400 + i);
  const entries = entriesOf([...codes, ...codes, 400]);
  const counts = requestsByCode(entries);
  assert.equal(counts.length, 51);
  assert.deepEqual(counts.slice(0, 3), [[400, 3], [401, 2], [402, 2]]);
  assert.deepEqual(counts.slice(-2), [[449, 2], [OTHER_CODE, 20]]);
  assert.equal(entries.whole.requests, 121);
});

Deno.test("one code too many is not taken for the code that came before it", () => {
  const entries = entriesOf(Array.from({ length: 50 }, (_, i) => 400 + i));
  for (const status of [599, 449, 598, 599, 449]) entries.of(status).add(sample({ status }));
  const counts = new Map(requestsByCode(entries));
  assert.deepEqual([counts.get(449), counts.get(OTHER_CODE), counts.get(599)], [3, 3, undefined]);
});

Deno.test("a table has a place for each method and name once it is asked for it", () => {
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

Deno.test("a table gives every code of every name, and the names themselves", () => {
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

Deno.test("the whole of a name is the entry that all its samples were added to", () => {
  fc.assert(fc.property(fc.array(anySample, { maxLength: 100 }), (samples) => {
    for (const [method, name, { whole }] of tableOf(samples).names()) {
      const entry = new Entry();
      for (const one of samples) if (one.method === method && one.name === name) entry.add(one);
      assert.deepEqual(countsOf(whole), countsOf(entry));
    }
  }));
});
