import fc from "fast-check";
import assert from "node:assert/strict";
import { ReportOutbox, type SecondMetadata, SentReports } from "../../src/cluster/outbox.ts";
import type { Message } from "../../src/cluster/protocol.ts";
import { IterationStats } from "../../src/stats/iteration_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import type { Statistics } from "../../src/stats/snapshot.ts";
import type { StatsDelta } from "../../src/stats/stats_delta.ts";
import type { SecondStats } from "../../src/stats/stats_table.ts";
import { MergedStats } from "../../src/stats/merged_stats.ts";
import { Totals } from "../../src/stats/totals.ts";
import { secondOf } from "../support/counts.ts";
import { bucketsOf, exactStatistics, historySums } from "../support/exact_statistics.ts";
import { reportIn, ReportLink } from "../support/report_link.ts";
import { anySample, sample } from "../support/samples.ts";

const MIB = 1024 * 1024;
const METADATA: SecondMetadata = { resetCount: 0, cpu: 0.5, lag: 2 };

/** A second with these samples. */
function second(number: number, samples: readonly Sample[] = []): SecondStats {
  const interval = secondOf(samples, number);
  for (const { error } of samples) {
    if (error === null) continue;
    const count = interval.userErrors.get("BuyTest", error) ?? 0;
    interval.userErrors.set("BuyTest", error, count + 1);
  }
  return interval;
}

/** A second with one name that takes about 600 KB. */
function hugeSecond(number: number): SecondStats {
  const errors = Array.from({ length: 1000 }, (_, i) => `${i}`.padEnd(200, "€"));
  return secondOf(errors.map((error) => sample({ error })), number);
}

/** Seconds from 0 on with one request each. */
function outboxOf(seconds: number): ReportOutbox {
  const outbox = new ReportOutbox("run");
  for (let number = 0; number < seconds; number++) outbox.add(second(number, [sample()]), METADATA);
  return outbox;
}

/** The frames that an outbox sends until there is no more room. */
function framesOf(
  outbox: ReportOutbox,
  nowMs = 0,
  heard = (_: Uint8Array): void => {},
): Uint8Array[] {
  const frames: Uint8Array[] = [];
  while (frames.length < 1000) {
    const frame = outbox.next(nowMs);
    if (frame === null) return frames;
    frames.push(frame);
    heard(frame);
  }
  return assert.fail("there is no end of reports");
}

/** The reports that an outbox sends if each is acknowledged immediately. */
function reportsOf(outbox: ReportOutbox, nowMs = 0): Message<"REPORT">[] {
  return framesOf(outbox, nowMs, (frame) => outbox.acknowledged(reportIn(frame).seq, nowMs))
    .map(reportIn);
}

/** A summary of reports. */
function outline(
  reports: readonly Message<"REPORT">[],
): [seq: number, from: number, to: number, final: boolean][] {
  return reports.map(({ seq, from, to, final }) => [seq, from, to, final]);
}

function added<Sink extends { add(counted: StatsDelta): void }>(
  sink: Sink,
  all: readonly StatsDelta[],
): Sink {
  for (const one of all) sink.add(one);
  return sink;
}

/** All exact values, which excludes percentiles of merged seconds. */
function counts(statistics: Statistics): unknown {
  const { timeline, histories, ...rest } = exactStatistics(statistics);
  return {
    ...rest,
    // Seconds that are merged share their times and iterations.
    histories: histories.map(historySums),
    timeline: timeline.map(({ second, users, requests, failures }) => [
      ...[second, users, requests, failures],
    ]),
  };
}

function allBucketsOf(merged: MergedStats): unknown {
  const rows = Array.from(
    merged.entries,
    ([method, name, code, { latencies: { histogram } }]) => ({
      row: `${method} ${name} ${code}`,
      buckets: bucketsOf(histogram),
    }),
  ).toSorted((a, b) => a.row < b.row ? -1 : 1);
  const { serviceTime, startDelay } = merged.iterations ?? new IterationStats();
  return [rows, bucketsOf(serviceTime.histogram), bucketsOf(startDelay.histogram)];
}

