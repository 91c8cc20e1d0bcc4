/**
 * When the event loop last had its turn.
 *
 * Code that never really waits keeps timers and sockets from running, so it has to let them in now and
 * then; but that costs time, and code that waits for a socket has no need of it. All code of a node
 * shares one of these, so that nobody yields while the loop turns anyway.
 */
export class EventLoopMonitor {
  #lastAt = 0;

  /** Says that a timer has fired, at this moment in milliseconds. */
  note(nowMs: number): void {
    this.#lastAt = nowMs;
  }

  /** Whether timers and sockets have waited for too long at this moment, in milliseconds. */
  overdue(nowMs: number): boolean {
    return nowMs - this.#lastAt > LONGEST_MS;
  }
}

/** Over twice the time after which a loop that turns notes it, and well under what is called late. */
const LONGEST_MS = 40;
