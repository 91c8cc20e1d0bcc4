/**
 * Sums of the counts of several nodes or seconds: {@link Totals} for the statistics of a run, and
 * {@link MergedStats} for the report of a worker.
 *
 * @module
 */

import { CheckTable } from "./check_stats.ts";
import { FailureSamples } from "./failure_samples.ts";
import { GroupTable } from "./group_stats.ts";
import { Histories } from "./histories.ts";
import { IterationStats } from "./iteration_stats.ts";
import { Latencies } from "./latencies.ts";
import { MetricTable } from "./metric_stats.ts";
import { NetworkStats } from "./network_stats.ts";
import { PhaseFigures, PhaseStats } from "./phase_stats.ts";
import {
  ClassCap,
  type EntriesByCode,
  Entry,
  type EntryTable,
  NameCap,
  newEntries,
  OTHER_CODE,
  PairMap,
  type Room,
  TagCap,
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
  type ClassCounts,
  type ClassSecond,
  emptyDelta,
  isPart,
  type KeyedEntry,
  type KeyedInProgress,
  type KeyedPhases,
  type KeyedUnfinished,
  requestCounts,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";
import { Timeline } from "./timeline.ts";
import { TracedTable } from "./traced_requests.ts";
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

/**
 * The counts of one node in several seconds. Memory depends on the number of names, and hardly on the
 * number of seconds.
 */
export class MergedStats implements StatsDelta {
  readonly #merged = new MergedCounts((room) => new MergedRequests(room));
  readonly #seconds = new MergedSeconds(mergedSecond);
  readonly #classSeconds = new Map<string, MergedSeconds<ClassSecond>>();
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
    return this.#seconds.all;
  }

  get classes(): StatsDelta["classes"] {
    return Array.from(this.#merged.classes, (one) => ({
      name: one.name,
      completed: one.completed,
      iterations: this.#merged.isSplit ? one.iterations : this.#merged.iterations,
      seconds: this.#classSeconds.get(one.name)?.all ?? [],
    }));
  }

  /** After 1,000 distinct methods and names, the rest are under `(other)`. */
  get entries(): StatsDelta["entries"] {
    return this.#merged.rows((requests, name) => requests.keyedEntries(name));
  }

  /** After 1,000 distinct classes and errors, the rest are under `(other)`. */
  get userErrors(): StatsDelta["userErrors"] {
    return this.#merged.userErrors;
  }

  get iterations(): StatsDelta["iterations"] {
    return this.#merged.iterations;
  }

  get phases(): StatsDelta["phases"] {
    return this.#merged.rows((requests, name) => requests.keyedPhases(name));
  }

  get unfinished(): StatsDelta["unfinished"] {
    return this.#merged.rows((requests, name) => requests.keyedUnfinished(name));
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

  get failureSamples(): StatsDelta["failureSamples"] {
    return this.#merged.failureSamples;
  }

  get metrics(): StatsDelta["metrics"] {
    return this.#merged.metrics;
  }

  get traced(): StatsDelta["traced"] {
    return this.#merged.traced;
  }

  /** Those of the last second. */
  get inProgress(): StatsDelta["inProgress"] {
    return this.#inProgress;
  }

  /** Adds counts of the same node in other seconds, or of other names in the same seconds. */
  add(delta: StatsDelta): void {
    this.#from = Math.min(this.#from, delta.from);
    this.#to = Math.max(this.#to, delta.to);
    for (const second of delta.seconds) this.#seconds.add(second);
    this.#merged.add(delta);
    for (const { name, seconds } of delta.classes) this.#addClassSeconds(name, seconds);
    this.#inProgress.add(delta);
  }

  #addClassSeconds(name: string, added: readonly ClassSecond[]): void {
    if (added.length === 0) return;
    let seconds = this.#classSeconds.get(name);
    if (seconds === undefined) {
      this.#classSeconds.set(name, seconds = new MergedSeconds(mergedClassSecond));
    }
    for (const second of added) seconds.add(second);
  }
}

