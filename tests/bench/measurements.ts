/**
 * Measurements of the HTTP benchmark for tests.
 *
 * @module
 */

import type { OwnResult } from "../../bench/support/contender.ts";
import type { Measurement } from "../../bench/support/measurement.ts";

/** A measurement of 64 users that meets all goals of `get-64` beside {@link RIVAL_RATE}, with changes. */
export function measurement(
  { own, peak = 1e8, ...changes }:
    & Partial<Omit<Measurement, "own" | "memory">>
    & { readonly own?: Partial<OwnResult>; readonly peak?: number },
): Measurement {
  return {
    rate: 80_000,
    cpuMicroseconds: 12,
    instructions: null,
    targetCore: 0.8,
    disturbed: 0,
    memory: { resident: 9e7, peak },
    served: 400_000,
    ...changes,
    own: {
      requests: 400_000,
      rate: 80_000,
      meanMs: 0.8,
      p50Ms: 0.79,
      p99Ms: 1.5,
      failures: {},
      fairness: 0.97,
      ...own,
    },
  };
}

/** The rate of the contender that others are compared with. */
export const RIVAL_RATE = 100_000;
