/**
 * Requests without an answer: those that are unfinished because their users were cut off, and those that
 * are in progress. Each has taken at least as long as its age. Requests that failed without a response are
 * like them: their answers would have come later.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import { ClassCap, NameCap, PairMap, TagCap } from "./request_stats.ts";
import {
  type GroupRow,
  type IterationSummary,
  LATENCY_FIGURES,
  type LatencyFigure,
  type LatencySummary,
  type RequestTotals,
  type Statistics,
  type UnansweredSummary,
} from "./snapshot.ts";
import {
  type BucketSink,
  type InProgressCounts,
  isPart,
  type KeyedInProgress,
  type KeyedUnfinished,
  type LatencyCounts,
  type StatsDelta,
  type UnfinishedCounts,
} from "./stats_delta.ts";

/** The age in milliseconds above which a request in progress counts as a sample of at least that age. */
const STALLED_MS = 1000;

/** Requests of one method and name that were in progress when their users were cut off. */
export class Unfinished implements UnfinishedCounts {
  readonly ages = new Latencies();
  retries = 0;

  /** Counts one request. @param retries how often it was sent again. */
  add(ageMs: number, retries: number): void {
    this.ages.add(ageMs);
    this.retries += retries;
  }

  /** Adds other requests. */
  merge({ ages, retries }: UnfinishedCounts): void {
    this.ages.merge(ages);
    this.retries += retries;
  }
}

/** Creates a value of a {@link PairMap}. */
export const newUnfinished = (): Unfinished => new Unfinished();

/** Requests of one method and name that are in progress at one moment. */
export class InProgress implements InProgressCounts {
  count = 0;
  oldestMs = 0;
  ages: Latencies | null = null;

  /** Counts one request. */
  add(ageMs: number): void {
    this.count++;
    this.oldestMs = Math.max(this.oldestMs, ageMs);
    if (ageMs > STALLED_MS) (this.ages ??= new Latencies()).add(ageMs);
  }

  /** Adds the requests of another node, or of another name. */
  merge({ count, oldestMs, ages }: InProgressCounts): void {
    this.count += count;
    this.oldestMs = Math.max(this.oldestMs, oldestMs);
    if (ages !== null) (this.ages ??= new Latencies()).merge(ages);
  }
}

/** As {@link newUnfinished}. */
export const newInProgress = (): InProgress => new InProgress();

/** Requests in progress by class, method, name and tags. */
export class InProgressCounter {
  readonly #counts = new PairMap<PairMap<InProgress>>();

  /** Those of a class, method and name, or only those of them with these tags. */
  of(method: string, name: string, className: string = NO_CLASS, tags = ""): InProgress {
    return this.#counts.at(className, tags, newPairs).at(method, name, newInProgress);
  }

  /** All counts with their keys. */
  *[Symbol.iterator](): IterableIterator<KeyedInProgress> {
    for (const [className, tags, counts] of this.#counts) {
      const part = [className === NO_CLASS ? undefined : className, tags] as const;
      for (const [method, name, count] of counts) yield [method, name, count, ...part];
    }
  }
}

/** In place of an unknown class. A class has a name. */
const NO_CLASS = "";

const newPairs = (): PairMap<InProgress> => new PairMap();

/** The requests in progress of one node, in the latest second of what was added. */
export class InProgressGauge {
  #to = -Infinity;
  #counts = new InProgressCounter();
  #names = new NameCap();
  #tags = new TagCap();
  readonly #classes = new ClassCap();

