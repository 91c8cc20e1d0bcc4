/**
 * The table of one node, which counts samples by second.
 *
 * @module
 */

import type { Note } from "./annotations.ts";
import { clippedText } from "../core/clipped_text.ts";
import { CheckTable } from "./check_stats.ts";
import { type EndedGroup, GroupTable } from "./group_stats.ts";
import { IterationStats } from "./iteration_stats.ts";
import { type ConnectionSample, NetworkStats } from "./network_stats.ts";
import {
  type EntriesByCode,
  EntryTable,
  isOther,
  MAX_CLASSES,
  NameCap,
  OTHER,
  ownName,
  PairMap,
  type Sample,
  TagCap,
} from "./request_stats.ts";
import { RequestTable } from "./request_table.ts";
import {
  type ClassCounts,
  type FailureSample,
  type KeyedCheck,
  type KeyedEntry,
  type KeyedGroup,
  type KeyedInProgress,
  type KeyedMetric,
  type KeyedPhases,
  type KeyedTraced,
  type KeyedUnfinished,
  MAX_METHOD,
  MAX_NAME,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";
import { TracedTable } from "./traced_requests.ts";
import { InProgressCounter, newUnfinished } from "./unanswered.ts";

/** Iterations that users of a class have completed. It is an object, because nothing may be called for each. */
export interface Completions {
  count: number;
}

/** What one class has counted in one second. */
class SecondPart {
  /** `null` if classes are not known. */
  readonly name: string | null;
  readonly requests = new RequestTable();
  /** The names that are counted together. */
  further: EntryTable | null = null;
  completed = 0;
  users: number;
  peakUsers: number;
  iterations: IterationStats | null = null;

  constructor(name: string | null, users: number) {
    this.name = name;
    this.users = users;
    this.peakUsers = users;
  }

  /** As {@link iterations}, to add counts to. */
  get openIterations(): IterationStats {
    return this.iterations ??= new IterationStats();
  }

  get isEmpty(): boolean {
    return this.requests.isEmpty && this.completed === 0 && this.iterations === null &&
      this.further === null;
  }
}

/** The delta of a single second. {@link StatsTable} counts in it until the second has ended. */
export class SecondStats implements StatsDelta {
  /** Whole seconds since the start; the first is 0. */
  second: number;
  /** Users that were running when the second ended. */
  users: number;
  /** The most users that were running at any moment of the second. */
  peakUsers: number;
  /** See {@link SecondCounts.maxLagMs}. */
  maxLagMs = 0;
  /** One for each class; a single one if classes are not known. */
  readonly parts: readonly SecondPart[];
  /** The number of errors that the code of users threw, by class and error with its place. */
  readonly userErrors = new PairMap<number>();

  /** Requests in progress when the second ended, if that was determined. */
  inProgress: Iterable<KeyedInProgress> = [];

  /** What was added to metrics, if any was. */
  metrics: Iterable<KeyedMetric> = [];

  /** Examples of failed requests, if there are new ones. */
  failureSamples: readonly FailureSample[] = [];

  /** What code of the test has said, if anything. */
  notes: readonly Note[] = [];

  #network: NetworkStats | null = null;
  #groups: GroupTable | null = null;
  #checks: CheckTable | null = null;
  #traced: TracedTable | null = null;

  /**
   * @param users those that were running when the second started.
   * @param classes the same for each class, if they are known.
   */
  constructor(
    second: number,
    users: number,
    classes: readonly { readonly name: string | null; readonly users: number }[] = NO_CLASSES,
  ) {
    this.second = second;
    this.users = users;
    this.peakUsers = users;
    this.parts = classes.map(({ name, users }) => new SecondPart(name, users));
  }

  /** The counts of iterations of all classes; `null` as long as there are none. */
  get iterations(): IterationStats | null {
    const counted = this.parts.map(({ iterations }) => iterations).filter((one) => one !== null);
    if (counted.length < 2) return counted[0] ?? null;
    const all = new IterationStats();
    for (const one of counted) all.merge(one);
    return all;
  }

  /** What the system said about connections; `null` if none was sampled. */
  get network(): NetworkStats | null {
    return this.#network;
  }

  /** As {@link network}, to add to. */
  get openNetwork(): NetworkStats {
    return this.#network ??= new NetworkStats();
  }

  /** Groups that have ended or were cut off. */
  get groups(): Iterable<KeyedGroup> {
    return this.#groups ?? [];
  }

  /** As {@link groups}, to add to. */
  get openGroups(): GroupTable {
    return this.#groups ??= new GroupTable();
  }

  /** The results of checks. */
  get checks(): Iterable<KeyedCheck> {
    return this.#checks ?? [];
  }

  /** As {@link checks}, to add to. */
  get openChecks(): CheckTable {
    return this.#checks ??= new CheckTable();
  }

  /** The slowest requests with a trace. */
  get traced(): Iterable<KeyedTraced> {
    return this.#traced ?? [];
  }

  /** As {@link traced}, to add to. */
  get openTraced(): TracedTable {
    return this.#traced ??= new TracedTable();
  }

  /** Whether nothing was counted, apart from users. */
  get isEmpty(): boolean {
    return this.userErrors.size === 0 && this.parts.every(({ isEmpty }) => isEmpty) &&
      this.#groups === null && this.#checks === null &&
      this.failureSamples.length === 0 && this.notes.length === 0 &&
      Iterator.from(this.metrics).next().done === true;
  }

  get classes(): ClassCounts[] {
    const { second, parts } = this;
    return parts.flatMap(({ name, completed, iterations, users, peakUsers }) =>
      name === null ? [] : [{
        name,
        completed,
        iterations,
        seconds: parts.length === 1 ? [] : [{ second, users, peakUsers }],
      }]
    );
  }

  get entries(): Iterable<KeyedEntry> {
    return this.#eachPart((requests, name) => requests.keyedEntries(name));
  }

  get phases(): Iterable<KeyedPhases> {
    return this.#eachPart((requests, name) => requests.keyedPhases(name));
  }

  /** Requests that were in progress when their users were cut off. */
  get unfinished(): Iterable<KeyedUnfinished> {
    return this.#eachPart((requests, name) => requests.keyedUnfinished(name));
  }

  get from(): number {
    return this.second;
  }

  get to(): number {
    return this.second;
  }

  /** A list of this one second. */
  get seconds(): readonly SecondCounts[] {
    let requests = 0;
    let failures = 0;
    for (const part of this.parts) {
      for (const [, , , entry] of part.requests.entries) {
        requests += entry.requests;
        failures += entry.failures;
      }
    }
    const { second, users, peakUsers, maxLagMs } = this;
    return [{ second, users, peakUsers, requests, failures, maxLagMs }];
  }

  /** No users of any class have changed since; the second after this one starts with them. */
  next(): SecondStats {
    return new SecondStats(this.second + 1, this.users, this.parts);
  }

  #eachPart<Row>(
    rows: (requests: RequestTable, className: string | undefined) => Iterable<Row>,
  ): Iterable<Row> {
    const { parts } = this;
    return {
      *[Symbol.iterator](): Iterator<Row> {
        for (const { requests, name } of parts) yield* rows(requests, name ?? undefined);
      },
    };
  }
}

