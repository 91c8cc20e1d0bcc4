/**
 * The events of a run that a test file can listen to.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Cluster } from "./cluster.ts";
import { errorText, PreparationError } from "./errors.ts";
import { logger } from "./logger.ts";
import { RepeatedLog } from "./repeated_log.ts";
import type { RunInfo } from "./run_info.ts";
import { didYouMean, nearestWord } from "./spelling.ts";
import { shown } from "./text.ts";

/** One counted request or measured step. */
export interface RequestEvent {
  /** The name in reports. */
  readonly name: string;
  /** HTTP method, or the kind of step. */
  readonly method: string;
  /** HTTP status; 0 without a response, and for steps that are not HTTP. */
  readonly status: number;
  /** Milliseconds until the whole response was received. */
  readonly latencyMs: number;
  /** Size of the response body in bytes. */
  readonly bytes: number;
  /** Why the request failed; `null` if it succeeded. */
  readonly error: string | null;
  /** Number of users running on this node. */
  readonly userCount: number;
  /** When it started, in milliseconds since 1970; in the open model, when its iteration was due. */
  readonly at: number;
  /** The id of the user: `this.id` of its tests. */
  readonly userId: number;
  /** The name of the user's class. */
  readonly userClass: string;
  /** The number of the user's iteration, from 0. */
  readonly iteration: number;
  /** The URL that was requested, before any redirect; empty for steps, and if it is invalid. */
  readonly url: string;
  /** The name of the innermost group; empty without a group. */
  readonly group: string;
  /** Its tags; empty without any. */
  readonly tags: Readonly<Record<string, string>>;
}

/** An error thrown by a user's own code. */
export interface UserErrorEvent {
  /** Name of the user class. */
  readonly user: string;
  /** The error. A thrown value of another type is converted to an `Error`. */
  readonly error: Error;
}

/** A worker's report to the master about one or more seconds. */
export interface WorkerReport {
  /** The first second that the report covers; 0 is the first second of the test. */
  readonly from: number;
  /** The last second that the report covers. */
  readonly to: number;
  /** Number of users running on the worker at the end of the report. */
  readonly users: number;
  /** Number of requests that ended in these seconds. */
  readonly requests: number;
  /** Number of failed requests among them. */
  readonly failures: number;
  /** Processor load of the worker; 1 is one fully used core. */
  readonly cpu: number;
  /** Lag of the worker's event loop in milliseconds. */
  readonly lagMs: number;
}

/** The default value of a test file's flag. */
export type FlagDefault = string | boolean | number;

/** The part of commander's `Command` that a test file needs to add its own flags. */
export interface CommandLineParser {
  /** Adds a flag such as `--tenant <name>`. Its value is a string. */
  option(flags: string, description?: string, defaultValue?: FlagDefault): unknown;
  /** Adds a flag whose value is converted by `parse`. */
  option(
    flags: string,
    description: string,
    parse: (text: string, previous: unknown) => unknown,
    defaultValue?: FlagDefault,
  ): unknown;
  /** Adds a flag such as `--size <size>` whose value is one of a few texts. */
  option(
    flags: string,
    description: string,
    choices: readonly string[],
    defaultValue?: string,
  ): unknown;
}

/** The names under which errors at the end of a test are counted, like those of a user class. */
export const TEST_STOP = "(event testStop)";
export const TEARDOWN = "(teardown)";

/** The names of all events, each with the object that its handlers receive. */
export interface EventMap {
  /** Before the flags are parsed. Add flags here; their values arrive with `init`. */
  initCommandLineParser: { readonly parser: CommandLineParser };
  /** Once per node, when the configuration has been read and nothing has started. */
  init: {
    /** The values of all flags, by camel-case name: those of aiotest and those of the test file. */
    readonly options: Readonly<Record<string, unknown>>;
    /** The name of this node; `local` in a local run. */
    readonly node: string;
    /** Shared by all nodes. Subscribe to messages and create feeders here. */
    readonly cluster: Cluster;
  };
  /** Just before the first user starts. */
  testStart: { readonly run: RunInfo };
  /** When the first target number of users is running. */
  startComplete: { readonly userCount: number };
  /** For each request and measured step, on the node of its user. */
  request: RequestEvent;
  /** For each error thrown by a user's own code, on the node of the user. */
  userError: UserErrorEvent;
  /** For each report of a worker, on the master. */
  workerReport: { readonly workerId: string; readonly report: WorkerReport };
  /** When the last user has stopped. */
  testStop: { readonly run: RunInfo };
  /** The last event of a process, even after an error. */
  quitting: { readonly exitCode: number };
}

/** All events, to check names at run time. */
const NAMES = Object.keys(
  {
    initCommandLineParser: true,
    init: true,
    testStart: true,
    startComplete: true,
    request: true,
    userError: true,
    workerReport: true,
    testStop: true,
    quitting: true,
  } satisfies Record<keyof EventMap, true>,
);