  /** Takes over what a later second says. Parts of the same second add up, and earlier ones are ignored. */
  add({ to, inProgress }: Pick<StatsDelta, "to" | "inProgress">): void {
    if (to < this.#to) return;
    if (to > this.#to) {
      this.#to = to;
      this.#counts = new InProgressCounter();
      this.#names = new NameCap();
      this.#tags = new TagCap();
    }
    for (const [method, name, counts, className, tags] of inProgress) {
      const key = this.#names.admitPair(method, name);
      const admitted = isPart(tags) ? this.#tags.admit(...key, tags) : "";
      const ofClass = className === undefined ? undefined : this.#classes.admit(className);
      this.#counts.of(...key, ofClass, admitted).merge(counts);
    }
  }

  /** Each method and name with requests in progress. */
  [Symbol.iterator](): IterableIterator<KeyedInProgress> {
    return this.#counts[Symbol.iterator]();
  }
}

/**
 * Requests in progress as unfinished ones, because nothing more will be known about them. The ages of those
 * that are younger than 1 s are not known, apart from the highest, and count as 0.
 */
export function* asUnfinished(inProgress: Iterable<KeyedInProgress>): Generator<KeyedUnfinished> {
  for (const [method, name, { count, oldestMs, ages }, ...part] of inProgress) {
    const unfinished = new Unfinished();
    if (ages === null) unfinished.ages.add(oldestMs);
    else unfinished.ages.merge(ages);
    const young = count - unfinished.ages.count;
    if (young > 0) unfinished.ages.merge(newborn(young));
    yield [method, name, unfinished, ...part];
  }
}

/** Times of 0. */
function newborn(count: number): LatencyCounts {
  const histogram = {
    count,
    addTo: (sink: BucketSink) => sink.addBucket(0, count),
  };
  return { count, min: 0, max: 0, sum: 0, squaredDeviations: 0, histogram };
}

/**
 * The number of requests that were answered: those with a response, whatever its status, and steps without
 * HTTP that succeeded.
 */
export function answeredRequests({ requests: rows }: Pick<Statistics, "requests">): number {
  let answered = 0;
  for (const { requests, failures, codes } of rows) {
    const withCode = codes.reduce((sum, row) => row.code === 0 ? sum : sum + row.requests, 0);
    answered += withCode > 0 ? withCode : requests - failures;
  }
  return answered;
}

/** The number of unfinished requests and the highest of their ages. */
export function unfinishedSummary({ ages }: UnfinishedCounts): UnansweredSummary {
  return ages.count === 0 ? NONE : { count: ages.count, oldestMs: ages.max };
}

/** The number of requests in progress and the highest of their ages. */
export function inProgressSummary(counts: InProgressCounts | undefined): UnansweredSummary {
  return counts === undefined || counts.count === 0
    ? NONE
    : { count: counts.count, oldestMs: counts.oldestMs };
}

const NONE: UnansweredSummary = Object.freeze({ count: 0, oldestMs: null });

/**
 * The latency figures that are lower bounds, because requests without an answer are part of them. A
 * percentile is exact nevertheless if all of these have already waited for longer.
 */
export function lowerBoundsOf(
  { lowerBounds, latencyMs, waits }: Pick<RequestTotals, "lowerBounds" | "latencyMs" | "waits">,
): readonly LatencyFigure[] {
  if (!lowerBounds) return NO_FIGURES;
  return BOUNDED_FIGURES.filter((figure) =>
    figure === "mean" || figure === "max" ||
    (latencyMs[figure] ?? 0) * (1 + HISTOGRAM_ERROR) >= waits.min
  );
}

/** The service times of iterations that are lower bounds, because some iterations were interrupted. */
export function serviceTimeLowerBounds(
  { interrupted }: Pick<IterationSummary, "interrupted">,
): readonly LatencyFigure[] {
  return interrupted > 0 ? BOUNDED_FIGURES : NO_FIGURES;
}

/** The durations of a group that are lower bounds, because it was cut off in some iterations. */
export function groupLowerBounds(
  { lowerBounds }: Pick<GroupRow, "lowerBounds">,
): readonly LatencyFigure[] {
  return lowerBounds ? BOUNDED_FIGURES : NO_FIGURES;
}

const NO_FIGURES: readonly LatencyFigure[] = [];

/** The minimum and the deviation are always those of the successes. */
const BOUNDED_FIGURES = LATENCY_FIGURES.filter((figure) => figure !== "min" && figure !== "stddev");

/** How far a percentile may be from the exact one, as a share. */
const HISTOGRAM_ERROR = 0.001;

/**
 * The figures of the latencies of successful requests, each of which is raised to what it would be if the
 * requests without an answer had succeeded at their ages. These are lower bounds. The minimum and the
 * deviation are those of the successes alone.
 */
export function summaryWithWaits(successes: Latencies, waits: LatencyCounts): LatencySummary {
  const alone = successes.summary();
  if (waits.count === 0) return alone;
  const all = new Latencies();
  all.merge(successes);
  all.merge(waits);
  const together = all.summary();
  const higher = (figure: keyof LatencySummary): number | null =>
    Math.max(alone[figure] ?? 0, together[figure] ?? 0);
  return {
    min: alone.min,
    mean: higher("mean"),
    max: higher("max"),
    stddev: alone.stddev,
    p50: higher("p50"),
    p75: higher("p75"),
    p90: higher("p90"),
    p95: higher("p95"),
    p99: higher("p99"),
    p999: higher("p999"),
    p9999: higher("p9999"),
  };
}
