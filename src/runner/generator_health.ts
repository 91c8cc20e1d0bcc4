/**
 * Whether the load generator keeps up. A generator that is the bottleneck measures itself, not the
 * target.
 *
 * @module
 */

import type { Clock, EventLoopMonitor, Timer } from "../core/clock.ts";
import type { LocalFailureCode } from "../core/local_failures.ts";
import { GeneratorWatch, WATCHED_SECONDS } from "../stats/generator_watch.ts";

/** How the generator kept up in the last second. */
export interface Health {
  /** CPU use as a share of one core; above 1 if several threads are busy. */
  readonly cpu: number;
  /** 99th percentile of the event loop's delay over the last five seconds, in milliseconds. */
  readonly lagMs: number;
}

/** How often the delay of the event loop is measured: less often while users do nothing, because it takes time. */
const PROBE_MS = 20;
const IDLE_PROBE_MS = 100;

/** Monitors CPU and event loop, and warns if they limit the test. */
export class GeneratorHealth {
  /** The highest share of one core in any second. */
  cpuPeak = 0;
  readonly #clock: Clock;
  readonly #eventLoop: EventLoopMonitor;
  readonly #cpuSeconds: () => number;
  readonly #warn: (text: string) => void;
  readonly #onLag: (ms: number, atMs: number) => void;
  readonly #watch = new GeneratorWatch("The load generator");
  #timer: Timer | null = null;
  #probeMs = PROBE_MS;
  #probedAt = 0;
  #lags: number[][] = [[]];
  #checkedAt = 0;
  #cpuAt = 0;

  /**
   * @param eventLoop is notified of each turn of the event loop that is observed.
   * @param cpuSeconds CPU time that this process has used.
   * @param warn called with a sentence, which may be repeated.
   * @param onLag called with how late the event loop was each time that it is observed, in milliseconds.
   */
  constructor(
    clock: Clock,
    eventLoop: EventLoopMonitor,
    cpuSeconds: () => number,
    warn: (text: string) => void,
    onLag: (ms: number, atMs: number) => void = () => {},
  ) {
    this.#clock = clock;
    this.#eventLoop = eventLoop;
    this.#cpuSeconds = cpuSeconds;
    this.#warn = warn;
    this.#onLag = onLag;
  }

  /** Starts monitoring. */
  start(): void {
    this.#checkedAt = this.#clock.now();
    this.#cpuAt = this.#cpuSeconds();
    this.#probe();
  }

  /** Stops monitoring. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /**
   * How the generator has kept up since the last call. Call it once a second.
   *
   * @param isIdle whether users have measured nothing since the last call.
   */
  check(isIdle = false): Health {
    this.#probeMs = isIdle ? IDLE_PROBE_MS : PROBE_MS;
    const now = this.#clock.now();
    const cpuNow = this.#cpuSeconds();
    const elapsed = (now - this.#checkedAt) / 1000;
    const cpu = elapsed > 0 ? (cpuNow - this.#cpuAt) / elapsed : 0;
    this.#checkedAt = now;
    this.#cpuAt = cpuNow;
    this.cpuPeak = Math.max(this.cpuPeak, cpu);

    const lags = this.#lags.flat().sort((a, b) => a - b);
    const lagMs = lags[Math.ceil(lags.length * 0.99) - 1] ?? 0;
    this.#lags = [...this.#lags.slice(1 - WATCHED_SECONDS), []];

    for (const text of this.#watch.update({ cpu, lagMs })) this.#warn(text);
    return { cpu, lagMs };
  }

  #probe(): void {
    this.#probedAt = this.#clock.now();
    const delayMs = this.#probeMs;
    this.#timer = this.#clock.setTimer(() => {
      const now = this.#clock.now();
      this.#eventLoop.recordTurn(now);
      const late = Math.max(0, now - this.#probedAt - delayMs);
      this.#lags[this.#lags.length - 1]!.push(late);
      this.#onLag(late, now);
      this.#probe();
    }, delayMs);
  }
}

/** Files that a process has open besides the connections of its users. */
const OTHER_OPEN_FILES = 50;

/**
 * A warning if not all users can have a connection, or `null` if they can.
 *
 * @param limit how many files this process may have open; `null` if unknown.
 */
export function openFilesProblem(users: number, limit: number | null): string | null {
  if (limit === null || users + OTHER_OPEN_FILES <= limit) return null;
  return `The open file limit of ${limit} is too low for ${users} users with a connection each: ` +
    "raise it with `ulimit -n` before the test.";
}

/** Why requests could not be sent, and what to do about it. @param limit of open files; `null` if unknown. */
export function localFailureProblem(code: LocalFailureCode, limit: number | null): string {
  return `Some requests could not be sent because ${LOCAL_FAILURE_PROBLEMS[code](limit)} ` +
    "They are counted as errors of the load generator, not as requests.";
}

const LOCAL_FAILURE_PROBLEMS: Readonly<
  Record<LocalFailureCode, (limit: number | null) => string>
> = {
  EMFILE: (limit) =>
    `the load generator ran out of file descriptors${limit === null ? "" : ` (limit ${limit})`}: ` +
    "raise the limit with `ulimit -n` before the test, or use fewer users per process.",
  EADDRNOTAVAIL: () =>
    "the load generator's machine ran out of local ports: reuse connections, let them leave from more " +
    "addresses (--local-address), or spread the load over more machines.",
  ENOBUFS: () =>
    "the load generator's machine had no memory for connections: use fewer users, or spread the " +
    "load over more machines.",
};
