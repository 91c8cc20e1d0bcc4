import assert from "node:assert/strict";
import { countedOf } from "../../src/cluster/report.ts";
import { reportParts } from "../../src/cluster/report_parts.ts";
import { networkProblems, NetworkStats } from "../../src/stats/network_stats.ts";
import { StatsTable } from "../../src/stats/stats_table.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import { latencies } from "../support/snapshots.ts";

const METADATA = { runId: "run", resetCount: 0, cpu: 0, lag: 0 };

Deno.test("samples of connections add up over seconds and nodes, merged or sent", () => {
  const table = new StatsTable();
  table.start(0);
  table.network([{ rttMs: 0.2, retransmits: 0 }, { rttMs: 0.4, retransmits: 3 }], 500);
  table.network([], 1500);
  table.network([{ rttMs: 0.6, retransmits: 0 }], 2500);
  const seconds = table.flush(3000);
  assert.deepEqual(seconds.map(({ network }) => network?.roundTrip.count), [2, undefined, 1]);
  const merged = new MergedStats();
  for (const second of seconds) merged.add(second);
  const sent = reportParts(merged, METADATA).map(({ content }) => countedOf(content));
  const totals = new Totals();
  for (const delta of [...seconds, merged, ...sent]) totals.add(delta);
  const { network } = totals.statistics(3);
  assert.deepEqual([network?.samples, network?.retransmitting], [9, 3]);
  assert.deepEqual([network?.roundTripMs.min, network?.roundTripMs.max], [0.2, 0.6]);
});

Deno.test("without samples, there is no network rather than zeros", () => {
  const table = new StatsTable();
  table.start(0);
  table.network([], 500);
  const totals = new Totals();
  for (const delta of table.flush(1000)) totals.add(delta);
  assert.equal(totals.statistics(1).network, null);
});

Deno.test("samples that contradict themselves are refused", () => {
  const stats = new NetworkStats();
  stats.add({ rttMs: 1, retransmits: 0 });
  const table = new StatsTable();
  table.start(0);
  table.network([{ rttMs: 1, retransmits: 1 }], 0);
  const [part] = reportParts(table.flush(1000)[0]!, METADATA);
  const [network] = part!.content.network;
  for (
    const [wrong, why] of [
      [[{ ...network!, retransmitting: 2 }], /more connections sent data again than were sampled/],
      [[network!, network!], /it has samples of connections twice/],
    ] as const
  ) {
    assert.throws(() => countedOf({ ...part!.content, network: wrong }), why);
  }
});

Deno.test("there is a warning if many sampled connections had sent data again", () => {
  const problems = (samples: number, retransmitting: number): string[] =>
    networkProblems({ samples, retransmitting, roundTripMs: latencies(1) });
  assert.deepEqual([networkProblems(null), problems(19, 19), problems(100, 10)], [[], [], []]);
  assert.match(problems(100, 11).join(), /^11 % of the sampled connections had to send data again/);
});