Deno.test("each second is a report", () => {
  const outbox = new ReportOutbox("run");
  assert.equal(outbox.next(0), null);
  assert.equal(outbox.lastSeq, 0);
  outbox.add(second(7, [sample()]), { resetCount: 2, cpu: 0.5, lag: 3 });
  const [{ entries, histograms, ...report } = assert.fail(), ...others] = reportsOf(outbox);
  assert.deepEqual(report, {
    type: "REPORT",
    runId: "run",
    seq: 1,
    from: 7,
    to: 7,
    userErrors: [],
    failureSamples: [],
    notes: [],
    iterations: [],
    seconds: [{ second: 7, users: 3, peakUsers: 3, requests: 1, failures: 0, maxLagMs: 0 }],
    cpu: 0.5,
    lag: 3,
    final: false,
    resetCount: 2,
    unfinished: [],
    inProgress: [],
    damaged: false,
    warnings: [],
    phases: [],
    network: [],
    unstartedTests: [],
    groups: [],
    checks: [],
    metrics: [],
    traced: [],
    classes: [],
    parts: [],
  });
  assert.deepEqual([entries.length, histograms.length, others.length], [1, 1, 0]);
  assert.equal(outbox.lastSeq, 1);
});

Deno.test("64 seconds are kept apart, and further ones are merged", () => {
  const outbox = outboxOf(70);
  const reports = reportsOf(outbox);
  assert.deepEqual(outline(reports), [
    ...Array.from({ length: 64 }, (_, i) => [i + 1, i, i, false]),
    [65, 64, 69, false],
  ]);
  assert.deepEqual(reports.at(-1)!.seconds.map(({ second }) => second), [64, 65, 66, 67, 68, 69]);
});

Deno.test("sent reports count towards the 64 until they are acknowledged", () => {
  const outbox = outboxOf(60);
  assert.equal(framesOf(outbox).length, 60);
  for (let number = 60; number < 70; number++) outbox.add(second(number), METADATA);
  outbox.acknowledged(60, 10);
  assert.deepEqual(outline(reportsOf(outbox)), [
    ...[61, 62, 63, 64].map((seq) => [seq, seq - 1, seq - 1, false]),
    [65, 64, 69, false],
  ]);
  outbox.add(second(70), METADATA);
  assert.deepEqual(outline(reportsOf(outbox)), [[66, 70, 70, false]]);
});

Deno.test("a second stays behind merged ones, even if there is room by then", () => {
  const outbox = outboxOf(65);
  for (let seq = 1; seq <= 10; seq++) {
    outbox.next(0);
    outbox.acknowledged(seq, 0);
  }
  outbox.add(second(65), METADATA);
  assert.deepEqual(outline(reportsOf(outbox).slice(-2)), [
    [64, 63, 63, false],
    [65, 64, 65, false],
  ]);
});

Deno.test("merged seconds have the metadata of the last one", () => {
  const outbox = outboxOf(64);
  outbox.add(second(64), { resetCount: 0, cpu: 0.9, lag: 50 });
  outbox.add(second(65), { resetCount: 0, cpu: 0.1, lag: 5 });
  const { cpu, lag } = reportsOf(outbox).at(-1)!;
  assert.deepEqual([cpu, lag], [0.1, 5]);
});

Deno.test("seconds before and after a reset are never merged", () => {
  const outbox = outboxOf(64);
  for (const [number, resetCount] of [[64, 0], [65, 0], [66, 1], [67, 1], [68, 1]] as const) {
    outbox.add(second(number), { ...METADATA, resetCount });
  }
  const reports = reportsOf(outbox).slice(64);
  assert.deepEqual(outline(reports), [[65, 64, 65, false], [66, 66, 68, false]]);
  assert.deepEqual(reports.map(({ resetCount }) => resetCount), [0, 1]);
});

Deno.test("merged seconds never cover more than a report may", () => {
  const outbox = outboxOf(64);
  for (const number of [100, 100_100, 100_101]) outbox.add(second(number), METADATA);
  assert.deepEqual(outline(reportsOf(outbox).slice(64)), [
    [65, 100, 100_100, false],
    [66, 100_101, 100_101, false],
  ]);
});

