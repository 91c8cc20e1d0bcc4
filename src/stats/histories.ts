/**
 * The course of a run for each name, class and group. Memory depends neither on the length of the run nor on
 * what a test file names.
 *
 * @module
 */

import { Histogram, rankOf } from "./histogram.ts";
import { Latencies } from "./latencies.ts";
import { isOther, PairMap } from "./request_stats.ts";
import type { History, TimelineSecond } from "./snapshot.ts";
import { isPart, type LatencyCounts, type StatsDelta } from "./stats_delta.ts";

/** How many names are shown. */
const SHOWN_NAMES = 20;

/**
 * How many names have a history, because they may become the busiest ones. Further names, and classes and
 * groups beyond these limits, have none.
 */
const MAX_NAMES = 100;
const MAX_CLASSES = 50;
const MAX_GROUPS = 50;

/** How many more requests a name needs to take the place of one that is shown, so that charts do not flicker. */
const LEAD = 1.1;

/** The most steps. A longer run has steps of twice the length, four times, and so on. */
const MAX_STEPS = 900;

/**
 * The number of latest seconds that keep their latencies. Nodes report a second within a few seconds of each
 * other, unless a connection was cut.
 */
const LIVE_SECONDS = 10;

/** The seconds that are known, in steps. */
interface Span {
  readonly step: number;
  readonly first: number;
  readonly newest: number;
}

/** The seconds of a delta that belong to one step. */
interface StepPart {
  /** The first second of the step. */
  readonly start: number;
  /** The share of the seconds of the delta before this part, and that before its end. */
  readonly from: number;
  readonly until: number;
}

/**
 * The histories of the busiest names, of each class if there are several, and of each group.
 *
 * Counts are exact, however late they arrive. If a delta covers several seconds, each of them gets an equal share.
 * The percentiles of a step are those of all latencies that arrived before {@link LIVE_SECONDS} later
 * seconds had started. If latencies arrive later, or steps are merged, percentiles are means, weighted by the number
 * of successes.
 */
export class Histories {
  readonly #names = new PairMap<Course>();
  readonly #classes = new Map<string, Course>();
  readonly #groups = new Map<string, Course>();
  #shown: ReadonlySet<Course> = new Set();
  #span: Span = { step: 1, first: Infinity, newest: -Infinity };

