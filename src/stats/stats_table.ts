/**
 * The table of one node, which counts samples by second.
 *
 * @module
 */

import { clippedText } from "../core/clipped_text.ts";
import { CheckTable } from "./check_stats.ts";
import { type EndedGroup, GroupTable } from "./group_stats.ts";
import { IterationStats } from "./iteration_stats.ts";
import { type ConnectionSample, NetworkStats } from "./network_stats.ts";
import {
  type EntriesByCode,
  EntryTable,
  isOther,
  NameCap,
  ownName,
  PairMap,
  type Sample,
} from "./request_stats.ts";
import {
  type KeyedCheck,
  type KeyedGroup,
  type KeyedInProgress,
  type KeyedMetric,
  type KeyedPhases,
  type KeyedUnfinished,
  MAX_METHOD,
  MAX_NAME,
  type SecondCounts,
  type StatsDelta,
} from "./stats_delta.ts";
import { type InProgress, newInProgress, newUnfinished, type Unfinished } from "./unanswered.ts";

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
  readonly entries = new EntryTable();
  /** The number of errors that the code of users threw, by class and error with its place. */
  readonly userErrors = new PairMap<number>();

  /** Requests in progress when the second ended, if that was determined. */
  inProgress: Iterable<KeyedInProgress> = [];

  /** What was added to metrics, if any was. */
  metrics: Iterable<KeyedMetric> = [];

  #iterations: IterationStats | null = null;
  #network: NetworkStats | null = null;
  #unfinished: PairMap<Unfinished> | null = null;
  #groups: GroupTable | null = null;
  #checks: CheckTable | null = null;

  /** @param users those that were running when the second started. */
  constructor(second: number, users: number) {
    this.second = second;
    this.users = users;
    this.peakUsers = users;
  }

  /** The counts of iterations; `null` as long as there are none. */
  get iterations(): IterationStats | null {
    return this.#iterations;
  }

  /** As {@link iterations}, to add counts to. */
  get openIterations(): IterationStats {
    return this.#iterations ??= new IterationStats();
  }

  /** What the system said about connections; `null` if none was sampled. */
  get network(): NetworkStats | null {
    return this.#network;
  }

  /** As {@link network}, to add to. */
  get openNetwork(): NetworkStats {
    return this.#network ??= new NetworkStats();
  }

  /** Requests that were in progress when their users were cut off. */
  get unfinished(): Iterable<KeyedUnfinished> {
    return this.#unfinished ?? [];
  }

  /** As {@link unfinished}, to add to. */
  get openUnfinished(): PairMap<Unfinished> {
    return this.#unfinished ??= new PairMap();
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

  /** Whether nothing was counted, apart from users. */
  get isEmpty(): boolean {
    return this.entries.size === 0 && this.userErrors.size === 0 && this.#iterations === null &&
      this.#unfinished === null && this.#groups === null && this.#checks === null &&
      Iterator.from(this.metrics).next().done === true;
  }

  get phases(): Iterable<KeyedPhases> {
    return this.entries.phases;
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
    for (const [, , , entry] of this.entries) {
      requests += entry.requests;
      failures += entry.failures;
    }
    const { second, users, peakUsers, maxLagMs } = this;
    return [{ second, users, peakUsers, requests, failures, maxLagMs }];
  }
}

/** A request that is in progress. */
export interface StartedRequest extends Pick<Sample, "method" | "name"> {
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
  readonly #names = new NameCap();
  readonly #userErrors = new NameCap();
  readonly #groups = new NameCap();
  readonly #checks = new NameCap();
  readonly #metrics: PendingMetrics;
  #closed: SecondStats[] = [];
  #open = new SecondStats(0, 0);
  /** The names of the open second that are counted together. */
  #further = new EntryTable();
  // Before the start, no second starts or ends.
  #startedAt = Infinity;
  #openEndsAt = Infinity;

  /** @param metrics what is added to the metrics of the node. */
  constructor(metrics: PendingMetrics = NO_METRICS) {
    this.#metrics = metrics;
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

  /** Counts one sample, in the second in which it ended. */
  record(sample: Sample): void {
    const { entries } = this.#at(sample.endedAt);
    const named = entries.get(sample.method, sample.name) ?? this.#newName(sample);
    named.add(sample);
  }

  /** Counts a request that was cut off at a moment. @param retries how often it was sent again. */
  unfinished(request: UnfinishedRequest, retries: number, atMs: number): void {
    const { method, name, startedAt, phases } = request;
    const { openUnfinished } = this.#at(atMs);
    const key = this.#admit(method, name);
    openUnfinished.at(...key, newUnfinished).add(atMs - startedAt, retries);
    if (phases !== null) this.#entriesOf(key).openPhases.connected(phases);
  }

  /** These requests, which are in progress at a moment, by the names under which they are counted. */
  inProgress(requests: Iterable<StartedRequest>, atMs: number): Iterable<KeyedInProgress> {
    const counts = new PairMap<InProgress>();
    for (const { method, name, startedAt } of requests) {
      counts.at(...this.#admit(method, name), newInProgress).add(atMs - startedAt);
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
   * Counts the result of a check, in the open second. That may have ended, but in which second a check ran is
   * shown nowhere, and is not worth reading a clock.
   */
  check(name: string, passed: boolean): void {
    this.#open.openChecks.count(admitted(this.#checks, name), passed);
  }

  /** The iteration counts of a class in the second at this moment. */
  iterations(atMs: number, _classIndex = 0): IterationStats {
    return this.#at(atMs).openIterations;
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

  /** Sets the number of running users from now on. */
  setUsers(count: number, atMs: number): void {
    const open = this.#at(atMs);
    open.users = count;
    open.peakUsers = Math.max(open.peakUsers, count);
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
    const isPart = nowMs > this.#beginOf(second) || !isEmpty || this.#further.size > 0;
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
    const { second, users, entries } = this.#open;
    if (this.#further.size > 0) {
      entries.add(this.#further);
      this.#further = new EntryTable();
    }
    this.#open.metrics = this.#metrics.take(this.#startedAt);
    this.#closed.push(this.#open);
    this.#open = new SecondStats(second + 1, users);
    this.#openEndsAt = this.#beginOf(second + 2);
  }

  #beginOf(second: number): number {
    return this.#startedAt + second * 1000;
  }

  #newName({ method, name }: Sample): EntriesByCode {
    return this.#entriesOf(this.#admit(method, name));
  }

  /** Those of all further names are apart, so that a request with their label as its name is not found there. */
  #entriesOf([method, name]: readonly [method: string, name: string]): EntriesByCode {
    return (isOther(name) ? this.#further : this.#open.entries).at(method, name);
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
