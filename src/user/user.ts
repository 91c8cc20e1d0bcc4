/**
 * The base class of all users, independent of the protocol.
 *
 * @module
 */

import { errorText, isInstance } from "../core/errors.ts";
import { localFailureOf } from "../core/local_failures.ts";
import type { RunInfo } from "../core/run_info.ts";
import { type Tags, tagsText } from "../core/tags.ts";
import { asText, shown } from "../core/text.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import type { ConnectionOptions } from "../http/shared_http_state.ts";
import type { Curve } from "../load/curve.ts";
import type { UserContext } from "./context.ts";
import { currentGroup } from "./groups.ts";
import { NO_NAME, PendingSample } from "./user_requests.ts";
import type { WaitTime } from "./wait_time.ts";

/** The order in which the tests of a user class run. */
export type TestOrder = "sequential" | "random" | "parallel";

/** How long the cookies and connections of an HTTP user last: as long as the user, or for one iteration. */
export type SessionScope = "user" | "iteration";

/** Options of {@link User.measure}. */
export interface MeasureOptions {
  /** The kind of step, in the reports' column of HTTP methods. Default: `TASK`. */
  readonly method?: string;
  /** Parts of the name that reports also show by themselves, such as `{ cache: "hit" }`. */
  readonly tags?: Tags;
}

/** A measurement for {@link User.record}. */
export interface Measurement {
  /** The name in reports. */
  readonly name: string;
  /** The kind of step, in the reports' column of HTTP methods. Default: `TASK`. */
  readonly method?: string;
  /** The duration in milliseconds. */
  readonly latencyMs: number;
  /** Number of bytes received. Default: 0. */
  readonly bytes?: number;
  /** Why the step failed; `undefined`, `null` or an empty string if it succeeded. */
  readonly error?: unknown;
  /** Parts of the name that reports also show by themselves, such as `{ cache: "hit" }`. */
  readonly tags?: Tags;
}

const NO_TAGS: Tags = {};

function methodOf(given: string | undefined): string {
  return asText(given ?? "") || "TASK";
}

/** Squares of longer times could no longer be summed. It is 31 years. */
const MAX_LATENCY_MS = 1e12;

/** The options that a user class is checked against before a run starts. */
export interface ClassOptions {
  /** Name of the class, for messages. */
  readonly name: string;
  /** The value of `--host`, which replaces that of every class; `null` if it was not given. */
  readonly host: string | null;
  readonly connections: ConnectionOptions;
}

/** Names the static method with which a user class checks the options of a run. */
export const checkOptions: unique symbol = Symbol("aiotest.checkOptions");

/** Names the method with which a user begins a new session. */
export const renewSession: unique symbol = Symbol("aiotest.renewSession");

/** Names the static method with which a user class checks the static fields that it adds. */
export const checkFields: unique symbol = Symbol("aiotest.checkFields");

/** Names the static method with which a user class reads the files that it needs. */
export const loadFiles: unique symbol = Symbol("aiotest.loadFiles");

/** Where a user class finds its files. */
export interface ClassFiles {
  /** Name of the class, for messages. */
  readonly name: string;
  /** That of the test file. */
  readonly folder: string;
  readonly reader: {
    /** Whether the path leads to a file. */
    isFile(path: string): Promise<boolean>;
    /** Rejects with errors of the system. */
    readTextFile(path: string): Promise<string>;
  };
}

/**
 * Checks one static field of a user class.
 *
 * @param expected what is accepted, in words.
 * @throws UsageError that names the class, the field, its value and what is accepted.
 */
export type FieldCheck = (
  field: string,
  isValid: (value: unknown) => boolean,
  expected: string,
) => void;

