/**
 * The worker processes that this process starts, and replaces if they die.
 *
 * @module
 */

import type { Child, ChildEnd } from "../core/child_process.ts";
import type { Clock, Random } from "../core/clock.ts";
import { ExitCode } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { ForwardedFlags } from "./custom_flags.ts";
import type { Options } from "./options.ts";
import { environmentName } from "./setting_types.ts";
import { HANDED_TO_CHILDREN, SENT_TO_WORKERS } from "./settings.ts";
import { workerName } from "./worker_link.ts";

/** The workers to start. */
export interface FleetOptions {
  readonly count: number;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly token: string | null;
  /** The options of this process; some of them are handed on to the workers. */
  readonly options: Options;
  /** Flags of the test file. */
  readonly customFlags: ForwardedFlags;
}

/** What a fleet needs from the process that starts it. */
export interface FleetContext {
  readonly host: Pick<Host, "hostname" | "spawnSelf">;
  readonly random: Random;
  readonly clock: Pick<Clock, "now">;
  /** Gets each line that a worker prints, prefixed with the worker's name. */
  readonly onLine: (text: string) => void;
  /** Whether a worker that has died may be replaced now. */
  readonly mayReplace: () => boolean;
  /** Called when a worker has ended, unless the fleet is stopped. */
  readonly onEnded: (worker: EndedWorker) => void;
}

/** A worker process that has ended. */
export interface EndedWorker {
  readonly name: string;
  /** Its exit code; a signal n counts as 128 + n. */
  readonly code: number;
  /** How it has ended, as a part of a sentence: `was killed by SIGKILL`. */
  readonly how: string;
  /** Whether it has died: it did not end by itself, and was not told to. */
  readonly hasDied: boolean;
  /** The name of the worker that was started in its place; `null` if none was. */
  readonly successor: string | null;
  /** Whether it was not replaced because too many others were. */
  readonly isOverLimit: boolean;
  /** The number of workers that are left, including the successor. */
  readonly left: number;
}

/** Random letters in the name that the workers of this process share. */
const NAME_LETTERS = 4;

/** Worker processes of this process. They exit when it does, however it ends. */
export class WorkerFleet {
  /** Resolves when all have exited and none is replaced, in the order of their numbers. */
  readonly ended: Promise<readonly EndedWorker[]>;
  readonly #options: FleetOptions;
  readonly #context: FleetContext;
  readonly #baseName: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #limit: RestartLimit;
  /** Those that run, by name. */
  readonly #children = new Map<string, Child>();
  readonly #allEnded = Promise.withResolvers<readonly EndedWorker[]>();
  readonly #ended: EndedWorker[] = [];
  #started = 0;
  #ending = false;

  /** Starts the workers. */
  constructor(options: FleetOptions, context: FleetContext) {
    this.#options = options;
    this.#context = context;
    this.#baseName = workerName(context.host.hostname, context.random, NAME_LETTERS);
    this.#env = environment(options);
    this.#limit = new RestartLimit(context.clock);
    this.ended = this.#allEnded.promise;
    for (let count = 0; count < options.count; count++) this.#start();
  }

  /** From now on, they may exit without having been stopped, and with any code. */
  dismiss(): void {
    this.#ending = true;
  }

