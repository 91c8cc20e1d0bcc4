/**
 * The run of this process, for code of a test file that gets it from nowhere else.
 *
 * @module
 */

import type { RunInfo } from "./run_info.ts";

/** Calls that were made before there was a run to end. */
type EarlyCall = readonly [kind: "stop" | "fail" | "annotate", reason: unknown];

/** Handlers of `init` can hardly have more to say. */
const MAX_EARLY = 100;

/** The run of a process, whatever it is at the moment. */
export class CurrentRun implements RunInfo {
  #run: RunInfo | null = null;
  /** The name of this node while the run is prepared; `null` while the test file is imported. */
  #node: string | null = null;
  #host: string | null = null;
  #early: EarlyCall[] = [];

  /**
   * The handlers of `init` are about to be called.
   *
   * @param node the name of this process.
   * @param host `--host`.
   */
  prepare(node: string, host: string | null): void {
    this.#node = node;
    this.#host = host;
    this.#run = null;
  }

  /** From now on, this is the run. It gets the calls that handlers of `init` have made. */
  attach(run: RunInfo): void {
    this.#run = run;
    for (const [kind, reason] of this.#early.splice(0)) run[kind](reason);
  }

  get id(): string {
    return this.#run?.id ?? "";
  }

  get node(): string {
    return this.#run?.node ?? this.#node ?? "";
  }

  get host(): string | null {
    return this.#run?.host ?? this.#host;
  }

  get userCount(): number {
    return this.#run?.userCount ?? 0;
  }

  get runTime(): number {
    return this.#run?.runTime ?? 0;
  }

  get data(): unknown {
    return this.#run?.data ?? null;
  }

  stop(reason?: unknown): void {
    this.#end("stop", reason);
  }

  fail(reason?: unknown): void {
    this.#end("fail", reason);
  }

  annotate(text: unknown): void {
    if (this.#run !== null) return this.#run.annotate(text);
    if (this.#node === null) {
      throw new Error("run.annotate: there is no run yet. Call it in init or later.");
    }
    if (this.#early.length < MAX_EARLY) this.#early.push(["annotate", text]);
  }

  #end(kind: "stop" | "fail", reason: unknown): void {
    if (this.#run !== null) return this.#run[kind](reason);
    if (this.#node === null) {
      throw new Error(`run.${kind}: there is no run yet. Call it in init or later.`);
    }
    // One of each kind decides, however often they are called.
    if (!this.#early.some(([earlier]) => earlier === kind)) this.#early.push([kind, reason]);
  }
}

/** The run with the methods that only the command line uses. */
export const currentRun: CurrentRun = new CurrentRun();

/**
 * The run that this test file is part of: `this.run` for code outside of user classes, such as `setup` and
 * handlers of events and messages. It can be used from the event `init` on.
 *
 * ```ts
 * import { events, run } from "aiotest";
 *
 * let outOfStock = 0;
 * events.on("request", ({ status }) => {
 *   if (status === 409 && ++outOfStock === 100) run.fail("the shop has nothing left to sell");
 * });
 * ```
 */
export const run: RunInfo = currentRun;
