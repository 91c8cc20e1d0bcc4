/**
 * When the test started, on a worker's own clock.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { RpcTransport } from "../shared/calls.ts";
import { TIME_SERVICE } from "../shared/rpc.ts";

/** At the start many nodes are busy, and answers are slow: the master is asked often at first. */
const FIRST_INTERVAL_MS = 500;
const FIRST_QUESTIONS = 20;
const LATER_INTERVAL_MS = 10_000;

/** The clocks of two machines may drift apart by this share of the time that passes. */
const DRIFT = 1e-4;

/**
 * Asks the master how long the test has lasted, since nodes do not share a clock. The fastest answer is
 * the most exact one: it was given at some moment between the question and its arrival.
 */
export class ClockSync {
  readonly #rpc: Pick<RpcTransport, "call">;
  readonly #clock: Clock;
  #onImproved: ((beganAt: number) => void) | null = null;
  #questions = 0;
  #isAsking = false;
  /** The round trip of the best answer, and when it arrived. */
  #best = { roundTripMs: Infinity, at: 0 };
  #timer: Timer | null = null;

  constructor(rpc: Pick<RpcTransport, "call">, clock: Clock) {
    this.#rpc = rpc;
    this.#clock = clock;
  }

  /**
   * Starts to send requests. Further calls have no effect.
   *
   * @param onImproved gets when the test started, in milliseconds on this node's clock, each time that it
   * is known better than before.
   */
  start(onImproved: (beganAt: number) => void): void {
    if (this.#onImproved !== null) return;
    this.#onImproved = onImproved;
    this.#ask();
  }

  /** Stops asking. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#onImproved = () => {};
  }

  #ask(): void {
    const intervalMs = this.#questions++ < FIRST_QUESTIONS ? FIRST_INTERVAL_MS : LATER_INTERVAL_MS;
    this.#timer = this.#clock.setTimer(() => this.#ask(), intervalMs);
    // Without a connection, the last question is still unanswered.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const sentAt = this.#clock.now();
    const call = { service: TIME_SERVICE, name: "", operation: "elapsed", args: "[]" };
    this.#rpc.call(call, true, ({ result, value }) => {
      this.#isAsking = false;
      if (result === "ok") this.#judge(Number(value), sentAt, this.#clock.now());
    });
  }

  #judge(elapsedSeconds: number, sentAt: number, now: number): void {
    const roundTripMs = now - sentAt;
    const { roundTripMs: best, at } = this.#best;
    if (!(elapsedSeconds > 0) || roundTripMs > best + (now - at) * DRIFT) return;
    this.#best = { roundTripMs, at: now };
    this.#onImproved?.((sentAt + now) / 2 - elapsedSeconds * 1000);
  }
}
