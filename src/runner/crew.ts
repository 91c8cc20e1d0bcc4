import type { PassSeat } from "../user/pass_seat.ts";
import { PassQueue } from "./pass_queue.ts";

interface Waiting {
  readonly seat: PassSeat;
  readonly give: (intendedAt: number | null) => void;
}

/** The users of one class in the open model, and the passes that wait for one of them. */
export class Crew {
  readonly queue = new PassQueue();
  /** The most users that there may be; Infinity where their number is not fixed. */
  readonly limit: number;
  alive = 0;
  /** Users that have not asked for a pass yet. */
  starting = 0;
  /** Users that wait for a pass; the last one has waited least. */
  readonly #idle: Waiting[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Passes that wait, beside those that users who are starting will take; below 0 where none do. */
  get unserved(): number {
    return this.queue.size - this.starting;
  }

  /** Resolves with when the user's next pass was meant to begin; null where it no longer waits. */
  wait(seat: PassSeat): Promise<number | null> {
    return new Promise((give) => void this.#idle.push({ seat, give }));
  }

  /** Gives a pass to the user that has waited least, so that no more are kept busy than it takes. */
  give(intendedAt: number): boolean {
    const waiting = this.#idle.pop();
    waiting?.give(intendedAt);
    return waiting !== undefined;
  }

  /** A user no longer waits. */
  leave(seat: PassSeat): void {
    const at = this.#idle.findLastIndex((waiting) => waiting.seat === seat);
    if (at >= 0) this.#idle.splice(at, 1)[0]!.give(null);
  }

  /** Sends the user away that has waited longest; null where none waits. */
  dismiss(): PassSeat | null {
    const waiting = this.#idle.shift();
    waiting?.give(null);
    return waiting?.seat ?? null;
  }
}