Deno.test("at the end everything unsent is one report, which is the final one", () => {
  const outbox = outboxOf(70);
  reportIn(outbox.next(0)!);
  outbox.finish({ resetCount: 0, cpu: 0.7, lag: 9 });
  assert.equal(outbox.drained, false);
  outbox.acknowledged(1, 0);
  assert.equal(outbox.drained, false);
  const [report = assert.fail(), ...others] = framesOf(outbox).map(reportIn);
  assert.deepEqual(outline([report, ...others]), [[2, 1, 69, true]]);
  assert.deepEqual([report.cpu, report.lag, report.seconds.length], [0.7, 9, 69]);
  assert.equal(outbox.drained, false);
  outbox.acknowledged(2, 0);
  assert.equal(outbox.drained, true);
  assert.equal(outbox.lastSeq, 2);
});

Deno.test("at the end, if everything was sent, the final report is empty", () => {
  const outbox = outboxOf(3);
  reportsOf(outbox);
  assert.equal(outbox.drained, false);
  outbox.finish(METADATA);
  const reports = reportsOf(outbox);
  assert.deepEqual(outline(reports), [[4, 2, 2, true]]);
  assert.deepEqual([reports[0]!.seconds, reports[0]!.entries], [[], []]);
  assert.equal(outbox.drained, true);
});

Deno.test("a worker that has counted nothing has a final report", () => {
  const outbox = new ReportOutbox("run");
  outbox.finish(METADATA);
  assert.deepEqual(outline(reportsOf(outbox)), [[1, 0, 0, true]]);
  assert.equal(outbox.drained, true);
});

Deno.test("the final report belongs to the time after the last reset, and earlier seconds are sent before it", () => {
  const outbox = outboxOf(2);
  outbox.add(second(2), { ...METADATA, resetCount: 1 });
  outbox.add(second(3), { ...METADATA, resetCount: 1 });
  outbox.finish({ ...METADATA, resetCount: 2 });
  const reports = reportsOf(outbox);
  assert.deepEqual(outline(reports), [[1, 0, 1, false], [2, 2, 3, false], [3, 3, 3, true]]);
  assert.deepEqual(reports.map(({ resetCount }) => resetCount), [0, 1, 2]);
});

Deno.test("if the end is divided into several reports, only the last is the final one", () => {
  const outbox = new ReportOutbox("run");
  const samples = Array.from({ length: 800 }, (_, i) => sample({ name: `/item/${i}` }));
  for (let number = 0; number < 3; number++) outbox.add(second(number, samples), METADATA);
  const sent = framesOf(outbox);
  outbox.finish(METADATA);
  outbox.acknowledged(sent.length, 10);
  const reports = reportsOf(outbox, 20);
  assert.ok(reports.length > 1);
  assert.deepEqual(
    reports.map(({ final }) => final),
    reports.map((_, i) => i === reports.length - 1),
  );
  assert.equal(outbox.drained, true);
});

Deno.test("on a new connection, reports in flight are sent again unchanged, before new ones", () => {
  const outbox = outboxOf(3);
  const frames = [outbox.next(0), outbox.next(0), outbox.next(0)];
  outbox.add(second(3), METADATA);
  outbox.reconnected(1, 500);
  assert.deepEqual([outbox.next(500), outbox.next(500)], frames.slice(1));
  assert.equal(reportIn(outbox.next(500)!).seq, 4);
});

Deno.test("all reports from the requested one on are sent again", () => {
  const outbox = outboxOf(4);
  const frames = framesOf(outbox);
  outbox.resume(3);
  assert.deepEqual(framesOf(outbox), frames.slice(2));
  assert.throws(() => outbox.resume(2), { name: "ProtocolError" });
  assert.throws(() => outbox.resume(5), { name: "ProtocolError" });
});

Deno.test("acknowledging a report that was not sent is an error", () => {
  const outbox = outboxOf(3);
  outbox.next(0);
  assert.throws(() => outbox.acknowledged(2, 0), { name: "ProtocolError", code: "protocol" });
  outbox.acknowledged(1, 0);
  outbox.acknowledged(1, 0);
  assert.equal(reportIn(outbox.next(0)!).seq, 2);
});

Deno.test("32 KiB are in flight, or one report at a time on a slow link", () => {
  const outbox = new ReportOutbox("run");
  const samples = Array.from({ length: 500 }, (_, i) => sample({ name: `/item/${i}` }));
  for (let number = 0; number < 5; number++) outbox.add(second(number, samples), METADATA);
  const sent = (nowMs: number): number => {
    const frames = framesOf(outbox, nowMs);
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    assert.ok(bytes <= 32 * 1024, `${bytes} bytes are on the way`);
    return frames.length;
  };
  const first = sent(0);
  assert.ok(first >= 2, `${first} reports`);
  assert.equal(outbox.next(999), null);
  outbox.acknowledged(1, 1000);
  assert.equal(sent(1000), 0);
  outbox.acknowledged(first, 1000);
  assert.equal(sent(1000), 1);
  outbox.acknowledged(first + 1, 1100);
  assert.ok(sent(1100) >= 2);
});