  /** The names with the most requests, in order of appearance. */
  names(): History[] {
    const all = Array.from(this.#names, ([, , course]) => course);
    if (all.length > SHOWN_NAMES) {
      const rank = (course: Course): number => course.total * (this.#shown.has(course) ? LEAD : 1);
      this.#shown = new Set(all.toSorted((a, b) => rank(b) - rank(a)).slice(0, SHOWN_NAMES));
    }
    const shown = all.length > SHOWN_NAMES ? all.filter((one) => this.#shown.has(one)) : all;
    return shown.map((course) => course.history(this.#span));
  }

  /** Each class, in order of appearance; none if there is only one. */
  classes(): History[] {
    return this.#isSplit ? this.#histories(this.#classes) : [];
  }

  /** Each group, in order of appearance. */
  groups(): History[] {
    return this.#histories(this.#groups);
  }

  /**
   * Adds counts of a node.
   *
   * @param timeline all requests that were added before.
   */
  add(delta: StatsDelta, timeline: { rows(): readonly TimelineSecond[] }): void {
    const { from, to, classes, entries, groups } = delta;
    if (!(from <= to)) return;
    this.#extend(from, to);
    for (const { name } of classes) this.#openClass(name, timeline);
    const parts = this.#partsOf(from, to);
    const sums = from < to ? new Map<Course, Sum>() : null;
    const add = (course: Course, successes: LatencyCounts, failures: number): void => {
      if (sums === null) course.add(parts, successes, failures, this.#span);
      else addTo(sums, course, successes, failures);
    };
    for (const [method, name, , { latencies, failures }, className, tags] of entries) {
      if (isPart(tags)) continue;
      const named = this.#courseOfName(method, name);
      if (named !== undefined) add(named, latencies, failures);
      if (!this.#isSplit || className === undefined) continue;
      const ofClass = this.#classes.get(className);
      if (ofClass !== undefined) add(ofClass, latencies, failures);
    }
    for (const [name, { durations, failureDurations }] of groups) {
      if (isOther(name)) continue;
      const group = courseOf(this.#groups, "group", name, MAX_GROUPS);
      if (group !== undefined) add(group, durations, failureDurations.count);
    }
    if (sums !== null) {
      for (const [course, { successes, failures }] of sums) {
        course.add(parts, successes, failures, this.#span);
      }
    }
    if (this.#isSplit) this.#addUsers(delta);
  }

  #addUsers({ classes, seconds: all }: StatsDelta): void {
    for (const { name, seconds } of classes) {
      const course = this.#classes.get(name);
      for (const { second, users } of classes.length === 1 ? all : seconds) {
        course?.addUsers(this.#startOf(second), users);
      }
    }
  }

  #openClass(name: string, timeline: { rows(): readonly TimelineSecond[] }): void {
    const before = this.#classes.size;
    courseOf(this.#classes, "class", name, MAX_CLASSES);
    if (before !== 1 || this.#classes.size === 1) return;
    // What was counted until now belongs to the only class.
    const [only] = this.#classes.values();
    for (const row of timeline.rows()) only!.addSecond(this.#startOf(row.second), row);
  }

  /** The only class has the history of the run. */
  get #isSplit(): boolean {
    return this.#classes.size > 1;
  }

  #histories(courses: ReadonlyMap<string, Course>): History[] {
    return Array.from(courses.values(), (course) => course.history(this.#span));
  }

  #courseOfName(method: string, name: string): Course | undefined {
    const known = this.#names.get(method, name);
    if (known !== undefined || this.#names.size >= MAX_NAMES || isOther(name)) return known;
    const created = new Course("request", method, name);
    this.#names.set(method, name, created);
    return created;
  }

  #extend(from: number, to: number): void {
    let { step, first, newest } = this.#span;
    if (from >= first && to <= newest) return;
    first = Math.min(first, from);
    const isLater = to > newest;
    newest = Math.max(newest, to);
    const before = step;
    while (Math.floor(newest / step) - Math.floor(first / step) >= MAX_STEPS) step *= 2;
    this.#span = { step, first, newest };
    if (step === before && !isLater) return;
    for (const course of this.#all()) {
      if (step > before) course.coarsen(step);
      else course.settle(this.#span);
    }
  }

  *#all(): IterableIterator<Course> {
    for (const [, , course] of this.#names) yield course;
    yield* this.#classes.values();
    yield* this.#groups.values();
  }

  #startOf(second: number): number {
    return second - second % this.#span.step;
  }

  #partsOf(from: number, to: number): StepPart[] {
    const { step } = this.#span;
    const length = to - from + 1;
    const parts: StepPart[] = [];
    for (let start = this.#startOf(from); start <= to; start += step) {
      parts.push({
        start,
        from: (Math.max(start, from) - from) / length,
        until: (Math.min(start + step, to + 1) - from) / length,
      });
    }
    return parts;
  }
}

/** The counts of several entries of one delta. */
interface Sum {
  readonly successes: Latencies;
  failures: number;
}

function addTo(
  sums: Map<Course, Sum>,
  course: Course,
  successes: LatencyCounts,
  failures: number,
): void {
  let sum = sums.get(course);
  if (sum === undefined) sums.set(course, sum = { successes: new Latencies(), failures: 0 });
  sum.successes.merge(successes);
  sum.failures += failures;
}

function courseOf(
  courses: Map<string, Course>,
  kind: History["kind"],
  name: string,
  most: number,
): Course | undefined {
  const known = courses.get(name);
  if (known !== undefined || courses.size >= most) return known;
  const created = new Course(kind, "", name);
  courses.set(name, created);
  return created;
}

/** The columns of {@link History}; users are sums over the seconds. */
interface Columns {
  readonly seconds: number[];
  readonly requests: number[];
  readonly failures: number[];
  readonly p50: (number | null)[];
  readonly p95: (number | null)[];
  readonly p99: (number | null)[];
  readonly users: number[];
}

function emptyColumns(): Columns {
  return { seconds: [], requests: [], failures: [], p50: [], p95: [], p99: [], users: [] };
}

const FIGURES = ["p50", "p95", "p99"] as const;
const SHARES = [0.5, 0.95, 0.99] as const;

/** The values of {@link FIGURES}. */
type Percentiles = readonly (number | null)[];

/** The course of one name, class or group. */
class Course {
  /** Requests, or groups, that ended. */
  total = 0;
  readonly #key: Pick<History, "kind" | "method" | "name">;
  #columns = emptyColumns();
  /** By the first second of their step. */
  readonly #live = new Map<number, CoarseLatencies>();
  #history: History | null = null;
  /** The span of {@link #history}. */
  #shown: Span | null = null;

  constructor(kind: History["kind"], method: string, name: string) {
    this.#key = { kind, method, name };
  }

  /** Adds requests that ended in one or several steps. */
  add(parts: readonly StepPart[], successes: LatencyCounts, failures: number, span: Span): void {
    let percentiles: Percentiles | null = null;
    for (const part of parts) {
      const [succeeded, failed] = [shareOf(successes.count, part), shareOf(failures, part)];
      if (succeeded + failed === 0) continue;
      this.#history = null;
      const at = this.#rowAt(part.start);
      const live = succeeded === 0 ? undefined : this.#liveAt(at, span);
      if (live !== undefined) live.add(successes, succeeded / successes.count);
      else if (succeeded > 0) {
        this.#average(at, succeeded, percentiles ??= percentilesOf(successes));
      }
      this.#count(at, succeeded + failed, failed);
    }
  }

  /** Adds a second of all requests to the step that starts then. */
  addSecond(start: number, second: TimelineSecond): void {
    const { requests, failures, users } = second;
    this.#history = null;
    const at = this.#rowAt(start);
    if (requests > failures) {
      this.#average(at, requests - failures, FIGURES.map((name) => second[name]));
    }
    this.#count(at, requests, failures);
    this.#columns.users[at]! += users;
  }

  /** Adds users of a node in one second of the step that starts then. */
  addUsers(start: number, users: number): void {
    if (users === 0) return;
    this.#history = null;
    this.#columns.users[this.#rowAt(start)]! += users;
  }

  /** Computes the percentiles of steps to which nothing is added any more, and drops their latencies. */
  settle(span: Span): void {
    for (const [start, latencies] of this.#live) {
      if (isLive(start, span)) continue;
      this.#show(start, latencies);
      this.#live.delete(start);
    }
  }

  /** Merges steps to longer ones. */
  coarsen(step: number): void {
    for (const [start, latencies] of this.#live) this.#show(start, latencies);
    this.#live.clear();
    const { seconds, requests, failures, users, ...figures } = this.#columns;
    this.#columns = emptyColumns();
    this.total = 0;
    for (const [row, second] of seconds.entries()) {
      const at = this.#rowAt(second - second % step);
      const succeeded = requests[row]! - failures[row]!;
      if (succeeded > 0) this.#average(at, succeeded, FIGURES.map((name) => figures[name][row]!));
      this.#count(at, requests[row]!, failures[row]!);
      this.#columns.users[at]! += users[row]!;
    }
    this.#history = null;
  }

  /** The columns up to now. They are not changed later. */
  history(span: Span): History {
    const isClass = this.#key.kind === "class";
    // The mean number of users depends on how long the last step is already.
    if (this.#history !== null && (!isClass || this.#shown === span)) return this.#history;
    for (const [start, latencies] of this.#live) this.#show(start, latencies);
    const { seconds, requests, failures, p50, p95, p99, users } = this.#columns;
    const { step, first, newest } = span;
    const length = (start: number): number =>
      Math.min(start + step - 1, newest) - Math.max(start, first) + 1;
    this.#shown = span;
    return this.#history = {
      ...this.#key,
      stepSeconds: step,
      seconds: seconds.slice(),
      requests: requests.slice(),
      failures: failures.slice(),
      p50: p50.slice(),
      p95: p95.slice(),
      p99: p99.slice(),
      users: isClass ? users.map((sum, at) => sum / length(seconds[at]!)) : null,
    };
  }

  /** The latencies of a row; undefined if they are not known. */
  #liveAt(at: number, span: Span): CoarseLatencies | undefined {
    const { seconds, requests, failures } = this.#columns;
    const start = seconds[at]!;
    const known = this.#live.get(start);
    if (known !== undefined || requests[at] !== failures[at] || !isLive(start, span)) return known;
    const created = new CoarseLatencies();
    this.#live.set(start, created);
    return created;
  }

  #show(start: number, latencies: CoarseLatencies): void {
    if (latencies.isShown) return;
    const at = this.#rowAt(start);
    for (const [index, value] of latencies.percentiles().entries()) {
      this.#columns[FIGURES[index]!][at] = value;
    }
    latencies.isShown = true;
  }

  /** The mean of the percentiles of a row and of others, before the latter are counted. */
  #average(at: number, succeeded: number, percentiles: Percentiles): void {
    const { requests, failures } = this.#columns;
    const before = requests[at]! - failures[at]!;
    for (const [index, name] of FIGURES.entries()) {
      const [old, added] = [this.#columns[name][at] ?? null, percentiles[index] ?? null];
      this.#columns[name][at] = old === null || added === null
        ? old ?? added
        : old + (added - old) * (succeeded / (before + succeeded));
    }
  }

  #count(at: number, requests: number, failures: number): void {
    this.total += requests;
    this.#columns.requests[at]! += requests;
    this.#columns.failures[at]! += failures;
  }

  /** The index of a row, which is created if needed. */
  #rowAt(start: number): number {
    const { seconds, requests, failures, p50, p95, p99, users } = this.#columns;
    // Almost always, it is one of the last.
    let at = seconds.length;
    while (at > 0 && seconds[at - 1]! > start) at--;
    if (seconds[at - 1] === start) return at - 1;
    seconds.splice(at, 0, start);
    for (const column of [requests, failures, users]) column.splice(at, 0, 0);
    for (const column of [p50, p95, p99]) column.splice(at, 0, null);
    return at;
  }
}

function isLive(start: number, { step, newest }: Span): boolean {
  return start + step > newest - LIVE_SECONDS;
}

/** The part of a count that a step gets. All parts together are the whole. */
function shareOf(count: number, { from, until }: StepPart): number {
  return Math.round(count * until) - Math.round(count * from);
}

function percentilesOf(counts: LatencyCounts): Percentiles {
  const latencies = new CoarseLatencies();
  latencies.add(counts, 1);
  return latencies.percentiles();
}

/** Latencies in few buckets, whose middles are at most 0.8 % away from any value in them. */
class CoarseLatencies {
  /** Whether the percentiles are in the columns already. */
  isShown = false;
  /** The counts by power of two, the lowest first. */
  readonly #octaves: (Float64Array | undefined)[] = new Array(OCTAVES).fill(undefined);
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /** Adds a share of some latencies. */
  add({ count, min, max, histogram }: LatencyCounts, share: number): void {
    this.isShown = false;
    this.#count += count * share;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    histogram.addTo({
      addBucket: (index, count) => {
        const octave = this.#octaves[index >>> OCTAVE_BITS] ??= new Float64Array(PER_OCTAVE);
        const at = index >>> MERGED_BITS & (PER_OCTAVE - 1);
        octave[at] = octave[at]! + count * share;
      },
    });
  }

  /** Those of {@link SHARES}. */
  percentiles(): Percentiles {
    const ranks = SHARES.map((share) => rankOf(share, this.#count));
    const found: number[] = [];
    let below = 0;
    for (let octave = 0; octave < OCTAVES && found.length < ranks.length; octave++) {
      const counts = this.#octaves[octave];
      if (counts === undefined) continue;
      for (let at = 0; at < PER_OCTAVE; at++) {
        below += counts[at]!;
        while (below >= ranks[found.length]!) found.push(this.#middleOf(octave, at));
      }
    }
    // The sum of fractions may be a little less than their rank.
    while (found.length < ranks.length) found.push(this.#max);
    return found;
  }

  #middleOf(octave: number, at: number): number {
    const index = (octave << OCTAVE_BITS) + (at << MERGED_BITS);
    const end = index + (1 << MERGED_BITS);
    const middle = (Histogram.lowerBound(index) + Histogram.lowerBound(end)) / 2;
    return Math.min(Math.max(middle, this.#min), this.#max);
  }
}

/** A histogram has 1,024 buckets for each power of two; here, sixteen of them are one. */
const OCTAVE_BITS = 10;
const MERGED_BITS = 4;
const PER_OCTAVE = 1 << (OCTAVE_BITS - MERGED_BITS);
const OCTAVES = Histogram.BUCKETS >>> OCTAVE_BITS;
