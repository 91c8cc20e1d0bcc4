import type { ComparedRun, ComparedTotals } from "./compared_run.ts";
import { Distribution } from "./distribution.ts";
import { EntrySeconds, type SecondOfRun, secondsOf } from "./entry_seconds.ts";
import { histogramOf } from "./histogram_text.ts";
import { FEWEST_SECONDS } from "./second_noise.ts";

/** One name of one run, or all names of it, with what is known of its seconds. */
export interface EntryOfRun {
  readonly totals: ComparedTotals;
  readonly distribution: Distribution;
  readonly latencies: EntrySeconds;
  /** Requests of all names of the run. */
  readonly allRequests: number;
  /** What each second adds to the distance of the run's rate from its mean, as a share of it. */
  readonly rates: ArrayLike<number>;
  /** What each second adds to the distance of the name's error rate from its mean. */
  readonly errors: ArrayLike<number>;
  /** What each second adds to the distance of the run's mean latency from its mean, as a share of it. */
  readonly means: ArrayLike<number>;
  /** What each second adds to the logarithm of all latencies; null for all names together. */
  readonly shifts: ArrayLike<number> | null;
}

/** A run, as far as the other one goes with it. */
export class RunFigures {
  /** Whether there are seconds enough to tell how much they differ. */
  readonly isLongEnough: boolean;
  readonly #seconds: readonly SecondOfRun[];
  readonly #totals: ComparedTotals;
  readonly #rates: readonly number[];

  constructor(run: ComparedRun, other: ComparedRun) {
    const count = Math.min(...[run, other].map(({ timeline }) => secondsIn(timeline)));
    this.#totals = run.totals;
    this.#seconds = secondsOf(
      run.timeline,
      new Distribution(histogramOf(run.totals.histogram)),
      count,
    );
    // The last second may be only a part of one.
    const whole = Math.floor(Math.min(run.durationSeconds, other.durationSeconds));
    this.isLongEnough = Math.min(count, whole) >= FEWEST_SECONDS;
    this.#rates = rateParts(this.#seconds.slice(0, whole));
  }

  /** One name of the run, or all of them. */
  entry(totals: ComparedTotals): EntryOfRun {
    const distribution = new Distribution(histogramOf(totals.histogram));
    const latencies = new EntrySeconds(this.#seconds, distribution);
    // Failures are told by the second only for all names together.
    const part = this.#totals.errorRate === 0 ? 0 : totals.errorRate / this.#totals.errorRate;
    return {
      totals,
      distribution,
      latencies,
      allRequests: this.#totals.requests,
      rates: this.#rates,
      errors: errorParts(this.#seconds).map((error) => error * part),
      means: latencies.deviationsOf(({ mean }) => mean),
      shifts: totals === this.#totals ? null : latencies.deviationsOf(({ shift }) => shift),
    };
  }
}

function secondsIn(timeline: ComparedRun["timeline"]): number {
  return timeline.length === 0 ? 0 : timeline.at(-1)!.second - timeline[0]!.second + 1;
}

function rateParts(seconds: readonly SecondOfRun[]): number[] {
  const all = seconds.reduce((sum, { requests }) => sum + requests, 0);
  return seconds.map(({ requests }) => all === 0 ? 0 : requests / all - 1 / seconds.length);
}

function errorParts(seconds: readonly SecondOfRun[]): number[] {
  const requests = seconds.reduce((sum, second) => sum + second.requests, 0);
  const failures = seconds.reduce((sum, second) => sum + second.failures, 0);
  if (requests === 0) return seconds.map(() => 0);
  return seconds.map((second) =>
    (second.failures - second.requests * failures / requests) / requests
  );
}