/** Seconds of one node in rising order, each once. */
class MergedSeconds<Second extends Pick<SecondCounts, "second">> {
  readonly all: Second[] = [];
  readonly #merge: (first: Second, then: Second) => Second;

  /** @param merge merges two parts of one second, the earlier one first. */
  constructor(merge: (first: Second, then: Second) => Second) {
    this.#merge = merge;
  }

  add(added: Second): void {
    // Almost always, it is later than all before.
    const at = this.all.findLastIndex(({ second }) => second <= added.second);
    const known = this.all[at];
    if (known?.second !== added.second) this.all.splice(at + 1, 0, added);
    else this.all[at] = this.#merge(known, added);
  }
}

function mergedSecond(first: SecondCounts, then: SecondCounts): SecondCounts {
  return {
    ...mergedClassSecond(first, then),
    requests: first.requests + then.requests,
    failures: first.failures + then.failures,
    maxLagMs: Math.max(first.maxLagMs, then.maxLagMs),
  };
}

function mergedClassSecond(first: ClassSecond, then: ClassSecond): ClassSecond {
  return {
    second: then.second,
    users: then.users,
    peakUsers: Math.max(first.peakUsers, then.peakUsers),
  };
}

/**
 * Entries of all names, since a peer may send any, and distinct errors of all entries. Each name may have an
 * entry without a response besides, so that it never counts as one.
 */
const MAX_ENTRIES = 3_000;
const MAX_ERRORS = 20_000;

/** How much more may be counted separately, by one table or by several that share it. */
interface RequestRoom {
  readonly names: Room;
  readonly entries: Room;
  readonly errors: Room;
  readonly tags: Room;
  readonly taggedEntries: Room;
}

/** @param times how many tables share the room. */
function newRoom(times = 1): RequestRoom {
  return {
    names: { left: 1_000 * times },
    entries: { left: MAX_ENTRIES * times },
    errors: { left: MAX_ERRORS * times },
    tags: { left: 2_000 * times },
    taggedEntries: { left: 2 * MAX_ENTRIES * times },
  };
}

/**
 * The classes of a run have a little more room than all requests together: most test files have few classes,
 * and few requests that several of them send.
 */
const ROOM_OF_CLASSES = 3;

/** The sum of the requests of several deltas. Memory depends on the number of names, which is limited to 1,000. */
export class MergedRequests extends RequestTable {
  readonly #room: RequestRoom;
  readonly #names: NameCap;
  readonly #tags: TagCap;

  constructor(room: RequestRoom) {
    super();
    this.#room = room;
    this.#names = new NameCap(room.names);
    this.#tags = new TagCap(room.tags);
  }

  /** Whether the limit of names was reached, here or on a node, and further ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /** The same for combinations of tags. */
  get tagsCapped(): boolean {
    return this.#tags.reached;
  }

  /** The method and name under which to count a request. Each is its own, or `(other)`. */
  admit(method: string, name: string): readonly [method: string, name: string] {
    return this.#names.admitPair(method, name);
  }

  /** The tags under which to count a request of an admitted name. */
  admitTags([method, name]: readonly [method: string, name: string], tags: string): string {
    return this.#tags.admit(method, name, tags);
  }

