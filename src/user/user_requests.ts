/**
 * The requests and measured steps of one user that are in progress, so that none of them is lost when the
 * user is cut off.
 *
 * @module
 */

import { localFailureOf } from "../core/local_failures.ts";
import { shown } from "../core/text.ts";
import type { CheckResult, CheckSink } from "../http/http_response.ts";
import type { ExchangeCounter, ExchangePhases, WireResponse } from "../http/transport.ts";
import type { EndedGroup } from "../stats/group_stats.ts";
import type { Sample } from "../stats/request_stats.ts";
import { currentGroup, OpenGroup } from "./groups.ts";
import {
  NO_DETAILS,
  type ObservedExchange,
  type SampleDetails,
  type SampleUser,
} from "./observers.ts";
import type { Recorder } from "./recorder.ts";

/** Knows the URL that was requested. */
interface RequestedUrl {
  /** The URL that was requested first; empty if it is invalid. */
  readonly requestedUrl: string;
}

/** The measurements of one request, including its redirects, or of one step. When complete, it is recorded. */
export class PendingSample implements Sample, ExchangeCounter, SampleDetails {
  method = "";
  name = "";
  status = 0;
  latencyMs = 0;
  endedAt = 0;
  bytesReceived = 0;
  bytesSent = 0;
  retries = 0;
  phases: ExchangePhases | null = null;
  error: string | null = null;
  tags = "";
  startedAt = 0;
  redirects = 0;
  /** Set while its check runs: it has been answered, but not counted. */
  check: CheckResult | null = null;
  /** The innermost group that it belongs to, or did when it ended. Only {@link UserRequests} changes this, too. */
  group: OpenGroup | null = null;
  /** Those that were observed; `null` if none was. */
  exchanges: ObservedExchange[] | null = null;
  /** Whether it is on the list of its user. Only {@link UserRequests} changes this and the next two. */
  isPending = false;
  next: PendingSample | null = null;
  previous: PendingSample | null = null;
  readonly #request: RequestedUrl | null;

  /** @param request `null` for a step. */
  constructor(request: RequestedUrl | null = null) {
    this.#request = request;
  }

  get requestedUrl(): string {
    return this.#request === null ? "" : this.#request.requestedUrl;
  }

  get groupName(): string {
    return this.group === null ? "" : this.group.name;
  }

  get traceId(): string {
    return this.exchanges === null ? "" : this.exchanges[0]!.traceId;
  }

  /** Prepares it to be used again, after it was counted. */
  clear(): void {
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.retries = 0;
    this.error = null;
    this.redirects = 0;
    this.check = null;
    this.phases = null;
    this.exchanges = null;
  }

  add(response: WireResponse): void {
    this.bytesReceived += response.bytesReceived;
    this.bytesSent += response.bytesSent;
  }

  end(endedAt: number): void {
    this.endedAt = endedAt;
    this.latencyMs = endedAt - this.startedAt;
  }
}

/** How far a user has got. It is an object, because nothing may be called for each iteration. */
export interface UserProgress {
  /** Iterations that it has begun. */
  iterations: number;
  /** Whether its `onStop` was called. */
  isStopping: boolean;
}

/**
 * The requests and steps of one user that have started and are not counted. Each is counted exactly once:
 * when it ends, or when it is cut off.
 *
 * It is a linked list through the samples, because every request is added and removed.
 */
export class UserRequests implements CheckSink, SampleUser {
  /** Of the user. */
  readonly id: number;
  readonly #recorder: Recorder;
  readonly #progress: UserProgress;
  #first: PendingSample | null = null;
  #closed = false;
  /** The groups that are under way; `null` before the first one. */
  #groups: Set<OpenGroup> | null = null;

  /** @param id of the user. */
  constructor(recorder: Recorder, id: number, progress: UserProgress) {
    this.id = id;
    this.#recorder = recorder;
    this.#progress = progress;
  }

  /** The number of the user's iteration: 0 in the first one, and before it. */
  get iteration(): number {
    return Math.max(0, this.#progress.iterations - 1);
  }

  get stage(): number {
    return this.#progress.isStopping ? -1 : this.#progress.iterations;
  }

  /** Whether the user has ended. What an abandoned test starts after that is not counted. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The one that started last; the others follow through {@link PendingSample.next}. */
  get first(): PendingSample | null {
    return this.#first;
  }

  /** A request is about to be sent, or a step has started. */
  start(sample: PendingSample): void {
    const first = this.#first;
    sample.isPending = true;
    sample.next = first;
    if (first !== null) first.previous = sample;
    this.#first = sample;
    if (this.#groups !== null) this.#join(sample);
  }

  #join(sample: PendingSample): void {
    sample.group = this.#currentGroup();
    for (let group = sample.group; group !== null; group = group.outer) {
      group.requestStarted(sample.startedAt);
    }
  }

  /** The group of this user whose code is running; `null` if there is none. */
  #currentGroup(): OpenGroup | null {
    let group = currentGroup.getStore() ?? null;
    // Code that a group has not waited for may go on after it, and belongs to those around it.
    while (group?.isOver) group = group.outer;
    return group !== null && this.#groups?.has(group) ? group : null;
  }

  /** Records a sample that is complete, unless it was cut off before. */
  record(sample: PendingSample): void {
    if (this.drop(sample)) this.#recorder.record(sample, this, sample);
  }

