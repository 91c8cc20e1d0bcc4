/**
 * Records what users measure: in the statistics of the node, and as events for test files.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { asError, errorText, type PreparationError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { LocalFailureCode } from "../core/local_failures.ts";
import { tagsOf } from "../core/tags.ts";
import type { EndedGroup } from "../stats/group_stats.ts";
import { PairMap, type Sample } from "../stats/request_stats.ts";
import { LOAD_GENERATOR } from "../stats/snapshot.ts";
import { withPlace } from "../stats/user_errors.ts";
import type { Completions, UnfinishedRequest } from "../stats/stats_table.ts";
import type { ErrorPlaces } from "./error_places.ts";
import type {
  CountedRequest,
  FlowObserver,
  RequestObserver,
  SampleDetails,
  SampleUser,
} from "./observers.ts";

/** The part of the node's statistics that users write to. */
export interface SampleTable {
  record(sample: Sample): void;
  /** Counts a request that was cut off, at `atMs` on the node's clock. */
  unfinished(request: UnfinishedRequest, retries: number, atMs: number): void;
  /**
   * Counts an error thrown by the code of a user class, at `atMs` on the node's clock.
   *
   * @param error as {@link withPlace} returns it.
   */
  userError(user: string, error: string, atMs: number): void;
  /** Counts a group that has ended, at `atMs` on the node's clock. */
  group(group: EndedGroup, atMs: number): void;
  /** Counts a group that was cut off when it had taken `ageMs`, at `atMs` on the node's clock. */
  unfinishedGroup(name: string, ageMs: number, atMs: number): void;
  /** Counts the result of a check that does not fail its request. */
  check(name: string, passed: boolean): void;
  /** Keeps a sample with a trace, if it is slow. @param wallOffset from the node's clock to that since 1970. */
  traced(sample: Sample, traceId: string, wallOffset: number): void;
  /** Where users count the iterations that they complete. */
  readonly completions: Completions;
}

/** What all recorders of a node have. */
export interface RecorderOptions {
  readonly events: Events;
  readonly run: RunInfo;
  readonly clock: Clock;
  /** Finds where errors were thrown. */
  readonly places: Pick<ErrorPlaces, "placeOf">;
  readonly observers: readonly RequestObserver[];
  /** Learns of errors that no request has. */
  readonly flow?: FlowObserver | undefined;
  /** Called whenever this machine lacks a resource. */
  readonly onLocalFailure: (code: LocalFailureCode) => void;
  /** Called when the test turns out not to be prepared; it may be called again. */
  readonly onUnprepared: (error: PreparationError) => void;
}

/** Counts samples and errors of the users of one class, and emits the events `request` and `userError`. */
export class Recorder {
  /** Where its users count the iterations that they complete. */
  readonly completions: Completions;
  readonly #table: SampleTable;
  readonly #userClass: string;
  readonly #options: RecorderOptions;
  readonly #events: Events;
  readonly #isObserved: boolean;
  /** Shared by all recorders of a node, as the next one is. */
  readonly #counted: WeakSet<object>;
  /** The number of users whose `onStop` was cut off, by class and limit in seconds. */
  readonly #cutOff: PairMap<{ users: number }>;
  #lastEndedAt = 0;

  /**
   * @param userClass the name of its users' class.
   * @param other another recorder of the node.
   */
  constructor(
    table: SampleTable,
    userClass: string,
    options: RecorderOptions,
    other: Recorder | null = null,
  ) {
    this.completions = table.completions;
    this.#table = table;
    this.#userClass = userClass;
    this.#options = options;
    this.#events = options.events;
    this.#isObserved = options.observers.length > 0;
    this.#counted = other === null ? new WeakSet() : other.#counted;
    this.#cutOff = other === null ? new PairMap() : other.#cutOff;
  }

