import type { Counted, CountedSecond } from "./counted.ts";
import type { Entry } from "./entry.ts";
import { PairMap } from "./pair_map.ts";

/** What one node counted in one second of the run. */
export class Interval implements Counted {
  /** Whole seconds since the start: 0 is the first. */
  second: number;
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

  get from(): number {
    return this.second;
  }

  get to(): number {
    return this.second;
  }

  /** How its one second went. */
  get seconds(): readonly CountedSecond[] {
    let requests = 0;
    let failures = 0;
    for (const [, , entry] of this.entries) {
      requests += entry.requests;
      failures += entry.failures;
    }
    const { second, users, peakUsers } = this;
    return [{ second, users, peakUsers, requests, failures }];
  }
}