Deno.test("held bytes include sent and unsent reports", () => {
  const outbox = outboxOf(2);
  const both = outbox.heldBytes;
  const { length } = outbox.next(0)!;
  assert.ok(both >= 2 * length && both < 2 * length + 200, `${both} bytes, not twice ${length}`);
  assert.equal(outbox.heldBytes, both / 2 + length);
  outbox.next(0);
  assert.equal(outbox.heldBytes, 2 * length);
  outbox.acknowledged(1, 0);
  assert.equal(outbox.heldBytes, length);
  outbox.acknowledged(2, 0);
  assert.equal(outbox.heldBytes, 0);
});

Deno.test("10,000 seconds without an acknowledgement need little memory, and all of them arrive", () => {
  const link = new ReportLink();
  const all = Array.from({ length: 10_000 }, (_, number) =>
    second(number, [
      sample({ latencyMs: 5 + number % 7 }),
      sample({
        name: "pay",
        latencyMs: 1 + number % 50,
        error: number % 3 === 0 ? "HTTP 500" : null,
      }),
    ]));
  for (const interval of all) {
    link.outbox.add(interval, METADATA);
    link.write();
    link.nowMs += 1000;
    assert.ok(link.outbox.heldBytes < 64 * 1024, `${link.outbox.heldBytes} bytes are held`);
  }
  link.outbox.finish(METADATA);
  link.drain();
  assert.ok(link.outbox.lastSeq < 100, `${link.outbox.lastSeq} reports`);
  assert.deepEqual(
    counts(link.state.totals.statistics(10_000)),
    counts(added(new Totals(), all).statistics(10_000)),
  );
  assert.equal(link.worker.requests, 20_000);
  assert.equal(link.worker.complete, true);
});

Deno.test("at most 16 MiB are held, and what exceeds them is merged and arrives", () => {
  const link = new ReportLink();
  const all = Array.from({ length: 60 }, (_, number) => hugeSecond(number));
  for (const interval of all) link.outbox.add(interval, METADATA);
  const held = link.outbox.heldBytes;
  assert.ok(held > 15 * MIB && held <= 16 * MIB, `${held} bytes are held`);
  link.outbox.finish(METADATA);
  assert.equal(link.outbox.heldBytes, 0);
  link.drain();
  assert.deepEqual(
    counts(link.state.totals.statistics(60)),
    counts(added(new Totals(), all).statistics(60)),
  );
});

Deno.test("whatever the network does, everything arrives exactly once", () => {
  const step = fc.oneof(
    fc.record({ act: fc.constant("count"), samples: fc.array(anySample, { maxLength: 5 }) }),
    fc.record({
      act: fc.constantFrom("write", "read", "hear", "write all", "read all", "hear all"),
      samples: fc.constant<Sample[]>([]),
    }),
    fc.record({
      act: fc.constantFrom("lose", "repeat", "cut", "wait", "reset", "flood"),
      samples: fc.constant<Sample[]>([]),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const link = new ReportLink();
      const all: SecondStats[] = [];
      let resetCount = 0;
      const count = (samples: readonly Sample[]): void => {
        const interval = second(all.length, samples);
        for (const { latencyMs, retries, error } of samples) {
          const iterations = interval.parts[0]!.openIterations;
          iterations.scheduled += 2;
          iterations.dropped += retries;
          iterations.begin(latencyMs / 2);
          if (error === null) iterations.complete(latencyMs);
        }
        all.push(interval);
        link.outbox.add(interval, { ...METADATA, resetCount });
      };
      const acts: Record<string, (samples: Sample[]) => void> = {
        count,
        write: () => link.write(1),
        read: () => link.read(1),
        hear: () => link.hear(1),
        "write all": () => link.write(),
        "read all": () => link.read(),
        "hear all": () => link.hear(),
        lose: () => link.lose(),
        repeat: () => link.repeat(),
        cut: () => link.cut(),
        wait: () => link.nowMs += 700,
        "reset": () => resetCount++,
        // More than is kept apart.
        flood: () => {
          for (let i = 0; i < 30; i++) count([sample({ latencyMs: 1 + i })]);
        },
      };
      count([]);
      for (const { act, samples } of steps) {
        link.nowMs += 5;
        acts[act]!(samples);
      }
      link.outbox.finish({ ...METADATA, resetCount });
      link.drain();
      const { state: { totals }, worker } = link;
      const direct = added(new Totals(), all);
      assert.deepEqual(counts(totals.statistics(10)), counts(direct.statistics(10)));
      assert.deepEqual(allBucketsOf(link.applied), allBucketsOf(added(new MergedStats(), all)));
      assert.deepEqual([worker.complete, worker.reports.lastSeq], [true, link.outbox.lastSeq]);
    }),
    { numRuns: 300 },
  );
});