/** A user class that a test file exports. Its fields are the static fields of {@link User}. */
export interface UserClass {
  /** Creates a user. */
  new (context: UserContext): User;
  /** The prototype of its users. */
  readonly prototype: User;
  /** The name in reports. */
  readonly name: string;
  /** See {@link User.host}. */
  readonly host: string;
  /** See {@link User.weight}. */
  readonly weight: number;
  /** See {@link User.fixedCount}. */
  readonly fixedCount: number;
  /** See {@link User.waitTime}. */
  readonly waitTime: WaitTime;
  /** See {@link User.order}. */
  readonly order: TestOrder;
  /** See {@link User.iterations}. */
  readonly iterations: number;
  /** See {@link User.load}. */
  readonly load: Curve | null;
  /** See FastHttpUser.session. Only classes that send HTTP requests have it. */
  readonly session?: SessionScope;
  /** @internal Throws a UsageError if users of this class cannot run with these options. */
  [checkOptions](options: ClassOptions): void;
  /** @internal Checks the static fields that the class adds to those of {@link User}. */
  [checkFields](check: FieldCheck): void;
  /**
   * @internal Reads the files that the class needs, before the run; resolves with their full paths. Throws a UsageError
   * if one is missing or invalid.
   */
  [loadFiles](files: ClassFiles): Promise<readonly string[]>;
}

/**
 * A simulated user. Extend this class to test any protocol. For HTTP, extend FastHttpUser or HttpUser.
 *
 * ```ts
 * import { User } from "aiotest";
 *
 * export class DatabaseTest extends User {
 *   static override waitTime = 0.5;
 *
 *   async testQuery(): Promise<void> {
 *     await this.measure("select orders", () => query("SELECT * FROM orders"), { method: "SQL" });
 *   }
 * }
 *
 * // In place of the client library of your database.
 * async function query(sql: string): Promise<unknown[]> {
 *   return await Promise.resolve([sql]);
 * }
 * ```
 */
export class User {
  /** Base of relative URLs. `--host` replaces it. */
  static host = "";
  /** Share of this class among all users: a whole number. With 0, the class is not used. */
  static weight = 1;
  /** Exact number of users of this class, whatever its weight. With 0, the weight decides. */
  static fixedCount = 0;
  /** Seconds to wait after each test: a number, `between(1, 3)` and its like, or a function. */
  static waitTime: WaitTime = 1;
  /** Order of the tests: `sequential`, `random` (one per iteration, by weight) or `parallel`. */
  static order: TestOrder = "sequential";
  /** Number of iterations after which each user of this class ends. With 0, there is no limit. */
  static iterations = 0;
  /**
   * The load of this class alone: a curve of users, or of iterations per second. The options and shapes of
   * the run then apply only to classes without a load of their own, and `weight` and `fixedCount` have no
   * effect on this one.
   *
   * ```ts
   * import { FastHttpUser, hold, inSequence, ramp } from "aiotest";
   *
   * export class BuyerTest extends FastHttpUser {
   *   static override load = inSequence(
   *     ramp({ seconds: 60, arrivalRate: { from: 0, to: 50 } }),
   *     hold({ seconds: 300, arrivalRate: 50 }),
   *   );
   *
   *   async testBuy(): Promise<void> {
   *     await this.session.post("/orders", { json: { article: 1 } });
   *   }
   * }
   *
   * export class AdminTest extends FastHttpUser {
   *   static override load = hold({ seconds: 360, users: 2 });
   *
   *   async testStock(): Promise<void> {
   *     await this.session.get("/stock");
   *   }
   * }
   * ```
   */
  static load: Curve | null = null;

  /** @internal Throws a UsageError if users of this class cannot run with these options. */
  static [checkOptions](_options: ClassOptions): void {}

  /** @internal Checks the static fields that the class adds to those of this one. */
  static [checkFields](check: FieldCheck): void {
    check(
      "session",
      (value) => value !== "iteration",
      "no value, because only a FastHttpUser and an HttpUser have a session",
    );
  }

  /** @internal Reads the files that the class needs; most need none. */
  static [loadFiles](_files: ClassFiles): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  /** Unique in the whole run. The first user is 1. */
  readonly id: number;
  /** The value of `--host`, or the class's own host. */
  readonly host: string;
  /** Aborted when the user must stop immediately. Pass it to what your tests wait for. */
  readonly signal: AbortSignal;
  /** The run that this user is part of. */
  readonly run: RunInfo;
  readonly #context: UserContext;
  /** A subclass with its own constructor must call `super(context)`. */
  constructor(context: UserContext) {
    if (context === undefined) {
      throw new TypeError("the constructor must pass its argument on: super(context)");
    }
    this.#context = context;
    this.id = context.id;
    this.host = context.host ?? (this.constructor as UserClass).host;
    this.signal = context.signal;
    this.run = context.run;
  }

