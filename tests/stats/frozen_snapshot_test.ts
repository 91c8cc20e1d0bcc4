import fc from "fast-check";
import assert from "node:assert/strict";
import { summaryJson, summaryRows } from "../../src/report/summary.ts";
import { frozen } from "../../src/stats/frozen_snapshot.ts";
import { Histogram } from "../../src/stats/histogram.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { Totals } from "../../src/stats/totals.ts";
import { runMetadata } from "../support/run_metadata.ts";
import { anySample } from "../support/samples.ts";
import { snapshot } from "../support/snapshots.ts";
import { joined } from "../support/texts.ts";

/** Counts samples as a node does that has two classes. */
function count(totals: Totals, samples: readonly Sample[]): void {
  const table = new StatsTable();
  table.start(0);
  for (const one of samples.toSorted((a, b) => a.endedAt - b.endedAt)) table.record(one);
  for (const second of table.flush(10_001)) totals.add(second);
}

function textOf(of: Snapshot): string {
  return joined(summaryJson(summaryRows(of, { metadata: runMetadata(), exitCode: null })));
}

Deno.test("a frozen snapshot stays as it is, whatever is counted after it", () => {
  const some = fc.array(anySample, { maxLength: 30 });
  fc.assert(fc.property(some, some, some, (before, first, second) => {
    const totals = new Totals();
    count(totals, before);
    const live = snapshot({ statistics: totals.statistics(10) });
    const expected = textOf(live);
    const one = frozen(live);
    count(totals, first);
    // The same counts are frozen again before the first report is made.
    const later = snapshot({ statistics: totals.statistics(10) });
    const expectedLater = textOf(later);
    const other = frozen(later);
    count(totals, second);
    assert.equal(textOf(one), expected);
    assert.equal(textOf(other), expectedLater);
  }));
});

Deno.test("a fork and its original change without each other", () => {
  const original = new Histogram();
  for (const ms of [1, 1, 50]) original.record(ms);
  const buckets = (of: Histogram): unknown => [...of.buckets()];
  const before = buckets(original);
  const fork = original.fork();
  const other = new Histogram();
  for (const ms of [1, 700]) other.record(ms);
  original.merge(other);
  original.subtract(other);
  original.addBucket(7, 3);
  assert.deepEqual([buckets(fork), fork.count], [before, 3]);
  fork.merge(other);
  assert.equal(fork.count, 5);
  assert.equal(original.count, 6);
});