const NO_CLASSES = [{ name: null, users: 0 }];

/** A request that is in progress. */
export interface StartedRequest extends Pick<Sample, "method" | "name" | "tags"> {
  /** When it started, in milliseconds on the clock of the node. */
  readonly startedAt: number;
}

/** A request that was cut off, with the connections that were opened for it. */
export type UnfinishedRequest = StartedRequest & Pick<Sample, "phases">;

/**
 * Counts the samples of one node by second.
 *
 * Each second is returned exactly once, so the sum of all seconds counts everything once. Samples from
 * before the start, or of a second that is closed already, are counted in the open second.
 *
 * All moments are milliseconds on the clock of the node. The table has no clock.
 */
export class StatsTable {
  readonly #classNames: readonly (string | null)[];
  readonly #names = new NameCap();
  readonly #tags = new TagCap();
  readonly #userErrors = new NameCap();
  readonly #groups = new NameCap();
  readonly #checks = new NameCap();
  readonly #metrics: PendingMetrics;
  /** Those that are running of each class. */
  readonly #users: number[] = [];
  /** Those of each class since the open second began. */
  readonly #completions: readonly Completions[];
  #closed: SecondStats[] = [];
  #open: SecondStats;
  // Before the start, no second starts or ends.
  #startedAt = Infinity;
  #openEndsAt = Infinity;

