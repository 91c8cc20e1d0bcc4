/**
 * Sums of the counts of several nodes or seconds: {@link Totals} for the statistics of a run, and
 * {@link MergedStats} for the report of a worker.
 *
 * @module
 */

import { CheckTable } from "./check_stats.ts";
import { GroupTable } from "./group_stats.ts";
import { IterationStats } from "./iteration_stats.ts";
import { Latencies } from "./latencies.ts";
import { MetricTable } from "./metric_stats.ts";
import { NetworkStats } from "./network_stats.ts";
import { PhaseFigures, PhaseStats } from "./phase_stats.ts";
import {
  type EntriesByCode,
  Entry,
  EntryTable,
  NameCap,
  newEntries,
  OTHER_CODE,
  PairMap,
} from "./request_stats.ts";
import type {
  CodeLatencies,
  CodeRow,
  FailureRow,
  IterationSummary,
  RequestRow,
  RequestTotals,
  Statistics,
  UserErrorRow,
} from "./snapshot.ts";
import {
  emptyDelta,
  type EntryCounts,
  type KeyedInProgress,
  requestCounts,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";
import { Timeline } from "./timeline.ts";
import {
  InProgress,
  InProgressGauge,
  inProgressSummary,
  newInProgress,
  newUnfinished,
  summaryWithWaits,
  Unfinished,
  unfinishedSummary,
} from "./unanswered.ts";
import { errorAndPlace } from "./user_errors.ts";

/** The warning to show if there are too many names. */
export const NAMES_CAPPED =
  "More than 1,000 request names: further ones are counted together under (other). " +
  "Give a fixed name to requests whose path contains an id.";

/** The same for the other names that a test file chooses. */
const GROUPS_CAPPED =
  "More than 1,000 names of groups: further ones are counted together under (other). " +
  "Give a fixed name to groups.";
const CHECKS_CAPPED =
  "More than 1,000 names of checks: further ones are counted together under (other). " +
  "Give a fixed name to checks.";
const METRICS_REFUSED =
  "Some values of metrics are not counted: there are more than 200 metrics, or a metric is of another kind " +
  "on another node. Give the same test file to all nodes.";
const TRENDS_COARSE =
  "A trend has more than 50,000 different buckets: its percentiles are less precise than 0.1 %.";

/** The sum of all nodes. */
export class Totals {
  #counts = new RunCounts();
  #peakBeforeReset = 0;

  /** The most users at once, including the time before a {@link reset}, because they did run. */
  get peakUsers(): number {
    return Math.max(this.#peakBeforeReset, this.#counts.timeline.peakUsers);
  }

  /** Whether the limit of names was reached, here or on a node, and further ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#counts.merged.namesCapped;
  }

  /** What limits have done to counts, a sentence each. */
  get limitWarnings(): string[] {
    const { namesCapped, groupsCapped, checksCapped, metrics } = this.#counts.merged;
    return [
      ...namesCapped ? [NAMES_CAPPED] : [],
      ...groupsCapped ? [GROUPS_CAPPED] : [],
      ...checksCapped ? [CHECKS_CAPPED] : [],
      ...metrics.hasRefused ? [METRICS_REFUSED] : [],
      ...metrics.isCoarse ? [TRENDS_COARSE] : [],
    ];
  }

  /** The number of seconds that arrived too late for the percentiles of the timeline. */
  get lateSeconds(): number {
    return this.#counts.timeline.lateSeconds;
  }

  /** Adds counts of a node. Each must be added once; the order does not matter. */
  add(delta: StatsDelta): void {
    this.#counts.add(delta);
  }

  /** Adds errors of user code that no second contains, because they were thrown after the last one. */
  addUserErrors(user: string, errors: readonly string[]): void {
    const userErrors = errors.map((error) => [user, error, 1] as const);
    this.#counts.merged.add({ ...emptyDelta(0), userErrors });
  }

  /** Adds values of metrics that no second contains. */
  addMetrics(metrics: StatsDelta["metrics"]): void {
    this.#counts.merged.add({ ...emptyDelta(0), metrics });
  }

  /** Discards all counts and the timeline. */
  reset(): void {
    this.#peakBeforeReset = this.peakUsers;
    this.#counts = new RunCounts();
  }

  /**
   * The sums as plain values.
   *
   * @param durationSeconds the duration for rates; if it is 0, they are 0.
   * @param inProgress the requests in progress on all nodes at this moment.
   */
  statistics(
    durationSeconds: number,
    inProgress: Iterable<KeyedInProgress> = [],
  ): Statistics {
    const { merged, overall, unanswered, phases, unfinished, timeline } = this.#counts;
    const inProgressNow = new InProgress();
    const inProgressByName = new PairMap<InProgress>();
    for (const [method, name, counts] of inProgress) {
      inProgressNow.merge(counts);
      inProgressByName.at(...merged.admit(method, name), newInProgress).merge(counts);
    }
    return {
      totals: {
        ...totalsOf(overall, durationSeconds, {
          unfinished,
          inProgress: inProgressNow,
          failed: unanswered.failureLatencies,
        }),
        phases: new PhaseFigures({
          latencies: overall.allLatencies,
          unanswered: unanswered.allLatencies,
          phases,
        }),
      },
      requests: requestRows(merged, durationSeconds, inProgressByName),
      failures: failureRows(merged.entries),
      userErrors: Array.from(
        merged.userErrors,
        ([user, text, count]): UserErrorRow => ({ user, ...errorAndPlace(text), count }),
      ).sort((a, b) =>
        byCount(a, b) || compareText(a.user, b.user) || compareText(a.place ?? "", b.place ?? "")
      ),
      timeline: timeline.rows(),
      iterations: iterationsOf(merged.iterations),
      network: merged.network?.summary() ?? null,
      classes: [],
      groups: Array.from(merged.groups, ([name, groups]) => groups.row(name)).sort(byNameAlone),
      metrics: merged.metrics.rows(durationSeconds).sort(byNameAlone),
      checks: merged.checks.rows().sort(byNameAlone),
      histories: [],
    };
  }
}

/**
 * The counts of one node in several seconds. Memory depends on the number of names, and hardly on the
 * number of seconds.
 */
export class MergedStats implements StatsDelta {
  readonly #merged = new MergedCounts();
  readonly #seconds: SecondCounts[] = [];
  readonly #inProgress = new InProgressGauge();
  #from = Infinity;
  #to = -Infinity;

  /** Infinity as long as nothing was added. */
  get from(): number {
    return this.#from;
  }

  /** -Infinity as long as nothing was added. */
  get to(): number {
    return this.#to;
  }

  /** In rising order. */
  get seconds(): readonly SecondCounts[] {
    return this.#seconds;
  }

  /** After 1,000 distinct methods and names, the rest are under `(other)`. */
  get entries(): StatsDelta["entries"] {
    return this.#merged.entries;
  }

  /** After 1,000 distinct classes and errors, the rest are under `(other)`. */
  get userErrors(): StatsDelta["userErrors"] {
    return this.#merged.userErrors;
  }

  get iterations(): StatsDelta["iterations"] {
    return this.#merged.iterations;
  }

  get phases(): StatsDelta["phases"] {
    return this.#merged.entries.phases;
  }

  get unfinished(): StatsDelta["unfinished"] {
    return this.#merged.unfinished;
  }

  get network(): StatsDelta["network"] {
    return this.#merged.network;
  }

  get groups(): StatsDelta["groups"] {
    return this.#merged.groups;
  }

  get checks(): StatsDelta["checks"] {
    return this.#merged.checks;
  }

  get metrics(): StatsDelta["metrics"] {
    return this.#merged.metrics;
  }

  /** Those of the last second. */
  get inProgress(): StatsDelta["inProgress"] {
    return this.#inProgress;
  }

  /** Adds counts of the same node in other seconds, or of other names in the same seconds. */
  add(delta: StatsDelta): void {
    this.#from = Math.min(this.#from, delta.from);
    this.#to = Math.max(this.#to, delta.to);
    for (const second of delta.seconds) this.#addSecond(second);
    this.#merged.add(delta);
    this.#inProgress.add(delta);
  }

  #addSecond(added: SecondCounts): void {
    // Almost always, it is later than all before.
    const at = this.#seconds.findLastIndex(({ second }) => second <= added.second);
    const known = this.#seconds[at];
    if (known?.second !== added.second) this.#seconds.splice(at + 1, 0, added);
    else this.#seconds[at] = mergedSecond(known, added);
  }
}

/** Merges two parts of one second, the earlier one first. */
function mergedSecond(first: SecondCounts, then: SecondCounts): SecondCounts {
  return {
    second: then.second,
    users: then.users,
    peakUsers: Math.max(first.peakUsers, then.peakUsers),
    requests: first.requests + then.requests,
    failures: first.failures + then.failures,
    maxLagMs: Math.max(first.maxLagMs, then.maxLagMs),
  };
}

/**
 * Entries of all names, since a peer may send any, and distinct errors of all entries. Each name may have an
 * entry without a response besides, so that it never counts as one.
 */
const MAX_ENTRIES = 3_000;
const MAX_ERRORS = 20_000;

/**
 * The sum of several deltas without their seconds. Memory depends on the number of names, which is
 * limited to 1,000, and not on the number of deltas.
 */
export class MergedCounts {
  /** After 1,000 distinct methods and names, the rest are under `(other)`. */
  readonly entries = new EntryTable();
  /** By class and error. After 1,000 distinct ones, the rest are under `(other)`. */
  readonly userErrors = new PairMap<number>();
  /** Unfinished requests, under the same names as {@link entries}. */
  readonly unfinished = new PairMap<Unfinished>();
  /** After 1,000 distinct names, the rest are under `(other)`; also those of {@link checks}. */
  readonly groups = new GroupTable();
  readonly checks = new CheckTable();
  /** At most 200. */
  readonly metrics = new MetricTable();
  #iterations: IterationStats | null = null;
  #network: NetworkStats | null = null;
  #entryCount = 0;
  #errorCount = 0;
  readonly #names = new NameCap();
  readonly #userErrorCap = new NameCap();
  readonly #groupCap = new NameCap();
  readonly #checkCap = new NameCap();

  /** `null` as long as there are none. */
  get iterations(): IterationStats | null {
    return this.#iterations;
  }

  /** `null` as long as no connection was sampled. */
  get network(): NetworkStats | null {
    return this.#network;
  }

  /** Whether the limit of names was reached, here or on a node, and further ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /** As {@link namesCapped}, for groups. */
  get groupsCapped(): boolean {
    return this.#groupCap.reached;
  }

  /** As {@link namesCapped}, for checks. */
  get checksCapped(): boolean {
    return this.#checkCap.reached;
  }

  /** The method and name under which to count a request. Each is its own, or `(other)`. */
  admit(method: string, name: string): readonly [method: string, name: string] {
    return this.#names.admitPair(method, name);
  }

  /** Adds the counts of a node. */
  add(delta: Omit<StatsDelta, "from" | "to" | "seconds" | "inProgress">): void {
    const { entries, phases, userErrors, iterations, unfinished, network } = delta;
    for (const [method, name, code, entry] of entries) {
      this.#addEntry(this.entries.at(...this.admit(method, name)), code, entry);
    }
    for (const [method, name, counts] of phases) {
      this.entries.at(...this.admit(method, name)).openPhases.merge(counts);
    }
    for (const [method, name, counts] of unfinished) {
      this.unfinished.at(...this.admit(method, name), newUnfinished).merge(counts);
    }
    if (iterations !== null) (this.#iterations ??= new IterationStats()).merge(iterations);
    if (network !== null) (this.#network ??= new NetworkStats()).merge(network);
    for (const [user, error, count] of userErrors) {
      const key = this.#userErrorCap.admitPair(user, error);
      this.userErrors.set(...key, (this.userErrors.get(...key) ?? 0) + count);
    }
    for (const [name, counts] of delta.groups) {
      this.groups.at(this.#groupCap.admit("", name)).merge(counts);
    }
    for (const [name, counts] of delta.checks) {
      this.checks.add(this.#checkCap.admit("", name), counts);
    }
    for (const [name, counts] of delta.metrics) this.metrics.add(name, counts);
  }

  #addEntry(named: EntriesByCode, given: number, added: EntryCounts): void {
    const isKnown = given === 0 || this.#entryCount < MAX_ENTRIES || named.has(given);
    const code = isKnown ? given : OTHER_CODE;
    const before = named.size;
    const entry = named.of(code);
    this.#entryCount += named.size - before;
    const errors = entry.errors.size;
    entry.merge(added, MAX_ERRORS - this.#errorCount);
    this.#errorCount += entry.errors.size - errors;
  }
}

/** All counts since the start of the run, or since the last reset. */
class RunCounts {
  readonly merged = new MergedCounts();
  readonly timeline = new Timeline();
  /** Merged as deltas arrive, so that a snapshot does not merge the histograms of all names. */
  readonly overall = new Entry();
  /** All requests without a response. */
  readonly unanswered = new Entry();
  readonly phases = new PhaseStats();
  /** All unfinished requests. */
  readonly unfinished = new Unfinished();

  add(delta: StatsDelta): void {
    this.timeline.add(delta);
    for (const [, , code, entry] of delta.entries) {
      this.overall.merge(entry);
      // Its errors are not needed.
      if (code === 0) this.unanswered.merge(entry, 0);
    }
    for (const [, , counts] of delta.phases) this.phases.merge(counts);
    for (const [, , counts] of delta.unfinished) this.unfinished.merge(counts);
    this.merged.add(delta);
  }
}

/** A row for each name that has requests with or without an answer. */
function requestRows(
  { entries, unfinished }: MergedCounts,
  durationSeconds: number,
  inProgress: PairMap<InProgress>,
): RequestRow[] {
  const names = new PairMap<EntriesByCode>();
  for (const [method, name, named] of entries.names()) names.set(method, name, named);
  for (const unanswered of [unfinished, inProgress]) {
    for (const [method, name] of unanswered) names.at(method, name, newEntries);
  }
  return Array.from(names, ([method, name, named]) => {
    const { whole, unanswered } = named;
    const totals = totalsOf(whole, durationSeconds, {
      unfinished: unfinished.get(method, name) ?? NONE_UNFINISHED,
      inProgress: inProgress.get(method, name),
      failed: unanswered?.failureLatencies ?? null,
    });
    const phases = new PhaseFigures({
      latencies: whole.allLatencies,
      unanswered: unanswered?.allLatencies ?? [],
      phases: named.phases,
    });
    return { method, name, ...totals, phases, codes: codesOf(named), tags: [] };
  }).sort(byName);
}

const NONE_UNFINISHED = new Unfinished();

function failureRows(entries: EntryTable): FailureRow[] {
  const rows: FailureRow[] = [];
  for (const [method, name, named] of entries.names()) {
    for (const [error, count] of named.whole.errors) rows.push({ method, name, error, count });
  }
  return rows.sort((a, b) => byCount(a, b) || byName(a, b));
}

/** Requests whose answers would have come later, if at all. */
interface UnansweredRequests {
  readonly unfinished: Unfinished;
  readonly inProgress: InProgress | undefined;
  /** The latencies of those that failed without a response. */
  readonly failed: Latencies | null;
}

function totalsOf(
  entry: Entry,
  durationSeconds: number,
  { unfinished, inProgress, failed }: UnansweredRequests,
): Omit<RequestTotals, "phases"> {
  const { requests, failures, latencies, failureLatencies } = entry;
  const ages = sumOf(unfinished.ages, inProgress?.ages ?? null);
  const waits = sumOf(ages, failed);
  // If nothing has succeeded, failures do not make up latencies: a refused connection takes no time.
  const bounds = latencies.count === 0 ? ages : waits;
  return {
    requests,
    failures,
    ...requestCounts(entry),
    retries: entry.retries + unfinished.retries,
    errorRate: requests === 0 ? 0 : failures / requests,
    rate: durationSeconds > 0 ? requests / durationSeconds : 0,
    latencyMs: summaryWithWaits(latencies, bounds),
    lowerBounds: bounds.count > 0,
    successes: { count: latencies.count, sum: latencies.sum, max: latencies.max },
    histogram: latencies.histogram,
    failureLatencyMs: (failureLatencies ?? NONE).summary(),
    failureHistogram: (failureLatencies ?? NONE).histogram,
    unfinished: unfinishedSummary(unfinished),
    inProgress: inProgressSummary(inProgress),
    waits,
  };
}

/** Nothing was timed. It is shared and must not be changed. */
const NONE = new Latencies();

function sumOf(first: Latencies, second: Latencies | null): Latencies {
  if (second === null) return first;
  const sum = new Latencies();
  sum.merge(first);
  sum.merge(second);
  return sum;
}

function codesOf(entries: EntriesByCode): CodeRow[] {
  return Array.from(
    entries,
    ([code, { requests, failures, bytesReceived, latencies, failureLatencies }]) => ({
      code,
      requests,
      failed: failures,
      bytesReceived,
      latencies: codeLatencies(latencies),
      failureLatencies: failureLatencies && codeLatencies(failureLatencies),
    }),
  ).sort((a, b) => a.code - b.code);
}

function codeLatencies({ count, sum, histogram }: Latencies): CodeLatencies | null {
  return count === 0 ? null : { sum, histogram };
}

function iterationsOf(iterations: IterationStats | null): IterationSummary | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, interrupted, dropped, startDelay } = iterations;
  return {
    scheduled,
    started,
    completed,
    interrupted,
    dropped,
    serviceTimeMs: summaryWithWaits(iterations.serviceTime, iterations.interruptedTime),
    startDelayMs: startDelay.summary(),
  };
}

function byNameAlone(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareText(a.name, b.name);
}

function byName(
  a: Pick<RequestRow, "method" | "name">,
  b: Pick<RequestRow, "method" | "name">,
): number {
  return compareText(a.name, b.name) || compareText(a.method, b.method);
}

/** The most frequent error first. */
function byCount(
  a: Pick<UserErrorRow, "error" | "count">,
  b: Pick<UserErrorRow, "error" | "count">,
): number {
  return b.count - a.count || compareText(a.error, b.error);
}

/** Compares code units, so that the order is the same on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
