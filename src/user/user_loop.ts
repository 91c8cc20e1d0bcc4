/**
 * Runs one user: `onStart`, its iterations, `onStop`.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { debugLog } from "../core/debug_log.ts";
import { errorText, isInstance } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { shown } from "../core/text.ts";
import { currentUser, UserEnd, UserLifetime } from "../core/user_lifetime.ts";
import type { UserContext } from "./context.ts";
import type { DiscoveredClass, OnePass, Pacing, TestMethod } from "./discovery.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { FlowEvent } from "./observers.ts";
import { ShownRequests } from "./shown_requests.ts";
import { renewSession, User } from "./user.ts";
import { UserRequests } from "./user_requests.ts";
import type { Turn, WaitFunction } from "./wait_time.ts";

/** The longest wait before `onStart` is retried. The first one is 1 s, and each doubles the previous. */
const MAX_START_RETRY_MS = 30_000;

/** How long a test may take to react to its aborted signal. */
const ABORT_GRACE_MS = 100;

/** The minimum time limit of `onStop`, however short the stop timeout. */
const MIN_ON_STOP_MS = 5_000;

/** The wait after a failed wait function, so that the user does not become a busy loop. */
const WAIT_AFTER_BAD_WAIT_MS = 1_000;

/** How long a user whose constructor has thrown stays, so that its successors do not become a busy loop. */
const WAIT_OF_BROKEN_MS = 1_000;

/** Runs one user from its construction until it has stopped. */
export class UserLoop {
  /** Resolves when the user has stopped and released its resources. */
  readonly ended: Promise<void>;
  readonly #class: DiscoveredClass;
  readonly #pacing: Pacing;
  readonly #context: UserContext;
  readonly #clock: Clock;
  readonly #user: User;
  /** What the constructor of the class has thrown; the user then does nothing. */
  #broken: { readonly error: unknown } | null = null;
  readonly #abort: AbortController;
  readonly #requests: UserRequests;
  readonly #markEnded: () => void;
  readonly #lifetime = new UserLifetime();
  #stopping = false;
  /** Whether the user has ended by itself: by `UserEnd`, or after its last iteration. */
  #retired = false;
  #ending = false;
  #lastSeenAt = 0;
  #onStopMs = MIN_ON_STOP_MS;
  /** Whether each iteration has a session of its own. */
  readonly #renewsSession: boolean;
  /** Remaining iterations of the limit that its class sets. */
  #iterationsLeft: number;
  #interruptWait: (() => void) | null = null;
  #waitTimer: Timer | null = null;
  /** How long the last wait was to take, in milliseconds. */
  #waitMs = 0;
  #stopTimer: Timer | null = null;