  /**
   * @param classNames the user classes of the node; empty if they are not known.
   * @param metrics what is added to the metrics of the node.
   */
  constructor(classNames: readonly string[] = [], metrics: PendingMetrics = NO_METRICS) {
    this.#metrics = metrics;
    this.#classNames = classNames.length === 0 ? [null] : classNames.slice(0, MAX_CLASSES);
    if (classNames.length > MAX_CLASSES) this.#classNames = [...this.#classNames, OTHER];
    this.#completions = this.#classNames.map(() => ({ count: 0 }));
    this.#open = new SecondStats(0, 0, this.#classNames.map((name) => ({ name, users: 0 })));
  }

  /** Whether the limit of names was reached, and further ones are counted under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /**
   * Sets the moment at which the first second starts, and its number, which is not 0 if the run
   * started earlier on other nodes. Everything counted so far belongs to this second.
   */
  start(atMs: number, second = 0): void {
    this.#startedAt = atMs - second * 1000;
    this.#open.second = second;
    this.#openEndsAt = this.#beginOf(second + 1);
  }

  /** The part of the table in which the users of one class count. */
  ofClass(classIndex: number): ClassTable {
    return new ClassTable(this, Math.min(classIndex, this.#classNames.length - 1));
  }

  /** Counts one sample, in the second in which it ended. */
  record(sample: Sample, classIndex = 0): void {
    const part = this.#at(sample.endedAt).parts[classIndex]!;
    const { entries } = part.requests;
    const named = entries.get(sample.method, sample.name) ?? this.#newName(part, sample);
    named.add(sample);
    if (sample.tags !== "") this.#taggedEntries(part, sample).add(sample);
  }

  /** Counts a request that was cut off at a moment. @param retries how often it was sent again. */
  unfinished(request: UnfinishedRequest, retries: number, atMs: number, classIndex = 0): void {
    const { method, name, startedAt, phases, tags } = request;
    const part = this.#at(atMs).parts[classIndex]!;
    const key = this.#admit(method, name);
    part.requests.unfinished.at(...key, newUnfinished).add(atMs - startedAt, retries);
    if (phases !== null) this.#entriesOf(part, key).openPhases.connected(phases);
    if (tags === "") return;
    const { unfinished } = part.requests.openTagged(this.#tags.admit(...key, tags));
    unfinished.at(...key, newUnfinished).add(atMs - startedAt, retries);
    if (phases !== null) this.#taggedEntries(part, request).openPhases.connected(phases);
  }

  /**
   * These requests, which are in progress at a moment, by the names and tags under which they are counted.
   *
   * @param requests each with the index of its class.
   */
  inProgress(
    requests: Iterable<readonly [request: StartedRequest, classIndex: number]>,
    atMs: number,
  ): Iterable<KeyedInProgress> {
    const counts = new InProgressCounter();
    for (const [{ method, name, startedAt, tags }, classIndex] of requests) {
      const key = this.#admit(method, name);
      const className = this.#nameOf(classIndex);
      const age = atMs - startedAt;
      counts.of(...key, className).add(age);
      if (tags !== "") counts.of(...key, className, this.#tags.admit(...key, tags)).add(age);
    }
    return counts;
  }

  /** Counts a group that has ended at a moment. */
  group(group: EndedGroup, atMs: number): void {
    this.#at(atMs).openGroups.at(admitted(this.#groups, group.name)).add(group);
  }

  /** Counts a group that was cut off at a moment, after some milliseconds. */
  unfinishedGroup(name: string, ageMs: number, atMs: number): void {
    this.#at(atMs).openGroups.at(admitted(this.#groups, name)).unfinished.add(ageMs);
  }

  /**
   * Keeps a sample that has a trace if it is among the slowest of its name.
   *
   * @param wallOffset from the clock of the node to milliseconds since 1970.
   */
  traced(sample: Sample, traceId: string, wallOffset: number): void {
    const { latencyMs, endedAt, status } = sample;
    const key = this.#admit(sample.method, sample.name);
    const table = this.#at(endedAt).openTraced;
    if (!table.admits(...key, latencyMs)) return;
    const startedAt = Math.max(0, wallOffset + endedAt - latencyMs);
    table.add(...key, { latencyMs, startedAt, status, traceId });
  }

  /**
   * Counts the result of a check, in the open second. That may have ended, but in which second a check ran is
   * shown nowhere, and is not worth reading a clock.
   */
  check(name: string, passed: boolean): void {
    this.#open.openChecks.count(admitted(this.#checks, name), passed);
  }

  /** The iteration counts of a class in the second at this moment. */
  iterations(atMs: number, classIndex = 0): IterationStats {
    return this.#partOf(this.#at(atMs), classIndex).openIterations;
  }

  /** Where the users of a class count the iterations that they complete. They belong to the second that is open. */
  completions(classIndex: number): Completions {
    return this.#completions[classIndex]!;
  }

  /** Counts an error that the code of a user class threw. @param error as `withPlace` returns it. */
  userError(user: string, error: string, atMs: number): void {
    const { userErrors } = this.#at(atMs);
    const text = this.#userErrors.admit(user, error);
    userErrors.set(user, text, (userErrors.get(user, text) ?? 0) + 1);
  }

  /** What the system says about some connections at this moment. */
  network(samples: readonly ConnectionSample[], atMs: number): void {
    const open = this.#at(atMs);
    for (const sample of samples) open.openNetwork.add(sample);
  }

  /** The event loop was late by this much, in milliseconds. */
  late(ms: number, atMs: number): void {
    const open = this.#at(atMs);
    open.maxLagMs = Math.max(open.maxLagMs, Math.round(ms));
  }

  /**
   * Sets the number of running users from now on.
   *
   * @param countOfClass the same for one class.
   */
  setUsers(count: number, atMs: number, classIndex = 0, countOfClass = count): void {
    const open = this.#at(atMs);
    open.users = count;
    open.peakUsers = Math.max(open.peakUsers, count);
    const part = this.#partOf(open, classIndex);
    part.users += countOfClass - (this.#users[classIndex] ?? 0);
    part.peakUsers = Math.max(part.peakUsers, part.users);
    this.#users[classIndex] = countOfClass;
  }

  /** All seconds that have ended and were not taken before, oldest first, without gaps. */
  take(nowMs: number): SecondStats[] {
    this.#roll(nowMs);
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  /**
   * As {@link take}, including the unfinished second. Later samples are counted in the next one.
   */
  flush(nowMs: number): SecondStats[] {
    this.#roll(nowMs);
    const { second, isEmpty } = this.#open;
    // A second of no duration is not part of the run, unless something was counted in it.
    const isPart = nowMs > this.#beginOf(second) || !isEmpty ||
      this.#completions.some(({ count }) => count > 0);
    if (isPart || !this.#metrics.isEmpty) this.#close();
    return this.take(nowMs);
  }

  #at(atMs: number): SecondStats {
    if (atMs >= this.#openEndsAt) this.#roll(atMs);
    return this.#open;
  }

  #roll(nowMs: number): void {
    while (nowMs >= this.#openEndsAt) this.#close();
  }

  #close(): void {
    const closed = this.#open;
    for (const [index, part] of closed.parts.entries()) {
      const completions = this.#completions[index]!;
      part.completed = completions.count;
      completions.count = 0;
      if (part.further !== null) part.requests.entries.add(part.further);
      part.further = null;
    }
    closed.metrics = this.#metrics.take(this.#startedAt);
    this.#closed.push(closed);
    this.#open = closed.next();
    this.#openEndsAt = this.#beginOf(closed.second + 2);
  }

  #beginOf(second: number): number {
    return this.#startedAt + second * 1000;
  }

  /** Classes beyond the limit are one. */
  #partOf({ parts }: SecondStats, classIndex: number): SecondPart {
    return parts[Math.min(classIndex, parts.length - 1)]!;
  }

  #nameOf(classIndex: number): string | undefined {
    return this.#partOf(this.#open, classIndex).name ?? undefined;
  }

  #newName(part: SecondPart, { method, name }: Sample): EntriesByCode {
    return this.#entriesOf(part, this.#admit(method, name));
  }

  /** Those of all further names are apart, so that a request with their label as its name is not found there. */
  #entriesOf(
    part: SecondPart,
    [method, name]: readonly [method: string, name: string],
  ): EntriesByCode {
    const entries = isOther(name) ? part.further ??= new EntryTable() : part.requests.entries;
    return entries.at(method, name);
  }

  #taggedEntries(
    { requests }: SecondPart,
    { method, name, tags }: Pick<Sample, "method" | "name" | "tags">,
  ): EntriesByCode {
    const key = this.#admit(method, name);
    return requests.openTagged(this.#tags.admit(...key, tags)).entries.at(...key);
  }

  /** The method and name under which to count: on all nodes the same, so both are cut here as for sending. */
  #admit(method: string, name: string): readonly [method: string, name: string] {
    const sentName = clippedText(name, MAX_NAME);
    return this.#names.admitPair(clippedText(method, MAX_METHOD), ownName(sentName));
  }
}

