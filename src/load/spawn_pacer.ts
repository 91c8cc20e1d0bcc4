/**
 * How fast users are started and stopped.
 *
 * @module
 */

import type { UserLoad } from "./load.ts";

/**
 * Paces the way to a target. It owns no clock: whoever asks says how much time has passed, in seconds
 * that never go back.
 *
 * Users follow a straight line, up or down, and after a rest its first change comes at once. A new
 * target bends the line where it is, with the fraction of a user that it has gained: however often the
 * target changes, and however late somebody asks, no user is lost, and none is won. Only a line that
 * has reached its target gains no more than the one change that the next ramp may begin with.
 */
export class SpawnPacer {
  #target: UserLoad;
  /** Users where the line begins, and when that was. */
  #from: number;
  #since = 0;
  /** Changes that were due already when the line began: at most 1, the one that comes at once. */
  #credit = 1;

  /** @param users how many run before the first target is set. */
  constructor(users: number) {
    this.#from = users;
    // At rest where it is; the rate is never used, as there is nowhere to go and no credit to gain.
    this.#target = { users, rate: 1 };
  }

  /** Sets what to head for from this moment on; a target that is the same as before changes nothing. */
  retarget(target: UserLoad, atSeconds: number): void {
    if (target.users === this.#target.users && target.rate === this.#target.rate) return;
    const users = this.usersAt(atSeconds);
    this.#credit = Math.min(1, this.#lineAt(atSeconds) - this.#changesAt(atSeconds));
    this.#from = users;
    this.#since = atSeconds;
    this.#target = target;
  }

  /** How many users should run at this moment. */
  usersAt(seconds: number): number {
    return this.#from + Math.sign(this.#target.users - this.#from) * this.#changesAt(seconds);
  }

  /** When the next user is to be started or stopped, in seconds; null where the target is reached. */
  nextAt(seconds: number): number | null {
    const changes = this.#changesAt(seconds);
    if (changes === this.#distance) return null;
    return this.#since + (changes + 1 - this.#credit) / this.#target.rate;
  }

  get #distance(): number {
    return Math.abs(this.#target.users - this.#from);
  }

  /** Users started or stopped on this line so far. */
  #changesAt(seconds: number): number {
    return Math.min(this.#distance, Math.floor(this.#lineAt(seconds + ROUNDING_SECONDS)));
  }

  #lineAt(seconds: number): number {
    return this.#credit + (seconds - this.#since) * this.#target.rate;
  }
}

/**
 * What is due so soon is due now. Clocks count milliseconds, and a time that was turned into them and
 * back may fall short by a rounding: whoever waited for a change would find nothing to do, for ever.
 */
const ROUNDING_SECONDS = 1e-6;