  /**
   * The number of this user's iteration: 0 in the first one, and before it. The tests of one iteration have
   * the same number.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class ReaderTest extends FastHttpUser {
   *   async testNextPage(): Promise<void> {
   *     await this.session.get(`/pages/${this.iteration + 1}`, { name: "/pages/:number" });
   *   }
   * }
   * ```
   */
  get iteration(): number {
    return this.#context.requests.iteration;
  }

  /** Called once before the first test. If it throws, it is called again after 1, 2, 4 … 30 s. */
  onStart(): void | Promise<void> {}

  /** Called once when the user is stopped. */
  onStop(): void | Promise<void> {}

  /**
   * Measures the duration of a function and counts it under `name`. Returns or throws what the function
   * returns or throws.
   *
   * @param name the name in reports.
   * @param fn the function to measure. If it throws or rejects, the step counts as a failure.
   * @throws TypeError if the tags are not names and plain values.
   */
  async measure<Result>(
    name: string,
    fn: () => Result | Promise<Result>,
    options: MeasureOptions = {},
  ): Promise<Result> {
    const { clock, lease, recorder, requests, iterationSlot } = this.#context;
    const step = new PendingSample();
    step.method = methodOf(options.method);
    step.name = asText(name) || NO_NAME;
    if (options.tags !== undefined) step.tags = tagsText(options.tags);
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    step.startedAt = iterationSlot === null ? now : iterationSlot.measureFrom(now);
    requests.start(step);
    try {
      const result = await fn();
      step.end(clock.now());
      requests.record(step);
      return result;
    } catch (error) {
      if (isInstance(error, UserEnd)) requests.drop(step);
      // Being stopped says nothing about the target, except that the step had taken that long.
      else if (this.signal.aborted) requests.cutOff(step, clock.now());
      else {
        step.end(clock.now());
        step.error = errorText(error);
        requests.fail(step, error);
        recorder.markCounted(error);
      }
      throw error;
    }
  }

  /**
   * Measures how long a flow of several requests, steps and waits takes. It has a section of its own in
   * reports, and is no request: it changes neither the totals nor the requests in it. Returns or throws what
   * the function returns or throws.
   *
   * It counts as failed if the function throws, or if a request, `measure` or `record` in it fails. If the
   * function throws a `UserEnd`, it is not counted. Groups can be nested; a request counts in all around it.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class BuyerTest extends FastHttpUser {
   *   async testBuy(): Promise<void> {
   *     await this.group("checkout", async () => {
   *       await this.session.post("/cart", { json: { item: 17 } });
   *       await this.sleep(1);
   *       await this.session.post("/order");
   *     });
   *   }
   * }
   * ```
   *
   * @param name the name in reports; that of a nested group comes after the outer one and ` / `.
   * @param fn what to measure.
   * @throws TypeError if `fn` is not a function.
   */
  async group<Result>(name: string, fn: () => Result | Promise<Result>): Promise<Result> {
    if (typeof fn !== "function") {
      throw new TypeError(`group ${shown(name)}: ${shown(fn)}, expected a function`);
    }
    const { clock, lease, requests, iterationSlot } = this.#context;
    const now = clock.now();
    if (requests.closed || !lease.holds(now)) return neverSettles();
    const startedAt = iterationSlot === null ? now : iterationSlot.groupFrom(now);
    const group = requests.startGroup(asText(name) || NO_NAME, startedAt);
    try {
      const result = await currentGroup.run(group, fn);
      requests.endGroup(group, clock.now(), false);
      return result;
    } catch (error) {
      if (isInstance(error, UserEnd)) requests.dropGroup(group);
      // Being stopped says nothing about the target, except that the group had taken that long.
      else if (this.signal.aborted) requests.cutOffGroup(group, clock.now());
      else requests.endGroup(group, clock.now(), true);
      throw error;
    } finally {
      iterationSlot?.groupEnded();
    }
  }

