/**
 * Measures how long recording a latency takes, in our histogram and in hdr-histogram-js. `deno task bench
 * histogram`
 *
 * @module
 */

import { build } from "hdr-histogram-js";
import { systemClock } from "../src/core/clock.ts";
import { denoHost } from "../src/core/host.ts";
import { Histogram } from "../src/stats/histogram.ts";

const CANDIDATE_MS = 400;
const BATCH = 65_536;

/** Nanoseconds per value, measured for {@link CANDIDATE_MS}. */
function nanosecondsEach(values: Float64Array, record: (value: number) => void): number {
  const start = systemClock.now();
  let batches = 0;
  let elapsed = 0;
  do {
    for (const value of values) record(value);
    batches++;
    elapsed = systemClock.now() - start;
  } while (elapsed < CANDIDATE_MS);
  return elapsed * 1e6 / (batches * values.length);
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
  const candidates: [string, number][] = [
    ["aiotest", nanosecondsEach(milliseconds, (ms) => ours.record(ms))],
    ["hdr-histogram-js", nanosecondsEach(microseconds, (us) => theirs.recordValue(us))],
  ];
  const { stdout } = denoHost();
  for (const [name, cost] of candidates) {
    stdout.write(`${name.padEnd(18)}${cost.toFixed(1).padStart(7)} ns per value\n`);
  }
  Deno.exit(0);
}
