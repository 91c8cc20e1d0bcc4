/**
 * The closed model with a number of passes: users begin them one after the other, until none is left.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { ClusterPort } from "../shared/calls.ts";
import { ITERATION_SERVICE } from "../shared/iteration_quota.ts";
import type { IterationStats } from "../stats/iteration_stats.ts";
import type { IterationSlot } from "../user/iteration_slot.ts";
import type { IterationExecutor } from "./user_pool.ts";

/** Passes that a node may begin. */
export interface IterationSource {
  /** Whether there is one more, which is taken; a promise where somebody else has to be asked. */
  take(): boolean | Promise<boolean>;
  /** A pass that was taken has begun. */
  begun(): void;
  /** A pass that was taken does not begin: somebody else may have it. */
  putBack(): void;
}

/** What a gate needs of its node. */
export interface SharedIterationsOptions {
  readonly quota: IterationSource;
  readonly clock: Clock;
  /** Where to count what happens at a moment, in milliseconds on the node's clock. */
  readonly iterations: (atMs: number) => IterationStats;
  /** There is no pass left, and the last one has ended. */
  readonly onExhausted: () => void;
}

/** Lets passes begin as long as there are some. */
export class SharedIterationsExecutor implements IterationExecutor {
  readonly scheduled = false;
  readonly #options: SharedIterationsOptions;
  /** Users that wait to hear whether there is one more. */
  readonly #waiting = new Map<IterationSlot, (beginAt: number | null) => void>();
  /** Passes that were asked for, and have not ended. */
  #underWay = 0;
  #isSpent = false;

  constructor(options: SharedIterationsOptions) {
    this.#options = options;
  }

  next(seat: IterationSlot): number | null | Promise<number | null> {
    if (this.#isSpent) return null;
    // Counted before it is known, so that nobody takes the last pass to be over.
    this.#underWay++;
    const taken = this.#options.quota.take();
    if (!(taken instanceof Promise)) return this.#answer(taken);
    return new Promise((give) => {
      this.#waiting.set(seat, give);
      void taken.then((isThere) => {
        if (this.#waiting.delete(seat)) give(this.#answer(isThere));
        else if (isThere) this.declined();
        else this.#settle();
      });
    });
  }

  cancel(seat: IterationSlot): void {
    const give = this.#waiting.get(seat);
    this.#waiting.delete(seat);
    give?.(null);
  }

  entered(_seat: IterationSlot): void {}

  left(_seat: IterationSlot): void {}

  began(_intendedAt: number, now: number): void {
    const iterations = this.#options.iterations(now);
    // Nothing says when a pass should begin: it is known once it does.
    iterations.scheduled++;
    iterations.begin(0);
    this.#options.quota.begun();
  }

  ended(beganAt: number, now: number): void {
    this.#options.iterations(now).complete(now - beganAt);
    this.#settle();
  }

  interrupted(): void {
    this.#settle();
  }

  declined(): void {
    this.#options.quota.putBack();
    this.#settle();
  }

  #answer(isThere: boolean): number | null {
    if (isThere) return this.#options.clock.now();
    this.#isSpent = true;
    this.#settle();
    return null;
  }

  #settle(): void {
    this.#underWay--;
    if (this.#isSpent && this.#underWay === 0) this.#options.onExhausted();
  }
}

// A worker's part of the passes that all workers share.

/** A block is what the worker begins in about this time: so little is lost with it. */
const BLOCK_MS = 100;

/** The largest block; a worker that is faster asks more often. */
const LARGEST_BLOCK = 1_000;

/** What no user has wanted for so long goes back: users of other workers may be free. */
const HELD_MS = 1_000;

/**
 * Takes passes from the master in blocks. A worker that is fast asks for the next block before the last
 * pass of one is begun; a slow one takes them one by one.
 */
export class RemoteIterationQuota implements IterationSource {
  readonly #port: Pick<ClusterPort, "call">;
  readonly #clock: Clock;
  #left = 0;
  /** Passes that were begun since the master was told last. */
  #begun = 0;
  #isSpent = false;
  #isAsking = false;
  #withdraw = (): void => {};
  #block = 1;
  #askedAt = -Infinity;
  #takenAt = -Infinity;
  #timer: Timer | null = null;
  readonly #waiting: ((isThere: boolean) => void)[] = [];

