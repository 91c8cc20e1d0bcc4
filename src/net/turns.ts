/**
 * Turns among sockets that are ready at the same time.
 *
 * If all of them were served before the users whom they serve continue, these would wait for each other
 * between a response and the next request, and that time would be in no latency. So sockets are served a few at
 * a time, and users continue in between.
 *
 * @module
 */

/** Sockets that are served together. */
export const STEP = 4;

/** Promise jobs in a row that lead from a response to the next request of a user that does nothing else. */
export const JOBS = 3;

/**
 * Turns among sockets whose events the runtime reports one by one, many of them in the same turn of the event
 * loop.
 */
export class Turns {
  #taken = 0;
  #waiting: (() => void)[] = [];
  #runs = false;

  /** Whether it is a socket's turn. If not, it calls {@link wait}. */
  take(): boolean {
    if (this.#taken === STEP || this.#waiting.length > 0) return false;
    this.#taken++;
    this.#start();
    return true;
  }

  /** Calls a function when it is its turn. It must not throw. */
  wait(serve: () => void): void {
    this.#waiting.push(serve);
    this.#start();
  }

  #start(): void {
    if (this.#runs) return;
    this.#runs = true;
    void this.#run();
  }

  /** It waits for nothing but promise jobs, so all of it is one turn of the event loop. */
  async #run(): Promise<void> {
    do {
      await users();
      const waiting = this.#waiting;
      this.#waiting = [];
      for (let i = 0; i < waiting.length; i++) {
        if (i > 0 && i % STEP === 0) await users();
        waiting[i]!();
      }
      this.#taken = 0;
    } while (this.#waiting.length > 0);
    this.#runs = false;
  }
}

/** Lets users continue. One job more than {@link JOBS}, because a socket may itself wait for a promise. */
async function users(): Promise<void> {
  for (let job = 0; job < JOBS; job++) await null;
}
