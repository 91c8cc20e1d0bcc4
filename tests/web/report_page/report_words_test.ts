import assert from "node:assert/strict";
import {
  iterationsSentence,
  machineFacts,
  runFacts,
  titleOf,
  verdictSentence,
} from "../../../src/web/report_page/report_words.js";
import { type ReportContent, reportContent } from "../../../src/web/report_content.ts";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { reportFacts } from "../../support/report_facts.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  latencies,
  snapshot,
  statistics,
} from "../../support/snapshots.ts";

const ENDED = { state: "stopped", endedAt: Date.UTC(2026, 2, 5, 10, 30, 10) } as const;

function content(run: Snapshot, exitCode = 0): ReportContent {
  return reportContent(run, exitCode, reportFacts());
}

function values(facts: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(facts);
}

Deno.test("a run that has ended is told in sentences and facts", () => {
  const ended = content(snapshot(ENDED), 0);
  assert.equal(titleOf(ended), "PASSED: shop.ts, 2026-03-05 10:29:59 UTC · aiotest");
  assert.equal(verdictSentence(ended), "1,000 requests, no failures.");
  assert.deepEqual(values(runFacts(ended)), {
    "Test": "shop.ts",
    "Started": "2026-03-05 10:29:59 UTC",
    "Ended": "2026-03-05 10:30:10 UTC",
    "Counted": "10 s",
    "Mode": "local",
    "Load model": "closed: users start passes",
    "Users": "10 at most, 10 at the end",
    "Exit code": "0",
    "Run": "7c0e3d2a",
  });
  assert.deepEqual(values(machineFacts(ended)), {
    "Host": "attic",
    "Cores": "8",
    "System": "linux 6.1.0, x86_64",
    "Version": "aiotest 0.1.0 (deno 2.9.6)",
    "CPU peak": "46% of a core",
  });
});

Deno.test("a run that goes on, or has not begun, is none that has ended", () => {
  const running = content(snapshot());
  assert.equal(verdictSentence(running), "After 0:10: 1,000 requests, no failures.");
  assert.equal(values(runFacts(running))["Exit code"], "none yet");
  assert.equal(values(runFacts(running)).Ended, "it has not");
  const empty = content(emptySnapshot({ ...ENDED, workers: [] }));
  assert.equal(titleOf(empty), "NOTHING MEASURED: shop.ts · aiotest");
  assert.equal(verdictSentence(empty), "No requests.");
  assert.equal(values(runFacts(empty)).Started, "no user started");
  assert.equal(values(machineFacts(empty))["CPU peak"], "no worker");
});

Deno.test("of a distributed run, the machine is the master's", () => {
  const run = content(clusterSnapshot(60, ENDED), 4);
  assert.equal(values(runFacts(run)).Mode, "distributed, 8 workers");
  const machine = values(machineFacts(run));
  assert.equal(machine["Host of the master"], "attic");
  assert.equal(machine["CPU peak of the busiest worker"], "104% of a core");
});

Deno.test("passes are told of where they are counted, drops only where there can be any", () => {
  const iterations = {
    ...{ scheduled: 2000, started: 1990, completed: 1985, dropped: 10 },
    serviceTimeMs: latencies(15),
    startDelayMs: latencies(1),
  };
  const counted = statistics({ iterations });
  assert.equal(iterationsSentence(content(snapshot()).view), null);
  assert.equal(
    iterationsSentence(content(snapshot({ statistics: counted })).view),
    "1,990 started, 1,985 completed.",
  );
  const open = content(snapshot({ statistics: counted, arrivalRate: 200 }));
  assert.equal(
    iterationsSentence(open.view),
    "2,000 scheduled, 1,990 started, 1,985 completed, 10 dropped (0.50%).",
  );
  assert.equal(values(runFacts(open))["Load model"], "open: a schedule starts passes");
});
