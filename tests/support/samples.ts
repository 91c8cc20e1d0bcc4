import fc from "fast-check";
import type { SamplePhases } from "../../src/stats/phase_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";

/** A successful request of 10 ms in the first second. */
export function sample(changes: Partial<Sample> = {}): Sample {
  return {
    method: "GET",
    name: "search",
    status: 200,
    latencyMs: 10,
    endedAt: 0,
    bytesReceived: 0,
    bytesSent: 0,
    retries: 0,
    phases: null,
    error: null,
    tags: "",
    ...changes,
  };
}

/** Latencies of 1 µs to 1 h, uniform on a logarithmic scale. */
export const latency: fc.Arbitrary<number> = fc
  .double({ min: Math.log(0.001), max: Math.log(3_600_000), noNaN: true })
  .map(Math.exp);

/** The phases of a request that was not plain: with or without connections, and with or without a first byte. */
const anyPhases: fc.Arbitrary<SamplePhases> = fc.tuple(
  fc.constantFrom(-1, 0, 1, 2),
  fc.array(fc.oneof(fc.constant(-1), latency), { minLength: 3, maxLength: 3 }),
  fc.constantFrom(true, true, false),
  fc.tuple(latency, fc.oneof(fc.constant(0), latency)),
).map(([opened, [dnsMs, connectMs, tlsMs], hasResponse, [ttfbMs, downloadMs]]) => ({
  opened,
  ...(opened > 0
    ? { dnsMs: dnsMs!, connectMs: connectMs!, tlsMs: tlsMs! }
    : { dnsMs: -1, connectMs: -1, tlsMs: -1 }),
  ...(hasResponse ? { ttfbMs, downloadMs } : { ttfbMs: -1, downloadMs: -1 }),
}));

/** Samples with a few methods, names and errors, within ten seconds. */
export const anySample: fc.Arbitrary<Sample> = fc.record({
  method: fc.constantFrom("GET", "POST"),
  name: fc.constantFrom("search", "pay", "list"),
  status: fc.constantFrom(0, 200, 500),
  latencyMs: latency,
  endedAt: fc.double({ min: 0, max: 10_000, noNaN: true }),
  bytesReceived: fc.nat(10_000),
  bytesSent: fc.nat(10_000),
  retries: fc.nat(3),
  phases: fc.option(anyPhases, { nil: null }),
  error: fc.constantFrom(null, null, "HTTP 500", "timed out"),
  tags: fc.constantFrom("", "", "cache=hit", "cache=miss, size=1"),
});
