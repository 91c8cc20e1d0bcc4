/**
 * What one node does, whoever directs it: it runs users, counts what they do, and watches itself.
 *
 * @module
 */

import { type Clock, EventLoopMonitor, type Random } from "../core/clock.ts";
import type { Events } from "../core/events.ts";
import type { Lease } from "../core/lease.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { ClassWeight } from "../load/class_mix.ts";
import { type SecondStats, StatsTable } from "../stats/stats_table.ts";
import { nodeContext } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { Recorder } from "../user/recorder.ts";
import { GeneratorHealth, type Health } from "./generator_health.ts";
import { type Arrivals, type ArrivalTerms, OpenModelExecutor } from "./open_model_executor.ts";
import {
  IterationCounter,
  type IterationSource,
  SharedIterationsExecutor,
} from "./shared_iterations_executor.ts";
import { UserPool } from "./user_pool.ts";

/** What decides the share of each user class, in their order. */
export function classWeights(classes: readonly DiscoveredClass[]): ClassWeight[] {
  return classes.map(({ name, userClass: { weight, fixedCount } }) => ({
    name,
    weight,
    fixedCount,
  }));
}

/** What stays, and what changes, of what test files may know. */
export interface RunIdentity {
  readonly id: string;
  readonly node: string;
  /** Users that run on this node now. */
  users(): number;
  /** Seconds since the test began; 0 before it did. */
  runTime(): number;
}

/** The run as test files see it: every look at it gives what is so then. */
export function liveRunInfo({ id, node, users, runTime }: RunIdentity): RunInfo {
  return {
    id,
    node,
    get userCount(): number {
      return users();
    },
    get runTime(): number {
      return runTime();
    },
  };
}

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
  /** The run has a number of passes: all of them have ended. */
  readonly onIterationsOver: () => void;
  /** All users that were told to run have ended by themselves. */
  readonly onUsersGone: () => void;
  /** Gets a sentence; it may get the same one again. */
  readonly onWarning: (text: string) => void;
}

/** Who threw what was thrown outside of any test, such as in a promise that nobody awaits. */
const STRAY = "(not awaited)";

/** One node's users and their table. */
export class LoadGenerator {
  /** The run as test files see it. */
  readonly run: RunInfo;
  readonly #options: LoadGeneratorOptions;
  readonly #clock: Clock;
  readonly #table = new StatsTable();
  readonly #recorder: Recorder;
  readonly #pool: UserPool;
  readonly #health: GeneratorHealth;
  #arrivals: OpenModelExecutor | null = null;
  #isLimited = false;
  /** When the run began, on this node's clock; null before it did. */
  #startedAt: number | null = null;

  constructor(options: LoadGeneratorOptions) {
    const { clock, events, random, lease } = options;
    this.#options = options;
    this.#clock = clock;
    this.run = liveRunInfo({
      id: options.runId,
      node: options.node,
      users: () => this.users,
      runTime: () => this.elapsedSeconds,
    });
    this.#recorder = new Recorder(this.#table, events, this.run);
    const eventLoop = new EventLoopMonitor();
    this.#health = new GeneratorHealth(clock, eventLoop, options.cpuSeconds, options.onWarning);
    this.#pool = new UserPool({
      classes: options.classes,
      shared: nodeContext({
        env: options.env,
        host: options.host,
        insecure: options.insecure,
        run: this.run,
        clock,
        eventLoop,
        lease,
        random,
        recorder: this.#recorder,
      }),
      firstId: options.firstUserId,
      onCount: (count) => this.#noteUsers(count),
    });
  }

  /** Users that have started and not ended yet, those that are stopping included. */
  get users(): number {
    return this.#pool.alive;
  }

  /** Whether all users that were told to run have ended by themselves. */
  get usersGone(): boolean {
    return this.users === 0 && this.#arrivals === null && this.#pool.active > 0;
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

  /**
   * Lets users begin no more passes than there are: a number of them, or whatever says how many. What is
   * said first holds; it is to be said before the first user starts.
   */
  limit(quota: number | IterationSource): void {
    if (this.#isLimited) return;
    this.#isLimited = true;
    this.#pool.useExecutor(
      new SharedIterationsExecutor({
        quota: typeof quota === "number" ? new IterationCounter(quota) : quota,
        clock: this.#clock,
        iterations: (atMs) => this.#table.iterations(atMs),
        onExhausted: this.#options.onIterationsOver,
      }),
    );
  }

  /** Begins passes when they are due, with as many users as that takes: the open model. */
  setArrivals(terms: ArrivalTerms, arrivals: Arrivals): void {
    this.#arrivals ??= this.#openGate(terms);
    this.#arrivals.follow(arrivals);
  }

  /** Begins passes as if the test had begun at this moment, on the node's clock. */
  align(beganAt: number): void {
    this.#arrivals?.align(beganAt);
  }

  /** Begins no more passes until it is told again when they are due. */
  suspend(): void {
    this.#arrivals?.suspend();
  }

  /** Starts or stops users until so many of each class run. */
  setUsers(counts: readonly number[], stopTimeoutMs: number): void {
    this.#pool.setUsers(counts, stopTimeoutMs);
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    if (this.#arrivals !== null) {
      this.#arrivals.close();
      // Whoever got one of the last passes begins it before it is told to stop.
      await this.#clock.nextTurn();
    }
    await this.#pool.stopAll(stopTimeoutMs);
  }

  /** All seconds that have ended and have not been handed out, oldest first. */
  take(): SecondStats[] {
    return this.#table.take(this.#clock.now());
  }

  /** As {@link take}, and the unfinished second too. */
  flush(): SecondStats[] {
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

  #openGate(terms: ArrivalTerms): OpenModelExecutor {
    const { classes, random, onIterationsOver } = this.#options;
    const gate = new OpenModelExecutor({
      terms,
      classes: classWeights(classes),
      clock: this.#clock,
      random,
      startedAt: this.#startedAt!,
      iterations: (atMs) => this.#table.iterations(atMs),
      startUser: (kind) => this.#pool.add(kind),
      onExhausted: onIterationsOver,
    });
    this.#pool.useExecutor(gate);
    return gate;
  }

  #noteUsers(count: number): void {
    this.#table.setUsers(count, this.#clock.now());
    if (count === 0 && this.usersGone) this.#options.onUsersGone();
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    if (this.#recorder.isCounted(thrown)) return;
    this.#recorder.userError(STRAY, thrown, this.#clock.now());
  }
}
