/**
 * What the system knows about the connections of users: how long segments travel, and whether they have to be
 * sent again. It tells a slow network from a slow target.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import type { NetworkSummary } from "./snapshot.ts";
import type { NetworkCounts } from "./stats_delta.ts";

/** What the system says about one open connection. */
export interface ConnectionSample {
  /** The smoothed round-trip time, in milliseconds. */
  readonly rttMs: number;
  /** Segments sent again since the connection was opened. */
  readonly retransmits: number;
}

/** Counts samples of connections. One connection can be sampled several times. */
export class NetworkStats implements NetworkCounts {
  readonly roundTrip = new Latencies();
  retransmitting = 0;

  /** Counts one sample. */
  add({ rttMs, retransmits }: ConnectionSample): void {
    this.roundTrip.add(rttMs);
    if (retransmits > 0) this.retransmitting++;
  }

  /** Adds other samples. */
  merge({ roundTrip, retransmitting }: NetworkCounts): void {
    this.roundTrip.merge(roundTrip);
    this.retransmitting += retransmitting;
  }

  /** The figures that reports show. */
  summary(): NetworkSummary {
    return {
      samples: this.roundTrip.count,
      retransmitting: this.retransmitting,
      roundTripMs: this.roundTrip.summary(),
    };
  }
}

/** Share of samples, 0 to 1, above which retransmissions are worth a warning, and the least number of samples. */
const MANY_RETRANSMITTING = 0.1;
const ENOUGH_SAMPLES = 20;

/** A warning if enough connections sent segments again for the network to explain latencies. */
export function networkProblems(network: NetworkSummary | null): string[] {
  if (network === null || network.samples < ENOUGH_SAMPLES) return [];
  const share = network.retransmitting / network.samples;
  if (share <= MANY_RETRANSMITTING) return [];
  return [
    `${
      Math.round(share * 100)
    } % of the sampled connections had to send data again: packets were lost on ` +
    "the way to the target, so latencies may be those of the network.",
  ];
}
