/**
 * The closed model with a limited number of iterations: users start them one after the other until none
 * is left.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { RpcTransport } from "../shared/calls.ts";
import { ITERATION_SERVICE } from "../shared/iteration_quota.ts";
import type { IterationStats } from "../stats/iteration_stats.ts";
import type { IterationSlot } from "../user/iteration_slot.ts";
import type { IterationExecutor } from "./user_pool.ts";

/** The source of iterations: a count of this node, or the quota that all workers share. */
export interface IterationSource {
  /** Takes an iteration; resolves with false if none is left. */
  take(): boolean | Promise<boolean>;
  /** An iteration that was taken has started. */
  begun(): void;
  /** An iteration that was taken will not start; another user may take it. */
  putBack(): void;
}

/** What the executor needs from its node. */
export interface SharedIterationsOptions {
  readonly source: IterationSource;
  readonly clock: Clock;
  /** The counters of a class for what happens at a moment, in milliseconds on the node's clock. */
  readonly iterations: (atMs: number, classIndex: number) => IterationStats;
  /** Called when no iteration is left and the last one has ended. */
  readonly onExhausted: () => void;
}

/** Users start iterations as long as any are left. */
export class SharedIterationsExecutor implements IterationExecutor {
  readonly scheduled = false;
  readonly #options: SharedIterationsOptions;
  /** Users that wait for the answer of the source. */
  readonly #waiting = new Map<IterationSlot, (beginAt: number | null) => void>();
  /** Iterations that were requested and have not ended. */
  #underWay = 0;
  #isSpent = false;

  constructor(options: SharedIterationsOptions) {
    this.#options = options;
  }

  next(slot: IterationSlot): number | null | Promise<number | null> {
    if (this.#isSpent) return null;
    // Counted before the answer is known, so that the last iteration does not seem to have ended.
    this.#underWay++;
    const taken = this.#options.source.take();
    if (!(taken instanceof Promise)) return this.#answer(taken);
    return new Promise((resolve) => {
      this.#waiting.set(slot, resolve);
      void taken.then((granted) => {
        if (this.#waiting.delete(slot)) resolve(this.#answer(granted));
        else if (granted) this.declined();
        else this.#finishOne();
      });
    });
  }

  cancel(slot: IterationSlot): void {
    const resolve = this.#waiting.get(slot);
    this.#waiting.delete(slot);
    resolve?.(null);
  }

  began({ classIndex }: IterationSlot, _intendedAt: number, now: number): void {
    const iterations = this.#options.iterations(now, classIndex);
    // There is no schedule, so an iteration is scheduled when it starts.
    iterations.scheduled++;
    iterations.begin(0);
    this.#options.source.begun();
  }

  ended({ classIndex }: IterationSlot, beganAt: number, now: number): void {
    this.#options.iterations(now, classIndex).complete(now - beganAt);
    this.#finishOne();
  }

  interrupted({ classIndex }: IterationSlot, beganAt: number, now: number): void {
    this.#options.iterations(now, classIndex).interrupt(now - beganAt);
    this.#finishOne();
  }

  declined(): void {
    this.#options.source.putBack();
    this.#finishOne();
  }

  #answer(granted: boolean): number | null {
    if (granted) return this.#options.clock.now();
    this.#isSpent = true;
    this.#finishOne();
    return null;
  }

  #finishOne(): void {
    this.#underWay--;
    if (this.#isSpent && this.#underWay === 0) this.#options.onExhausted();
  }
}

/** A number of iterations that are all this node's own. */
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

/**
 * The time, besides that of two round trips, in which a worker should start the iterations of one block. No
 * more than twice that are lost with it.
 */
const BLOCK_MS = 100;

/** A request that takes longer was not on the way for so long, but waited for other workers. */
const MAX_ROUND_TRIP_MS = 1_000;

/** The largest block; a faster worker requests blocks more often. */
const MAX_BLOCK = 1_000;

/** Iterations that no user has taken for this long go back: users of other workers may be idle. */
const UNUSED_MS = 1_000;

/**
 * The worker's part of the quota that all workers share. It takes iterations from the master in blocks. A
 * fast worker requests the next block before the last one is used up; a slow one takes single iterations.
 */
export class RemoteIterationQuota implements IterationSource {
  readonly #rpc: Pick<RpcTransport, "call">;
  readonly #clock: Clock;
  #left = 0;
  /** Iterations that have started since the last report to the master. */
  #begun = 0;
  #isSpent = false;
  #isRequesting = false;
  #cancelRequest = (): void => {};
  #block = 1;
  #requestedAt = -Infinity;
  #roundTripMs = 0;
  #takenAt = -Infinity;
  #timer: Timer | null = null;
  readonly #waiting: ((granted: boolean) => void)[] = [];

