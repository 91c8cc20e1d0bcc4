/**
 * Whether the load generator keeps up: one that is itself the bottleneck measures itself, not the
 * target.
 *
 * @module
 */

import type { Clock, EventLoopMonitor, Timer } from "../core/clock.ts";
import { GeneratorWatch, WATCHED_SECONDS } from "../stats/generator_watch.ts";

/** How the generator did in the second before. */
export interface Health {
  /** Share of one core, 0 to 1; above where several threads work. */
  readonly cpu: number;
  /** How late the event loop ran at the 99th percentile of the last five seconds, in milliseconds. */
  readonly lagMs: number;
}

const PROBE_MS = 20;

/** Watches processor and event loop, and says in a sentence when they are what limits the test. */
export class GeneratorHealth {
  /** The highest share of one core in any second. */
  cpuPeak = 0;
  readonly #clock: Clock;
  readonly #eventLoop: EventLoopMonitor;
  readonly #cpuSeconds: () => number;
  readonly #warn: (text: string) => void;
  readonly #watch = new GeneratorWatch("The load generator");
  #timer: Timer | null = null;
  #probedAt = 0;
  #lags: number[][] = [[]];
  #checkedAt = 0;
  #cpuAt = 0;

  /**
   * @param eventLoop notes each turn that the event loop is seen to take.
   * @param cpuSeconds processor time that this process has used.
   * @param warn gets a sentence; it may get the same one again.
   */
  constructor(
    clock: Clock,
    eventLoop: EventLoopMonitor,
    cpuSeconds: () => number,
    warn: (text: string) => void,
  ) {
    this.#clock = clock;
    this.#eventLoop = eventLoop;
    this.#cpuSeconds = cpuSeconds;
    this.#warn = warn;
  }

  /** Begins to watch. */
  start(): void {
    this.#checkedAt = this.#clock.now();
    this.#cpuAt = this.#cpuSeconds();
    this.#arm();
  }

  /** Ends watching. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** How the time since the last check went; to be called once a second. */
  check(): Health {
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

    for (const text of this.#watch.note({ cpu, lagMs })) this.#warn(text);
    return { cpu, lagMs };
  }

  #arm(): void {
    this.#probedAt = this.#clock.now();
    this.#timer = this.#clock.setTimer(() => {
      const now = this.#clock.now();
      this.#eventLoop.note(now);
      const late = now - this.#probedAt - PROBE_MS;
      this.#lags[this.#lags.length - 1]!.push(Math.max(0, late));
      this.#arm();
    }, PROBE_MS);
  }
}

/** Files that a process has open beside its users' connections. */
const OTHER_OPEN_FILES = 50;

/**
 * Why so many users cannot all have a connection, or null where they can.
 *
 * @param limit files that this process may have open; null where nobody knows.
 */
export function openFilesProblem(users: number, limit: number | null): string | null {
  if (limit === null || users + OTHER_OPEN_FILES <= limit) return null;
  return `The limit of open files is ${limit}, too low for ${users} users with a connection ` +
    "each: raise it (ulimit -n) before the test.";
}
