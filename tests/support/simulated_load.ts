import type { Random } from "../../src/core/random.ts";
import { Entry } from "../../src/stats/entry.ts";
import { Interval } from "../../src/stats/interval.ts";
import { PairMap } from "../../src/stats/pair_map.ts";

/** What is known exactly of one method and name. */
export interface ExactRow {
  readonly method: string;
  readonly name: string;
  readonly requests: number;
  readonly failures: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Milliseconds to three decimals. */
  readonly latencyMs: {
    readonly min: number;
    readonly max: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
  };
}

const NAMES = 20;
const REQUESTS_A_NAME = 30;
const FAILING = 0.02;

/** Seconds that are made up in advance; a worker takes one after the other, each begins elsewhere. */
const SCRIPTS = 60;

interface Script {
  readonly interval: Interval;
  /** How often somebody was given it. */
  uses: number;
}

/**
 * What workers without users say that they have counted in a second: 20 names, 30 requests each, whose
 * latencies are spread as a busy target's are. It knows what all that it has given away adds up to.
 */
export class SimulatedLoad {
  readonly #scripts: readonly Script[];

  constructor(random: Random) {
    this.#scripts = Array.from({ length: SCRIPTS }, () => ({
      interval: madeUpInterval(random),
      uses: 0,
    }));
  }

  /** Requests that were given away so far. */
  get requests(): number {
    return this.#scripts.reduce((sum, { uses }) => sum + uses * NAMES * REQUESTS_A_NAME, 0);
  }

  /** A second of one worker; good until the next one is asked for. */
  next(turn: number, second: number, users: number): Interval {
    const script = this.#scripts[turn % SCRIPTS]!;
    script.uses++;
    const { interval } = script;
    interval.second = second;
    interval.users = users;
    interval.peakUsers = users;
    return interval;
  }

  /** What all that was given away adds up to, by name. */
  rows(): ExactRow[] {
    const entries = new PairMap<Entry>();
    for (const { interval, uses } of this.#scripts) {
      for (const [method, name, entry] of interval.entries) {
        const sum = entries.get(method, name) ?? new Entry();
        entries.set(method, name, sum);
        addTimes(sum, entry, uses);
      }
    }
    return Array.from(entries, ([method, name, entry]) => rowOf(method, name, entry))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

function madeUpInterval(random: Random): Interval {
  const interval = new Interval(0, 0);
  for (let n = 0; n < NAMES; n++) {
    const method = n % 4 === 3 ? "POST" : "GET";
    const name = `/shop/department-${n}/articles/:id`;
    const entry = new Entry();
    for (let i = 0; i < REQUESTS_A_NAME; i++) {
      const failed = random() < FAILING;
      entry.add({
        method,
        name,
        status: failed ? 503 : 200,
        latencyMs: (5 + 3 * n) * Math.exp(0.35 * normal(random)),
        endedAt: 0,
        bytesReceived: failed ? 0 : 1_500 + Math.floor(20_000 * random()),
        bytesSent: method === "POST" ? 400 : 0,
        retries: random() < FAILING ? 1 : 0,
        error: failed ? "HTTP 503" : null,
      });
    }
    interval.entries.set(method, name, entry);
  }
  return interval;
}

/** A normally distributed number, of mean 0 and deviation 1. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Adds an entry so many times; of the latencies, what percentiles and extremes need. */
function addTimes(sum: Entry, entry: Entry, times: number): void {
  if (times === 0) return;
  sum.failures += entry.failures * times;
  sum.retries += entry.retries * times;
  sum.bytesReceived += entry.bytesReceived * times;
  sum.bytesSent += entry.bytesSent * times;
  const { latencies } = sum;
  latencies.min = Math.min(latencies.min, entry.latencies.min);
  latencies.max = Math.max(latencies.max, entry.latencies.max);
  for (const [index, count] of entry.latencies.histogram.buckets()) {
    latencies.histogram.addBucket(index, count * times);
  }
}

function rowOf(method: string, name: string, entry: Entry): ExactRow {
  const { requests, failures, retries, bytesReceived, bytesSent, latencies } = entry;
  const [p50, p95, p99] = latencies.percentiles([0.5, 0.95, 0.99]);
  return {
    method,
    name,
    requests,
    failures,
    retries,
    bytesReceived,
    bytesSent,
    latencyMs: {
      min: rounded(latencies.min),
      max: rounded(latencies.max),
      p50: rounded(p50!),
      p95: rounded(p95!),
      p99: rounded(p99!),
    },
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
