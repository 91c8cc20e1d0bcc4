/**
 * Counts the requests of each user of a test file, and writes them to the file that `--counts` names.
 *
 * @module
 */

import { events } from "aiotest";
import type { UserCounts } from "./contender.ts";

/** A user that counts its requests. */
export interface CountedUser {
  requests: number;
}

/** The users of a test file. */
export class CountedUsers {
  readonly #users: CountedUser[] = [];
  #startedMs = 0;
  #stoppedMs = 0;

  /** Adds the flag, and writes the counts at the end. */
  constructor() {
    let file = "";
    events.on("initCommandLineParser", ({ parser }) => {
      parser.option("--counts <file>", "where to write the requests of each user", "");
    });
    events.on("init", ({ options }) => {
      file = String(options.counts);
    });
    events.on("testStop", () => {
      this.#stoppedMs = performance.now();
    });
    events.on("quitting", async () => {
      if (file !== "") await Deno.writeTextFile(file, JSON.stringify(this.#counts()));
    });
  }

  /** Adds a user that starts now. */
  add(user: CountedUser): void {
    if (this.#users.length === 0) this.#startedMs = performance.now();
    this.#users.push(user);
  }

  #counts(): UserCounts {
    return {
      requestsOfUsers: this.#users.map(({ requests }) => requests),
      seconds: (this.#stoppedMs - this.#startedMs) / 1000,
    };
  }
}