  constructor(rpc: Pick<RpcTransport, "call">, clock: Clock) {
    this.#rpc = rpc;
    this.#clock = clock;
  }

  take(): boolean | Promise<boolean> {
    if (this.#left > 0) {
      this.#left--;
      this.#takenAt = this.#clock.now();
      if (this.#block > 1 && this.#left <= this.#block / 2) this.#request();
      return true;
    }
    if (this.#isSpent) return false;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#request();
    });
  }

  begun(): void {
    this.#begun++;
    this.#reportIfEmpty();
  }

  putBack(): void {
    this.#left++;
    this.#serve();
    if (this.#isSpent) this.giveBack();
    else this.#watchUnused();
  }

  /** Returns what was taken or requested and has not started; more may be taken later. */
  giveBack(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#reportBegun();
    const left = this.#left;
    this.#left = 0;
    if (left > 0) this.#call("return", left);
    if (this.#isRequesting) this.#cancelRequest();
    this.#isRequesting = false;
    this.#refuseAll();
  }

  /** This worker starts no more iterations. */
  close(): void {
    this.#isSpent = true;
    this.giveBack();
  }

  #request(): void {
    if (this.#isRequesting || this.#isSpent) return;
    this.#isRequesting = true;
    const now = this.#clock.now();
    // Half a block has to last until the next one arrives.
    const goalMs = BLOCK_MS + 2 * this.#roundTripMs;
    const tookMs = now - this.#requestedAt;
    if (tookMs < goalMs) this.#block = Math.min(MAX_BLOCK, this.#block * 2);
    else if (tookMs > 2 * goalMs) this.#block = Math.ceil(this.#block / 2);
    this.#requestedAt = now;
    const count = Math.max(this.#block, this.#waiting.length);
    this.#cancelRequest = this.#call("take", count, (granted) => {
      this.#isRequesting = false;
      this.#roundTripMs = Math.min(MAX_ROUND_TRIP_MS, this.#clock.now() - now);
      this.#receive(granted);
    });
    this.#reportIfEmpty();
  }

  #receive(count: number): void {
    this.#left += count;
    this.#takenAt = this.#clock.now();
    this.#serve();
    if (count === 0) {
      this.#isSpent = true;
      this.#refuseAll();
    } else if (this.#waiting.length > 0) this.#request();
    else this.#watchUnused();
  }

  #serve(): void {
    while (this.#left > 0 && this.#waiting.length > 0) {
      this.#left--;
      this.#waiting.shift()!(true);
    }
  }

  #refuseAll(): void {
    for (const resolve of this.#waiting.splice(0)) resolve(false);
  }

  /** Returns unused iterations after no user has taken one for a while. */
  #watchUnused(): void {
    if (this.#timer !== null || this.#left === 0) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.#clock.now() - this.#takenAt < UNUSED_MS) this.#watchUnused();
      else if (this.#left > 0) this.giveBack();
    }, UNUSED_MS);
  }

  /** The master can only report that no iterations are left if it knows that no worker holds any. */
  #reportIfEmpty(): void {
    if (this.#left === 0 && this.#isRequesting) this.#reportBegun();
  }

  #reportBegun(): void {
    const begun = this.#begun;
    this.#begun = 0;
    if (begun > 0) this.#call("begun", begun);
  }

  #call(operation: string, count: number, done = (_granted: number): void => {}): () => void {
    const call = { service: ITERATION_SERVICE, name: "", operation, args: `[${count}]` };
    // All calls are declared as blocking, which keeps them in order. An error means that the run is over
    // or has no limit on iterations, and so none are granted.
    return this.#rpc.call(call, true, ({ result, value }) => {
      done(result === "ok" ? Number(value) : 0);
    });
  }
}
