import { IterationStats } from "./iteration_stats.ts";
import { Entry, EntryTable, NameCap, type NameEntries, PairMap } from "./request_stats.ts";
import type {
  CodeRow,
  FailureRow,
  IterationSummary,
  RequestRow,
  RequestTotals,
  Statistics,
  TimelineSecond,
  UserErrorRow,
} from "./snapshot.ts";
import type { SecondCounts, StatsDelta } from "./stats_delta.ts";
import { Timeline } from "./timeline.ts";

/**
 * What was counted under each name and of each user error, put together; its memory grows with the
 * names, of which there are 1,000 at most, and not with what is added.
 */
export class MergedCounts {
  /** Of 1,000 distinct methods and names, the rest under `(other)`. */
  readonly entries = new EntryTable();
  /** By class and error; of 1,000 distinct ones, the rest under `(other)`. */
  readonly userErrors = new PairMap<number>();
  #iterations: IterationStats | null = null;
  readonly #names = new NameCap();
  readonly #userErrorCap = new NameCap();

  /** Null as long as none was counted. */
  get iterations(): IterationStats | null {
    return this.#iterations;
  }

  /** Whether so many names came, here or on a node, that later ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /** Adds what a node counted. */
  add({ entries, userErrors, iterations }: Omit<StatsDelta, "from" | "to" | "seconds">): void {
    for (const [method, name, code, entry] of entries) {
      this.entries.at(method, this.#names.admit(method, name)).of(code).merge(entry);
    }
    if (iterations !== null) (this.#iterations ??= new IterationStats()).merge(iterations);
    for (const [user, error, count] of userErrors) {
      const text = this.#userErrorCap.admit(user, error);
      this.userErrors.set(user, text, (this.userErrors.get(user, text) ?? 0) + count);
    }
  }
}

/** What the person who runs the test should know when {@link Totals.namesCapped}. */
export const NAMES_CAPPED =
  "More than 1,000 request names: the later ones are counted together under (other). " +
  "Give requests a name of their own where their path holds an id.";

/**
 * What the intervals of all nodes add up to.
 */
export class Totals {
  #counts = new Counts();
  #peakBeforeReset = 0;

  /** The most users at once, those before a {@link reset} included: they did run. */
  get peakUsers(): number {
    return Math.max(this.#peakBeforeReset, this.#counts.timeline.peakUsers);
  }

  /** Whether so many names came, here or on a node, that later ones are under `(other)`. */
  get namesCapped(): boolean {
    return this.#counts.merged.namesCapped;
  }

  /** How many seconds of a node came too late for the percentiles of the timeline. */
  get lateSeconds(): number {
    return this.#counts.timeline.lateSeconds;
  }

  /** Adds what one node counted; each only once, in any order. */
  add(counted: StatsDelta): void {
    this.#counts.add(counted);
  }

  /** Drops all that was counted, and the timeline. */
  reset(): void {
    this.#peakBeforeReset = this.peakUsers;
    this.#counts = new Counts();
  }

  /**
   * All that was counted, as plain values.
   *
   * @param durationSeconds what rates are taken over; 0 makes them 0.
   */
  statistics(durationSeconds: number): Statistics {
    return {
      totals: totalsOf(this.#counts.overall, durationSeconds),
      requests: this.#counts.requestRows(durationSeconds),
      failures: this.#counts.failureRows(),
      userErrors: this.#counts.userErrorRows(),
      timeline: this.#counts.timelineRows(),
      iterations: iterationsOf(this.#counts.merged.iterations),
    };
  }
}

class Counts {
  readonly merged = new MergedCounts();
  readonly timeline = new Timeline();
  /** Merged as intervals come, so that a look at it need not merge every name's histogram. */
  readonly overall = new Entry();

  add(counted: StatsDelta): void {
    this.timeline.add(counted);
    for (const [, , , entry] of counted.entries) this.overall.merge(entry);
    this.merged.add(counted);
  }

  requestRows(durationSeconds: number): RequestRow[] {
    return Array.from(this.merged.entries.names(), ([method, name, entries]) => ({
      method,
      name,
      ...totalsOf(entries.whole, durationSeconds),
      codes: codesOf(entries),
    })).sort(byName);
  }

  failureRows(): FailureRow[] {
    const rows: FailureRow[] = [];
    for (const [method, name, entries] of this.merged.entries.names()) {
      for (const [error, count] of entries.whole.errors) rows.push({ method, name, error, count });
    }
    return rows.sort((a, b) => byCount(a, b) || byName(a, b));
  }

  userErrorRows(): UserErrorRow[] {
    return Array.from(this.merged.userErrors, ([user, error, count]) => ({ user, error, count }))
      .sort((a, b) => byCount(a, b) || compareText(a.user, b.user));
  }

  timelineRows(): TimelineSecond[] {
    return this.timeline.rows();
  }
}

function totalsOf(entry: Entry, durationSeconds: number): RequestTotals {
  const { requests, failures, retries, bytesReceived, bytesSent, latencies } = entry;
  return {
    requests,
    failures,
    retries,
    errorRate: requests === 0 ? 0 : failures / requests,
    rate: durationSeconds > 0 ? requests / durationSeconds : 0,
    bytesReceived,
    bytesSent,
    latencyMs: latencies.summary(),
    histogram: latencies.histogram,
  };
}

function codesOf(entries: NameEntries): CodeRow[] {
  return Array.from(entries, ([code, { requests, bytesReceived, latencies }]) => ({
    code,
    requests,
    bytesReceived,
    latencySumMs: latencies.sum,
    histogram: latencies.histogram,
  })).sort((a, b) => a.code - b.code);
}

function iterationsOf(iterations: IterationStats | null): IterationSummary | null {
  if (iterations === null) return null;
  const { scheduled, started, completed, dropped, serviceTime, startDelay } = iterations;
  return {
    scheduled,
    started,
    completed,
    dropped,
    serviceTimeMs: serviceTime.summary(),
    startDelayMs: startDelay.summary(),
  };
}

interface Named {
  readonly method: string;
  readonly name: string;
}

interface ErrorCount {
  readonly error: string;
  readonly count: number;
}

function byName(a: Named, b: Named): number {
  return compareText(a.name, b.name) || compareText(a.method, b.method);
}

function byCount(a: ErrorCount, b: ErrorCount): number {
  return b.count - a.count || compareText(a.error, b.error);
}

/** By code units: the same order on every machine, whatever its language. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * What one node counted in one or several seconds, put together. Its memory grows with the names in
 * it, and hardly with its seconds.
 */
export class MergedStats implements StatsDelta {
  readonly #merged = new MergedCounts();
  readonly #seconds: SecondCounts[] = [];
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

  /** Those that were told of, the earliest first. */
  get seconds(): readonly SecondCounts[] {
    return this.#seconds;
  }

  /** Of 1,000 distinct methods and names, the rest under `(other)`. */
  get entries(): StatsDelta["entries"] {
    return this.#merged.entries;
  }

  /** By class and error; of 1,000 distinct ones, the rest under `(other)`. */
  get userErrors(): StatsDelta["userErrors"] {
    return this.#merged.userErrors;
  }

  get iterations(): StatsDelta["iterations"] {
    return this.#merged.iterations;
  }

  /** Adds what the node counted in other seconds, or in others of their names. */
  add(counted: StatsDelta): void {
    this.#from = Math.min(this.#from, counted.from);
    this.#to = Math.max(this.#to, counted.to);
    for (const second of counted.seconds) this.#addSecond(second);
    this.#merged.add(counted);
  }

  #addSecond(added: SecondCounts): void {
    // Nearly always it is a later one than all before.
    const at = this.#seconds.findLastIndex(({ second }) => second <= added.second);
    const known = this.#seconds[at];
    if (known?.second !== added.second) this.#seconds.splice(at + 1, 0, added);
    else this.#seconds[at] = together(known, added);
  }
}

/** Two parts of one second, the earlier one first. */
function together(first: SecondCounts, then: SecondCounts): SecondCounts {
  return {
    second: then.second,
    users: then.users,
    peakUsers: Math.max(first.peakUsers, then.peakUsers),
    requests: first.requests + then.requests,
    failures: first.failures + then.failures,
  };
}