  constructor(port: Pick<ClusterPort, "call">, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  take(): boolean | Promise<boolean> {
    if (this.#left > 0) {
      this.#left--;
      this.#takenAt = this.#clock.now();
      if (this.#block > 1 && this.#left <= this.#block / 2) this.#ask();
      return true;
    }
    if (this.#isSpent) return false;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#ask();
    });
  }

  begun(): void {
    this.#begun++;
    this.#tellIfDry();
  }

  putBack(): void {
    this.#left++;
    this.#serve();
    if (this.#isSpent) this.giveBack();
    else this.#watch();
  }

  /** Gives back what was taken or asked for, and not begun; more may be taken later. */
  giveBack(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#tell();
    const left = this.#left;
    this.#left = 0;
    if (left > 0) this.#call("return", left);
    if (this.#isAsking) this.#withdraw();
    this.#isAsking = false;
    this.#answerAll();
  }

  /** This worker begins nothing more. */
  close(): void {
    this.#isSpent = true;
    this.giveBack();
  }

  #ask(): void {
    if (this.#isAsking || this.#isSpent) return;
    this.#isAsking = true;
    const now = this.#clock.now();
    const isFast = now - this.#askedAt < BLOCK_MS;
    this.#block = isFast
      ? Math.min(LARGEST_BLOCK, this.#block * 2)
      : Math.max(1, Math.ceil(this.#block / 2));
    this.#askedAt = now;
    this.#withdraw = this.#call("take", Math.max(this.#block, this.#waiting.length), (granted) => {
      this.#isAsking = false;
      this.#granted(granted);
    });
    this.#tellIfDry();
  }

  #granted(count: number): void {
    this.#left += count;
    this.#takenAt = this.#clock.now();
    this.#serve();
    if (count === 0) {
      this.#isSpent = true;
      this.#answerAll();
    } else if (this.#waiting.length > 0) this.#ask();
    else this.#watch();
  }

  #serve(): void {
    while (this.#left > 0 && this.#waiting.length > 0) {
      this.#left--;
      this.#waiting.shift()!(true);
    }
  }

  #answerAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(false);
  }

  /** Looks after a while whether what is left here is still wanted. */
  #watch(): void {
    if (this.#timer !== null || this.#left === 0) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.#clock.now() - this.#takenAt < HELD_MS) this.#watch();
      else if (this.#left > 0) this.giveBack();
    }, HELD_MS);
  }

  /** The master may wait to hear that nothing is held here, before it says that nothing is left. */
  #tellIfDry(): void {
    if (this.#left === 0 && this.#isAsking) this.#tell();
  }

  #tell(): void {
    const begun = this.#begun;
    this.#begun = 0;
    if (begun > 0) this.#call("begun", begun);
  }

  #call(operation: string, count: number, done = (_granted: number): void => {}): () => void {
    const call = { service: ITERATION_SERVICE, name: "", operation, args: `[${count}]` };
    // All of them may block, as far as the connection knows: so they stay in their order. When the run
    // is over, or the master knows no passes, there are none.
    return this.#port.call(call, true, ({ result, value }) => {
      done(result === "ok" ? Number(value) : 0);
    });
  }
}

/**
 * Passes that are all this node's own.
 */
export class IterationCounter implements IterationSource {
  #left: number;

  constructor(iterations: number) {
    this.#left = iterations;
  }

  take(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  begun(): void {}

  putBack(): void {
    this.#left++;
  }
}
