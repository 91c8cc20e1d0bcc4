/**
 * The life of one user: its start, its passes, its end.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { currentUser, UserEnd, UserLifetime } from "../core/user_lifetime.ts";
import type { UserContext } from "./context.ts";
import type { DiscoveredClass, TestMethod } from "./discovery.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { User } from "./user.ts";
import type { Turn, WaitFunction } from "./wait_time.ts";

/** `onStart` is tried again after 1 s, then after twice as long each time, up to this. */
const LONGEST_START_RETRY_MS = 30_000;

/** How long what was told to end at once may take to notice. */
const ABORT_GRACE_MS = 100;

/** How long `onStop` may take at least, however short the stop timeout. */
const SHORTEST_ON_STOP_MS = 5_000;

/** A wait function that fails must not turn its user into a busy loop. */
const WAIT_AFTER_BAD_WAIT_MS = 1_000;

/** Runs one user from its construction until it has stopped. */
export class UserLoop {
  /** Resolves when the user has stopped and given back what it held. */
  readonly ended: Promise<void>;
  readonly #class: DiscoveredClass;
  readonly #context: UserContext;
  readonly #clock: Clock;
  readonly #user: User;
  readonly #abort: AbortController;
  readonly #markEnded: () => void;
  readonly #lifetime = new UserLifetime();
  #stopping = false;
  /** Whether its own code has ended it. */
  #retired = false;
  #ending = false;
  #lastSeenAt = 0;
  #onStopMs = SHORTEST_ON_STOP_MS;
  /** Passes that its class still lets it begin. */
  #iterationsLeft: number;
  #interruptWait: (() => void) | null = null;
  #waitTimer: Timer | null = null;
  #stopTimer: Timer | null = null;

  /** @throws whatever the class's own constructor throws. */
  constructor(discovered: DiscoveredClass, context: Omit<UserContext, "signal">) {
    this.#class = discovered;
    this.#abort = new AbortController();
    this.#context = { ...context, signal: this.#abort.signal };
    this.#clock = context.clock;
    this.#iterationsLeft = discovered.userClass.iterations || Infinity;
    this.#user = currentUser.run(this.#lifetime, () => new discovered.userClass(this.#context));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#markEnded = resolve;
  }

  /** Lets the user begin; returns at once. */
  start(): void {
    currentUser.run(this.#lifetime, () => void this.#run());
  }

  /**
   * Stops the user: a wait ends now, a test may go on for `timeoutMs`, then its requests are aborted.
   * Calling it again changes nothing.
   */
  stop(timeoutMs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#onStopMs = Math.max(timeoutMs, SHORTEST_ON_STOP_MS);
    this.#lifetime.stop();
    this.#endWait();
    if (this.#ending) return;
    this.#stopTimer = this.#clock.setTimer(() => {
      const stopped = new UserStopped();
      this.#context.recorder.markCounted(stopped);
      this.#abort.abort(stopped);
      // A test that ignores its signal cannot be ended from outside; it is left behind.
      this.#stopTimer = this.#clock.setTimer(() => void this.#end(), ABORT_GRACE_MS);
    }, timeoutMs);
  }

  async #run(): Promise<void> {
    if (await this.#runOnStart()) {
      if (this.#class.userClass.order === "sequential") await this.#sequentialIterations();
      else await this.#singleWaitIterations();
    }
    await this.#end();
  }