  /** Records a sample that has failed, or an error of the load generator if this machine is the reason. */
  fail(sample: PendingSample, thrown: unknown): void {
    const local = localFailureOf(thrown);
    if (local === null) return this.record(sample);
    // How long its groups would have taken is not known, and they have not failed because of the target.
    this.#discard(sample.group);
    if (this.drop(sample)) this.#recorder.localFailure(local, thrown, sample.endedAt);
  }

  /** Removes a sample without counting it. Returns `false` if it was counted already. */
  drop(sample: PendingSample): boolean {
    if (!sample.isPending) return false;
    const { next, previous } = sample;
    if (next !== null) next.previous = previous;
    if (previous === null) this.#first = next;
    else previous.next = next;
    sample.isPending = false;
    // A sample may be kept in the test's own memory, and must not keep others in it.
    sample.next = sample.previous = null;
    if (sample.group !== null) this.#leave(sample);
    return true;
  }

  #leave(sample: PendingSample): void {
    for (let group = sample.group; group !== null; group = group.outer) {
      group.requestEnded(sample.endedAt, sample.error !== null);
    }
  }

  /**
   * Counts a sample that will not be completed: as unfinished, or by its response if only its check was
   * still running. Does nothing if it was counted already.
   *
   * @param now in milliseconds on the clock of the node.
   */
  cutOff(sample: PendingSample, now: number): void {
    const { check, group } = sample;
    if (!this.drop(sample)) return;
    if (check === null) {
      for (let one = group; one !== null; one = one.outer) this.cutOffGroup(one, now);
      return this.#recorder.unfinished(sample, now);
    }
    // A stream has been answered, but goes on until now.
    if (Number.isNaN(sample.latencyMs)) sample.end(now);
    sample.error = check.close();
    this.#recorder.record(sample, this, sample);
  }

  /** Cuts off everything, because the user has ended. */
  close(now: number): void {
    this.#closed = true;
    while (this.#first !== null) this.cutOff(this.#first, now);
    for (const group of this.#groups ?? []) this.cutOffGroup(group, now);
  }

  /** A group is about to start. @param startedAt in milliseconds on the clock of the node. */
  startGroup(name: string, startedAt: number): OpenGroup {
    const groups = this.#groups ??= new Set();
    const group = new OpenGroup(name, this.#currentGroup(), startedAt);
    groups.add(group);
    return group;
  }

  /** Counts a group that has ended, unless it was cut off before. @param threw whether its function has thrown. */
  endGroup(group: OpenGroup, now: number, threw: boolean): void {
    if (this.#groups!.delete(group) && !group.isOver) {
      const ended = group.end(now, threw);
      this.#recorder.group(ended, now);
      this.groupEnded(ended);
    }
  }

  /** Is called for each group that has ended. */
  protected groupEnded(_group: EndedGroup): void {}

  /** The check of a request has thrown. */
  checkThrew(_thrown: unknown): void {}

  /** Counts a group that will not end. Does nothing if it was counted already. */
  cutOffGroup(group: OpenGroup, now: number): void {
    if (!this.#groups!.delete(group) || group.isOver) return;
    group.isOver = true;
    this.#recorder.unfinishedGroup(group.name, Math.max(0, now - group.startedAt), now);
  }

  /** Removes a group without counting it. */
  dropGroup(group: OpenGroup): void {
    this.#groups!.delete(group);
    group.isOver = true;
  }

  #discard(innermost: OpenGroup | null): void {
    for (let group = innermost; group !== null; group = group.outer) this.dropGroup(group);
  }

  /** Counts what was measured elsewhere and has just ended, also in the groups whose code is running. */
  recorded(sample: Sample): void {
    const group = this.#groups === null ? null : this.#currentGroup();
    for (let one = group; one !== null; one = one.outer) {
      one.recorded(sample.endedAt - sample.latencyMs, sample.endedAt, sample.error !== null);
    }
    const details = group === null ? NO_DETAILS : { ...NO_DETAILS, groupName: group.name };
    this.#recorder.record(sample, this, details);
  }

  /**
   * Counts the result of a check that does not fail its request.
   *
   * @param ok the result: whether it is truthy.
   * @throws TypeError if it is a function or a promise, which are always truthy, or if the name is not a string.
   */
  check(name: string, ok: unknown): boolean {
    if (typeof name !== "string") throw new TypeError(notAName(name, ok));
    const text = name || NO_NAME;
    const problem = notAResult(ok);
    if (problem !== null) throw new TypeError(`check ${shown(text)}: ${problem}`);
    const passed = Boolean(ok);
    if (!this.#closed) this.#recorder.check(text, passed);
    return passed;
  }
}

/** The name of steps, groups and checks whose name is empty: their row is not one of all names. */
export const NO_NAME = "(no name)";

/** The first characters of a wrong name that an error shows. */
const MAX_SHOWN = 60;

/** What to write instead of a check whose name is not a string. k6 takes an object of functions. */
function notAName(name: unknown, ok: unknown): string {
  const conditions = [name, ok].flatMap((one) => Object.entries(Object(one)))
    .filter(([, value]) => typeof value === "function");
  const example = JSON.stringify(conditions[0]?.[0] ?? "name");
  const text = shown(name);
  const start = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return `check: the name is ${start}, expected a string; write check(${example}, …) with a value, not a ` +
    "function, one call for each name";
}

/** What is wrong with the result of a check; `null` if nothing is. */
function notAResult(ok: unknown): string | null {
  if (typeof ok === "function") {
    return "the result is a function; call it, and give what it returns";
  }
  const isPromise = typeof ok === "object" && ok !== null && "then" in ok &&
    typeof ok.then === "function";
  return isPromise ? "the result is a promise; await it first" : null;
}
