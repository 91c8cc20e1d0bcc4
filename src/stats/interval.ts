import type { Entry } from "./entry.ts";
import { PairMap } from "./pair_map.ts";

/** What one node counted in one second of the run. */
export class Interval {
  /** Whole seconds since the start: 0 is the first. */
  readonly second: number;
  /** Users that ran when the second ended. */
  users: number;
  /** The most users that ran at any moment of it. */
  peakUsers: number;
  /** By method and name. */
  readonly entries = new PairMap<Entry>();
  /** How often the code of a user class threw an error: by class and error. */
  readonly userErrors = new PairMap<number>();

  /** @param users those that ran when the second began. */
  constructor(second: number, users: number) {
    this.second = second;
    this.users = users;
    this.peakUsers = users;
  }
}
