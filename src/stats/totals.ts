/**
 * The counts of a run, summed over all nodes and seconds, as the rows of a snapshot.
 *
 * @module
 */

import { Histories } from "./histories.ts";
import type { IterationStats } from "./iteration_stats.ts";
import { Latencies } from "./latencies.ts";
import { ClassTotals, MergedCounts, MergedRequests, newRoom } from "./merged_counts.ts";
import { PhaseFigures, PhaseStats } from "./phase_stats.ts";
import {
  type EntriesByCode,
  Entry,
  type EntryTable,
  newEntries,
  PairMap,
} from "./request_stats.ts";
import { RequestTable } from "./request_table.ts";
import type {
  ClassRow,
  CodeLatencies,
  CodeRow,
  FailureRow,
  IterationSummary,
  RequestRow,
  RequestTotals,
  Statistics,
  TagRow,
  UserErrorRow,
} from "./snapshot.ts";
import {
  emptyDelta,
  isPart,
  type KeyedEntry,
  type KeyedInProgress,
  type KeyedPhases,
  type KeyedUnfinished,
  requestCounts,
  type StatsDelta,
} from "./stats_delta.ts";
import { Timeline } from "./timeline.ts";
import {
  InProgress,
  inProgressSummary,
  newInProgress,
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
/** The warning to show if combinations of tags are counted together. */
const TAGS_CAPPED = "More than 50 combinations of tags of one request name, or 2,000 in all: " +
  "further ones are counted together under (other). Use tags with few values, and no ids.";

/** What a snapshot says about user classes that is not counted. */
export interface ClassFacts {
  /** The names of all classes of the run, in the order of the test file. */
  readonly names: readonly string[];
  /** The users of each class that are running now. */
  readonly users: ReadonlyMap<string, number>;
}

const NO_FACTS: ClassFacts = { names: [], users: new Map() };

/** The sum of all nodes. */
export class Totals {
  #counts = new RunCounts();
  #peakBeforeReset = 0;
  /** The same for each class. */
  #classPeaksBeforeReset: ReadonlyMap<string, number> = new Map();

  /** The most users at once, including the time before a {@link reset}, because they did run. */
  get peakUsers(): number {
    return Math.max(this.#peakBeforeReset, this.#counts.timeline.peakUsers);
  }

  /** Whether the limit of names was reached, here or on a node, and further ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#counts.merged.whole.namesCapped;
  }

  /** What limits have done to counts, a sentence each. */
  get limitWarnings(): string[] {
    const { whole, groupsCapped, checksCapped, metrics } = this.#counts.merged;
    return [
      ...whole.namesCapped ? [NAMES_CAPPED] : [],
      ...whole.tagsCapped ? [TAGS_CAPPED] : [],
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
    this.#classPeaksBeforeReset = new Map(
      Array.from(this.#counts.merged.classes, ({ name }) => [name, this.#peakOf(name)]),
    );
    this.#counts = new RunCounts();
  }

  #peakOf(className: string): number {
    const now = this.#counts.merged.classOf(className)?.peakUsers ?? 0;
    return Math.max(this.#classPeaksBeforeReset.get(className) ?? 0, now);
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
    facts: ClassFacts = NO_FACTS,
  ): Statistics {
    const { merged, timeline, histories } = this.#counts;
    const { whole } = merged;
    const inProgressNow = new InProgressSums(inProgress, merged);
    const totals = whole.totals(durationSeconds, inProgressNow.of(null));
    const requests = whole.rows(durationSeconds, inProgressNow.of(null));
    const iterations = iterationsOf(merged.iterations);
    return {
      totals,
      requests,
      failures: failureRows(whole.entries),
      userErrors: Array.from(
        merged.userErrors,
        ([user, text, count]): UserErrorRow => ({ user, ...errorAndPlace(text), count }),
      ).sort((a, b) =>
        byCount(a, b) || compareText(a.user, b.user) || compareText(a.place ?? "", b.place ?? "")
      ),
      timeline: timeline.rows(),
      iterations,
      network: merged.network?.summary() ?? null,
      classes: this.#classRows(
        facts,
        ({ name, requests: own, iterations: ofClass }) =>
          merged.isSplit
            ? {
              totals: own.totals(durationSeconds, inProgressNow.of(name)),
              requests: own.rows(durationSeconds, inProgressNow.of(name)),
              iterations: iterationsOf(ofClass),
            }
            : { totals, requests, iterations },
      ),
      groups: Array.from(merged.groups, ([name, groups]) => groups.row(name)).sort(byNameAlone),
      metrics: merged.metrics.rows(durationSeconds).sort(byNameAlone),
      checks: merged.checks.rows().sort(byNameAlone),
      traced: merged.traced.rows().sort(byName),
      failureSamples: merged.failureSamples.rows(),
      histories: [
        ...histories.names().sort(byName),
        ...histories.classes(),
        ...histories.groups().sort(byNameAlone),
      ],
      heatMap: timeline.heatMap(),
    };
  }

  #classRows(
    { names, users }: ClassFacts,
    figures: (
      counts: ClassTotals<RequestSums>,
    ) => Pick<ClassRow, "totals" | "requests" | "iterations">,
  ): ClassRow[] {
    const { merged } = this.#counts;
    const counted = Array.from(merged.classes, ({ name }) => name);
    return [...new Set([...names, ...counted])].map((name) => {
      const counts = merged.classOf(name) ?? noCounts(name);
      return {
        name,
        users: users.get(name) ?? 0,
        peakUsers: this.#peakOf(name),
        load: null,
        completed: counts.completed,
        ...figures(counts),
      };
    });
  }
}

/** Requests with their sums, which are kept up so that a snapshot does not merge the histograms of all names. */
class RequestSums extends MergedRequests {
  readonly #overall = new Entry();
  /** All requests without a response. */
  readonly #unanswered = new Entry();
  readonly #phases = new PhaseStats();
  readonly #unfinished = new Unfinished();

  override addEntry(row: KeyedEntry): void {
    super.addEntry(row);
    const [, , code, entry, , tags] = row;
    if (isPart(tags)) return;
    // The errors of each name are enough.
    this.#overall.merge(entry, 0);
    if (code === 0) this.#unanswered.merge(entry, 0);
  }

  override addPhases(row: KeyedPhases): void {
    super.addPhases(row);
    if (!isPart(row[4])) this.#phases.merge(row[2]);
  }

  override addUnfinished(row: KeyedUnfinished): void {
    super.addUnfinished(row);
    if (!isPart(row[4])) this.#unfinished.merge(row[2]);
  }

  /** The sums of all names. */
  totals(durationSeconds: number, { all }: InProgressOfTable): RequestTotals {
    return {
      ...totalsOf(this.#overall, durationSeconds, {
        unfinished: this.#unfinished,
        inProgress: all,
        failed: this.#unanswered.failureLatencies,
      }),
      phases: new PhaseFigures({
        latencies: this.#overall.allLatencies,
        unanswered: this.#unanswered.allLatencies,
        phases: this.#phases,
      }),
    };
  }

  /** A row for each name that has requests with or without an answer. */
  rows(durationSeconds: number, inProgress: InProgressOfTable): RequestRow[] {
    const tagRows = this.#tagRows(durationSeconds, inProgress);
    return namedRows(this, durationSeconds, inProgress.byName)
      .map(({ method, name, codes, ...totals }) => ({
        method,
        name,
        ...totals,
        codes,
        tags: tagRows?.get(method, name) ?? [],
      }))
      .sort(byName);
  }

  /** `null` if no request had tags. */
  #tagRows(
    durationSeconds: number,
    { byTags }: InProgressOfTable,
  ): PairMap<TagRow[]> | null {
    const all = new Set([...this.tagged.keys(), ...byTags.keys()]);
    if (all.size === 0) return null;
    const rows = new PairMap<TagRow[]>();
    for (const tags of [...all].sort(compareText)) {
      const table = this.tagged.get(tags) ?? EMPTY_TABLE;
      const named = namedRows(table, durationSeconds, byTags.get(tags) ?? new PairMap());
      for (const { method, name, codes: _, ...totals } of named) {
        rows.at(method, name, () => []).push({ tags, ...totals });
      }
    }
    return rows;
  }
}

