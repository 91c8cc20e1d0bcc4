/**
 * The closed model with a number of passes: users begin them one after the other, until none is left.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Passes } from "../stats/passes.ts";
import type { PassSeat } from "../user/pass_seat.ts";
import type { UserGate } from "./user_pool.ts";

/** Passes that a node may begin. */
export interface PassQuota {
  /** Whether there is one more, which is taken; a promise where somebody else has to be asked. */
  take(): boolean | Promise<boolean>;
  /** A pass that was taken has begun. */
  begun(): void;
  /** A pass that was taken does not begin: somebody else may have it. */
  putBack(): void;
}

/** What a gate needs of its node. */
export interface QuotaGateOptions {
  readonly quota: PassQuota;
  readonly clock: Clock;
  /** Where to count what happens at a moment, in milliseconds on the node's clock. */
  readonly passes: (atMs: number) => Passes;
  /** There is no pass left, and the last one has ended. */
  readonly onExhausted: () => void;
}

/** Lets passes begin as long as there are some. */
export class QuotaGate implements UserGate {
  readonly scheduled = false;
  readonly #options: QuotaGateOptions;
  /** Users that wait to hear whether there is one more. */
  readonly #waiting = new Map<PassSeat, (beginAt: number | null) => void>();
  /** Passes that were asked for, and have not ended. */
  #underWay = 0;
  #isSpent = false;

  constructor(options: QuotaGateOptions) {
    this.#options = options;
  }

  next(seat: PassSeat): number | null | Promise<number | null> {
    if (this.#isSpent) return null;
    // Counted before it is known, so that nobody takes the last pass to be over.
    this.#underWay++;
    const taken = this.#options.quota.take();
    if (!(taken instanceof Promise)) return this.#answer(taken);
    return new Promise((give) => {
      this.#waiting.set(seat, give);
      void taken.then((isThere) => {
        if (this.#waiting.delete(seat)) give(this.#answer(isThere));
        else if (isThere) this.refused();
        else this.#settle();
      });
    });
  }

  leave(seat: PassSeat): void {
    const give = this.#waiting.get(seat);
    this.#waiting.delete(seat);
    give?.(null);
  }

  entered(_seat: PassSeat): void {}

  left(_seat: PassSeat): void {}

  began(_intendedAt: number, now: number): void {
    const passes = this.#options.passes(now);
    // Nothing says when a pass should begin: it is known once it does.
    passes.scheduled++;
    passes.begin(0);
    this.#options.quota.begun();
  }

  ended(beganAt: number, now: number): void {
    this.#options.passes(now).complete(now - beganAt);
    this.#settle();
  }

  cutOff(): void {
    this.#settle();
  }

  refused(): void {
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