  /**
   * Counts whether something was as expected. Unlike the check of a request, it fails nothing: reports show
   * how often each check passed. For a response, use `res.check`.
   *
   * ```ts
   * import { User } from "aiotest";
   *
   * export class QueueTest extends User {
   *   async testQueue(): Promise<void> {
   *     const messages = await this.measure("receive", () => receive());
   *     if (!this.check("has messages", messages.length > 0)) return;
   *   }
   * }
   *
   * // In place of the client library of your queue.
   * async function receive(): Promise<string[]> {
   *   return await Promise.resolve(["a message"]);
   * }
   * ```
   *
   * @param name the name in reports; use only a few different ones.
   * @param ok whether it passed: any value, which counts as in an `if`.
   * @returns `ok` as `true` or `false`.
   * @throws TypeError if `ok` is a function or a promise, which would always pass, or if the name is not a string.
   */
  check(name: string, ok: unknown): boolean {
    return this.#context.requests.check(name, ok);
  }

  /**
   * Counts something that was measured elsewhere. If its error says that this machine had no file
   * descriptor, no local port or no memory for a connection, it counts as an error of the load generator.
   *
   * @throws RangeError if the latency is negative, not finite or longer than 10¹² ms, or if the bytes are
   *   not a whole number of 0 or more.
   * @throws TypeError if the tags are not names and plain values.
   */
  record(measurement: Measurement): void {
    const { name, method, latencyMs, bytes = 0, error = null, tags = NO_TAGS } = measurement;
    if (typeof latencyMs !== "number" || !(latencyMs >= 0 && latencyMs <= MAX_LATENCY_MS)) {
      throw new RangeError(
        `record: latencyMs is ${shown(latencyMs)}, expected 0 to 1e12 milliseconds`,
      );
    }
    if (!Number.isSafeInteger(bytes) || bytes < 0) {
      throw new RangeError(
        `record: bytes is ${shown(bytes)}, expected a whole number of 0 or more`,
      );
    }
    const ofTags = tagsText(tags);
    const { clock, recorder, requests } = this.#context;
    const local = localFailureOf(error);
    if (local !== null) return recorder.localFailure(local, error, clock.now());
    requests.recorded({
      method: methodOf(method),
      name: asText(name) || NO_NAME,
      status: 0,
      latencyMs,
      endedAt: clock.now(),
      bytesReceived: bytes,
      bytesSent: 0,
      retries: 0,
      phases: null,
      error: error === null || error === "" ? null : errorText(error),
      tags: ofTags,
    });
  }

  /**
   * Resolves after a number of seconds; rejects with the signal's reason if the user must stop.
   *
   * @param seconds 0 or more; with Infinity, it waits until the user must stop.
   * @throws RangeError if `seconds` is negative or not a number.
   */
  sleep(seconds: number): Promise<void> {
    if (typeof seconds !== "number" || !(seconds >= 0)) {
      return Promise.reject(
        new RangeError(`sleep: ${shown(seconds)}, expected 0 or more seconds`),
      );
    }
    const { clock, signal, maxSleep = Infinity, observers: { flow } } = this.#context;
    if (signal.aborted) return Promise.reject(signal.reason);
    flow?.happened({ kind: "sleep", seconds, limitSeconds: maxSleep });
    return new Promise((resolve, reject) => {
      const cut = (): void => {
        clock.clearTimer(timer);
        reject(signal.reason);
      };
      const timer = clock.setTimer(() => {
        signal.removeEventListener("abort", cut);
        resolve();
      }, Math.min(seconds, maxSleep) * 1000);
      signal.addEventListener("abort", cut, { once: true });
    });
  }

  /** @internal Called before the first iteration and after each, if the class asks for it. */
  [renewSession](): void {}

  /** Called by the runner when the user has stopped, to release its resources. */
  [Symbol.dispose](): void {}
}
