import type { Random } from "../../src/core/clock.ts";
import { type ComparedRun, type ComparedTotals, histogramText } from "../../src/report/summary.ts";
import { Latencies } from "../../src/stats/request_stats.ts";

/** One request name of a simulated run. */
export interface SimulatedName {
  readonly name: string;
  /** Requests of an undisturbed second. */
  readonly rate: number;
  /** The median in milliseconds, and how wide the latencies are spread: the deviation of their logarithm. */
  readonly median: number;
  readonly spread: number;
}

/** What a simulated run is like. */
export interface SimulatedRun {
  readonly seconds: number;
  readonly names: readonly SimulatedName[];
  /** How many times as slow the target is: 1.1 is 10 % slower. */
  readonly slower?: number;
  /** What makes whole seconds slower or faster: the deviation of the logarithm. */
  readonly noise?: number;
  /** How much of one second's noise is left in the next, 0 to 1. */
  readonly memory?: number;
  /** How likely a second has a stall, in which a part of the requests takes 20 times as long. */
  readonly stalls?: number;
  readonly failing?: number;
  /** Seconds in which the load rises to its full height. */
  readonly ramp?: number;
}

/** A run of a closed model, made up: the summary of a target whose seconds are disturbed. */
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
      // Users that wait for the target send less when it is slow.
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
    runId: "simulated",
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
    timeline,
  };
}

class Counts {
  readonly latencies = new Latencies();
  requests = 0;
  failures = 0;

  add(ms: number, failed: boolean): void {
    this.latencies.add(ms);
    this.requests++;
    if (failed) this.failures++;
  }

  totals(seconds: number): ComparedTotals {
    const { requests, failures, latencies } = this;
    return {
      requests,
      failures,
      errorRate: requests === 0 ? 0 : failures / requests,
      rate: requests / seconds,
      latencyMs: latencies.summary(),
      histogram: histogramText(latencies.histogram),
    };
  }
}

/** Numbers of the normal distribution, by Box and Muller. */
function normals(random: Random): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
