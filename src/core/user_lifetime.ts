/**
 * How long a user is there, known to whatever its code calls.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";

/**
 * One user's time in a test: it stays, it is told to leave, it is gone.
 */
export class UserLifetime {
  #leaving = false;
  #gone = false;
  #listeners: Set<() => void> | null = null;

  /** Whether it was told to leave: what it waits for is not worth the wait any more. */
  get stopping(): boolean {
    return this.#leaving;
  }

  /** Whether it has ended: a test of it that still runs was left behind. */
  get ended(): boolean {
    return this.#gone;
  }

  /** Calls the listener once, when the user is told to leave; not after the function returned is called. */
  onStopping(listener: () => void): () => void {
    // Made anew each time, so that one that is added twice can be taken back once.
    const entry = (): void => listener();
    (this.#listeners ??= new Set()).add(entry);
    return () => void this.#listeners?.delete(entry);
  }

  /** Tells the user to leave. */
  stop(): void {
    this.#leaving = true;
    const listeners = this.#listeners;
    this.#listeners = null;
    for (const listener of listeners ?? []) listener();
  }

  /** The user has ended. */
  end(): void {
    this.stop();
    this.#gone = true;
  }
}

/**
 * The stay of the user whose code runs now; undefined outside of users. What a test calls is not told
 * who calls it, so this, like the events, is shared by module.
 */
export const currentUser: AsyncLocalStorage<UserLifetime | undefined> = new AsyncLocalStorage();

/**
 * What a user's code throws to end its own user, quietly: `onStop` runs, and nothing is counted as an
 * error. Whoever catches it has a user that goes on.
 */
export class UserEnd extends Error {
  /** What it is. */
  override readonly name = "UserEnd";
}

/**
 * A promise that never settles. A test that was given up is not gone: one that loops, and catches what
 * its requests reject with, would go on for ever and leave the process no time for anything else.
 * Parked, it is collected like any other garbage.
 */
export function neverSettles(): Promise<never> {
  return new Promise(() => {});
}
