/**
 * Sums of the counts of several nodes or seconds, without the seconds: requests, and all else that is counted by
 * name, with the limits of how many names are kept apart.
 *
 * @module
 */

import { CheckTable } from "./check_stats.ts";
import { FailureSamples } from "./failure_samples.ts";
import { GroupTable } from "./group_stats.ts";
import { IterationStats } from "./iteration_stats.ts";
import { MetricTable } from "./metric_stats.ts";
import { NetworkStats } from "./network_stats.ts";
import { ClassCap, NameCap, OTHER_CODE, PairMap, type Room, TagCap } from "./request_stats.ts";
import { RequestTable } from "./request_table.ts";
import {
  type ClassCounts,
  type ClassSecond,
  isPart,
  type KeyedEntry,
  type KeyedPhases,
  type KeyedUnfinished,
  type StatsDelta,
} from "./stats_delta.ts";
import { TracedTable } from "./traced_requests.ts";
import { newUnfinished } from "./unanswered.ts";

/**
 * Entries of all names, since a peer may send any, and distinct errors of all entries. Each name may have an
 * entry without a response besides, so that it never counts as one.
 */
const MAX_ENTRIES = 3_000;
const MAX_ERRORS = 20_000;

/** How much more may be counted separately, by one table or by several that share it. */
export interface RequestRoom {
  readonly names: Room;
  readonly entries: Room;
  readonly errors: Room;
  readonly tags: Room;
  readonly taggedEntries: Room;
}

/** @param times how many tables share the room. */
export function newRoom(times = 1): RequestRoom {
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

/** What was counted for one class. */
export class ClassTotals<Requests> {
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
