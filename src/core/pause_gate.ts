/**
 * Where the users of a node wait while the run is paused.
 *
 * @module
 */

/**
 * A gate that every user passes before each of its iterations. While it is closed, users wait there; what they
 * have begun goes on.
 */
export class PauseGate {
  #pause: { readonly since: number; readonly over: PromiseWithResolvers<void> } | null = null;
  /** Whether the run is paused. Users read it before each iteration, so it is a plain field. */
  isClosed = false;

  /** When the pause began, in milliseconds on the clock of the node; Infinity without one. */
  get closedAt(): number {
    return this.#pause?.since ?? Infinity;
  }

  /** Resolves when the gate is open, which it may be already. */
  get opened(): Promise<void> {
    return this.#pause?.over.promise ?? Promise.resolve();
  }

  /** A pause begins. @param now in milliseconds on the clock of the node. */
  close(now: number): void {
    this.#pause ??= { since: now, over: Promise.withResolvers() };
    this.isClosed = true;
  }

  /** The pause is over. */
  open(): void {
    const pause = this.#pause;
    this.#pause = null;
    this.isClosed = false;
    pause?.over.resolve();
  }
}