  /** Whether no further step of it is to begin. */
  get #finished(): boolean {
    return this.#stopping || this.#retired;
  }

  /** Whether the user has started; if not, it was stopped before it could. */
  async #runOnStart(): Promise<boolean> {
    let retryMs = 1_000;
    while (!this.#finished) {
      try {
        await this.#user.onStart();
        return true;
      } catch (error) {
        if (this.#abort.signal.aborted) return false;
        this.#countUserError(error);
        await this.#wait(retryMs);
        retryMs = Math.min(retryMs * 2, LONGEST_START_RETRY_MS);
      }
    }
    return false;
  }

  async #sequentialIterations(): Promise<void> {
    const { tests } = this.#class;
    const { iterationSlot } = this.#context;
    while (!this.#finished) {
      // Even an await of nothing takes time, and nearly all runs have no slots.
      if (iterationSlot !== null && !await this.#beginIteration(iterationSlot)) break;
      const iterationStart = this.#iterationStart();
      for (let i = 0; i < tests.length && !this.#finished; i++) {
        let endsIteration = i === tests.length - 1;
        try {
          await tests[i]!.run.call(this.#user);
        } catch (error) {
          this.#countTestError(error);
          endsIteration = true;
        }
        if (endsIteration) this.#endIteration();
        const pause = this.#waitAfterTest(iterationStart, endsIteration);
        if (pause !== null) await pause;
        if (endsIteration) break;
      }
    }
  }

  /** Passes that have one wait: a single test by chance, or all of them at once. */
  async #singleWaitIterations(): Promise<void> {
    const { tests, userClass } = this.#class;
    const { iterationSlot } = this.#context;
    while (!this.#finished) {
      // Even an await of nothing takes time, and nearly all runs have no slots.
      if (iterationSlot !== null && !await this.#beginIteration(iterationSlot)) break;
      const iterationStart = this.#iterationStart();
      if (userClass.order === "random") {
        await this.#test(chooseTest(tests, this.#context.random()));
      } else {
        await Promise.all(tests.map((test) => this.#test(test)));
      }
      this.#endIteration();
      const pause = this.#waitAfterTest(iterationStart, true);
      if (pause !== null) await pause;
    }
  }

  /**
   * Whether the user begins another iteration, now or as soon as one is available.
   *
   * A node whose lease has expired begins none, even before it has noticed: its first request would wait
   * forever, and the iteration would count as begun although another node could still run it.
   */
  #beginIteration(slot: IterationSlot): Promise<boolean> {
    this.#interruptWait = () => slot.stopWaiting();
    const { lease } = this.#context;
    return slot.begin(this.#clock, (now) => this.#finished || !lease.holds(now));
  }

  #endIteration(): void {
    const { iterationSlot } = this.#context;
    // In this order: asking the signal takes longer than all the rest.
    if (iterationSlot !== null && !this.#abort.signal.aborted) iterationSlot.end(this.#clock.now());
    if (--this.#iterationsLeft === 0) this.#retired = true;
  }

  /** When the pass begins, in milliseconds; 0 where no wait depends on it. */
  #iterationStart(): number {
    return typeof this.#class.userClass.waitTime === "number" ? 0 : this.#clock.now();
  }

  async #test(test: TestMethod): Promise<void> {
    try {
      await test.run.call(this.#user);
    } catch (error) {
      this.#countTestError(error);
    }
  }

  #countTestError(error: unknown): void {
    const cutOff = this.#abort.signal.aborted;
    if (!cutOff && !this.#context.recorder.isCounted(error)) this.#countUserError(error);
  }

  #countUserError(error: unknown): void {
    if (error instanceof UserEnd) this.#retired = true;
    else this.#context.recorder.userError(this.#class.name, error, this.#clock.now());
  }

  /** The wait behind a test; null where there is none, since even an await of nothing takes time. */
  #waitAfterTest(iterationStartMs: number, endsIteration: boolean): Promise<void> | null {
    if (this.#finished) return null;
    // The next pass begins when it is due, and not when its user thinks fit.
    if (endsIteration && this.#context.iterationSlot?.scheduled) return this.#yieldIfOverdue();
    const { waitTime } = this.#class.userClass;
    if (typeof waitTime !== "number") {
      return this.#askAndWait(waitTime, iterationStartMs, endsIteration);
    }
    return waitTime > 0 ? this.#wait(waitTime * 1000) : this.#yieldIfOverdue();
  }

  async #askAndWait(
    ask: WaitFunction,
    iterationStartMs: number,
    endsIteration: boolean,
  ): Promise<void> {
    const waitMs = await this.#askWait(ask, iterationStartMs, endsIteration);
    if (waitMs > 0) await this.#wait(waitMs);
    else await this.#yieldIfOverdue();
  }

  async #askWait(
    ask: WaitFunction,
    iterationStartMs: number,
    endsIteration: boolean,
  ): Promise<number> {
    const turn: Turn = {
      now: this.#clock.now() / 1000,
      iterationStart: iterationStartMs / 1000,
      endsIteration,
      random: this.#context.random,
    };
    try {
      const seconds = await ask(this.#user, turn);
      if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
      throw new RangeError(`waitTime gave ${seconds}, seconds of 0 or more are needed`);
    } catch (error) {
      this.#countUserError(error);
      return WAIT_AFTER_BAD_WAIT_MS;
    }
  }

  /** A test that never really waits, run again and again, would keep everything else from running. */
  #yieldIfOverdue(): Promise<void> | null {
    const { recorder, eventLoop } = this.#context;
    // Asking what time it is costs more than the rest of a pass that sends nothing but a request; and
    // the end of what was measured last is as good.
    const { lastEndedAt } = recorder;
    const now = lastEndedAt === this.#lastSeenAt ? this.#clock.now() : lastEndedAt;
    this.#lastSeenAt = lastEndedAt;
    if (!eventLoop.overdue(now)) return null;
    return this.#clock.nextTurn().then(() => eventLoop.note(this.#clock.now()));
  }

  #wait(ms: number): Promise<void> {
    if (this.#finished) return Promise.resolve();
    return new Promise((resolve) => {
      this.#interruptWait = resolve;
      this.#waitTimer = this.#clock.setTimer(resolve, ms);
    });
  }

  #endWait(): void {
    if (this.#waitTimer !== null) this.#clock.clearTimer(this.#waitTimer);
    this.#interruptWait?.();
  }

  /** The last steps; taken once, by the loop that came to its end or by the timer that gave it up. */
  async #end(): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#context.iterationSlot?.interrupt();
    this.#lifetime.stop();
    if (this.#stopTimer !== null) this.#clock.clearTimer(this.#stopTimer);
    const limit = Promise.withResolvers<void>();
    const timer = this.#clock.setTimer(limit.resolve, this.#onStopLimit());
    await Promise.race([currentUser.run(this.#lifetime, () => this.#callOnStop()), limit.promise]);
    this.#clock.clearTimer(timer);
    this.#lifetime.end();
    this.#user[Symbol.dispose]();
    this.#markEnded();
  }

  /** Where nothing may be sent any more, an `onStop` would wait for an answer that never comes. */
  #onStopLimit(): number {
    return this.#context.lease.holds(this.#clock.now()) ? this.#onStopMs : ABORT_GRACE_MS;
  }

  async #callOnStop(): Promise<void> {
    try {
      await this.#user.onStop();
    } catch (error) {
      if (!this.#context.recorder.isCounted(error)) this.#countUserError(error);
    }
  }
}

/** What a user was stopped with; its requests and sleeps reject with it. */
class UserStopped extends Error {
  override readonly name = "UserStopped";

  constructor() {
    super("the user has been stopped");
  }
}

/**
 * The test that a random number falls on, each test having as much room as its weight.
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
