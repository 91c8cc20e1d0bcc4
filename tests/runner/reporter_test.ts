import assert from "node:assert/strict";
import type { Message } from "../../src/cluster/protocol.ts";
import type { LoadGenerator } from "../../src/runner/load_generator.ts";
import { Reporter } from "../../src/runner/worker.ts";
import { User } from "../../src/user/user.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { loadGenerator } from "../support/generators.ts";
import { reportIn } from "../support/report_link.ts";

interface Scene {
  readonly clock: FakeClock;
  readonly generator: LoadGenerator;
  readonly reporter: Reporter;
  /** Whether there is a connection, and a master that acknowledges what comes. */
  readonly link: { connected: boolean; acknowledges: boolean };
  readonly sent: Message<"REPORT">[];
}

class StepTest extends User {
  static override waitTime = 1;
  testStep(): void {
    this.record({ name: "step", latencyMs: 1 });
  }
}

/** A node that begins when the run has lasted for so long. */
function scene(elapsedSeconds = 0): Scene {
  const clock = new FakeClock();
  const sent: Message<"REPORT">[] = [];
  const link = {
    connected: true,
    acknowledges: true,
    sendFrame: (frame: Uint8Array): void => {
      const report = reportIn(frame);
      sent.push(report);
      if (link.acknowledges) queueMicrotask(() => reporter.acknowledged(report.seq));
    },
  };
  const generator = loadGenerator(clock, [StepTest], { cpuSeconds: () => clock.now() / 4000 });
  generator.start(elapsedSeconds);
  const reporter: Reporter = new Reporter({
    runId: "run",
    clock,
    generator,
    connection: link,
    phase: 0,
  });
  reporter.start();
  return { clock, generator, reporter, link, sent };
}

function requests(reports: readonly Message<"REPORT">[]): number {
  return reports.flatMap(({ users }) => users).reduce((sum, { requests }) => sum + requests, 0);
}

async function end({ generator, reporter }: Scene): Promise<void> {
  reporter.end();
  await generator.stopAll(0);
  generator.end();
}

Deno.test("each second is reported right after its end", async () => {
  const all = scene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(1_000);
  assert.equal(all.sent.length, 0);
  await all.clock.advance(2_500);
  assert.deepEqual(all.sent.map(({ seq, from, to }) => [seq, from, to]), [
    [1, 0, 0],
    [2, 1, 1],
    [3, 2, 2],
  ]);
  assert.ok(all.sent.every(({ cpu }) => Math.abs(cpu - 0.25) < 1e-9));
  assert.equal(requests(all.sent), 6);
  assert.equal(all.reporter.lastSeq, 3);
  await end(all);
  assert.equal(all.clock.pending, 0);
});

Deno.test("who begins late reports when the run's second is over", async () => {
  const all = scene(7.75);
  await all.clock.advance(300);
  assert.deepEqual(all.sent.map(({ from, to }) => [from, to]), [[7, 7]]);
  await all.clock.advance(1_000);
  assert.deepEqual(all.sent.map(({ from, to }) => [from, to]), [[7, 7], [8, 8]]);
  await end(all);
});

Deno.test("without a connection nothing is sent, and nothing is lost", async () => {
  const all = scene();
  all.generator.setUsers([1], 0);
  all.link.connected = false;
  await all.clock.advance(3_100);
  assert.equal(all.sent.length, 0);
  all.link.connected = true;
  all.reporter.reconnected(0);
  await all.clock.advance(0);
  assert.deepEqual(all.sent.map(({ seq }) => seq), [1, 2, 3]);
  assert.equal(requests(all.sent), 3);
  await end(all);
});

Deno.test("what the master lacks goes again, as it was", async () => {
  const all = scene();
  all.link.acknowledges = false;
  await all.clock.advance(1_100);
  all.reporter.resume(1);
  all.reporter.reconnected(0);
  assert.deepEqual(all.sent.map(({ seq }) => seq), [1, 1, 1]);
  assert.deepEqual(all.sent[2], all.sent[0]);
  await end(all);
});

Deno.test("what was counted before a new part of the run belongs to the old one", async () => {
  const all = scene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(1_400);
  all.reporter.setPhase(1);
  all.reporter.setPhase(1);
  await all.clock.advance(2_000);
  // The rest of the second in which it began is counted in the next one.
  assert.deepEqual(all.sent.map((report) => [report.phase, report.to, requests([report])]), [
    [0, 0, 2],
    [0, 1, 2],
    [1, 2, 2],
  ]);
  await end(all);
});

Deno.test("at its end all that is left goes, and it is drained when that is acknowledged", async () => {
  const all = scene();
  all.generator.setUsers([2], 0);
  await all.clock.advance(2_300);
  all.link.acknowledges = false;
  await all.generator.stopAll(0);
  all.generator.end();
  all.reporter.finish();
  assert.deepEqual(all.sent.map(({ seq, final }) => [seq, final]), [
    [1, false],
    [2, false],
    [3, true],
  ]);
  assert.equal(requests(all.sent), 6);
  assert.equal(all.reporter.drained, false);
  all.reporter.acknowledged(3);
  assert.equal(all.reporter.drained, true);
  assert.equal(all.clock.pending, 0);
});
