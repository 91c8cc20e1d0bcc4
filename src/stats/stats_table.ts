import { IterationStats } from "./iteration_stats.ts";
import { EntryTable, NameCap, type NameEntries, PairMap, type Sample } from "./request_stats.ts";
import type { SecondCounts, StatsDelta } from "./stats_delta.ts";

/** What one node counted in one second of the run. */
export class SecondStats implements StatsDelta {
  /** Whole seconds since the start: 0 is the first. */
  second: number;
  /** Users that ran when the second ended. */
  users: number;
  /** The most users that ran at any moment of it. */
  peakUsers: number;
  readonly entries = new EntryTable();
  /** How often the code of a user class threw an error: by class and error. */
  readonly userErrors = new PairMap<number>();

  #iterations: IterationStats | null = null;

  /** @param users those that ran when the second began. */
  constructor(second: number, users: number) {
    this.second = second;
    this.users = users;
    this.peakUsers = users;
  }

  /** What became of passes; null as long as nothing did. */
  get iterations(): IterationStats | null {
    return this.#iterations;
  }

  /** As {@link passes}, to be added to. */
  get openIterations(): IterationStats {
    return this.#iterations ??= new IterationStats();
  }

  get from(): number {
    return this.second;
  }

  get to(): number {
    return this.second;
  }

  /** How its one second went. */
  get seconds(): readonly SecondCounts[] {
    let requests = 0;
    let failures = 0;
    for (const [, , , entry] of this.entries) {
      requests += entry.requests;
      failures += entry.failures;
    }
    const { second, users, peakUsers } = this;
    return [{ second, users, peakUsers, requests, failures }];
  }
}

/**
 * What one node counts, second by second, until somebody fetches it.
 *
 * Each second is handed out once, so whoever adds up all of them has counted everything once. What
 * comes before the start, or late for a second that has been closed, is counted in the open one.
 *
 * All moments are milliseconds on the node's clock; the table itself owns none.
 */
export class StatsTable {
  readonly #names = new NameCap();
  readonly #userErrors = new NameCap();
  #closed: SecondStats[] = [];
  #open = new SecondStats(0, 0);
  // No second begins or ends before the start.
  #startedAt = Infinity;
  #openEndsAt = Infinity;

  /** Whether so many names came that the later ones are counted under `(other)`. */
  get namesCapped(): boolean {
    return this.#names.reached;
  }

  /**
   * Sets the moment at which the first second begins, and its number: other than 0 where the run had
   * begun elsewhere before. What was counted until now belongs to it.
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
    named.of(sample.status).add(sample);
  }

  /** Where to count what becomes of a pass at this moment. */
  iterations(atMs: number): IterationStats {
    return this.#at(atMs).openIterations;
  }

  /** Counts an error that the code of one user class threw. */
  userError(user: string, error: string, atMs: number): void {
    const { userErrors } = this.#at(atMs);
    const text = this.#userErrors.admit(user, error);
    userErrors.set(user, text, (userErrors.get(user, text) ?? 0) + 1);
  }

  /** Says how many users run from now on. */
  setUsers(count: number, atMs: number): void {
    const open = this.#at(atMs);
    open.users = count;
    open.peakUsers = Math.max(open.peakUsers, count);
  }

  /** All seconds that have ended and have not been handed out, oldest first, without a gap. */
  take(nowMs: number): SecondStats[] {
    this.#roll(nowMs);
    const closed = this.#closed;
    this.#closed = [];
    return closed;
  }

  /**
   * As {@link take}, and the unfinished second too. What is recorded after that is counted in the
   * next one.
   */
  flush(nowMs: number): SecondStats[] {
    this.#roll(nowMs);
    const { second, entries, userErrors, iterations } = this.#open;
    // A second that has not lasted any time is no part of the run, unless something happened in it.
    const isEmpty = entries.size === 0 && userErrors.size === 0 && iterations === null;
    if (nowMs > this.#beginOf(second) || !isEmpty) this.#close();
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
    const { second, users } = this.#open;
    this.#closed.push(this.#open);
    this.#open = new SecondStats(second + 1, users);
    this.#openEndsAt = this.#beginOf(second + 2);
  }

  #beginOf(second: number): number {
    return this.#startedAt + second * 1000;
  }

  #newName({ method, name }: Sample): NameEntries {
    return this.#open.entries.at(method, this.#names.admit(method, name));
  }
}