/** The name under which to count a group or a check: as for requests, its own, or `(other)`. */
function admitted(names: NameCap, name: string): string {
  return names.admit("", ownName(clippedText(name, MAX_NAME)));
}

/** What was added to metrics, and belongs to no second yet. */
export interface PendingMetrics {
  readonly isEmpty: boolean;
  /**
   * Hands it over, so that it is counted once.
   *
   * @param startedAt when the test started, in milliseconds on the clock of the node.
   */
  take(startedAt: number): Iterable<KeyedMetric>;
}

const NO_METRICS: PendingMetrics = { isEmpty: true, take: () => [] };
/** Where the users of one class count. */
export class ClassTable {
  /** Where its users count the iterations that they complete. */
  readonly completions: Completions;
  readonly #table: StatsTable;
  readonly #index: number;

  constructor(table: StatsTable, index: number) {
    this.completions = table.completions(index);
    this.#table = table;
    this.#index = index;
  }

  /** As {@link StatsTable.record}. */
  record(sample: Sample): void {
    this.#table.record(sample, this.#index);
  }

  /** As {@link StatsTable.unfinished}. */
  unfinished(request: UnfinishedRequest, retries: number, atMs: number): void {
    this.#table.unfinished(request, retries, atMs, this.#index);
  }

  /** As {@link StatsTable.userError}. */
  userError(user: string, error: string, atMs: number): void {
    this.#table.userError(user, error, atMs);
  }

  /** As {@link StatsTable.group}. */
  group(group: EndedGroup, atMs: number): void {
    this.#table.group(group, atMs);
  }

  /** As {@link StatsTable.unfinishedGroup}. */
  unfinishedGroup(name: string, ageMs: number, atMs: number): void {
    this.#table.unfinishedGroup(name, ageMs, atMs);
  }

  /** As {@link StatsTable.check}. */
  check(name: string, passed: boolean): void {
    this.#table.check(name, passed);
  }

  /** As {@link StatsTable.traced}. */
  traced(sample: Sample, traceId: string, wallOffset: number): void {
    this.#table.traced(sample, traceId, wallOffset);
  }
}
