/**
 * Counts and latencies of requests by method, name and code. Memory is bounded: a test that puts an id
 * into a name, or into an error, creates a new one with every request.
 *
 * @module
 */

import { Latencies } from "./latencies.ts";
import { PhaseStats, type SamplePhases } from "./phase_stats.ts";
import {
  type EntryCounts,
  type KeyedEntry,
  type KeyedPhases,
  REQUEST_COUNTS,
} from "./stats_delta.ts";

/**
 * One timed operation: a request, or a step of another kind. It is created when the operation ends,
 * and recorded in the table of the node at once.
 */
export interface Sample {
  /** HTTP method, or the kind of step (`TASK`). */
  readonly method: string;
  /** The name under which reports show it. */
  readonly name: string;
  /** HTTP status; 0 without a response or without HTTP. */
  readonly status: number;
  /** Milliseconds from the start to the last byte of the response. */
  readonly latencyMs: number;
  /** When it ended, in milliseconds on the clock of the node. */
  readonly endedAt: number;
  /** Bytes of the response body; before decoding, if the transport knows that. */
  readonly bytesReceived: number;
  /** Bytes of the request body. */
  readonly bytesSent: number;
  /** How often the request was sent again. */
  readonly retries: number;
  /**
   * Where the time went. `null` for a response if all of its time was spent waiting for the first byte, on
   * a connection that was open already, and also for everything that has no response.
   */
  readonly phases: SamplePhases | null;
  /** A short description of the error, from a limited set; `null` if it succeeded. */
  readonly error: string | null;
  /** Its tags, as `tagsText` writes them; empty if it has none. */
  readonly tags: string;
}

/**
 * The counts of the samples of one method, name and code.
 *
 * The fields are public so that they can be sent and restored. Only {@link add} and {@link merge}
 * change them.
 */
export class Entry implements EntryCounts {
  retries = 0;
  bytesReceived = 0;
  bytesSent = 0;
  /** Those of successful samples. */
  readonly latencies = new Latencies();
  /** Those of failed samples; `null` as long as there are none. */
  failureLatencies: Latencies | null = null;
  /** Occurrences of each error. After 1,000 distinct ones, the rest are counted under `(other)`. */
  readonly errors = new Map<string, number>();

  /** Every sample has a latency, so this is the number of latencies. */
  get requests(): number {
    return this.latencies.count + this.failures;
  }

  /** The number of failed samples. */
  get failures(): number {
    return this.failureLatencies?.count ?? 0;
  }

  /** The latencies of all samples, in parts. */
  get allLatencies(): readonly Latencies[] {
    return this.failureLatencies === null
      ? [this.latencies]
      : [this.latencies, this.failureLatencies];
  }

  /** Counts one sample. */
  add(sample: Sample): void {
    this.retries += sample.retries;
    this.bytesReceived += sample.bytesReceived;
    this.bytesSent += sample.bytesSent;
    if (sample.error === null) {
      this.latencies.add(sample.latencyMs);
      return;
    }
    (this.failureLatencies ??= new Latencies()).add(sample.latencyMs);
    countText(this.errors, sample.error, 1);
  }

  /**
   * Adds the counts of another entry.
   *
   * @param room distinct errors that may be added; further ones are counted under `(other)`.
   */
  merge(other: EntryCounts, room = Infinity): void {
    for (const name of REQUEST_COUNTS) this[name] += other[name];
    this.latencies.merge(other.latencies);
    if (other.failureLatencies !== null) {
      (this.failureLatencies ??= new Latencies()).merge(other.failureLatencies);
    }
    const size = this.errors.size;
    for (const [error, count] of other.errors) {
      const isNew = this.errors.size - size >= room && !this.errors.has(error);
      countText(this.errors, isNew ? OTHER : error, count);
    }
  }
}

/** The most codes of one name that are counted separately, besides 0. HTTP has about forty. */
const MAX_CODES = 50;

/** The code under which all further codes of a name are counted. */
export const OTHER_CODE = 1000;

/** A code as files and metrics name it: the HTTP status, `0` without one, or `other`. */
export function statusKey(code: number): string {
  return code === OTHER_CODE ? "other" : String(code);
}

/**
 * The entries of one method and name, by code. Almost every name has the same code all the time, so the
 * entry of the last code is found without a look-up.
 */
export class EntriesByCode {
  #code = -1;
  #entry: Entry | null = null;
  /** All entries, once there are two. */
  #all: Map<number, Entry> | null = null;
  /** The last result of {@link whole}, if there are several entries. */
  #whole: Entry | null = null;
  #phases: PhaseStats | null = null;

  /** Where the time of all codes went; `null` as long as there are only plain responses. */
  get phases(): PhaseStats | null {
    return this.#phases;
  }

