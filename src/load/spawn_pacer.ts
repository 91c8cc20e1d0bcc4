/**
 * When users are started and stopped on the way to a load.
 *
 * @module
 */

import type { UserLoad } from "./load.ts";

/**
 * Anything due this soon is due now. Clocks count milliseconds, and a time that is converted to them and
 * back may fall short by a rounding error: a caller that waited for a change would find nothing to do,
 * forever.
 */
const ROUNDING_SECONDS = 1e-6;

/**
 * Starts or stops users at a rate until a number is reached. It has no clock: the caller passes the time, in
 * seconds that never go back.
 *
 * Users follow a straight line, up or down. If it was at rest, the first change is immediate. A new load
 * bends the line where it is and keeps the fraction of a user gained so far: no user is lost or added, no
 * matter how often the load changes or how late the caller asks. A line that has reached its end gains no
 * more than the one immediate change of the next ramp.
 */
export class SpawnPacer {
  #load: UserLoad;
  /** Users at the head of the line, and when that was. */
  #from: number;
  #since = 0;
  /** Changes that were already due when the line started: at most 1, the immediate one. */
  #credit = 1;

  /** @param users how many run at the start. */
  constructor(users: number) {
    this.#from = users;
    // At rest, so the rate does not matter: there is no change to make and no credit to gain.
    this.#load = { users, rate: 1 };
  }

  /** Sets the load to head for from this moment on; an equal load changes nothing. */
  retarget(load: UserLoad, atSeconds: number): void {
    if (load.users === this.#load.users && load.rate === this.#load.rate) return;
    const users = this.usersAt(atSeconds);
    this.#credit = Math.min(1, this.#lineAt(atSeconds) - this.#changesAt(atSeconds));
    this.#from = users;
    this.#since = atSeconds;
    this.#load = load;
  }

  /** How many users should run at this moment. */
  usersAt(seconds: number): number {
    return this.#from + Math.sign(this.#load.users - this.#from) * this.#changesAt(seconds);
  }

  /** When the next user is to be started or stopped, in seconds; `null` if none is. */
  nextAt(seconds: number): number | null {
    const changes = this.#changesAt(seconds);
    if (changes === this.#distance) return null;
    return this.#since + (changes + 1 - this.#credit) / this.#load.rate;
  }

  get #distance(): number {
    return Math.abs(this.#load.users - this.#from);
  }

  /** Users started or stopped on this line so far. */
  #changesAt(seconds: number): number {
    return Math.min(this.#distance, Math.floor(this.#lineAt(seconds + ROUNDING_SECONDS)));
  }

  #lineAt(seconds: number): number {
    return this.#credit + (seconds - this.#since) * this.#load.rate;
  }
}