  /** A recorder of the same node for the users of a class. @param table where they count. */
  forClass(table: SampleTable, userClass: string): Recorder {
    return new Recorder(table, userClass, this.#options, this);
  }

  /** When the last sample ended, in milliseconds on the node's clock; 0 before the first. */
  get lastEndedAt(): number {
    return this.#lastEndedAt;
  }

  /** Counts one sample of a user. */
  record(sample: Sample, user: SampleUser, details: SampleDetails): void {
    this.#lastEndedAt = sample.endedAt;
    this.#table.record(sample);
    if (this.#isObserved || this.#events.hasRequestHandlers) this.#show(sample, user, details);
  }

  /** Shows a sample to observers and handlers. */
  #show(sample: Sample, user: SampleUser, details: SampleDetails): void {
    const { observers, clock, run } = this.#options;
    const userClass = this.#userClass;
    if (this.#isObserved) {
      const request: CountedRequest = { sample, userClass, user, details };
      for (const observer of observers) observer.counted(request);
      const { traceId } = details;
      if (traceId !== "") this.#table.traced(sample, traceId, clock.wallTime() - clock.now());
    }
    if (!this.#events.hasRequestHandlers) return;
    void this.#events.emit("request", {
      name: sample.name,
      method: sample.method,
      status: sample.status,
      latencyMs: sample.latencyMs,
      bytes: sample.bytesReceived,
      error: sample.error,
      userCount: run.userCount,
      at: clock.wallTime() - (clock.now() - sample.endedAt) - sample.latencyMs,
      userId: user.id,
      userClass,
      iteration: user.iteration,
      url: details.requestedUrl,
      group: details.groupName,
      tags: tagsOf(sample.tags),
    });
  }

  /** Counts a request that was cut off with its user, at this time on the node's clock. */
  unfinished(request: UnfinishedRequest & Pick<Sample, "retries">, atMs: number): void {
    this.#table.unfinished(request, request.retries, atMs);
  }

  /** Counts a group that has ended, at this time on the node's clock. */
  group(group: EndedGroup, atMs: number): void {
    this.#table.group(group, atMs);
  }

  /** Counts a group that was cut off when it had taken `ageMs`, at this time on the node's clock. */
  unfinishedGroup(name: string, ageMs: number, atMs: number): void {
    this.#table.unfinishedGroup(name, ageMs, atMs);
  }

  /** Counts the result of a check that does not fail its request. */
  check(name: string, passed: boolean): void {
    this.#table.check(name, passed);
  }

  /** Marks an error as already counted with its request. */
  markCounted(thrown: unknown): void {
    if (typeof thrown === "object" && thrown !== null) this.#counted.add(thrown);
  }

  /** Whether an error has already been counted with its request. */
  isCounted(thrown: unknown): boolean {
    return typeof thrown === "object" && thrown !== null && this.#counted.has(thrown);
  }

  /**
   * Counts a request that could not be sent because this machine lacked a resource. It is an error of the
   * load generator, and neither a request nor a failure of the target.
   */
  localFailure(code: LocalFailureCode, thrown: unknown, atMs: number): void {
    this.#options.onLocalFailure(code);
    this.#countError(LOAD_GENERATOR, `${code}: ${LOCAL_FAILURES[code]}`, thrown, atMs);
  }

  /** Ends the run, because a test needs something that is not set. The error counts nowhere else. */
  unprepared(error: PreparationError): void {
    this.markCounted(error);
    this.#options.onUnprepared(error);
  }

  /** Notes that the `onStop` of a user took longer than a limit in seconds, and was abandoned. */
  onStopCutOff(user: string, limitSeconds: number): void {
    this.#cutOff.at(user, String(limitSeconds), () => ({ users: 0 })).users++;
  }

  /** A sentence for each class of which an `onStop` was cut off. */
  get cutOffStops(): string[] {
    return Array.from(
      this.#cutOff,
      ([user, limit, { users }]) =>
        `${user}.onStop was cut off after ${limit} s for ${users} ${
          users === 1 ? "user" : "users"
        }. ` +
        "If it needs more time, raise --stop-timeout.",
    );
  }

  /**
   * Counts an error thrown by a user's own code.
   *
   * @param method the method that threw it, in place of an unknown place; may be empty.
   */
  userError(user: string, thrown: unknown, atMs: number, method = ""): void {
    this.#options.flow?.happened({ kind: "userError", userClass: user, thrown, method });
    const text = errorText(thrown);
    const place = this.#options.places.placeOf(thrown, text, atMs) || method;
    this.#countError(user, withPlace(text, place), thrown, atMs);
  }

  #countError(user: string, text: string, thrown: unknown, atMs: number): void {
    this.#table.userError(user, text, atMs);
    if (!this.#events.has("userError")) return;
    void this.#events.emit("userError", { user, error: asError(thrown) });
  }
}

/** What was missing, in few words. */
const LOCAL_FAILURES: Readonly<Record<LocalFailureCode, string>> = {
  EMFILE: "no file descriptor was free for a connection",
  EADDRNOTAVAIL: "no local port was free for a connection",
  ENOBUFS: "the system had no memory for a connection",
};
