/**
 * A user of any protocol, or of none: what all user classes share.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import type { RunInfo } from "../core/run_info.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import type { UserContext } from "./context.ts";
import type { WaitTime } from "./wait_time.ts";

/** In which order the tests of a user class run. */
export type TestOrder = "sequential" | "random" | "parallel";

/** What {@link User.measure} takes beside the function. */
export interface MeasureOptions {
  /** The kind of step, reported where requests have their HTTP method; default `TASK`. */
  readonly method?: string;
}

/** Something that was timed elsewhere. */
export interface Measurement {
  /** What it is reported under. */
  readonly name: string;
  /** Default `TASK`. */
  readonly method?: string;
  /** Milliseconds. */
  readonly latencyMs: number;
  /** Bytes received; default 0. */
  readonly bytes?: number;
  /** Why it failed; nothing, null or an empty text where it did not. */
  readonly error?: unknown;
}

/** A user class: what a test file exports. */
export interface UserClass {
  /** Makes one user. */
  new (context: UserContext): User;
  /** What users of this class inherit. */
  readonly prototype: User;
  /** What it is called in reports. */
  readonly name: string;
  /** As in {@link User.host}, and so for the others. */
  readonly host: string;
  /** Share among the user classes. */
  readonly weight: number;
  /** Users of this class, whatever its weight; 0: by weight. */
  readonly fixedCount: number;
  /** Seconds after each test. */
  readonly waitTime: WaitTime;
  /** In which order its tests run. */
  readonly order: TestOrder;
  /** Passes after which a user of this class ends; 0: none. */
  readonly iterations: number;
}

/**
 * One simulated user. Extend it to test any protocol; for HTTP, extend HttpUser or FastHttpUser.
 *
 * ```ts ignore
 * import { User } from "aiotest";
 *
 * export class QueueTest extends User {
 *   static override waitTime = 0.5;
 *
 *   async testPublish(): Promise<void> {
 *     await this.measure("publish", () => queue.publish("hello"), { method: "AMQP" });
 *   }
 * }
 * ```
 */
export class User {
  /** What a relative URL is joined to; `--host` replaces it. */
  static host = "";
  /** Share among the user classes: a whole number, 0 leaves the class out. */
  static weight = 1;
  /** Exactly so many users of this class, whatever its weight; 0: by weight. */
  static fixedCount = 0;
  /** Seconds after each test: a number, one of the waits, or a function. */
  static waitTime: WaitTime = 1;
  /** In which order its tests run. */
  static order: TestOrder = "sequential";
  /** Passes after which each of its users ends: a whole number; 0: they go on. */
  static iterations = 0;

  /** Unique in the whole run; the first user is 1. */
  readonly id: number;
  /** `--host`, or else the class's own. */
  readonly host: string;
  /** Aborted when the user must stop at once: a test that looks at it need not be cut off. */
  readonly signal: AbortSignal;
  /** The run that this user is part of. */
  readonly run: RunInfo;
  readonly #context: UserContext;

  /** A class with a constructor of its own hands what that is given to `super`. */
  constructor(context: UserContext) {
    if (context === undefined) {
      throw new TypeError("its constructor must hand its argument on: super(context)");
    }
    this.#context = context;
    this.id = context.id;
    this.host = context.host ?? (this.constructor as UserClass).host;
    this.signal = context.signal;
    this.run = context.run;
  }

  /** Called once, before the first test. If it throws, it is tried again after 1, 2, 4 … 30 s. */
  onStart(): void | Promise<void> {}

  /** Called once, when the user is stopped. */
  onStop(): void | Promise<void> {}

  /**
   * Times a function, counts it under `name`, and passes on what it returns or throws.
   *
   * @param name what it is reported under.
   * @param fn what is timed; a throw counts as a failure.
   */
  async measure<Result>(
    name: string,
    fn: () => Result | Promise<Result>,
    options: MeasureOptions = {},
  ): Promise<Result> {
    const { clock, lease, recorder, iterationSlot } = this.#context;
    const method = options.method ?? "TASK";
    const now = clock.now();
    if (!lease.holds(now)) return neverSettles();
    const start = iterationSlot === null ? now : iterationSlot.origin(now);
    try {
      const result = await fn();
      this.record({ name, method, latencyMs: clock.now() - start });
      return result;
    } catch (error) {
      // What was cut off because its user had to stop says nothing about the target.
      if (!this.signal.aborted && !(error instanceof UserEnd)) {
        this.record({ name, method, latencyMs: clock.now() - start, error });
        recorder.markCounted(error);
      }
      throw error;
    }
  }

  /**
   * Counts what was timed elsewhere.
   *
   * @throws RangeError where the latency is no time.
   */
  record(measurement: Measurement): void {
    const { name, method = "TASK", latencyMs, bytes = 0, error = null } = measurement;
    if (!(latencyMs >= 0) || !Number.isFinite(latencyMs)) {
      throw new RangeError(
        `record: latencyMs is ${latencyMs}, milliseconds of 0 or more are needed`,
      );
    }
    this.#context.recorder.record({
      method,
      name,
      status: 0,
      latencyMs,
      endedAt: this.#context.clock.now(),
      bytesReceived: bytes,
      bytesSent: 0,
      retries: 0,
      error: error === null || error === "" ? null : errorText(error),
    });
  }

  /** Resolves after so many seconds; rejects with the signal's reason when the user must stop. */
  sleep(seconds: number): Promise<void> {
    const { clock, signal } = this.#context;
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const cut = (): void => {
        clock.clearTimer(timer);
        reject(signal.reason);
      };
      const timer = clock.setTimer(() => {
        signal.removeEventListener("abort", cut);
        resolve();
      }, seconds * 1000);
      signal.addEventListener("abort", cut, { once: true });
    });
  }

  /** Called by the runner when the user has stopped, to give back what it holds. */
  [Symbol.dispose](): void {}
}
