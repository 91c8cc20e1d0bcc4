/**
 * The warnings of a run, and those about iterations that did not start in time.
 *
 * @module
 */

import { formatDuration } from "../core/duration.ts";
import { listed } from "../core/text.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { STANDSTILL_MS } from "../stats/generator_watch.ts";
import { LATE_START_MS, MANY_DROPPED } from "../stats/iteration_stats.ts";
import type { IterationSummary, RequestTotals, Statistics } from "../stats/snapshot.ts";
import type { SecondCounts } from "../stats/stats_delta.ts";
import { answeredRequests } from "../stats/unanswered.ts";

/** Warnings of one kind about workers that are kept, and that are counted. */
const MAX_OF_WORKERS = 20;
const MAX_COUNTED = 10_000;

/** The warnings of a run, each once. */
export class Warnings {
  readonly #onNew: (text: string) => void;
  readonly #texts = new Set<string>();
  /** Those about workers, by kind. */
  readonly #ofWorkers = new Map<string, Set<string>>();

  /** @param onNew called with each warning when it is added for the first time. */
  constructor(onNew: (text: string) => void) {
    this.#onNew = onNew;
  }

  /** All warnings, in the order in which they were added. */
  get texts(): string[] {
    const more = [...this.#ofWorkers.values()].reduce(
      (sum, { size }) => sum + Math.max(0, size - MAX_OF_WORKERS),
      0,
    );
    return [
      ...this.#texts,
      ...(more > 0 ? [`${more} more warnings like these about workers.`] : []),
    ];
  }

