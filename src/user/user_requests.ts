/**
 * The requests and measured steps of one user that are in progress, so that none of them is lost when the
 * user is cut off.
 *
 * @module
 */

import { localFailureOf } from "../core/local_failures.ts";
import type { CheckResult } from "../http/http_response.ts";
import type { ExchangeCounter, ExchangePhases, WireResponse } from "../http/transport.ts";
import type { Sample } from "../stats/request_stats.ts";
import type { Recorder } from "./recorder.ts";

/** The measurements of one request, including its redirects, or of one step. When complete, it is recorded. */
export class PendingSample implements Sample, ExchangeCounter {
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
  startedAt = 0;
  redirects = 0;
  /** Set while its check runs: it has been answered, but not counted. */
  check: CheckResult | null = null;
  /** Whether it is on the list of its user. Only {@link UserRequests} changes this and the next two. */
  isPending = false;
  next: PendingSample | null = null;
  previous: PendingSample | null = null;

  /** Prepares it to be used again, after it was counted. */
  clear(): void {
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.retries = 0;
    this.error = null;
    this.redirects = 0;
    this.check = null;
    this.phases = null;
  }

  add(response: WireResponse): void {
    this.bytesReceived += response.bytesReceived;
    this.bytesSent += response.bytesSent;
  }

  end(endedAt: number, status: number): void {
    this.endedAt = endedAt;
    this.latencyMs = endedAt - this.startedAt;
    this.status = status;
    if (status >= 400) this.error = `HTTP ${status}`;
  }
}

/**
 * The requests and steps of one user that have started and are not counted. Each is counted exactly once:
 * when it ends, or when it is cut off.
 *
 * It is a linked list through the samples, because every request is added and removed.
 */
export class UserRequests {
  readonly #recorder: Recorder;
  #first: PendingSample | null = null;
  #closed = false;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
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
  }

  /** Records a sample that is complete, unless it was cut off before. */
  record(sample: PendingSample): void {
    if (this.drop(sample)) this.#recorder.record(sample);
  }

  /** Records a sample that has failed, or an error of the load generator if this machine is the reason. */
  fail(sample: PendingSample, thrown: unknown): void {
    const local = localFailureOf(thrown);
    if (local === null) this.record(sample);
    else if (this.drop(sample)) this.#recorder.localFailure(local, thrown, sample.endedAt);
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
    return true;
  }

  /**
   * Counts a sample that will not be completed: as unfinished, or by its response if only its check was
   * still running. Does nothing if it was counted already.
   *
   * @param now in milliseconds on the clock of the node.
   */
  cutOff(sample: PendingSample, now: number): void {
    if (!this.drop(sample)) return;
    const { check } = sample;
    if (check === null) return this.#recorder.unfinished(sample, now);
    sample.error = check.close();
    this.#recorder.record(sample);
  }

  /** Cuts off everything, because the user has ended. */
  close(now: number): void {
    this.#closed = true;
    while (this.#first !== null) this.cutOff(this.#first, now);
  }
}
