import type { Clock } from "../core/clock.ts";

/** What is to be watched while it is idle. */
export interface Restable {
  /** Whether it waits for its watch to begin. */
  resting: boolean;
  /** Begins to watch it, if it is still idle. */
  watchWhileIdle(): void;
}

/** A connection that is used again at once need not be watched. */
const GRACE_MS = 1;

/**
 * Lets idle connections be watched for their end.
 *
 * Watching takes a read, and a busy user's connection is idle for microseconds only, again and again.
 * So those that have come to rest wait here together for a moment, and whoever is busy by then is
 * passed over.
 */
export class IdleWatch {
  readonly #clock: Clock;
  #resting: Restable[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has something watched in a moment; to be called whenever it has come to rest. */
  add(one: Restable): void {
    if (one.resting) return;
    one.resting = true;
    this.#resting.push(one);
    if (this.#resting.length === 1) this.#clock.setTimer(this.#onTimer, GRACE_MS);
  }

  readonly #onTimer = (): void => {
    const resting = this.#resting;
    this.#resting = [];
    for (const one of resting) {
      one.resting = false;
      one.watchWhileIdle();
    }
  };
}