  /** If the constructor of the user class throws, that is counted, and the user ends after a second. */
  constructor(
    discovered: DiscoveredClass,
    context: Omit<UserContext, "signal" | "requests" | "progress">,
  ) {
    this.#class = discovered;
    this.#abort = new AbortController();
    const progress = { iterations: 0, isStopping: false };
    const { recorder, id, observers: { flow } } = context;
    this.#requests = flow === undefined
      ? new UserRequests(recorder, id, progress)
      : new ShownRequests(recorder, id, progress, flow);
    const { pass } = discovered;
    this.#pacing = pass ?? discovered.userClass;
    this.#context = {
      ...context,
      signal: this.#abort.signal,
      requests: this.#requests,
      progress,
      ...(pass === undefined ? {} : { maxSleep: pass.maxSleep }),
    };
    this.#clock = context.clock;
    this.#renewsSession = discovered.userClass.session === "iteration";
    this.#iterationsLeft = this.#pacing.iterations || Infinity;
    this.#user = this.#construct();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#markEnded = resolve;
  }

  /** What the user has started and not finished. */
  get requests(): Pick<UserRequests, "first" | "close" | "closed"> {
    return this.#requests;
  }

  /** Starts the user and returns immediately. */
  start(): void {
    this.#context.testStarts.userStarted(this.#class);
    if (debugLog.isOn) debugLog.add("users", `${this.#name} has started.`);
    currentUser.run(this.#lifetime, () => void this.#run());
  }

  /**
   * Stops the user. A wait ends immediately. A test may continue for `timeoutMs`, then its requests are
   * aborted. Further calls have no effect.
   */
  stop(timeoutMs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#onStopMs = Math.max(timeoutMs, MIN_ON_STOP_MS);
    this.#lifetime.stop();
    this.#endWait();
    if (this.#ending) return;
    this.#stopTimer = this.#clock.setTimer(() => {
      const stopped = new UserStopped();
      this.#context.recorder.markCounted(stopped);
      this.#abort.abort(stopped);
      // A test that ignores its signal cannot be ended, so it is abandoned.
      this.#stopTimer = this.#clock.setTimer(() => void this.#end(), ABORT_GRACE_MS);
    }, timeoutMs);
  }

  #construct(): User {
    try {
      return currentUser.run(this.#lifetime, () => new this.#class.userClass(this.#context));
    } catch (error) {
      this.#broken = { error };
      return new User(this.#context);
    }
  }

  async #run(): Promise<void> {
    const { pass } = this.#class;
    try {
      if (pass !== undefined) await this.#turn(pass);
      if (this.#broken !== null) {
        this.#countUserError(this.#broken.error, "constructor");
        this.#context.testStarts.cutShort(this.#class, "constructor", this.#broken.error);
        // In the open model, another user may be started as soon as this one has ended.
        await this.#wait(WAIT_OF_BROKEN_MS);
      } else if (await this.#runOnStart()) {
        if (this.#renewsSession) this.#user[renewSession]();
        if (this.#pacing.order === "sequential") await this.#sequentialIterations();
        else await this.#singleWaitIterations();
      }
    } catch (error) {
      this.#countBreakdown(error);
    }
    await this.#end();
  }

  /** Waits until the user may begin, and lets the next one begin when it has ended. */
  async #turn(pass: OnePass): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#interruptWait = resolve;
      const leave = pass.enter(resolve);
      void this.ended.then(leave);
    });
    if (this.#stopping) return;
    this.#show({ kind: "user", userClass: this.#class.name, id: this.#context.id });
    void this.ended.then(() => this.#show({ kind: "userEnded" }));
  }

  #show(event: FlowEvent): void {
    this.#context.observers.flow?.happened(event);
  }

  /** Calls a method of the user besides its tests, and shows that. */
  async #call(name: "onStart" | "onStop"): Promise<void> {
    const isShown = this.#user[name] !== User.prototype[name];
    const startedAt = this.#clock.now();
    if (isShown) this.#show({ kind: "step", name });
    try {
      await this.#user[name]();
    } finally {
      if (isShown) this.#show({ kind: "stepEnded", name, ms: this.#clock.now() - startedAt });
    }
  }

  /** Counts an error that should have been handled before. The user ends, but it does not vanish. */
  #countBreakdown(error: unknown): void {
    try {
      this.#context.recorder.userError(this.#class.name, error, this.#clock.now());
    } catch (another) {
      logger.error(`A user of ${this.#class.name} has ended: ${errorText(another)}`);
    }
  }

  /** Whether no further test may start. */
  get #finished(): boolean {
    return this.#stopping || this.#retired;
  }

  /** Calls `onStart` until it succeeds; resolves with `false` if the user is stopped before that. */
  async #runOnStart(): Promise<boolean> {
    let retryMs = 1_000;
    while (!this.#finished) {
      if (this.#context.pauseGate.isClosed) {
        await this.#waitForResume();
        continue;
      }
      try {
        await this.#call("onStart");
        return true;
      } catch (error) {
        if (this.#abort.signal.aborted) return false;
        this.#countUserError(error, "onStart");
        this.#context.testStarts.cutShort(this.#class, "onStart", error);
        if (this.#class.pass !== undefined) return false;
        await this.#wait(retryMs);
        retryMs = Math.min(retryMs * 2, MAX_START_RETRY_MS);
      }
    }
    return false;
  }

  async #sequentialIterations(): Promise<void> {
    const { tests } = this.#class;
    const { iterationSlot, activity, testStarts, progress, pauseGate } = this.#context;
    const { counts } = testStarts;
    while (!this.#finished) {
      if (pauseGate.isClosed) {
        await this.#waitForResume();
        continue;
      }
      // Most runs have no slots, and awaiting a plain value would still take time.
      if (iterationSlot !== null && !await this.#beginIteration(iterationSlot)) {
        if (pauseGate.isClosed && !iterationSlot.scheduled) continue;
        break;
      }
      progress.iterations++;
      const iterationStart = this.#iterationStart();
      // An iteration that has begun is counted, so its first test runs even if the user is stopped just then.
      for (let i = 0; i < tests.length && (i === 0 || !this.#finished); i++) {
        let endsIteration = i === tests.length - 1;
        try {
          activity[0] = tests[i]!.id;
          counts[tests[i]!.id]!++;
          await tests[i]!.run.call(this.#user);
        } catch (error) {
          this.#countTestError(error, tests[i]!);
          if (!endsIteration && !this.#abort.signal.aborted) {
            testStarts.cutShort(this.#class, tests[i]!.name, error);
          }
          endsIteration = true;
        }
        if (endsIteration) this.#endIteration();
        const pause = this.#waitAfterTest(iterationStart, endsIteration);
        if (pause !== null) await pause;
        if (endsIteration) break;
      }
    }
  }

  /** Iterations with one wait: they run one random test, or all tests in parallel. */
  async #singleWaitIterations(): Promise<void> {
    const { tests } = this.#class;
    const { order } = this.#pacing;
    const { iterationSlot, progress, pauseGate } = this.#context;
    while (!this.#finished) {
      if (pauseGate.isClosed) {
        await this.#waitForResume();
        continue;
      }
      // Most runs have no slots, and awaiting a plain value would still take time.
      if (iterationSlot !== null && !await this.#beginIteration(iterationSlot)) {
        if (pauseGate.isClosed && !iterationSlot.scheduled) continue;
        break;
      }
      progress.iterations++;
      const iterationStart = this.#iterationStart();
      if (order === "random") {
        await this.#test(chooseTest(tests, this.#context.random()));
      } else if (order === "each") {
        await this.#test(tests[(progress.iterations - 1) % tests.length]!);
      } else {
        await Promise.all(tests.map((test) => this.#test(test)));
      }
      this.#endIteration();
      const pause = this.#waitAfterTest(iterationStart, true);
      if (pause !== null) await pause;
    }
  }

  /**
   * Whether the user starts another iteration, now or as soon as one is available.
   *
   * A node whose lease has expired starts none, even before it has noticed: its first request would wait
   * forever, and the iteration would count as started although another node could still run it.
   */
  #beginIteration(slot: IterationSlot): Promise<boolean> {
    this.#interruptWait = () => slot.stopWaiting();
    const { lease, pauseGate } = this.#context;
    // An iteration that was asked for before a pause and granted in it is left to others.
    return slot.begin(
      this.#clock,
      (now) => this.#finished || !lease.holds(now) || pauseGate.isClosed && !slot.scheduled,
    );
  }

  /**
   * Waits until the run is no longer paused. The user's wait time stands still in a pause, so that users which
   * came here one after the other do not continue at the same moment.
   */
  async #waitForResume(): Promise<void> {
    const { pauseGate } = this.#context;
    const leftMs = Math.min(this.#waitMs, this.#clock.now() - pauseGate.closedAt);
    this.#waitMs = 0;
    await new Promise<void>((resolve) => {
      this.#interruptWait = resolve;
      void pauseGate.opened.then(resolve);
    });
    if (leftMs > 0) await this.#wait(leftMs);
  }

  #endIteration(): void {
    const { iterationSlot } = this.#context;
    // The signal is checked last, because that takes longer than everything else here.
    if (!this.#stopping || !this.#abort.signal.aborted) {
      this.#context.recorder.completions.count++;
      if (iterationSlot !== null) iterationSlot.end(this.#clock.now());
    }
    if (this.#renewsSession) this.#user[renewSession]();
    if (--this.#iterationsLeft === 0) this.#retired = true;
  }

  /** When the iteration starts, in milliseconds; 0 if no wait function needs it. */
  #iterationStart(): number {
    return typeof this.#pacing.waitTime === "number" ? 0 : this.#clock.now();
  }

  async #test(test: TestMethod): Promise<void> {
    try {
      this.#context.activity[0] = test.id;
      this.#context.testStarts.counts[test.id]!++;
      await test.run.call(this.#user);
    } catch (error) {
      this.#countTestError(error, test);
    }
  }

  #countTestError(error: unknown, { name }: TestMethod): void {
    if (this.#abort.signal.aborted) return;
    if (!this.#context.recorder.isCounted(error)) this.#countUserError(error, name);
    else this.#show({ kind: "cutShort", name, thrown: error });
  }

  #countUserError(error: unknown, method: string): void {
    if (isInstance(error, UserEnd)) this.#retired = true;
    else {
      const { recorder } = this.#context;
      recorder.userError(this.#class.name, error, this.#clock.now(), `${method}()`);
    }
  }

  /** Waits after a test; `null` without a wait, because awaiting a plain value would still take time. */
  #waitAfterTest(iterationStartMs: number, endsIteration: boolean): Promise<void> | null {
    if (this.#finished) return null;
    // A scheduled iteration starts when it is due, whatever the wait time of the user.
    if (endsIteration && this.#context.iterationSlot?.scheduled) return this.#yieldIfOverdue();
    const { waitTime } = this.#pacing;
    if (typeof waitTime !== "number") {
      return this.#callAndWait(waitTime, iterationStartMs, endsIteration);
    }
    return waitTime > 0 ? this.#wait(waitTime * 1000) : this.#yieldIfOverdue();
  }

  async #callAndWait(
    waitFunction: WaitFunction,
    iterationStartMs: number,
    endsIteration: boolean,
  ): Promise<void> {
    const waitMs = await this.#callWaitFunction(waitFunction, iterationStartMs, endsIteration);
    if (waitMs > 0) return await this.#wait(waitMs);
    this.#waitMs = 0;
    await this.#yieldIfOverdue();
  }

  async #callWaitFunction(
    waitFunction: WaitFunction,
    iterationStartMs: number,
    endsIteration: boolean,
  ): Promise<number> {
    const iterationStart = iterationStartMs / 1000;
    const turn: Turn = {
      now: this.#clock.now() / 1000,
      iterationStart,
      endsIteration,
      passStart: iterationStart,
      endsPass: endsIteration,
      random: this.#context.random,
    };
    try {
      const seconds = await waitFunction(this.#user, turn);
      if (typeof seconds === "number" && seconds >= 0) return seconds * 1000;
      throw new RangeError(`waitTime returned ${shown(seconds)}, expected 0 or more seconds`);
    } catch (error) {
      this.#countUserError(error, "waitTime");
      return WAIT_AFTER_BAD_WAIT_MS;
    }
  }

  /** Yields if the event loop is overdue. Tests that never really wait would otherwise block everything. */
  #yieldIfOverdue(): Promise<void> | null {
    const { recorder, eventLoop } = this.#context;
    // Reading the clock would cost more than the rest of an iteration that only sends a request. The end
    // of the last measurement is as good, unless it is the same one as before.
    const { lastEndedAt } = recorder;
    const now = lastEndedAt === this.#lastSeenAt ? this.#clock.now() : lastEndedAt;
    this.#lastSeenAt = lastEndedAt;
    if (!eventLoop.overdue(now)) return null;
    return this.#clock.nextTurn().then(() => eventLoop.recordTurn(this.#clock.now()));
  }

  #wait(ms: number): Promise<void> {
    if (this.#finished) return Promise.resolve();
    this.#waitMs = ms;
    return new Promise((resolve) => {
      this.#interruptWait = resolve;
      this.#waitTimer = this.#clock.setTimer(resolve, ms);
    });
  }

  #endWait(): void {
    if (this.#waitTimer !== null) this.#clock.clearTimer(this.#waitTimer);
    this.#interruptWait?.();
  }

  /**
   * The last steps. They run once: after the loop, or when the stop timer gives up on it. Whatever happens
   * in them, the user has ended afterwards.
   */
  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    try {
      await this.#lastSteps();
    } catch (error) {
      this.#countBreakdown(error);
    }
    this.#lifetime.end();
    this.#requests.close(this.#clock.now());
    try {
      this.#user[Symbol.dispose]();
    } catch (error) {
      this.#countBreakdown(error);
    }
    if (debugLog.isOn) debugLog.add("users", `${this.#name} has ended: ${this.#endReason}.`);
    this.#markEnded();
  }

  /** What the log calls the user. */
  get #name(): string {
    return `User ${this.#context.id} of ${this.#class.name}`;
  }

  get #endReason(): string {
    if (this.#broken !== null) return "its constructor has thrown";
    if (this.#stopping) return "it was stopped";
    if (this.#iterationsLeft === 0) return "it has run all its iterations";
    return this.#retired ? "its code has ended it" : "there are no more iterations for it";
  }

  async #lastSteps(): Promise<void> {
    this.#context.iterationSlot?.interrupt(this.#clock.now());
    this.#lifetime.stop();
    if (this.#stopTimer !== null) this.#clock.clearTimer(this.#stopTimer);
    if (this.#user.onStop === User.prototype.onStop) return;
    const limit = Promise.withResolvers<void>();
    const limitMs = this.#onStopLimit();
    const timer = this.#clock.setTimer(() => {
      // Without a lease, it is not the method that hangs.
      if (limitMs === this.#onStopMs) {
        this.#context.recorder.onStopCutOff(this.#class.name, limitMs / 1000);
      }
      limit.resolve();
    }, limitMs);
    await Promise.race([currentUser.run(this.#lifetime, () => this.#callOnStop()), limit.promise]);
    this.#clock.clearTimer(timer);
  }

  /** Without a valid lease, requests never settle, so `onStop` gets little time. */
  #onStopLimit(): number {
    return this.#context.lease.holds(this.#clock.now()) ? this.#onStopMs : ABORT_GRACE_MS;
  }

  async #callOnStop(): Promise<void> {
    this.#context.progress.isStopping = true;
    try {
      await this.#call("onStop");
    } catch (error) {
      if (!this.#context.recorder.isCounted(error)) this.#countUserError(error, "onStop");
    }
  }
}

/** The reason of an aborted user. Its requests and sleeps reject with it. */
class UserStopped extends Error {
  override readonly name = "UserStopped";

  constructor() {
    super("the user has been stopped");
  }
}

/**
 * Chooses a test at random, according to the weights.
 *
 * @param tests at least one.
 * @param random in [0, 1).
 */
export function chooseTest(tests: readonly TestMethod[], random: number): TestMethod {
  let rest = random * tests.reduce((sum, test) => sum + test.weight, 0);
  for (const test of tests) {
    rest -= test.weight;
    if (rest < 0) return test;
  }
  return tests[tests.length - 1]!;
}
