/**
 * The order in which requests of native `fetch` are sent while the load generator is the bottleneck.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";

/**
 * This many requests can be under way without any waiting. Deno 2.9 serves up to 500 evenly; with more
 * than 600, some get their responses many times later than others, and each takes more processor time.
 */
export const EVEN_FETCHES = 256;

/** How often the event loop is examined while requests wait, in milliseconds. */
const CHECK_MS = 1;

/** An event loop that runs later than this has no time left, in milliseconds. */
const BUSY_LATE_MS = 2;

/** Waits of over this many milliseconds, in each of this many seconds, are worth a warning. */
const LONG_WAIT_MS = 50;
const WATCHED_SECONDS = 5;

const WARNING =
  `Requests of HttpUser waited in the load generator for over ${LONG_WAIT_MS} ms in each of ` +
  `${WATCHED_SECONDS} s, and their latencies include this: native fetch had no time for more than ` +
  `${EVEN_FETCHES} at once. Extend FastHttpUser, or spread the users over more processes.`;

/**
 * Makes requests wait, first come, first served, while the event loop is busy and {@link EVEN_FETCHES}
 * are under way.
 *
 * A slow target needs any number of requests under way, and must get them. So nothing waits unless the
 * event loop has no time for more: as soon as it is on time, or no request has ended for a while, the
 * number under way may double every millisecond. All users of a node share one queue.
 */
export class FetchQueue {
  readonly #clock: Clock;
  readonly #waiting = new Set<WaitingFetch>();
  readonly #onTimer = (): void => this.#check();
  #underWay = 0;
  /** Requests that have ended since the timer was set. */
  #ended = 0;
  #timerSetAt: number | null = null;
  /** Of the requests that were started since the last {@link check}. */
  #longestWaitMs = 0;
  #slowSeconds = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests that have been started and not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Starts a request and returns `null`, or makes it wait. When it has ended, call {@link end}, unless it
   * was canceled.
   */
  start(): WaitingFetch | null {
    if (this.#underWay < EVEN_FETCHES) {
      this.#underWay++;
      return null;
    }
    const one = new WaitingFetch(this.#clock.now());
    this.#waiting.add(one);
    if (this.#timerSetAt === null) this.#setTimer();
    return one;
  }

  /** A request that was started has ended. */
  end(): void {
    this.#underWay--;
    this.#ended++;
    if (this.#waiting.size > 0 && this.#underWay < EVEN_FETCHES) this.#startWaiting(1);
  }

  /** Cancels a request that waits, or that has been told to start and has not done so yet. */
  cancel(one: WaitingFetch): void {
    one.isCanceled = true;
    if (this.#waiting.delete(one)) one.resolve(0);
    else this.end();
  }

  /** Call it once a second. Returns a warning, always the same, if requests have long been waiting. */
  check(): string | null {
    this.#slowSeconds = this.#longestWaitMs > LONG_WAIT_MS ? this.#slowSeconds + 1 : 0;
    this.#longestWaitMs = 0;
    return this.#slowSeconds >= WATCHED_SECONDS ? WARNING : null;
  }

  #startWaiting(count: number): void {
    const now = this.#clock.now();
    let left = count;
    for (const one of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(one);
      this.#underWay++;
      const waitedMs = now - one.since;
      this.#longestWaitMs = Math.max(this.#longestWaitMs, waitedMs);
      one.resolve(waitedMs);
    }
  }

  #setTimer(): void {
    this.#timerSetAt = this.#clock.now();
    this.#ended = 0;
    this.#clock.setTimer(this.#onTimer, CHECK_MS);
  }

  #check(): void {
    const lateMs = this.#clock.now() - this.#timerSetAt! - CHECK_MS;
    this.#timerSetAt = null;
    const isBusy = lateMs >= BUSY_LATE_MS && this.#ended > 0;
    if (!isBusy) this.#startWaiting(Math.max(this.#underWay, EVEN_FETCHES));
    if (this.#waiting.size > 0) this.#setTimer();
  }
}

/** A request that waits for its turn. */
export class WaitingFetch {
  /** When it started to wait, in milliseconds on the clock. */
  readonly since: number;
  /** Resolves when it starts or is canceled, with the time that it has waited in milliseconds. */
  readonly turn: Promise<number>;
  readonly resolve: (waitedMs: number) => void;
  isCanceled = false;

  constructor(since: number) {
    this.since = since;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.turn = promise;
    this.resolve = resolve;
  }
}
