import assert from "node:assert/strict";
import type { Snapshot } from "../../../src/stats/snapshot.ts";
import { type ReportContent, reportContent } from "../../../src/web/report_content.ts";
import {
  iterationsSentence,
  machineFacts,
  runFacts,
  titleOf,
  verdictSentence,
} from "../../../src/web/report_page/report_text.js";
import { runMetadata } from "../../support/run_metadata.ts";
import {
  clusterSnapshot,
  emptySnapshot,
  latencies,
  snapshot,
  statistics,
} from "../../support/snapshots.ts";

const ENDED = { state: "stopped", endedAt: Date.UTC(2026, 2, 5, 10, 30, 10) } as const;

function content(run: Snapshot, exitCode: number | null = 0): ReportContent {
  return reportContent(run, exitCode, runMetadata());
}

function values(facts: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(facts);
}

Deno.test("a run that has ended is described in sentences and facts", () => {
  const ended = content(snapshot(ENDED), 0);
  assert.equal(titleOf(ended), "PASSED: shop.ts, 2026-03-05 10:29:59 UTC · aiotest");
  assert.equal(verdictSentence(ended), "1,000 requests, no failures.");
  assert.deepEqual(values(runFacts(ended)), {
    "Test": "shop.ts",
    "Started": "2026-03-05 10:29:59 UTC",
    "Ended": "2026-03-05 10:30:10 UTC",
    "Measured": "10 s",
    "Mode": "local",
    "Load model": "closed (users)",
    "Users": "peak 10, 10 at end",
    "Exit code": "0",
    "Run ID": "7c0e3d2a",
  });
  assert.deepEqual(values(machineFacts(ended)), {
    "Host": "attic",
    "Cores": "8",
    "System": "linux 6.1.0, x86_64",
    "Version": "aiotest 0.1.0 (deno 2.9.6)",
    "Sockets": "epoll",
    "CPU peak": "46% of a core",
  });
});

Deno.test("the name and the labels of a run are shown", () => {
  const named = content(
    snapshot({ ...ENDED, name: "nightly", labels: { env: "staging", n: "7" } }),
  );
  assert.equal(titleOf(named), "PASSED: nightly (shop.ts), 2026-03-05 10:29:59 UTC · aiotest");
  assert.equal(values(runFacts(named)).Name, "nightly");
  assert.equal(values(runFacts(named)).Labels, "env=staging, n=7");
});

Deno.test("a run in progress, or not yet started, has no end and no exit code", () => {
  const running = content(snapshot(), null);
  assert.equal(
    verdictSentence(running),
    "After 0:10: 1,000 requests, no failures, the run was still going when this was written.",
  );
  assert.equal(values(runFacts(running))["Exit code"], "none yet");
  assert.equal(values(runFacts(running)).Ended, "in progress");
  assert.match(values(runFacts(running)).Users!, /^peak \d+, \d+ when this was written$/);
  const empty = content(emptySnapshot({ ...ENDED, workers: [] }));
  assert.equal(titleOf(empty), "NOTHING MEASURED: shop.ts · aiotest");
  assert.equal(verdictSentence(empty), "No requests.");
  assert.equal(values(runFacts(empty)).Started, "no user started");
  assert.equal(values(machineFacts(empty))["CPU peak"], "no workers");
});

Deno.test("in a distributed run, the machine is the master's", () => {
  const run = content(clusterSnapshot(60, ENDED), 4);
  assert.equal(values(runFacts(run)).Mode, "distributed, 8 workers");
  const machine = values(machineFacts(run));
  assert.equal(machine["Host of the master"], "attic");
  assert.equal(machine["CPU peak of the busiest worker"], "104% of a core");
});

Deno.test("the report names the workers whose sockets differ from those of most", () => {
  const { workers } = clusterSnapshot(60, ENDED);
  const withSockets = (...sockets: (string | null)[]): string | undefined => {
    const rows = sockets.map((kind, i) => ({ ...workers[i]!, id: `w${i}`, sockets: kind }));
    return values(machineFacts(content(clusterSnapshot(60, { ...ENDED, workers: rows })))).Sockets;
  };
  assert.equal(withSockets("node:net", "node:net"), "node:net");
  assert.equal(withSockets("epoll", "node:net", "epoll", null), "epoll; node:net on w1");
  const many = Array.from({ length: 8 }, (_, i) => i < 3 ? "node:net" : "epoll");
  assert.equal(withSockets(...many), "epoll; node:net on w0, w1, w2");
  const half = Array.from({ length: 8 }, (_, i) => i % 2 === 0 ? "node:net" : "epoll");
  assert.equal(withSockets(...half), "node:net; epoll on w1, w3, w5 and 1 more");
  assert.equal(withSockets(null), "unknown");
});

Deno.test("iterations are described if they are counted, and drops only in the open model", () => {
  const iterations = {
    ...{ scheduled: 2000, started: 1990, completed: 1985, interrupted: 0, dropped: 10 },
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
  assert.equal(values(runFacts(open))["Load model"], "open (arrival rate)");
});
