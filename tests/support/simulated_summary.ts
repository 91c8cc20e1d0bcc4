import type { Random } from "../../src/core/clock.ts";
import { histogramText } from "../../src/report/summary.ts";
import type { ComparedRun, ComparedTotals } from "../../src/report/summary_reader.ts";
import { Latencies } from "../../src/stats/latencies.ts";

/** One request name of a simulated run. */
export interface SimulatedName {
  readonly name: string;
  /** Requests per second without noise. */
  readonly rate: number;
  /** Median latency in milliseconds. */
  readonly median: number;
  /** Standard deviation of the logarithm of latencies. */
  readonly spread: number;
}

/** The parameters of a simulated run. */
export interface SimulatedRun {
  readonly seconds: number;
  readonly names: readonly SimulatedName[];
  /** Factor of all latencies: 1.1 is 10 % slower. */
  readonly slower?: number;
  /** Noise of whole seconds: the standard deviation of the logarithm of their latencies. */
  readonly noise?: number;
  /** The part of the noise of a second that is left in the next one, 0 to 1. */
  readonly memory?: number;
  /** The probability that a second has a stall, in which some requests take 20 times as long. */
  readonly stalls?: number;
  readonly failing?: number;
  /** Seconds in which the load rises. */
  readonly ramp?: number;
}

/** The summary of a simulated closed-model run, whose seconds have noise. */
export function simulatedRun(run: SimulatedRun, random: Random): ComparedRun {
  const { seconds, names, slower = 1, noise = 0, memory = 0, stalls = 0, failing = 0, ramp = 0 } =
    run;
  const normal = normals(random);
  const all = new Counts();
  const byName = names.map(() => new Counts());
  const timeline: ComparedRun["timeline"][number][] = [];
  let disturbance = normal() * noise;
  for (let second = 0; second < seconds; second++) {
    const here = new Counts();
    const load = Math.min(1, (second + 1) / (ramp + 1));
    const factor = slower * Math.exp(disturbance) * (ramp === 0 ? 1 : 0.5 + load / 2);
    const stalled = random() < stalls ? random() * 0.5 : 0;
    for (const [at, { rate, median, spread }] of names.entries()) {
      // Users that wait for a slow target send fewer requests.
      const mean = rate * load / factor;
      const requests = Math.max(0, Math.round(mean + normal() * Math.sqrt(mean) * 0.3));
      for (let n = 0; n < requests; n++) {
        const stall = random() < stalled ? 20 : 1;
        const ms = median * factor * stall * Math.exp(normal() * spread);
        const failed = random() < failing;
        for (const counts of [here, all, byName[at]!]) counts.add(ms, failed);
      }
    }
    const { p50, p95, p99 } = here.latencies.summary();
    timeline.push({ second, requests: here.requests, failures: here.failures, p50, p95, p99 });
    disturbance = memory * disturbance + Math.sqrt(1 - memory ** 2) * normal() * noise;
  }
  return {
    schema: 4,
    state: "finished",
    runId: "simulated",
    name: null,
    labels: {},
    startedAt: null,
    mode: "local",
    durationSeconds: seconds,
    complete: true,
    users: { peak: 20 },
    totals: all.totals(seconds),
    requests: names.map(({ name }, at) => ({
      method: "GET",
      name,
      ...byName[at]!.totals(seconds),
    })),
    ...{ classes: [], groups: [], checks: [], metrics: [], histories: [], pauses: [] },
    timeline,
  };
}

class Counts {
  readonly latencies = new Latencies();
  readonly failureLatencies = new Latencies();

  get requests(): number {
    return this.latencies.count + this.failures;
  }

  get failures(): number {
    return this.failureLatencies.count;
  }

  add(ms: number, failed: boolean): void {
    (failed ? this.failureLatencies : this.latencies).add(ms);
  }

  totals(seconds: number): ComparedTotals {
    const { requests, failures, latencies } = this;
    return {
      requests,
      failures,
      unfinished: { count: 0 },
      errorRate: requests === 0 ? 0 : failures / requests,
      rate: requests / seconds,
      latencyMs: latencies.summary(),
      lowerBounds: [],
      failureLatencyMs: this.failureLatencies.summary(),
      phases: undefined,
      histogram: histogramText(latencies.histogram),
    };
  }
}

/** Normally distributed numbers, by the Box–Muller transform. */
function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
