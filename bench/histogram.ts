/**
 * Measures how long recording a latency takes, in our histogram and in hdr-histogram-js, and recording a
 * sample, plain or with phases. `deno task bench histogram`
 *
 * @module
 */

import { build } from "hdr-histogram-js";
import { systemClock } from "../src/core/clock.ts";
import { denoHost } from "../src/core/host.ts";
import { Histogram } from "../src/stats/histogram.ts";
import type { SamplePhases } from "../src/stats/phase_stats.ts";
import type { Sample } from "../src/stats/request_stats.ts";
import { StatsTable } from "../src/stats/stats_table.ts";

const CANDIDATE_MS = 400;
const BATCH = 65_536;

/** Nanoseconds per value, measured for {@link CANDIDATE_MS}. */
function nanosecondsEach<Value>(
  values: Iterable<Value>,
  count: number,
  record: (value: Value) => void,
): number {
  const start = systemClock.now();
  let batches = 0;
  let elapsed = 0;
  do {
    for (const value of values) record(value);
    batches++;
    elapsed = systemClock.now() - start;
  } while (elapsed < CANDIDATE_MS);
  return elapsed * 1e6 / (batches * count);
}

/** Of a response that was not received with its first byte. */
const PHASES: SamplePhases = {
  opened: 0,
  dnsMs: -1,
  connectMs: -1,
  tlsMs: -1,
  ttfbMs: 1,
  downloadMs: 0.5,
};

function sampleOf(name: string, latencyMs: number, phases: SamplePhases | null): Sample {
  return {
    method: "GET",
    name,
    status: 200,
    latencyMs,
    endedAt: 0,
    bytesReceived: 100,
    bytesSent: 0,
    retries: 0,
    phases,
    error: null,
    tags: "",
  };
}

/** Records samples in a table of their own. */
function recorder(): (sample: Sample) => void {
  const table = new StatsTable();
  return (sample) => table.record(sample);
}

if (import.meta.main) {
  // 0.1 ms to 10 s, evenly on a logarithmic scale. The other histogram needs integers.
  const milliseconds = Float64Array.from({ length: BATCH }, () => 10 ** (Math.random() * 5 - 1));
  const microseconds = milliseconds.map((ms) => Math.round(ms * 1000));

  const ours = new Histogram();
  const theirs = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3_600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  const plain = Array.from(milliseconds, (latencyMs, i) => sampleOf(`/${i % 7}`, latencyMs, null));
  const phased = plain.map(({ name, latencyMs }) => sampleOf(name, latencyMs, PHASES));
  const candidates: [string, number][] = [
    ["aiotest", nanosecondsEach(milliseconds, BATCH, (ms) => ours.record(ms))],
    ["hdr-histogram-js", nanosecondsEach(microseconds, BATCH, (us) => theirs.recordValue(us))],
    ["a plain sample", nanosecondsEach(plain, BATCH, recorder())],
    ["one with phases", nanosecondsEach(phased, BATCH, recorder())],
  ];
  const { stdout } = denoHost();
  for (const [name, cost] of candidates) {
    stdout.write(`${name.padEnd(18)}${cost.toFixed(1).padStart(7)} ns per value\n`);
  }
  Deno.exit(0);
}