  /** As {@link phases}, to add to. */
  get openPhases(): PhaseStats {
    return this.#phases ??= new PhaseStats();
  }

  /** Counts one sample. */
  add(sample: Sample): void {
    this.of(sample.status).add(sample);
    if (sample.phases !== null) this.openPhases.add(sample, sample.phases);
  }

  /** The entry of a code, which is created if needed. */
  of(code: number): Entry {
    return code === this.#code ? this.#entry! : this.#switchTo(code);
  }

  /** Whether a code has an entry. */
  has(code: number): boolean {
    return code === this.#code || this.#all?.has(code) === true;
  }

  /** The number of entries. */
  get size(): number {
    return this.#all?.size ?? (this.#entry === null ? 0 : 1);
  }

  /** The entry of those without a response, if there are any. */
  get unanswered(): Entry | null {
    if (this.#all !== null) return this.#all.get(0) ?? null;
    return this.#code === 0 ? this.#entry : null;
  }

  /** The sum of all codes. It is only valid until something is added. */
  get whole(): Entry {
    if (this.#all === null) return this.#entry ?? new Entry();
    const requests = this.requests;
    if (this.#whole === null || this.#whole.requests !== requests) {
      this.#whole = new Entry();
      for (const entry of this.#all.values()) this.#whole.merge(entry);
    }
    return this.#whole;
  }

  /** The number of samples of all codes. */
  get requests(): number {
    let sum = 0;
    for (const [, entry] of this) sum += entry.requests;
    return sum;
  }

  /** Each code with its entry, in order of appearance. */
  *[Symbol.iterator](): IterableIterator<[code: number, entry: Entry]> {
    if (this.#all !== null) yield* this.#all;
    else if (this.#entry !== null) yield [this.#code, this.#entry];
  }

  #switchTo(code: number): Entry {
    if (this.#entry === null) {
      this.#code = code;
      return this.#entry = new Entry();
    }
    this.#all ??= new Map([[this.#code, this.#entry]]);
    const isKnown = code === 0 || this.#all.has(code) || this.#all.size < MAX_CODES;
    const key = isKnown ? code : OTHER_CODE;
    let entry = this.#all.get(key);
    if (entry === undefined) {
      entry = new Entry();
      this.#all.set(key, entry);
    }
    this.#code = key;
    this.#entry = entry;
    return entry;
  }
}

/** Creates a value of a {@link PairMap}. */
export const newEntries = (): EntriesByCode => new EntriesByCode();

/** Entries by method, name and code. */
export class EntryTable {
  readonly #names = new PairMap<EntriesByCode>();

  /** The number of methods and names. */
  get size(): number {
    return this.#names.size;
  }

  /** The entries of a method and name, if there are any. */
  get(method: string, name: string): EntriesByCode | undefined {
    return this.#names.get(method, name);
  }

  /** The entries of a method and name, which are created if needed. */
  at(method: string, name: string): EntriesByCode {
    return this.#names.at(method, name, newEntries);
  }

  /** Adds the counts of another table. */
  add(other: EntryTable): void {
    for (const [method, name, code, entry] of other) this.at(method, name).of(code).merge(entry);
    for (const [method, name, phases] of other.phases) {
      this.at(method, name).openPhases.merge(phases);
    }
  }

  /** Every method and name with its entries. */
  names(): Iterable<readonly [method: string, name: string, entries: EntriesByCode]> {
    return this.#names;
  }

  /** The phases of each method and name that has some. */
  get phases(): Iterable<KeyedPhases> {
    return { [Symbol.iterator]: () => this.#phases() };
  }

  *#phases(): Iterator<KeyedPhases> {
    for (const [method, name, { phases }] of this.#names) {
      if (phases !== null) yield [method, name, phases];
    }
  }

  /** Every entry with its key. */
  *[Symbol.iterator](): IterableIterator<KeyedEntry & { readonly 3: Entry }> {
    for (const [method, name, entries] of this.#names) {
      for (const [code, entry] of entries) yield [method, name, code, entry];
    }
  }
}

/**
 * Values by two strings. It is a map of maps, because joining two strings to one key costs more than two
 * look-ups, and every sample needs one.
 */
export class PairMap<Value> {
  readonly #outer = new Map<string, Map<string, Value>>();
  #size = 0;

  /** The number of pairs. */
  get size(): number {
    return this.#size;
  }

  /** The value of a pair, or undefined. */
  get(first: string, second: string): Value | undefined {
    return this.#outer.get(first)?.get(second);
  }

  /** Sets or replaces the value of a pair. */
  set(first: string, second: string, value: Value): void {
    let inner = this.#outer.get(first);
    if (inner === undefined) {
      inner = new Map();
      this.#outer.set(first, inner);
    }
    if (!inner.has(second)) this.#size++;
    inner.set(second, value);
  }

  /** The value of a pair, which is created if there is none. */
  at(first: string, second: string, create: () => Value): Value {
    const known = this.get(first, second);
    if (known !== undefined) return known;
    const created = create();
    this.set(first, second, created);
    return created;
  }

  /** All pairs with their values, grouped by the first text. */
  *[Symbol.iterator](): IterableIterator<[first: string, second: string, value: Value]> {
    for (const [first, inner] of this.#outer) {
      for (const [second, value] of inner) yield [first, second, value];
    }
  }
}

/** The most distinct strings of one kind that are counted separately. */
const MAX_DISTINCT = 1000;

/** The most user classes that are counted separately. */
export const MAX_CLASSES = 100;

/** The text under which all further ones are counted. */
export const OTHER = "(other)";

/**
 * The name under which to count a request that a test file has named so: its own, unless that is the name
 * under which further ones are counted together.
 */
export function ownName(name: string): string {
  return isOther(name) ? "(other, own name)" : name;
}

/** Whether a name is the one under which further ones are counted. */
export function isOther(name: string): boolean {
  return name === OTHER;
}

/** Adds to the count of a string, or to that of {@link OTHER} if there are too many distinct strings. */
export function countText(counts: Map<string, number>, text: string, by: number): void {
  const key = counts.has(text) || distinct(counts) < MAX_DISTINCT ? text : OTHER;
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function distinct(counts: ReadonlyMap<string, number>): number {
  return counts.has(OTHER) ? counts.size - 1 : counts.size;
}

/** Admits the names of the first {@link MAX_CLASSES} user classes. */
export class ClassCap {
  readonly #known = new Set<string>();

  /** The name under which to count a class from another node: its own, or {@link OTHER}. */
  admit(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= MAX_CLASSES) return OTHER;
    this.#known.add(name);
    return name;
  }
}

/** How much more may be admitted, by one cap or by several that share it. */
export interface Room {
  left: number;
}

/** Admits the first {@link MAX_DISTINCT} pairs of strings. */
export class NameCap {
  readonly #known = new PairMap<true>();
  readonly #firsts = new Set<string>();
  readonly #room: Room;
  #reached = false;

  /** @param room further pairs that may be admitted, here and elsewhere. */
  constructor(room: Room = { left: Infinity }) {
    this.#room = room;
  }

  /** Whether a pair was rejected, here or on the node that sent it. */
  get reached(): boolean {
    return this.#reached;
  }

  /** The pair under which to count one from another node. Each text is its own, or {@link OTHER}. */
  admitPair(first: string, second: string): readonly [first: string, second: string] {
    const admitted = this.#admitFirst(first);
    return [admitted, this.admit(admitted, second)];
  }

  #admitFirst(first: string): string {
    if (this.#firsts.has(first)) return first;
    if (first === OTHER || this.#firsts.size >= MAX_DISTINCT) return OTHER;
    this.#firsts.add(first);
    return first;
  }

  /** The second text under which to count a pair: its own, or {@link OTHER}. */
  admit(first: string, second: string): string {
    if (this.#known.get(first, second) !== undefined) return second;
    if (second === OTHER || this.#known.size >= MAX_DISTINCT || this.#room.left <= 0) {
      this.#reached = true;
      return OTHER;
    }
    this.#room.left--;
    this.#known.set(first, second, true);
    return second;
  }
}

/** The most combinations of tags of one name that are counted separately. */
const MAX_COMBINATIONS = 50;

/** The most combinations of tags of all names. */
const MAX_TAG_ROWS = 2_000;

/** Admits the first combinations of tags of each method and name. */
export class TagCap {
  readonly #known = new PairMap<Set<string>>();
  readonly #room: Room;
  #reached = false;

  /** @param room further combinations that may be admitted, here and elsewhere. */
  constructor(room: Room = { left: MAX_TAG_ROWS }) {
    this.#room = room;
  }

  /** Whether a combination was rejected, here or on the node that sent it. */
  get reached(): boolean {
    return this.#reached;
  }

  /** The tags under which to count a request: its own, or {@link OTHER}. */
  admit(method: string, name: string, tags: string): string {
    const known = this.#known.at(method, name, newTexts);
    if (known.has(tags)) return tags;
    if (tags === OTHER || known.size >= MAX_COMBINATIONS || this.#room.left <= 0) {
      this.#reached = true;
      return OTHER;
    }
    this.#room.left--;
    known.add(tags);
    return tags;
  }
}

const newTexts = (): Set<string> => new Set();
