/**
 * The groups of one user that are under way, and the time in which they have requests.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { EndedGroup } from "../stats/group_stats.ts";

/**
 * The group whose code is running; `undefined` outside groups. A request belongs to the group whose function
 * has sent it, directly or through others, also if several groups of a user run at the same time.
 */
export const currentGroup: AsyncLocalStorage<OpenGroup | undefined> = new AsyncLocalStorage();

/** A group that is under way. All times are milliseconds on the clock of the node. */
export class OpenGroup {
  /** With the names of the groups around it. */
  readonly name: string;
  /** The next one around it; `null` if there is none. */
  readonly outer: OpenGroup | null;
  readonly startedAt: number;
  /** Whether it has been counted, or is not to be counted. */
  isOver = false;
  #hasFailed = false;
  #inFlight = 0;
  /** Since when at least one request is under way. */
  #busySince = 0;
  /** Until when requests were under way, as far as they have ended. */
  #busyUntil: number;
  #busyMs = 0;

  constructor(name: string, outer: OpenGroup | null, startedAt: number) {
    this.name = outer === null ? name : `${outer.name} / ${name}`;
    this.outer = outer;
    this.startedAt = startedAt;
    this.#busyUntil = startedAt;
  }

  /** A request was started. */
  requestStarted(startedAt: number): void {
    // The first request of a scheduled iteration may have started before a group that comes later.
    if (this.#inFlight++ === 0) this.#busySince = Math.max(startedAt, this.#busyUntil);
  }

  /** A request has ended, or was cut off. @param endedAt 0 if it is not known. */
  requestEnded(endedAt: number, failed: boolean): void {
    if (failed) this.#hasFailed = true;
    this.#busyUntil = Math.max(this.#busyUntil, endedAt);
    if (--this.#inFlight > 0) return;
    this.#busyMs += Math.max(0, this.#busyUntil - this.#busySince);
  }

  /** Something that was measured elsewhere has just ended. */
  recorded(startedAt: number, endedAt: number, failed: boolean): void {
    this.requestStarted(startedAt);
    this.requestEnded(endedAt, failed);
  }

  /** Ends the group. @param threw whether its function has thrown. */
  end(now: number, threw: boolean): EndedGroup {
    this.isOver = true;
    const open = this.#inFlight > 0 ? now - this.#busySince : 0;
    const durationMs = Math.max(0, now - this.startedAt);
    return {
      name: this.name,
      durationMs,
      requestsMs: Math.min(this.#busyMs + open, durationMs),
      failed: threw || this.#hasFailed,
    };
  }
}
