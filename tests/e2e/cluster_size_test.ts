import assert from "node:assert/strict";
import { denoHost } from "../../src/core/host.ts";
import { lengthOf } from "../support/nightly.ts";
import { runSimulated, type SimulatedRun } from "../support/simulated_run.ts";

/**
 * Reports are not all sent in the same moment, as real workers do it: this process and the master share
 * their cores with other tests. `deno task bench cluster` does not spread them.
 */
const SPREAD_MS = 900;

/** Numbers that depend on the machine are for whoever reads the log. */
function say(line: string): void {
  denoHost().stdout.write(`${line}\n`);
}

/** Everything that every worker sent was counted once, and every worker knows that it was. */
function assertExact(run: SimulatedRun, workers: number): void {
  const { sent, counted, drained, summary } = run;
  assert.deepEqual(counted, sent);
  assert.equal(drained, true);
  assert.equal(summary.complete, true);
  assert.deepEqual(summary.warnings, []);
  const requests = sent.reduce((sum, row) => sum + row.requests, 0);
  assert.equal(summary.totals.requests, requests);
  assert.equal(summary.timeline.reduce((sum, second) => sum + second.requests, 0), requests);
  assert.equal(summary.workers.reduce((sum, worker) => sum + worker.requests, 0), requests);
  assert.deepEqual([summary.workers.length, summary.users.peak], [workers, workers]);
}

Deno.test("200 workers that are cut off in the same moment: all back within 10 s, exact", async () => {
  const workers = 200;
  let backMs = Infinity;
  const run = await runSimulated({
    workers,
    seconds: 8,
    spreadMs: SPREAD_MS,
    onBegun: async (crew) => {
      await crew.until(({ acknowledged }) => acknowledged >= 2, 10_000);
      crew.cut();
      backMs = await crew.until(({ joins, connected }) => joins > 1 && connected, 10_000);
    },
  });
  say(`200 workers were back after ${backMs.toFixed(0)} ms`);
  assertExact(run, workers);
  assert.ok(run.summary.workers.every(({ state }) => state === "finished"));
});

Deno.test("many workers, 20 names, a report a second each: the master keeps up, its memory flat", async () => {
  const workers = lengthOf({ short: 400, full: 1_000 });
  const seconds = lengthOf({ short: 9, full: 12 });
  const run = await runSimulated({ workers, seconds, spreadMs: SPREAD_MS });
  const { delayMs, masterCpu, residentBytes, waitedMs, reports } = run;
  const grown = Math.max(...residentBytes.slice(4)) - residentBytes[3]!;
  say(
    `${workers} workers: ${(masterCpu * 100).toFixed(0)} % of a core; acknowledged after ` +
      `${delayMs.p50!.toFixed(0)} ms, ${delayMs.max!.toFixed(0)} ms at most, ` +
      `${waitedMs.toFixed(0)} ms without a core; ` +
      `memory grew by ${(grown / 2 ** 20).toFixed(1)} MiB`,
  );
  assertExact(run, workers);
  // One or two fewer than seconds, where STOP came before the last one.
  assert.ok(reports >= (seconds - 2) * workers, `${reports} reports`);
  assert.ok(delayMs.p50! < 1_000, `half of the reports were acknowledged after ${delayMs.p50} ms`);
  // Where other processes took the cores, it is not the master that was slow.
  assert.ok(delayMs.max! - waitedMs < 2_000, `a report was acknowledged after ${delayMs.max} ms`);
  assert.ok(grown < 64 * 2 ** 20, `memory grew by ${grown} bytes`);
});