/** What other programs call the events. */
const OTHER_NAMES: ReadonlyMap<string, keyof EventMap> = new Map([
  ["spawningcomplete", "startComplete"],
  ["quit", "quitting"],
  ["usererror", "userError"],
  ["setup", "testStart"],
  ["teardown", "testStop"],
]);

/**
 * A function that is called when an event occurs. It can be async. What it throws does not affect other
 * handlers. If it throws, `initCommandLineParser`, `init` and `testStart` end the run before it sends
 * anything, `testStop` makes it fail, and the other events only log the error.
 */
export type EventHandler<Name extends keyof EventMap> = (
  event: EventMap[Name],
) => void | Promise<void>;

/** How long a run waits for the handlers of an event. */
export interface HandlerLimit {
  readonly clock: Clock;
  readonly seconds: number;
  /** Ends the wait early, without an error; `undefined` if nothing does. */
  readonly cancelled?: Promise<unknown>;
}

/** The minimum time limit of the events that end a run, in seconds, as for a user's `onStop`. */
const MIN_STOP_HANDLERS_S = 5;

/** The time limit for the handlers of `testStop` and `quitting`, in seconds. @param stopTimeout in seconds. */
export function stopHandlersLimit(stopTimeout: number): number {
  return Math.max(stopTimeout, MIN_STOP_HANDLERS_S);
}

/** An error's text for a message, with the place at which it was thrown if that is known. */
export function textWithPlace(text: string, place: string): string {
  return place === "" ? text : `${text} (${place})`;
}

type AnyHandler = (event: never) => void | Promise<void>;

/** Test files are not type-checked when they run: a handler of a misspelled event would never be called. */
function checkHandler(name: unknown, handler: unknown): void {
  if (typeof name !== "string" || !NAMES.includes(name)) {
    const nearest = typeof name === "string"
      ? nearestWord(name, NAMES, { otherNames: OTHER_NAMES })
      : null;
    throw new TypeError(
      `events.on: there is no event ${shown(name)}. ` +
        didYouMean(nearest, `The events are ${NAMES.join(", ")}.`),
    );
  }
  if (typeof handler === "function") return;
  throw new TypeError(
    `events.on(${shown(name)}): the handler is ${shown(handler)}, expected a function`,
  );
}

/** The handlers of a run's events. Test files use the object {@link events}. */
export class Events {
  readonly #handlers = new Map<keyof EventMap, AnyHandler[]>();
  #hasRequestHandlers = false;
  readonly #log = new RepeatedLog((line) => logger.error(line));

  /**
   * Adds a handler. A function that is added twice is called twice.
   *
   * @throws TypeError if there is no such event, or if the handler is not a function.
   */
  on<Name extends keyof EventMap>(name: Name, handler: EventHandler<Name>): void {
    checkHandler(name, handler);
    this.#set(name, [...this.#of(name), handler]);
  }

  /** Removes a handler; does nothing if it was not added. */
  off<Name extends keyof EventMap>(name: Name, handler: EventHandler<Name>): void {
    const handlers = [...this.#of(name)];
    const at = handlers.lastIndexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
    this.#set(name, handlers);
  }

  #set(name: keyof EventMap, handlers: AnyHandler[]): void {
    this.#handlers.set(name, handlers);
    if (name === "request") this.#hasRequestHandlers = handlers.length > 0;
  }

  /** @internal As {@link has} for `request`, which is asked for each of them. */
  get hasRequestHandlers(): boolean {
    return this.#hasRequestHandlers;
  }

  /** Whether an event has handlers. Without any, there is no need to create the event's object. */
  has(name: keyof EventMap): boolean {
    return this.#of(name).length > 0;
  }

  /** @internal The events that have handlers. */
  get handled(): (keyof EventMap)[] {
    return [...this.#handlers].filter(([, handlers]) => handlers.length > 0).map(([name]) => name);
  }

  /**
   * Calls all handlers with the same object, in the order in which they were added, and resolves when all
   * are done. Never rejects: errors of handlers are logged, and returned as texts.
   */
  async emit<Name extends keyof EventMap>(
    name: Name,
    event: EventMap[Name],
  ): Promise<readonly string[]> {
    const errors: string[] = [];
    await this.#call(name, event, (text) => {
      errors.push(text);
      this.#log.add(`A handler of the event ${name} threw: ${text}`);
    });
    if (name === "quitting") this.#log.flush();
    return errors;
  }

  /**
   * As {@link emit}, for the events that prepare a run.
   *
   * @param placeOf says where an error was thrown, such as `shop.ts:12:7`; empty if that is unknown.
   * @throws PreparationError if a handler throws, once all are done.
   * @internal
   */
  async prepare<Name extends "initCommandLineParser" | "init" | "testStart">(
    name: Name,
    event: EventMap[Name],
    placeOf: (thrown: unknown) => string = () => "",
  ): Promise<void> {
    const errors: string[] = [];
    await this.#call(name, event, (text, thrown) => {
      errors.push(textWithPlace(text, placeOf(thrown)));
    });
    const [error, ...others] = errors;
    if (error === undefined) return;
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    throw new PreparationError(
      `A handler of the event ${name} threw: ${error}${more}`,
      "The test does not start, because it is not prepared.",
    );
  }

  async #call<Name extends keyof EventMap>(
    name: Name,
    event: EventMap[Name],
    onError: (text: string, thrown: unknown) => void,
  ): Promise<void> {
    const failed = (error: unknown): void => onError(errorText(error), error);
    const running: Promise<unknown>[] = [];
    for (const handler of this.#of(name)) {
      try {
        // A handler may return a promise of another library.
        const result: unknown = (handler as EventHandler<Name>)(event);
        if (result !== undefined) running.push(Promise.resolve(result).catch(failed));
      } catch (error) {
        failed(error);
      }
    }
    await Promise.all(running);
  }

  #of(name: keyof EventMap): readonly AnyHandler[] {
    return this.#handlers.get(name) ?? [];
  }
}