  /** Stops them gracefully. @param isStopped whether the worker of this name is stopped; by default, all are. */
  terminate(isStopped: (name: string) => boolean = () => true): void {
    this.#ending = true;
    for (const [name, child] of this.#children) if (isStopped(name)) child.kill("SIGTERM");
  }

  /** Ends all immediately. */
  kill(): void {
    this.#ending = true;
    for (const child of this.#children.values()) child.kill("SIGKILL");
  }

  /** Starts a worker, and returns its name. A number is never used again. */
  #start(): string {
    const { host, onLine } = this.#context;
    const { masterHost, masterPort, options, customFlags } = this.#options;
    const index = this.#started++;
    const name = `${this.#baseName}-${index + 1}`;
    const args = [
      ...["-f", options.aiotestfile],
      ...["--worker", "--worker-name", name],
      ...["--master-host", masterHost, "--master-port", String(masterPort)],
      ...(options.keep ? [] : customFlags.args),
    ];
    const lastWords = new LastWords();
    const child = host.spawnSelf(args, {
      env: this.#env,
      onLine(text): void {
        lastWords.add(text);
        onLine(`[${name}] ${text}`);
      },
    });
    this.#children.set(name, child);
    void child.ended.then((end) => this.#childEnded({ name, index }, end, lastWords.text));
    return name;
  }

  #childEnded(
    { name, index }: { readonly name: string; readonly index: number },
    end: ChildEnd,
    lastWords: string,
  ): void {
    this.#children.delete(name);
    const hasDied = isDeath(end, lastWords);
    const isReplaced = hasDied && !this.#ending && this.#context.mayReplace();
    const isOverLimit = isReplaced && !this.#limit.take();
    const worker: EndedWorker = {
      name,
      code: end.code,
      how: endText(end, lastWords),
      hasDied,
      successor: isReplaced && !isOverLimit ? this.#start() : null,
      isOverLimit,
      left: this.#children.size,
    };
    this.#ended[index] = worker;
    if (!this.#ending) this.#context.onEnded(worker);
    if (this.#children.size === 0) this.#allEnded.resolve(this.#ended);
  }
}

/** So many workers are replaced within so long. */
export const MAX_RESTARTS = 3;
const RESTARTS_WITHIN_MS = 60_000;

/** Limits how often workers are replaced, so that a test that always crashes ends. */
export class RestartLimit {
  readonly #clock: Pick<Clock, "now">;
  /** When the last workers were replaced. */
  #times: number[] = [];

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Whether another worker may be replaced now; if so, it counts as replaced. */
  take(): boolean {
    const now = this.#clock.now();
    this.#times = this.#times.filter((at) => now - at < RESTARTS_WITHIN_MS);
    if (this.#times.length >= MAX_RESTARTS) return false;
    this.#times.push(now);
    return true;
  }
}

/** Signals by which a process is told to quit. */
const TOLD_TO_QUIT: readonly string[] = ["SIGTERM", "SIGINT", "SIGHUP"];

/** The codes with which a worker ends by itself, after it has said why. */
const OWN_CODES: readonly number[] = Object.values(ExitCode);

function isDeath({ code, signal }: ChildEnd, lastWords: string): boolean {
  if (signal !== null) return !TOLD_TO_QUIT.includes(signal);
  // When the runtime panics, it exits with a code that workers use as well.
  return !OWN_CODES.includes(code) || lastWords !== "";
}

function endText({ code, signal, memoryRanOut }: ChildEnd, lastWords: string): string {
  const what = signal === null
    ? `exited with code ${code}`
    : TOLD_TO_QUIT.includes(signal)
    ? `was ended by ${signal}`
    : `was killed by ${signal}`;
  if (lastWords !== "") return `${what} (${lastWords})`;
  if (signal !== "SIGKILL" || !memoryRanOut) return what;
  return `${what} (the system has killed a process for lack of memory since this one was started)`;
}

/** How V8, the runtime and its allocator begin to say why they end the process. */
const FATAL =
  /^# (Fatal (?:error in|JavaScript|process) .*)$|^(thread '.*' (?:\(\d+\) )?panicked at .*|memory allocation of \d+ bytes failed.*)$/;

/** The longest text of a reason. */
const MAX_LAST_WORDS = 200;

/** Why the runtime has ended a process, as its output says. */
class LastWords {
  #text = "";
  /** Whether the next line says more. */
  #continues = false;

  /** Empty if it has said nothing. */
  get text(): string {
    return this.#text;
  }

  /** Takes a line of the output. */
  add(line: string): void {
    if (this.#continues) {
      const more = line.replace(/^#\s*/, "").trim();
      this.#continues = false;
      if (more !== "") this.#text = clipped(`${this.#text.replace(/:$/, "")}: ${more}`);
      return;
    }
    const found = this.#text === "" ? FATAL.exec(line) : null;
    if (found === null) return;
    const reason = (found[1] ?? found[2]!).trim();
    this.#text = clipped(reason);
    // The place comes first, and then the reason.
    this.#continues = /^Fatal error in|panicked at/.test(reason);
  }
}

function clipped(text: string): string {
  return text.length > MAX_LAST_WORDS
    ? `${text.slice(0, MAX_LAST_WORDS - 1).toWellFormed()}…`
    : text;
}

/**
 * Everything else is decided by the master, or applies to the parent only: workers do not see the
 * configuration file, whose `processes = 4` would make each of them start workers.
 */
function environment({ options, token, customFlags }: FleetOptions): Record<string, string> {
  // What differs from run to run comes from the master.
  const env: Record<string, string> = options.keep ? {} : { ...customFlags.env };
  for (const name of HANDED_TO_CHILDREN) {
    if (options.keep && SENT_TO_WORKERS.includes(name)) continue;
    if (options.given.has(name)) env[environmentName(name)] = String(options[name]);
  }
  if (token !== null) env[environmentName("token")] = token;
  return env;
}
