/**
 * What one node does, whoever directs it: it runs users, counts what they do, and watches itself.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Events } from "../core/events.ts";
import type { Lease } from "../core/lease.ts";
import { LoopTurns } from "../core/loop_turns.ts";
import type { Random } from "../core/random.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { Interval } from "../stats/interval.ts";
import { StatsTable } from "../stats/stats_table.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { nodeContext } from "../user/node_context.ts";
import { Recorder } from "../user/recorder.ts";
import { GeneratorHealth, type Health } from "./generator_health.ts";
import { liveRunInfo } from "./live_run_info.ts";
import { UserPool } from "./user_pool.ts";

/** Everything that a generator needs and does not make itself. */
export interface LoadGeneratorOptions {
  readonly runId: string;
  /** What the node is called in the run. */
  readonly node: string;
  readonly classes: readonly DiscoveredClass[];
  /** `--host`; null: each class's own. */
  readonly host: string | null;
  readonly insecure: boolean;
  /** The id of its first user; the others count on from there. */
  readonly firstUserId: number;
  /** While it does not hold, no request begins. */
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
  /** Seconds of processor time that this process has used. */
  readonly cpuSeconds: () => number;
  /** An environment variable, or undefined. */
  readonly env: (name: string) => string | undefined;
  /** Gets a sentence; it may get the same one again. */
  readonly onWarning: (text: string) => void;
}

/** Who threw what was thrown outside of any test, such as in a promise that nobody awaits. */
const STRAY = "(not awaited)";

/** One node's users and their table. */
export class LoadGenerator {
  /** The run as test files see it. */
  readonly run: RunInfo;
  readonly #clock: Clock;
  readonly #table = new StatsTable();
  readonly #recorder: Recorder;
  readonly #pool: UserPool;
  readonly #health: GeneratorHealth;
  /** When the run began, on this node's clock; null before it did. */
  #startedAt: number | null = null;

  constructor(options: LoadGeneratorOptions) {
    const { clock, events, random, lease } = options;
    this.#clock = clock;
    this.run = liveRunInfo({
      id: options.runId,
      node: options.node,
      users: () => this.users,
      runTime: () => this.elapsedSeconds,
    });
    this.#recorder = new Recorder(this.#table, events, this.run);
    const turns = new LoopTurns();
    this.#health = new GeneratorHealth(clock, turns, options.cpuSeconds, options.onWarning);
    this.#pool = new UserPool({
      classes: options.classes,
      shared: nodeContext({
        env: options.env,
        host: options.host,
        insecure: options.insecure,
        run: this.run,
        clock,
        turns,
        lease,
        random,
        recorder: this.#recorder,
      }),
      firstId: options.firstUserId,
      onCount: (count) => this.#table.setUsers(count, clock.now()),
    });
  }

  /** Users that have started and not ended yet, those that are stopping included. */
  get users(): number {
    return this.#pool.alive;
  }

  /** Seconds since the run began; 0 before it did. */
  get elapsedSeconds(): number {
    return this.#startedAt === null ? 0 : (this.#clock.now() - this.#startedAt) / 1000;
  }

  /** The highest share of one core in any second. */
  get cpuPeak(): number {
    return this.#health.cpuPeak;
  }

  /** Begins to count. @param elapsedSeconds how long the run has lasted by now, elsewhere. */
  start(elapsedSeconds: number): void {
    const now = this.#clock.now();
    this.#startedAt = now - elapsedSeconds * 1000;
    const second = Math.floor(elapsedSeconds);
    this.#table.start(this.#startedAt + second * 1000, second);
    this.#health.start();
  }

  /** Starts or stops users until so many of each class run. */
  scaleTo(counts: readonly number[], stopTimeoutMs: number): void {
    this.#pool.scaleTo(counts, stopTimeoutMs);
  }

  /** Stops all users; resolves when the last one has ended. */
  stopAll(stopTimeoutMs: number): Promise<void> {
    return this.#pool.stopAll(stopTimeoutMs);
  }

  /** All seconds that have ended and have not been handed out, oldest first. */
  take(): Interval[] {
    return this.#table.take(this.#clock.now());
  }

  /** As {@link take}, and the unfinished second too. */
  flush(): Interval[] {
    return this.#table.flush(this.#clock.now());
  }

  /** How the time since the last check went; to be called once a second. */
  check(): Health {
    return this.#health.check();
  }

  /** Ends watching itself. */
  end(): void {
    this.#health.stop();
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    if (this.#recorder.isCounted(thrown)) return;
    this.#recorder.userError(STRAY, thrown, this.#clock.now());
  }
}
