/**
 * `--once`: one user of each class runs once, one after another, and everything that they do is printed.
 *
 * @module
 */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { type Clock, systemClock, type Timer } from "../core/clock.ts";
import { errorFields, errorText, isError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { shown } from "../core/text.ts";
import { userFrames } from "../core/user_code.ts";
import { isRedirect } from "../http/redirects.ts";
import { consoleAbilities, reportColumns } from "../report/console.ts";
import { formatAge } from "../report/quantity.ts";
import { PassText } from "../report/pass_text.ts";
import type { TestFunctions } from "../runner/setup_teardown.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import type { DiscoveredClass, TestMethod } from "../user/discovery.ts";
import { exchangeRecord } from "../user/exchange_records.ts";
import { metrics } from "../user/metrics.ts";
import type {
  CountedRequest,
  ExchangeObserver,
  FlowEvent,
  FlowObserver,
  ObservedExchange,
  Observers,
  RequestObserver,
} from "../user/observers.ts";
import type { User } from "../user/user.ts";
import type { PendingSample } from "../user/user_requests.ts";
import type { Options } from "./options.ts";

/** The longest that `sleep` takes, in seconds: enough for loops that ask a service until it is done. */
const MAX_SLEEP = 1;

/** Text of a body that is printed, in UTF-16 units. */
const MAX_BODY_TEXT = 2048;

/** Lines of an error's message that are printed. */
const MAX_ERROR_LINES = 30;

/** Frames of a stack that are printed. */
const MAX_FRAMES = 10;

/** Prints a pass. */
export class PassOutput implements RequestObserver, ExchangeObserver, FlowObserver {
  readonly #text: PassText;
  readonly #cwd: string;
  readonly #columns: number;
  readonly #secrets: boolean;
  /** A test, or another method, whose end has not been shown. */
  #ended: Extract<FlowEvent, { kind: "stepEnded" }> | null = null;
  /** Requests for which it did not wait. */
  #missed: readonly string[] = [];
  /** How many tests, or other methods, are running. */
  #running = 0;
  /** Exchanges that the methods which are running have begun. */
  readonly #pending = new Set<ObservedExchange>();
  readonly #turns = new UserTurns(systemClock);

  constructor(host: Host, { printSecrets }: Pick<Options, "printSecrets">) {
    const { color } = consoleAbilities(host.stdout, (name) => host.env(name));
    this.#cwd = host.cwd;
    this.#columns = reportColumns(host.stdout);
    this.#secrets = printSecrets;
    // What reads a pipe, such as the log of a CI job, wraps lines itself.
    const columns = host.stdout.isTerminal ? this.#columns : Infinity;
    this.#text = new PassText((text) => host.stdout.write(text), { columns, color });
    metrics.observe((name, value) => this.happened({ kind: "metric", name, value }));
  }

  /** What tells of everything that users do. */
  get observers(): Observers {
    return { requests: [this], exchanges: [this], flow: this, inspectsTls: true };
  }

  /** Classes whose users run each of their tests once. */
  classes(classes: readonly DiscoveredClass[]): DiscoveredClass[] {
    return classes.map((one) => {
      const { order } = one.userClass;
      return {
        ...one,
        tests: one.tests.map((test) => this.#shownTest(test)),
        pass: {
          order: order === "random" ? "each" : order,
          iterations: order === "random" ? one.tests.length : 1,
          waitTime: 0,
          maxSleep: MAX_SLEEP,
          enter: (begin) => this.#turns.enter(begin),
        },
      };
    });
  }

  /** The functions of a test file, which are shown when they run. */
  functions({ setup, teardown }: TestFunctions): TestFunctions {
    return {
      setup: setup === null ? null : () => this.#step("setup", setup),
      teardown: teardown === null ? null : (data) => this.#step("teardown", () => teardown(data)),
    };
  }

  /** What is printed in place of the report. */
  summary(snapshot: Snapshot, exitCode: number): string {
    this.#endStep();
    return this.#text.summary(snapshot, exitCode, this.#columns);
  }

  wants(): boolean {
    return true;
  }

  sending(exchange: ObservedExchange): void {
    this.#pending.add(exchange);
  }

  ended(exchange: ObservedExchange): void {
    this.#pending.delete(exchange);
    this.#turns.touch();
    this.#endStep();
    const options = { secrets: this.#secrets, maxText: MAX_BODY_TEXT };
    this.#text.exchange(exchangeRecord(exchange, options), reasonOf(exchange));
  }

  counted({ sample, details }: CountedRequest): void {
    this.#endStep();
    const exchanges = details.exchanges?.length ?? 0;
    const { method, name, status, latencyMs, error, retries } = sample;
    this.#text.counted({ method, name, status, latencyMs, error, retries, exchanges });
  }

  happened(event: FlowEvent): void {
    this.#turns.touch();
    // The error of a test is only known after its end, and is shown before it.
    if (event.kind !== "userError" && event.kind !== "cutShort") this.#endStep();
    const text = this.#text;
    switch (event.kind) {
      case "user":
        return text.begin(`${event.userClass}, user ${event.id}`);
      case "userEnded":
        return text.endUser();
      case "step":
        return text.begin(event.name);
      case "stepEnded":
        this.#ended = event;
        return;
      case "group":
        return text.begin(`group ${event.name}`);
      case "groupEnded":
        return text.endGroup(event.group);
      case "check":
        return text.line(event.passed ? "✓" : "✗", `check ${event.name}`);
      case "threw":
        return this.#error(event.thrown, "");
      case "cutShort":
        return text.line("✗", `${event.name} ended early, because nothing caught this error`);
      case "userError":
        return this.#error(event.thrown, `user error${event.method && ` in ${event.method}`}: `);
      case "metric":
        return text.line("*", `metric ${event.name}: ${shown(event.value)}`);
      case "sleep": {
        const { seconds, limitSeconds } = event;
        const cut = seconds > limitSeconds ? `, shortened to ${limitSeconds} s` : "";
        return text.line("*", `sleep ${seconds} s${cut}`);
      }
    }
  }

  #endStep(): void {
    if (this.#ended === null) return;
    const { name, ms } = this.#ended;
    for (const request of this.#missed) {
      this.#text.line("✗", `${name} did not wait for ${request}. Is "await" missing?`);
    }
    this.#missed = [];
    this.#text.line("*", `${name} took ${formatAge(ms)}`);
    this.#text.end();
    this.#ended = null;
  }

  #error(thrown: unknown, prefix: string): void {
    const frames = isError(thrown) ? userFrames(errorFields(thrown).stack) : [];
    const places = frames.slice(0, MAX_FRAMES).map((frame) => `  at ${this.#place(frame)}`);
    this.#text.line("✗", [prefix + wholeMessage(thrown), ...places].join("\n"));
  }

  /** A frame with a path as it is written in the folder of the process. */
  #place(frame: string): string {
    const [, url = frame, position = ""] = /^(.*?)((?::\d+){2})$/.exec(frame) ?? [];
    try {
      const path = fileURLToPath(url);
      const short = relative(this.#cwd, path);
      return `${short.startsWith("..") ? path : short}${position}`;
    } catch {
      return frame;
    }
  }

  #shownTest(test: TestMethod): TestMethod {
    const step = (run: () => unknown): Promise<unknown> => this.#step(test.name, run);
    return {
      ...test,
      run(this: User): Promise<unknown> {
        return step(() => test.run.call(this));
      },
    };
  }

  async #step(name: string, run: () => unknown): Promise<unknown> {
    const startedAt = systemClock.now();
    this.happened({ kind: "step", name });
    this.#running++;
    try {
      return await run();
    } finally {
      const ms = systemClock.now() - startedAt;
      this.#running--;
      this.happened({ kind: "stepEnded", name, ms });
      // While others are running, it is not known whose requests are under way.
      if (this.#running === 0) {
        this.#missed = Array.from(this.#pending, ({ method, url }) => `${method} ${url.pathname}`);
        this.#pending.clear();
      }
    }
  }
}