const EMPTY_TABLE = new RequestTable();

function noCounts(name: string): ClassTotals<RequestSums> {
  return new ClassTotals(name, new RequestSums(newRoom()));
}

/** All counts since the start of the run, or since the last reset. */
class RunCounts {
  readonly merged = new MergedCounts((room) => new RequestSums(room));
  readonly timeline = new Timeline();
  readonly histories = new Histories();

  add(delta: StatsDelta): void {
    this.histories.add(delta, this.timeline);
    this.timeline.add(delta);
    this.merged.add(delta);
  }
}

/** The requests in progress of one class, or of all. */
interface InProgressOfTable {
  readonly all: InProgress;
  readonly byName: PairMap<InProgress>;
  readonly byTags: ReadonlyMap<string, PairMap<InProgress>>;
}

/** The requests in progress at a moment, of all classes and of each. */
class InProgressSums {
  readonly #whole: OpenInProgress;
  readonly #classes = new Map<string, OpenInProgress>();

  constructor(rows: Iterable<KeyedInProgress>, merged: MergedCounts<RequestSums>) {
    this.#whole = new OpenInProgress(merged.whole);
    for (const row of rows) {
      this.#whole.add(row);
      const counts = merged.isSplit && row[3] !== undefined ? merged.classOf(row[3]) : undefined;
      if (counts === undefined) continue;
      let sums = this.#classes.get(counts.name);
      if (sums === undefined) {
        this.#classes.set(counts.name, sums = new OpenInProgress(counts.requests));
      }
      sums.add(row);
    }
  }

  /** Those of a class, or with `null` of all. */
  of(className: string | null): InProgressOfTable {
    return className === null ? this.#whole : this.#classes.get(className) ?? NONE_IN_PROGRESS;
  }
}

class OpenInProgress implements InProgressOfTable {
  readonly all = new InProgress();
  readonly byName = new PairMap<InProgress>();
  readonly byTags = new Map<string, PairMap<InProgress>>();
  readonly #requests: MergedRequests;

  constructor(requests: MergedRequests) {
    this.#requests = requests;
  }

  add([method, name, counts, , tags]: KeyedInProgress): void {
    const key = this.#requests.admit(method, name);
    if (!isPart(tags)) {
      this.all.merge(counts);
      this.byName.at(...key, newInProgress).merge(counts);
      return;
    }
    const admitted = this.#requests.admitTags(key, tags);
    let tagged = this.byTags.get(admitted);
    if (tagged === undefined) this.byTags.set(admitted, tagged = new PairMap());
    tagged.at(...key, newInProgress).merge(counts);
  }
}

const NONE_IN_PROGRESS: InProgressOfTable = {
  all: new InProgress(),
  byName: new PairMap(),
  byTags: new Map(),
};

/** The figures of each name of a table that has requests with or without an answer. */
function namedRows(
  { entries, unfinished }: RequestTable,
  durationSeconds: number,
  inProgress: PairMap<InProgress>,
): Omit<RequestRow, "tags">[] {
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
    return { method, name, ...totals, phases, codes: codesOf(named) };
  });
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
