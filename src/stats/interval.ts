import type { Counted, CountedSecond } from "./counted.ts";
import { EntryTable } from "./entry_table.ts";
import { PairMap } from "./pair_map.ts";
import { Passes } from "./passes.ts";

/** What one node counted in one second of the run. */
export class Interval implements Counted {
  /** Whole seconds since the start: 0 is the first. */
  second: number;
  /** Users that ran when the second ended. */
  users: number;
  /** The most users that ran at any moment of it. */
  peakUsers: number;
  readonly entries = new EntryTable();
  /** How often the code of a user class threw an error: by class and error. */
  readonly userErrors = new PairMap<number>();

  #passes: Passes | null = null;

  /** @param users those that ran when the second began. */
  constructor(second: number, users: number) {
    this.second = second;
    this.users = users;
    this.peakUsers = users;
  }

  /** What became of passes; null as long as nothing did. */
  get passes(): Passes | null {
    return this.#passes;
  }

  /** As {@link passes}, to be added to. */
  get openPasses(): Passes {
    return this.#passes ??= new Passes();
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
    for (const [, , , entry] of this.entries) {
      requests += entry.requests;
      failures += entry.failures;
    }
    const { second, users, peakUsers } = this;
    return [{ second, users, peakUsers, requests, failures }];
  }
}