/** Why an exchange follows another one of the same request; empty for the first one. */
function reasonOf({ counter }: ObservedExchange): string {
  const [before] = (counter as PendingSample).exchanges?.slice(-2, -1) ?? [];
  const status = before?.response?.status ?? 0;
  return before === undefined ? "" : isRedirect(status) ? "redirected" : "again, with credentials";
}

/** The message of an error with all of its lines. */
function wholeMessage(thrown: unknown): string {
  if (!isError(thrown)) return errorText(thrown);
  const { name, message } = errorFields(thrown);
  const lines = stripVTControlCharacters(message || name).trimEnd().split("\n");
  const head = name === "" || name === "Error" || message === "" ? "" : `${name}: `;
  const more = lines.length > MAX_ERROR_LINES ? ["…"] : [];
  return head + [...lines.slice(0, MAX_ERROR_LINES), ...more].join("\n");
}

/** A user that does nothing for this time, in milliseconds, may be waiting for one that has not begun. */
const IDLE_MS = 10_000;

/** Lets one user run after another. */
class UserTurns {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #touchedAt = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As `OnePass.enter`. */
  enter(begin: () => void): () => void {
    let hasBegun = false;
    const start = (): void => {
      hasBegun = true;
      this.#running++;
      this.touch();
      begin();
    };
    this.#waiting.push(start);
    if (this.#running === 0) this.#next();
    return () => {
      if (hasBegun) this.#running--;
      else this.#waiting.splice(this.#waiting.indexOf(start), 1);
      if (this.#running === 0) this.#next();
    };
  }

  /** The user that runs has done something. */
  touch(): void {
    this.#touchedAt = this.#clock.now();
  }

  #next(): void {
    this.#waiting.shift()?.();
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#waiting.length > 0) this.#timer = this.#clock.setTimer(() => this.#check(), 1000);
  }

  #check(): void {
    if (this.#clock.now() - this.#touchedAt >= IDLE_MS) this.#next();
    else this.#timer = this.#clock.setTimer(() => this.#check(), 1000);
  }
}