  /** Adds a warning, unless it is there already. */
  add(text: string): void {
    if (this.#texts.has(text)) return;
    this.#texts.add(text);
    this.#onNew(text);
  }

  /** Adds a warning about a worker. Of each kind, 20 are kept and the others counted: anyone may join. */
  addOfWorkers(kind: string, text: string): void {
    if (this.#texts.has(text)) return;
    const known = this.#ofWorkers.get(kind) ?? new Set();
    this.#ofWorkers.set(kind, known);
    if (known.size < MAX_COUNTED) known.add(text);
    if (known.size <= MAX_OF_WORKERS) this.add(text);
  }

  /** Adds several warnings, each unless it is there already. */
  addAll(texts: Iterable<string>): void {
    for (const text of texts) this.add(text);
  }
}

/** A time in which a process did not run. */
interface Standstill {
  readonly seconds: number;
  /** Such as `from 0:12 of the test on`. */
  readonly when: string;
}

/** The times in which a process of the run did not run, as warnings. */
export class Standstills {
  readonly #name: string;
  readonly #consequence: string;
  #count = 0;
  #totalSeconds = 0;
  #longest: Standstill = { seconds: 0, when: "" };

  /**
   * @param name the start of a sentence, such as `The master`.
   * @param consequence a sentence.
   */
  constructor(name: string, consequence: string) {
    this.#name = name;
    this.#consequence = consequence;
  }

  /** Adds one; returns a sentence about it. */
  add(one: Standstill): string {
    this.#count++;
    this.#totalSeconds += one.seconds;
    if (one.seconds > this.#longest.seconds) this.#longest = one;
    return this.#text(`for ${lengthOf(one)}`);
  }

  /** One warning about all of them; none if there was none. */
  get texts(): string[] {
    if (this.#count === 0) return [];
    const longest = lengthOf(this.#longest);
    if (this.#count === 1) return [this.#text(`for ${longest}`)];
    const total = this.#totalSeconds.toFixed(1);
    return [this.#text(`${this.#count} times, for ${total} s in total (the longest: ${longest})`)];
  }

  #text(howLong: string): string {
    return `${this.#name} did not run ${howLong}: it was suspended, or code of the test file blocked ` +
      `it. ${this.#consequence}`;
  }
}

function lengthOf({ seconds, when }: Standstill): string {
  return `${seconds.toFixed(1)} s, ${when}`;
}

/** The moment of the test at which a standstill began. */
export function fromMoment(atSeconds: number): string {
  return `from ${formatDuration(Math.floor(atSeconds))} of the test on`;
}

/** When a load generator did not run, as its seconds tell; as warnings. */
export class GeneratorStandstills {
  readonly #all: Standstills;

  /** @param name the start of a sentence, such as `Worker attic`. */
  constructor(name: string) {
    this.#all = new Standstills(name, "Latencies measured then include this time.");
  }

  /** One warning about all of them; none if there was none. */
  get texts(): string[] {
    return this.#all.texts;
  }

  /** Takes in seconds that are over; returns a sentence about each standstill that ended in them. */
  add(seconds: readonly Pick<SecondCounts, "second" | "maxLagMs">[]): string[] {
    return seconds
      .filter(({ maxLagMs }) => maxLagMs >= STANDSTILL_MS)
      .map(({ second, maxLagMs }) =>
        this.#all.add({
          seconds: maxLagMs / 1000,
          when: `until ${formatDuration(second)} of the test`,
        })
      );
  }
}

/**
 * What is wrong with the starts of the iterations in the open model, and why; a sentence each.
 *
 * @param users how many there were, and how many there may be.
 */
export function arrivalProblems(
  { scheduled, dropped, startDelayMs }: IterationSummary,
  users: { readonly peak: number; readonly max: number },
  statistics: Pick<Statistics, "totals" | "requests">,
): string[] {
  const why = users.peak >= users.max
    ? `because all ${users.max} users were busy: ${
      isAnswering(users.max, statistics)
        ? "allow more with --max-users, or lower the rate"
        : "they waited for a target that did not answer"
    }`
    : "because this load generator was too slow: spread the load over more processes or machines, " +
      "or lower the rate";
  const problems: string[] = [];
  if (dropped > scheduled * MANY_DROPPED) {
    problems.push(`More than 1 % of the iterations were dropped, ${why}.`);
  }
  if (startDelayMs.p99 !== null && startDelayMs.p99 > LATE_START_MS) {
    problems.push(`More than 1 % of the iterations started over ${LATE_START_MS} ms late, ${why}.`);
  }
  return problems;
}

/**
 * Whether more users would help: not if half of them were waiting for an answer when they were cut off, and
 * not if most requests had none.
 */
function isAnswering(
  users: number,
  { totals, requests }: Pick<Statistics, "totals" | "requests">,
): boolean {
  const unfinished = totals.unfinished.count;
  const answered = answeredRequests({ requests });
  return unfinished < users / 2 && totals.requests - answered + unfinished <= answered;
}

/** Says that more users ran than the load has asked for, because others were still stopping; or nothing. */
export function surplusUsers(peak: number, most: number): string[] {
  if (peak <= most) return [];
  return [
    `Up to ${peak} users ran at a time, but the load had at most ${most}: users that are stopped ` +
    "count until their test and onStop have ended.",
  ];
}

/** Says which classes had no user, because the load was too small for their share; or `null`. */
export function classesWithoutUsers(mix: ClassMix, mostUsers: number): string | null {
  const missing = mix.withoutUsers(mostUsers);
  if (missing === null) return null;
  return `${listed(missing.names)} never had a user: at most ${
    mostUsers === 1 ? "1 user was" : `${mostUsers} users were`
  } divided by weight and fixed count. From ${missing.needed} users on, each class has one.`;
}

/** Share of unfinished requests, 0 to 1, above which there is a warning. */
const MANY_UNFINISHED = 0.02;

/**
 * What unfinished requests say about the run: a sentence if there are many, or if one of them had waited for
 * far longer than any request that was answered.
 */
export function unfinishedProblems(
  { requests, unfinished, successes, failureLatencyMs }: RequestTotals,
): string[] {
  const { count, oldestMs } = unfinished;
  if (oldestMs === null) return [];
  const longestMs = Math.max(successes.max, failureLatencyMs.max ?? -Infinity);
  const all = requests + count;
  const isFarLonger = oldestMs > 10 * longestMs && oldestMs > longestMs + 1000;
  if (count <= all * MANY_UNFINISHED && !isFarLonger) return [];
  const longest = requests === 0
    ? "No request was answered"
    : `The longest request that ended took ${secondsText(longestMs)}`;
  return [
    `Unfinished: ${count} of ${all} requests had no answer when their users were stopped, the oldest ` +
    `for ${secondsText(oldestMs)}. ${longest}.`,
  ];
}

/** In a unit that shows also short times. */
function secondsText(ms: number): string {
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
