import type { Random } from "../../src/core/clock.ts";
import { type BucketCount, Histogram } from "../../src/stats/histogram.ts";
import { Latencies } from "../../src/stats/latencies.ts";
import { EntriesByCode, Entry, PairMap } from "../../src/stats/request_stats.ts";
import type { EntryCounts, LatencyCounts, StatsDelta } from "../../src/stats/stats_delta.ts";
import { deltaOf } from "./counts.ts";

/** The exact statistics of one method and name. */
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

/** Seconds that are generated in advance. Workers take one after the other, each starting at a different one. */
const SCRIPTS = 60;

interface Script {
  readonly entries: readonly CodedScript[];
  readonly requests: number;
  readonly failures: number;
  /** How often it was handed out. */
  uses: number;
}

type CodedScript = readonly [method: string, name: string, code: number, entry: ScriptedEntry];

interface ScriptedEntry extends EntryCounts {
  readonly latencies: ScriptedLatencies;
  readonly failureLatencies: ScriptedLatencies | null;
}

type ScriptedLatencies = LatencyCounts & { readonly histogram: Histogram };

/**
 * What simulated workers report for each second: 20 names with 30 requests each, whose
 * latencies are distributed like those of a busy target. It knows the sum of all it has handed out.
 */
export class SimulatedLoad {
  readonly #scripts: readonly Script[];

  constructor(random: Random) {
    this.#scripts = Array.from({ length: SCRIPTS }, () => madeUpScript(random));
  }

  /** A second of one worker. */
  next(turn: number, second: number, users: number): StatsDelta {
    const script = this.#scripts[turn % SCRIPTS]!;
    script.uses++;
    const { entries, requests, failures } = script;
    const seconds = [{ second, users, peakUsers: users, requests, failures, maxLagMs: 0 }];
    return deltaOf({ from: second, to: second, seconds, entries });
  }

  /** The sum of everything that was handed out, by name. */
  rows(): ExactRow[] {
    const sums = new PairMap<Entry>();
    for (const { entries, uses } of this.#scripts) {
      for (const [method, name, , entry] of entries) {
        const sum = sums.get(method, name) ?? new Entry();
        sums.set(method, name, sum);
        addTimes(sum, entry, uses);
      }
    }
    return Array.from(sums, ([method, name, entry]) => rowOf(method, name, entry))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }
}

function madeUpScript(random: Random): Script {
  const names = [...Array(NAMES).keys()];
  const entries = names.flatMap((n) => {
    const method = n % 4 === 3 ? "POST" : "GET";
    const name = `/shop/department-${n}/articles/:id`;
    return madeUpEntries({ method, name, medianMs: 5 + 3 * n }, random);
  });
  const sum = (count: (entry: ScriptedEntry) => number): number =>
    entries.reduce((total, [, , , entry]) => total + count(entry), 0);
  return {
    entries,
    requests: sum(({ requests }) => requests),
    failures: sum(({ failures }) => failures),
    uses: 0,
  };
}

interface Kind {
  readonly method: string;
  readonly name: string;
  readonly medianMs: number;
}

function madeUpEntries({ method, name, medianMs }: Kind, random: Random): CodedScript[] {
  const entries = new EntriesByCode();
  for (let i = 0; i < REQUESTS_A_NAME; i++) {
    const failed = random() < FAILING;
    const status = failed ? 503 : 200;
    entries.of(status).add({
      tags: "",
      phases: null,
      method,
      name,
      status,
      latencyMs: medianMs * Math.exp(0.35 * normal(random)),
      endedAt: 0,
      bytesReceived: failed ? 0 : 1_500 + Math.floor(20_000 * random()),
      bytesSent: method === "POST" ? 400 : 0,
      retries: random() < FAILING ? 1 : 0,
      error: failed ? "HTTP 503" : null,
    });
  }
  return Array.from(entries, ([code, entry]) => [method, name, code, scripted(entry)]);
}

function scripted(entry: Entry): ScriptedEntry {
  const { requests, failures, retries, bytesReceived, bytesSent, errors } = entry;
  const counts = { requests, failures, retries, bytesReceived, bytesSent, errors };
  const latencies = listed(entry.latencies);
  const failureLatencies = entry.failureLatencies && listed(entry.failureLatencies);
  return { ...counts, latencies, failureLatencies };
}

function listed(
  { count, min, max, sum, squaredDeviations, histogram }: Latencies,
): ScriptedLatencies {
  return { count, min, max, sum, squaredDeviations, histogram: new ListedHistogram(histogram) };
}

/** A histogram whose buckets are searched only once, as it is sent often. */
class ListedHistogram extends Histogram {
  readonly #list: readonly BucketCount[];

  constructor(histogram: Histogram) {
    super();
    this.merge(histogram);
    this.#list = [...histogram.buckets()];
  }

  override buckets(): IterableIterator<BucketCount> {
    return this.#list.values();
  }
}

/** A normally distributed number, of mean 0 and deviation 1. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Adds an entry several times; of the latencies, what percentiles and extremes need. */
function addTimes(sum: Entry, entry: ScriptedEntry, times: number): void {
  if (times === 0) return;
  sum.retries += entry.retries * times;
  sum.bytesReceived += entry.bytesReceived * times;
  sum.bytesSent += entry.bytesSent * times;
  addLatencies(sum.latencies, entry.latencies, times);
  const { failureLatencies } = entry;
  if (failureLatencies === null) return;
  addLatencies(sum.failureLatencies ??= new Latencies(), failureLatencies, times);
}

function addLatencies(sum: Latencies, added: ScriptedLatencies, times: number): void {
  sum.min = Math.min(sum.min, added.min);
  sum.max = Math.max(sum.max, added.max);
  for (const [index, count] of added.histogram.buckets()) {
    sum.histogram.addBucket(index, count * times);
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
