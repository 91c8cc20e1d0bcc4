/**
 * What has arrived from the workers of a master and waits to be handled.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { ProtocolError } from "./protocol.ts";

/**
 * How long messages are handled before the event loop serves sockets and timers. The runtime serves streams
 * that have become ready last first, and only some in each turn, so while turns take long, others starve. Much
 * shorter slices would handle less on a busy machine, which gives the core to others at the end of each.
 */
const SLICE_MS = 20;

/**
 * The runtime reads from at most 128 streams in a turn. If about as many messages have arrived in one, others
 * are probably ready, and are read first, but only for some turns in a row.
 */
const FULL_TURN = 100;
const MAX_FULL_TURNS = 8;

/**
 * Handles messages in the order in which they arrived, over all connections. If there are many, it handles
 * them in slices of 20 ms, between which all that has arrived by then is read.
 *
 * Reading a message costs much less than handling a report. Because both are separate, a master hears of
 * each worker in time, even while it has more to handle than it can.
 */
export class Inbox {
  readonly #clock: Clock;
  /** What is to be done for each message; those before `#at` are done. */
  #waiting: (() => void)[] = [];
  #at = 0;
  /** How much of the slice is used. */
  #usedMs = 0;
  /** Set while the event loop serves sockets and timers. */
  #timer: Timer | null = null;
  /** What has arrived in this turn, and how many full turns there were since the last slice. */
  #arrived = 0;
  #fullTurns = 0;
  #isWorking = false;
  #isClosed = false;
  /** Settles what waits for the work of this inbox, when there will be none. */
  readonly #onClosed = new Set<() => void>();

  /** @param clock measures the slices. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A message has been read, whether it is added or not. */
  arrived(): void {
    this.#arrived++;
  }

  /** Calls `handle` after all that was added before, possibly at once. It must not throw. */
  add(handle: () => void): void {
    if (this.#isClosed) return;
    this.#waiting.push(handle);
    if (this.#timer === null && !this.#isWorking) this.#work();
  }

  /**
   * Does something after all that was added before; settles with its result. Rejects with a ProtocolError if
   * the inbox is closed before.
   */
  run<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const isOver = (): void => reject(new ProtocolError("run", "The run is over."));
      if (this.#isClosed) return isOver();
      this.#onClosed.add(isOver);
      this.add(() => {
        this.#onClosed.delete(isOver);
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Resolves once everything is handled that has been added until now, or the inbox is closed. */
  handled(): Promise<void> {
    return this.run(() => {}).catch(() => {});
  }

  /** Drops what is not handled yet, and all that follows. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    const onClosed = [...this.#onClosed];
    this.#onClosed.clear();
    for (const settle of onClosed) settle();
  }

  #work(): void {
    this.#isWorking = true;
    try {
      this.#handleSlice();
    } finally {
      this.#isWorking = false;
    }
    if (this.#isClosed || this.#usedMs < SLICE_MS) {
      this.#waiting = [];
      this.#at = 0;
      return;
    }
    this.#serveStreams();
  }

  /** Lets the event loop serve sockets and timers, and then handles the next slice. */
  #serveStreams(): void {
    this.#arrived = 0;
    // Clock.nextTurn would not do: while something is to be done at once, the runtime does not wait for sockets,
    // and asks the system only in some of its turns which of them are ready.
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.#arrived >= FULL_TURN && this.#fullTurns++ < MAX_FULL_TURNS) {
        return this.#serveStreams();
      }
      this.#fullTurns = 0;
      this.#usedMs = 0;
      this.#waiting.splice(0, this.#at);
      this.#at = 0;
      this.#work();
    }, 0);
  }

  #handleSlice(): void {
    let now = this.#clock.now();
    while (this.#at < this.#waiting.length && this.#usedMs < SLICE_MS) {
      this.#waiting[this.#at++]!();
      const after = this.#clock.now();
      this.#usedMs += after - now;
      now = after;
    }
  }
}
