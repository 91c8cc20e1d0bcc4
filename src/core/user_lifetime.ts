/**
 * The lifetime of the user whose code is running, available to all code that a test calls.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";

/** The states of one user: it runs, it is stopping, it has ended. */
export class UserLifetime {
  #stopping = false;
  #ended = false;
  #listeners: Set<() => void> | null = null;

  /** Whether the user must stop. It should not wait for anything any more. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Whether the user has ended. If one of its tests still runs, it has been abandoned. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Calls the listener once, when the user must stop. Call the returned function to remove it. */
  onStopping(listener: () => void): () => void {
    // A new function for each call, so that a listener added twice can be removed once.
    const entry = (): void => listener();
    (this.#listeners ??= new Set()).add(entry);
    return () => void this.#listeners?.delete(entry);
  }

  /** Tells the user to stop. */
  stop(): void {
    this.#stopping = true;
    const listeners = this.#listeners;
    this.#listeners = null;
    for (const listener of listeners ?? []) listener();
  }

  /** Marks the user as ended. */
  end(): void {
    this.stop();
    this.#ended = true;
  }
}

/**
 * The lifetime of the user whose code is running; `undefined` outside users. Functions that a test calls
 * do not get its user as an argument, so this is shared by module, like the events.
 */
export const currentUser: AsyncLocalStorage<UserLifetime | undefined> = new AsyncLocalStorage();

/**
 * Throw this in a test, in `onStart` or in a wait function to end the user without an error: `onStop`
 * runs, and nothing is counted as a failure. If the test catches it, the user continues.
 *
 * ```ts
 * import { FastHttpUser, UserEnd } from "aiotest";
 *
 * export class VisitorTest extends FastHttpUser {
 *   async testVisit(): Promise<void> {
 *     const res = await this.session.get("/");
 *     if (res.status === 410) throw new UserEnd("the shop is closed");
 *   }
 * }
 * ```
 */
export class UserEnd extends Error {
  /** Always `UserEnd`. */
  override readonly name = "UserEnd";
}

/**
 * A promise that never settles, for calls from an abandoned test. A test that loops and catches every
 * error would otherwise run forever and starve the process. Waiting for this promise, it is garbage
 * collected.
 */
export function neverSettles(): Promise<never> {
  return new Promise(() => {});
}