/** The outcome of handlers that had limited time. */
interface HandlerOutcome {
  /** What they threw, as texts. */
  readonly errors: readonly string[];
  /** A sentence without its full stop if they have not ended in time, otherwise `null`. */
  readonly overdue: string | null;
}

/** As {@link Events.emit}, but does not wait for handlers beyond a limit. They continue to run. */
export async function emitWithin<Name extends keyof EventMap>(
  events: Events,
  name: Name,
  event: EventMap[Name],
  limit: HandlerLimit,
): Promise<HandlerOutcome> {
  const outcome = await within(limit, events.emit(name, event));
  return {
    errors: typeof outcome === "string" ? [] : outcome,
    overdue: outcome === "overdue" ? overdueText(name, limit) : null,
  };
}

/** Handlers that run for this long, in milliseconds, have a line in the log. */
const SLOW_MS = 5_000;

/**
 * As {@link Events.prepare}, but does not wait for handlers beyond a limit.
 *
 * @throws PreparationError if a handler throws, or they have not ended by then.
 */
export async function prepareWithin<Name extends "init" | "testStart">(
  events: Events,
  name: Name,
  event: EventMap[Name],
  { placeOf, ...limit }: HandlerLimit & { readonly placeOf?: (thrown: unknown) => string },
): Promise<void> {
  await preparedWithin(limit, events.prepare(name, event, placeOf), {
    running: `Handlers of the event ${name} are still running. The test starts after them; ` +
      `they have ${limit.seconds} s (--setup-timeout).`,
    overdue: overdueText(name, limit),
    hint: "The test does not start. If they need more time, raise --setup-timeout.",
  });
}

/**
 * Waits for work without which a test cannot start, but not beyond a limit. Resolves with `undefined` if the
 * wait was cancelled.
 *
 * @param texts for the log if the work takes long, and of the error if it takes too long.
 * @throws PreparationError if the work has not ended in time; and what the work throws.
 */
export async function preparedWithin<Result>(
  limit: HandlerLimit,
  work: Promise<Result>,
  texts: { readonly running: string; readonly overdue: string; readonly hint: string },
): Promise<Result | undefined> {
  const { clock } = limit;
  const slow = clock.setTimer(() => logger.info(texts.running), SLOW_MS);
  const outcome = await within(limit, work).finally(() => clock.clearTimer(slow));
  if (outcome === "overdue") throw new PreparationError(texts.overdue, texts.hint);
  return outcome === "cancelled" ? undefined : outcome;
}

function overdueText(name: keyof EventMap, { seconds }: HandlerLimit): string {
  return `Handlers of the event ${name} have not ended within ${seconds} s`;
}

/** Waits for some work, but not beyond a limit. The work continues. */
export async function within<Result>(
  { clock, seconds, cancelled }: HandlerLimit,
  work: Promise<Result>,
): Promise<Result | "overdue" | "cancelled"> {
  const limit = Promise.withResolvers<"overdue">();
  const timer = clock.setTimer(() => limit.resolve("overdue"), seconds * 1000);
  const outcomes: Promise<Result | "overdue" | "cancelled">[] = [work, limit.promise];
  if (cancelled !== undefined) outcomes.push(cancelled.then(() => "cancelled"));
  return await Promise.race(outcomes).finally(() => clock.clearTimer(timer));
}

/**
 * The events of the run that this test file is part of.
 *
 * ```ts
 * import { events, logger } from "aiotest";
 *
 * events.on("testStart", ({ run }) => logger.info(`Run ${run.id} starts on ${run.node}`));
 * events.on("request", ({ name, latencyMs }) => {
 *   if (latencyMs > 1000) logger.warn(`${name} took ${Math.round(latencyMs)} ms`);
 * });
 * ```
 */
export const events: Events = new Events();