  /** Adds an entry of a node. */
  addEntry([method, name, given, added, , tags]: KeyedEntry): void {
    const key = this.admit(method, name);
    const isTagged = isPart(tags);
    const room = isTagged ? this.#room.taggedEntries : this.#room.entries;
    const named = this.#tableOf(key, tags).entries.at(...key);
    const isKnown = given === 0 || room.left > 0 || named.has(given);
    const before = named.size;
    const entry = named.of(isKnown ? given : OTHER_CODE);
    room.left -= named.size - before;
    const errors = entry.errors.size;
    entry.merge(added, isTagged ? 0 : this.#room.errors.left);
    this.#room.errors.left -= entry.errors.size - errors;
  }

  /** Adds phases of a node. */
  addPhases([method, name, counts, , tags]: KeyedPhases): void {
    const key = this.admit(method, name);
    this.#tableOf(key, tags).entries.at(...key).openPhases.merge(counts);
  }

  /** Adds unfinished requests of a node. */
  addUnfinished([method, name, counts, , tags]: KeyedUnfinished): void {
    const key = this.admit(method, name);
    this.#tableOf(key, tags).unfinished.at(...key, newUnfinished).merge(counts);
  }

  /** Adds all requests of another table. */
  addAll(other: RequestTable): void {
    for (const row of other.keyedEntries()) this.addEntry(row);
    for (const row of other.keyedPhases()) this.addPhases(row);
    for (const row of other.keyedUnfinished()) this.addUnfinished(row);
  }

  #tableOf(key: readonly [method: string, name: string], tags: string | undefined): RequestTable {
    return isPart(tags) ? this.openTagged(this.admitTags(key, tags)) : this;
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

/** What was counted for one class. */
class ClassTotals<Requests> {
  readonly name: string;
  /** Those of all classes as long as there is only one class. */
  requests: Requests;
  completed = 0;
  /** Not used as long as there is only one class. */
  iterations: IterationStats | null = null;
  readonly #peaks = new Map<number, number>();
  #peakUsers = 0;

  constructor(name: string, requests: Requests) {
    this.name = name;
    this.requests = requests;
  }

  /** The most users at once, as in `Timeline.peakUsers`. */
  get peakUsers(): number {
    return this.#peakUsers;
  }

  /** Adds users of any node. */
  addPeak({ second, peakUsers }: ClassSecond): void {
    const sum = (this.#peaks.get(second) ?? 0) + peakUsers;
    this.#peaks.set(second, sum);
    this.#peakUsers = Math.max(this.#peakUsers, sum);
    if (this.#peaks.size <= 2 * PEAK_SECONDS) return;
    for (const known of this.#peaks.keys()) {
      if (known < second - PEAK_SECONDS) this.#peaks.delete(known);
    }
  }
}

/** For how many seconds nodes may report later than others. */
const PEAK_SECONDS = 120;

function noCounts(name: string): ClassTotals<RequestSums> {
  return new ClassTotals(name, new RequestSums(newRoom()));
}

/**
 * The sum of several deltas without their seconds. Memory depends on the number of names, which is
 * limited to 1,000, and not on the number of deltas.
 */
export class MergedCounts<Requests extends MergedRequests = MergedRequests> {
  /** Those of all classes. */
  readonly whole: Requests;
  /** By class and error. After 1,000 distinct ones, the rest are under `(other)`. */
  readonly userErrors = new PairMap<number>();
  /** After 1,000 distinct names, the rest are under `(other)`; also those of {@link checks}. */
  readonly groups = new GroupTable();
  readonly checks = new CheckTable();
  /** At most 200. */
  readonly metrics = new MetricTable();
  /** After 1,000 distinct names, the rest are under `(other)`. */
  readonly traced = new TracedTable();
  readonly failureSamples = new FailureSamples();
  readonly #classes = new Map<string, ClassTotals<Requests>>();
  readonly #create: (room: RequestRoom) => Requests;
  readonly #roomOfClasses = newRoom(ROOM_OF_CLASSES);
  #iterations: IterationStats | null = null;
  #network: NetworkStats | null = null;
  readonly #userErrorCap = new NameCap();
  readonly #groupCap = new NameCap();
  readonly #checkCap = new NameCap();
  readonly #tracedCap = new NameCap();
  readonly #classCap = new ClassCap();

  /** @param create an empty table. */
  constructor(create: (room: RequestRoom) => Requests) {
    this.#create = create;
    this.whole = create(newRoom());
  }

  /** Of all classes; `null` as long as there are none. */
  get iterations(): IterationStats | null {
    return this.#iterations;
  }

  /** `null` as long as no connection was sampled. */
  get network(): NetworkStats | null {
    return this.#network;
  }

  /** Whether there are several classes. The only one has the requests and iterations of the run. */
  get isSplit(): boolean {
    return this.#classes.size > 1;
  }

  /** As {@link namesCapped}, for groups. */
  get groupsCapped(): boolean {
    return this.#groupCap.reached;
  }

  /** As {@link namesCapped}, for checks. */
  get checksCapped(): boolean {
    return this.#checkCap.reached;
  }

  /** All classes that a node has named. */
  get classes(): Iterable<ClassTotals<Requests>> {
    return this.#classes.values();
  }

  /** The counts of a class, or undefined. */
  classOf(name: string): ClassTotals<Requests> | undefined {
    return this.#classes.get(name);
  }

  /** The rows of each class, or if there is only one or none, those of all requests. */
  rows<Row>(
    of: (requests: Requests, className: string | undefined) => Iterable<Row>,
  ): Iterable<Row> {
    const { whole } = this;
    const classes = [...this.#classes.values()];
    return {
      *[Symbol.iterator](): Iterator<Row> {
        if (classes.length === 0) yield* of(whole, undefined);
        for (const { requests, name } of classes) yield* of(requests, name);
      },
    };
  }

  /** Adds the counts of a node. */
  add(delta: Omit<StatsDelta, "from" | "to" | "inProgress">): void {
    const { entries, phases, userErrors, iterations, unfinished, network, classes, seconds } =
      delta;
    // Further classes have to be known before anything is counted for one of them.
    for (const { name } of classes) this.#openClass(this.#classCap.admit(name));
    for (const counts of classes) {
      this.#addClass(counts, classes.length === 1 ? seconds : counts.seconds);
    }
    for (const row of entries) {
      this.whole.addEntry(row);
      this.#ofClass(row[4])?.addEntry(row);
    }
    for (const row of phases) {
      this.whole.addPhases(row);
      this.#ofClass(row[3])?.addPhases(row);
    }
    for (const row of unfinished) {
      this.whole.addUnfinished(row);
      this.#ofClass(row[3])?.addUnfinished(row);
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
    for (const [method, name, request] of delta.traced) {
      this.traced.add(...this.#tracedCap.admitPair(method, name), request);
    }
    for (const sample of delta.failureSamples) this.failureSamples.add(sample);
  }

  /** Where the requests of a class count besides {@link whole}; undefined if there is only one class. */
  #ofClass(name: string | undefined): Requests | undefined {
    if (!this.isSplit || name === undefined) return undefined;
    return this.#classes.get(this.#classCap.admit(name))?.requests;
  }

  /** @param seconds the users of the class. */
  #addClass({ name, completed, iterations }: ClassCounts, seconds: readonly ClassSecond[]): void {
    const counts = this.#openClass(this.#classCap.admit(name));
    counts.completed += completed;
    for (const second of seconds) counts.addPeak(second);
    if (iterations !== null && this.isSplit) {
      (counts.iterations ??= new IterationStats()).merge(iterations);
    }
  }

  #openClass(name: string): ClassTotals<Requests> {
    const known = this.#classes.get(name);
    if (known !== undefined) return known;
    const [only] = this.#classes.values();
    // What was counted until now belongs to the only class.
    if (this.#classes.size === 1) this.#split(only!);
    const requests = only === undefined ? this.whole : this.#create(this.#roomOfClasses);
    const created = new ClassTotals(name, requests);
    this.#classes.set(name, created);
    return created;
  }

  #split(only: ClassTotals<Requests>): void {
    only.requests = this.#create(this.#roomOfClasses);
    only.requests.addAll(this.whole);
    if (this.#iterations !== null) (only.iterations = new IterationStats()).merge(this.#iterations);
  }
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
