import type { Clock, Timer } from "../core/clock.ts";
import { peerText } from "./peer_text.ts";

interface Unsaid {
  count: number;
  /** Of the last one. */
  reason: string;
  timer: Timer;
}

const PAUSE_MS = 1_000;

/**
 * Says who was refused, and why, without ever flooding the log: the first of an address at once, and
 * the others in at most one line a second. An address is forgotten after a second without any.
 *
 * ```ts
 * import { systemClock } from "../core/clock.ts";
 * import { Refusals } from "./refusals.ts";
 * import assert from "node:assert/strict";
 *
 * const lines: string[] = [];
 * const refusals = new Refusals((line) => lines.push(line), systemClock);
 * for (let count = 0; count < 10_000; count++) refusals.note("10.0.0.9", "the token is wrong");
 * refusals.close();
 * assert.deepEqual(lines, [
 *   "Refused a connection from 10.0.0.9: the token is wrong",
 *   "Refused 9999 more from 10.0.0.9, the last one: the token is wrong",
 * ]);
 * ```
 */
export class Refusals {
  readonly #warn: (text: string) => void;
  readonly #clock: Clock;
  readonly #unsaid = new Map<string, Unsaid>();
  #closed = false;

  constructor(warn: (text: string) => void, clock: Clock) {
    this.#warn = warn;
    this.#clock = clock;
  }

  /** One more was refused. */
  note(address: string, reason: string): void {
    if (this.#closed) return;
    const unsaid = this.#unsaid.get(address);
    if (unsaid !== undefined) {
      unsaid.count++;
      unsaid.reason = reason;
      return;
    }
    this.#warn(`Refused a connection from ${address}: ${peerText(reason)}`);
    this.#unsaid.set(address, { count: 0, reason, timer: this.#later(address) });
  }

  /** Says what has not been said yet, and nothing after that. */
  close(): void {
    this.#closed = true;
    for (const [address, unsaid] of this.#unsaid) {
      this.#clock.clearTimer(unsaid.timer);
      if (unsaid.count > 0) this.#say(address, unsaid);
    }
    this.#unsaid.clear();
  }

  #later(address: string): Timer {
    return this.#clock.setTimer(() => this.#goOn(address), PAUSE_MS);
  }

  #goOn(address: string): void {
    const unsaid = this.#unsaid.get(address);
    if (unsaid === undefined) return;
    if (unsaid.count === 0) {
      this.#unsaid.delete(address);
      return;
    }
    this.#say(address, unsaid);
    unsaid.count = 0;
    unsaid.timer = this.#later(address);
  }

  #say(address: string, { count, reason }: Unsaid): void {
    this.#warn(`Refused ${count} more from ${address}, the last one: ${peerText(reason)}`);
  }
}
