/**
 * The counts of one node in several seconds, for the report of a worker.
 *
 * @module
 */

import type { Note } from "./annotations.ts";
import { MergedCounts, MergedRequests } from "./merged_counts.ts";
import type { ClassSecond, SecondCounts, StatsDelta } from "./stats_delta.ts";
import { InProgressGauge } from "./unanswered.ts";

/**
 * The counts of one node in several seconds. Memory depends on the number of names, and hardly on the
 * number of seconds.
 */
export class MergedStats implements StatsDelta {
  readonly #merged = new MergedCounts((room) => new MergedRequests(room));
  readonly #seconds = new MergedSeconds(mergedSecond);
  readonly #classSeconds = new Map<string, MergedSeconds<ClassSecond>>();
  readonly #inProgress = new InProgressGauge();
  readonly #notes: Note[] = [];
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

  get notes(): StatsDelta["notes"] {
    return this.#notes;
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
    this.#notes.push(...delta.notes);
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