const KIB = 1024;

/** Reports of these lengths, sent at 0. */
function sentReportsOf(...lengths: number[]): SentReports {
  const sent = new SentReports();
  for (const length of lengths) sent.send(frame(length), 0);
  return sent;
}

function frame(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length);
}

/** The lengths of the reports that are sent again at a time, until there is no more room. */
function resent(sent: SentReports, nowMs: number): number[] {
  const lengths: number[] = [];
  while (sent.mustResend && lengths.length < 100) {
    const bytes = sent.resend(nowMs);
    if (bytes === null) break;
    lengths.push(bytes.length);
  }
  return lengths;
}

Deno.test("32 KiB may be in flight, or one longer report", () => {
  const sent = sentReportsOf();
  assert.equal(sent.hasRoom(500 * KIB, 0), true);
  sent.send(frame(20 * KIB), 0);
  assert.deepEqual([sent.hasRoom(12 * KIB, 0), sent.hasRoom(12 * KIB + 1, 0)], [true, false]);
  assert.equal(sentReportsOf(500 * KIB).hasRoom(1, 0), false);
});

Deno.test("an acknowledgement makes room", () => {
  const sent = sentReportsOf(20 * KIB, 12 * KIB);
  assert.equal(sent.hasRoom(1, 10), false);
  sent.acknowledged(1, 10);
  assert.deepEqual([sent.hasRoom(20 * KIB, 10), sent.hasRoom(20 * KIB + 1, 10)], [true, false]);
  assert.deepEqual([sent.count, sent.bytes, sent.lastSeq], [1, 12 * KIB, 2]);
});

Deno.test("after an acknowledgement that took 1 s, one report is in flight at a time", () => {
  const sent = sentReportsOf(100, 100);
  sent.acknowledged(1, 1000);
  assert.equal(sent.hasRoom(1, 1000), false);
  sent.acknowledged(2, 1000);
  assert.equal(sent.hasRoom(1, 1000), true);
  sent.send(frame(100), 1000);
  assert.equal(sent.hasRoom(1, 1000), false);
  sent.acknowledged(3, 1999);
  sent.send(frame(100), 2000);
  assert.equal(sent.hasRoom(1, 2000), true);
});

Deno.test("nothing is sent after a report that has waited for 1 s", () => {
  const sent = sentReportsOf(100);
  assert.deepEqual([sent.hasRoom(1, 999), sent.hasRoom(1, 1000)], [true, false]);
});

Deno.test("an acknowledgement drops all reports up to its own, and an older one drops none", () => {
  const sent = sentReportsOf(1, 2, 3, 4);
  sent.acknowledged(3, 10);
  assert.deepEqual([sent.count, sent.bytes], [1, 4]);
  for (const seq of [0, 2, 3]) sent.acknowledged(seq, 5000);
  assert.deepEqual([sent.count, sent.bytes], [1, 4]);
  sent.acknowledged(4, 10);
  assert.deepEqual([sent.count, sent.bytes, sent.mustResend], [0, 0, false]);
});

Deno.test("a report that was never sent cannot be acknowledged", () => {
  const refused = { name: "ProtocolError", code: "protocol" };
  const sent = sentReportsOf(1, 2);
  assert.throws(() => sent.acknowledged(3, 0), refused);
  assert.throws(() => sent.reconnected(3, 0), refused);
  assert.throws(() => sentReportsOf().acknowledged(1, 0), refused);
  assert.deepEqual([sent.count, sent.mustResend], [2, false]);
});

