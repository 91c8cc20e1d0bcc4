/**
 * Events: what a test file can listen to.
 *
 * A handler may be async. What it throws is logged and touches nothing else: neither the run, nor the
 * other handlers.
 *
 * @module
 */

import type { Cluster } from "./cluster.ts";
import { errorText } from "./errors.ts";
import { logger } from "./logger.ts";
import type { RunInfo } from "./run_info.ts";

/** One request or measured step, as counted. */
export interface RequestEvent {
  /** What it is reported under. */
  readonly name: string;
  /** HTTP method, or the kind of step. */
  readonly method: string;
  /** HTTP status; 0 where there was no response or no HTTP. */
  readonly status: number;
  /** Milliseconds until the whole response was in. */
  readonly latencyMs: number;
  /** Bytes of the response's body. */
  readonly bytes: number;
  /** Why it counts as failed, or null. */
  readonly error: string | null;
  /** Users that run on this node now. */
  readonly userCount: number;
}

/** Something that a user's own code threw. */
export interface UserErrorEvent {
  /** The user class's name. */
  readonly user: string;
  /** What it threw. */
  readonly error: Error;
}

/** What a worker has told its master of one second, or of several. */
export interface WorkerReport {
  /** The first and the last second that it covers; 0 is the first of the test. */
  readonly from: number;
  /** See {@link from}. */
  readonly to: number;
  /** Users that ran on the worker when it ended. */
  readonly users: number;
  /** Requests that ended in these seconds. */
  readonly requests: number;
  /** Those of them that failed. */
  readonly failures: number;
  /** Share of one core, 0 to 1 and above. */
  readonly cpu: number;
  /** How late the worker's event loop ran, in milliseconds. */
  readonly lagMs: number;
}

/** What a flag of a test file is where nobody gives it. */
export type FlagDefault = string | boolean | number;

/** The part of commander's `Command` that a test file needs to add flags of its own. */
export interface CommandLineParser {
  /** Adds a flag, such as `--tenant <name>`; its value is a text. */
  option(flags: string, description?: string, defaultValue?: FlagDefault): unknown;
  /** Adds a flag whose text is made into something else by `parse`. */
  option(
    flags: string,
    description: string,
    parse: (text: string, previous: unknown) => unknown,
    defaultValue?: FlagDefault,
  ): unknown;
}

/** Every event's name, and the one object that its handlers get. */
export interface EventMap {
  /** Before flags are parsed: add flags here; their values arrive in `init`. */
  initCommandLineParser: { readonly parser: CommandLineParser };
  /** Once a node, when everything is read and nothing has begun. */
  init: {
    readonly options: Readonly<Record<string, unknown>>;
    readonly node: string;
    /** What all nodes share: to listen to messages, and to make feeders. */
    readonly cluster: Cluster;
  };
  /** Right before the first user starts. */
  testStart: { readonly run: RunInfo };
  /** When the first target number of users runs. */
  startComplete: { readonly userCount: number };
  /** For every request and measured step, where its user runs. */
  request: RequestEvent;
  /** For everything that a user's own code throws, where that user runs. */
  userError: UserErrorEvent;
  /** On the master, for every report of a worker. */
  workerReport: { readonly workerId: string; readonly report: WorkerReport };
  /** When the last user has stopped. */
  testStop: { readonly run: RunInfo };
  /** The last one, whatever came before. */
  quitting: { readonly exitCode: number };
}

/** A function that is called when an event happens; what it returns is awaited where that makes sense. */
export type EventHandler<Name extends keyof EventMap> = (
  event: EventMap[Name],
) => void | Promise<void>;

type AnyHandler = (event: never) => void | Promise<void>;

/**
 * Handlers by event.
 *
 * ```ts
 * import { Events } from "./events.ts";
 * import assert from "node:assert/strict";
 *
 * const events = new Events();
 * const counts: number[] = [];
 * events.on("startComplete", ({ userCount }) => void counts.push(userCount));
 * await events.emit("startComplete", { userCount: 3 });
 * assert.deepEqual(counts, [3]);
 * ```
 */
export class Events {
  readonly #handlers = new Map<keyof EventMap, AnyHandler[]>();

  /** Adds a handler; the same function added twice is called twice. */
  on<Name extends keyof EventMap>(name: Name, handler: EventHandler<Name>): void {
    this.#handlers.set(name, [...this.#of(name), handler]);
  }

  /** Takes a handler back; one that is not there is ignored. */
  off<Name extends keyof EventMap>(name: Name, handler: EventHandler<Name>): void {
    const handlers = [...this.#of(name)];
    const at = handlers.lastIndexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
    this.#handlers.set(name, handlers);
  }

  /** Whether anybody listens: a run with no handler need not even build the event. */
  has(name: keyof EventMap): boolean {
    return this.#of(name).length > 0;
  }

  /**
   * Calls every handler in the order of their adding, each with the same object, and resolves when all
   * are done. Never rejects: what a handler throws is logged.
   */
  async emit<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): Promise<void> {
    const logError = (error: unknown): void => {
      logger.error(`A handler of the event ${name} threw: ${errorText(error)}`);
    };
    const running: Promise<void>[] = [];
    for (const handler of this.#of(name)) {
      try {
        const result = (handler as EventHandler<Name>)(event);
        if (result instanceof Promise) running.push(result.catch(logError));
      } catch (error) {
        logError(error);
      }
    }
    await Promise.all(running);
  }

  #of(name: keyof EventMap): readonly AnyHandler[] {
    return this.#handlers.get(name) ?? [];
  }
}

/**
 * The events of the run that this module graph is loaded for. A test file has nothing else in common
 * with the run that imports it, so this object, alone, is shared by module.
 */
export const events: Events = new Events();
