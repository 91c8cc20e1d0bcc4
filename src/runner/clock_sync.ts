/**
 * When the test began, as the master has it.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { ClusterPort } from "../shared/calls.ts";
import { TIME_SERVICE } from "../shared/rpc.ts";

/** In the beginning many nodes are busy, and answers are slow: it is asked often until it is known well. */
const FIRST_ASKED_MS = 500;
const FIRST_TIMES = 20;
const LATER_ASKED_MS = 10_000;

/** Clocks of two machines may go apart by so much of the time that passes. */
const DRIFT = 1e-4;

/**
 * Asks the master how long the test has lasted, as nodes do not share a clock. An answer that came fast
 * says it most exactly: it was given at some moment between the question and the answer.
 */
export class ClockSync {
  readonly #port: Pick<ClusterPort, "call">;
  readonly #clock: Clock;
  #onBetter: ((beganAt: number) => void) | null = null;
  #asked = 0;
  #isAsking = false;
  /** How long the best answer was under way, and when it came. */
  #best = { lasted: Infinity, at: 0 };
  #timer: Timer | null = null;

  constructor(port: Pick<ClusterPort, "call">, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /**
   * Asks from now on; starting it again changes nothing.
   *
   * @param onBetter gets when the test began, in milliseconds on this node's clock, whenever that is
   * known better than before.
   */
  start(onBetter: (beganAt: number) => void): void {
    if (this.#onBetter !== null) return;
    this.#onBetter = onBetter;
    this.#ask();
  }

  /** Asks no more. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#onBetter = () => {};
  }

  #ask(): void {
    const everyMs = this.#asked++ < FIRST_TIMES ? FIRST_ASKED_MS : LATER_ASKED_MS;
    this.#timer = this.#clock.setTimer(() => this.#ask(), everyMs);
    // Without a connection, the first question is still to be answered.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const sentAt = this.#clock.now();
    const call = { service: TIME_SERVICE, name: "", operation: "elapsed", args: "[]" };
    this.#port.call(call, true, ({ result, value }) => {
      this.#isAsking = false;
      if (result === "ok") this.#hear(Number(value), sentAt, this.#clock.now());
    });
  }

  #hear(elapsedSeconds: number, sentAt: number, now: number): void {
    const lasted = now - sentAt;
    const { lasted: best, at } = this.#best;
    if (!(elapsedSeconds > 0) || lasted > best + (now - at) * DRIFT) return;
    this.#best = { lasted, at: now };
    this.#onBetter?.((sentAt + now) / 2 - elapsedSeconds * 1000);
  }
}