Deno.test("on a new connection, unacknowledged reports are sent again within the window", () => {
  const sent = sentReportsOf(1 * KIB, 12 * KIB, 12 * KIB, 8 * KIB);
  sent.reconnected(1, 500);
  assert.deepEqual(resent(sent, 500), [12 * KIB, 12 * KIB, 8 * KIB]);
  assert.equal(sent.mustResend, false);
  assert.equal(sent.hasRoom(1, 500), false);
});

Deno.test("after a long time without a connection, reports are sent again one at a time", () => {
  const sent = sentReportsOf(1, 2, 3);
  sent.reconnected(1, 30_000);
  assert.deepEqual(resent(sent, 30_000), [2]);
  sent.acknowledged(2, 30_010);
  assert.deepEqual(resent(sent, 30_010), [3]);
});

Deno.test("a requested report is sent again with all after it, and those before are dropped", () => {
  const sent = sentReportsOf(1, 2, 3, 4);
  sent.resume(3);
  assert.deepEqual([sent.count, sent.mustResend], [2, true]);
  assert.deepEqual(resent(sent, 10), [3, 4]);
  sent.resume(3);
  assert.deepEqual(resent(sent, 10), [3, 4]);
});

Deno.test("reports that were never sent or were acknowledged cannot be requested", () => {
  const sent = sentReportsOf(1, 2, 3);
  sent.acknowledged(1, 10);
  for (const seq of [0, 1, 4]) {
    assert.throws(() => sent.resume(seq), { name: "ProtocolError", code: "protocol" });
  }
  assert.deepEqual([sent.count, sent.mustResend], [2, false]);
});

Deno.test("reports that are acknowledged in the meantime are not sent again", () => {
  const sent = sentReportsOf(1, 2, 3);
  sent.reconnected(0, 10);
  assert.equal(sent.resend(10)?.length, 1);
  sent.acknowledged(2, 20);
  assert.deepEqual(resent(sent, 20), [3]);
});

/** Counts that cannot be sent, and why. */
const UNSENDABLE: [what: string, changes: Partial<Sample>, reason: RegExp][] = [
  ["a name that is a number", { name: 5 as never }, /5 is not a string/],
  ["a name that is null", { name: null as never }, /null is not a string/],
  ["a method that is a symbol", { method: Symbol("GET") as never }, /not a function|not a string/],
  ["half a byte", { bytesReceived: 0.5 }, /bytesReceived must be a whole number/],
  ["more bytes than can be counted", { bytesSent: 2 ** 60 }, /bytesSent must be a whole number/],
  ["no number of bytes", { bytesSent: NaN }, /bytesSent must be a whole number/],
];

for (const [what, changes, reason] of UNSENDABLE) {
  Deno.test(`what cannot be sent makes the reports damaged, and all others arrive: ${what}`, () => {
    const reasons: string[] = [];
    const outbox = new ReportOutbox("run", (text) => reasons.push(text));
    outbox.add(second(0, [sample()]), METADATA);
    const reports = reportsOf(outbox);
    outbox.add(second(1, [sample(changes)]), METADATA);
    outbox.add(second(2, [sample(changes)]), METADATA);
    outbox.add(second(3, [sample()]), METADATA);
    reports.push(...reportsOf(outbox));
    outbox.finish(METADATA);
    reports.push(...reportsOf(outbox));
    assert.deepEqual(reports.map(({ seq }) => seq), [1, 2, 3]);
    assert.deepEqual(reports.map(({ from }) => from), [0, 3, 3]);
    assert.deepEqual(reports.map(({ damaged }) => damaged), [false, true, true]);
    assert.deepEqual(reports.map(({ final }) => final), [false, false, true]);
    assert.equal(reasons.length, 1);
    assert.match(reasons[0]!, reason);
    assert.equal(outbox.drained, true);
  });
}

Deno.test("if the final report cannot be sent, another one without its counts is", () => {
  const outbox = new ReportOutbox("run");
  outbox.add(second(4, [sample({ bytesSent: NaN })]), METADATA);
  outbox.finish(METADATA);
  const reports = reportsOf(outbox);
  assert.deepEqual(
    reports.map(({ seq, final, damaged, entries }) => [seq, final, damaged, entries.length]),
    [[1, true, true, 0]],
  );
  assert.equal(outbox.drained, true);
});
