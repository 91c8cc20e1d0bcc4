/**
 * One node of a run, local or a worker: runs users, counts what they do, and monitors itself.
 *
 * @module
 */

import type { ArrivalAssignment } from "../cluster/protocol.ts";
import { type Clock, EventLoopMonitor, type Random } from "../core/clock.ts";
import { isInstance, type PreparationError } from "../core/errors.ts";
import type { Events } from "../core/events.ts";
import { ExitCall } from "../core/exit_calls.ts";
import type { Lease } from "../core/lease.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { ClassWeight } from "../load/class_mix.ts";
import { EXIT_CALLS } from "../stats/snapshot.ts";
import { type SecondStats, StatsTable } from "../stats/stats_table.ts";
import type { UnstartedTests } from "../stats/unstarted_tests.ts";
import { type NodeContext, nodeContext, type NodeOptions } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import type { ErrorPlaces } from "../user/error_places.ts";
import { Recorder } from "../user/recorder.ts";
import { TestStarts } from "../user/test_starts.ts";
import { GeneratorHealth, type Health, localFailureProblem } from "./generator_health.ts";
import { OpenModelExecutor } from "./open_model_executor.ts";
import {
  IterationCounter,
  type IterationSource,
  SharedIterationsExecutor,
} from "./shared_iterations_executor.ts";
import { UserPool } from "./user_pool.ts";

/** The dependencies of a load generator. */
export interface LoadGeneratorOptions {
  readonly runId: string;
  /** The name of this node in the run. */
  readonly node: string;
  readonly classes: readonly DiscoveredClass[];
  /** `--host`; `null` to use the host of each class. */
  readonly host: string | null;
  readonly connections: NodeOptions["connections"];
  /** The id of the first user; the others count up from there. */
  readonly firstUserId: number;
  /** No request starts after it has expired. */
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
  /** CPU time that this process has used, in seconds. */
  readonly cpuSeconds: () => number;
  /** How many files this process may have open; `null` if unknown. */
  readonly openFileLimit: number | null;
  /** The value of an environment variable, or undefined. */
  readonly env: (name: string) => string | undefined;
  /** Gets the id of each test that starts, in its first element; see {@link UserContext}. */
  readonly activity: Int32Array;
  /** Finds where errors were thrown. */
  readonly places: Pick<ErrorPlaces, "placeOf">;
  /** Called when the last iteration of a limited number has ended. */
  readonly onIterationsOver: () => void;
  /** Called when all users have ended by themselves; more may start. */
  readonly onUsersGone: () => void;
  /** Called when a test turns out not to be prepared, so that the run must end. It may be repeated. */
  readonly onUnprepared: (error: PreparationError) => void;
  /** Called with a sentence if this node cannot keep up. It may be repeated. */
  readonly onWarning: (text: string) => void;
}

/** How many connections the system is asked about once a second. */
const SAMPLED_CONNECTIONS = 64;

/** The name that errors are counted under if no test could catch them. */
const UNCAUGHT = "(not awaited)";

/** The users of one node and their statistics. */
export class LoadGenerator {
  /** The run as test files see it. */
  readonly run: RunInfo;
  readonly #options: LoadGeneratorOptions;
  readonly #clock: Clock;
  readonly #table = new StatsTable();
  readonly #recorder: Recorder;
  readonly #pool: UserPool;
  readonly #testStarts: TestStarts;
  readonly #health: GeneratorHealth;
  readonly #http: NodeContext["http"];
  readonly #sockets: NodeContext["http"]["sockets"];
  /** Set in the open model. */
  #openModel: OpenModelExecutor | null = null;
  #isLimited = false;
  /** When the last sample before the last {@link check} ended. */
  #checkedAt = 0;
  /** When the run started, on this node's clock; `null` before that. */
  #startedAt: number | null = null;

  constructor(options: LoadGeneratorOptions) {
    const { runId, node, classes, host, connections, lease, events, clock, random, env, activity } =
      options;
    this.#options = options;
    this.#clock = clock;
    this.run = liveRunInfo({
      id: runId,
      node,
      users: () => this.users,
      runTime: () => this.elapsedSeconds,
    });
    this.#recorder = new Recorder(
      this.#table,
      events,
      this.run,
      options.places,
      (code) => options.onWarning(localFailureProblem(code, options.openFileLimit)),
      options.onUnprepared,
    );
    this.#testStarts = new TestStarts(classes);
    const eventLoop = new EventLoopMonitor();
    this.#health = new GeneratorHealth(
      clock,
      eventLoop,
      options.cpuSeconds,
      options.onWarning,
      (ms, atMs) => this.#table.late(ms, atMs),
    );
    const { run } = this;
    const recorder = this.#recorder;
    const shared = nodeContext({
      env,
      host,
      connections,
      run,
      clock,
      eventLoop,
      lease,
      activity,
      testStarts: this.#testStarts,
      random,
      recorder,
    });
    this.#http = shared.http;
    this.#sockets = shared.http.sockets;
    this.#pool = new UserPool({
      classes,
      shared,
      firstId: options.firstUserId,
      onCount: (count) => this.#usersChanged(count),
    });
  }

  /** Users that have started and not ended, including those that are stopping. */
  get users(): number {
    return this.#pool.alive;
  }

  /** Whether every user that should run has ended by itself. */
  get usersGone(): boolean {
    return this.users === 0 && this.#openModel === null && this.#pool.active > 0;
  }

  /** Seconds since the run started; 0 before that. */
  get elapsedSeconds(): number {
    return this.#startedAt === null ? 0 : (this.#clock.now() - this.#startedAt) / 1000;
  }

  /** The highest CPU use in any second, as a share of one core. */
  get cpuPeak(): number {
    return this.#health.cpuPeak;
  }

  /** Starts the statistics. @param elapsedSeconds how long the run has already lasted elsewhere. */
  start(elapsedSeconds: number): void {
    this.#startedAt = this.#clock.now() - elapsedSeconds * 1000;
    const second = Math.floor(elapsedSeconds);
    this.#table.start(this.#startedAt + second * 1000, second);
    this.#health.start();
  }

  /** Closed model: starts or stops users until each class has its number of them. */
  setUsers(counts: readonly number[], stopTimeoutMs: number): void {
    this.#pool.setUsers(counts, stopTimeoutMs);
  }

  /**
   * Closed model: limits how many iterations users start, to a number or to what a source grants. Call it
   * before the first user starts; only the first call counts.
   */
  limit(iterations: number | IterationSource): void {
    if (this.#isLimited) return;
    this.#isLimited = true;
    this.#pool.useExecutor(
      new SharedIterationsExecutor({
        source: typeof iterations === "number" ? new IterationCounter(iterations) : iterations,
        clock: this.#clock,
        iterations: (atMs, classIndex) => this.#table.iterations(atMs, classIndex),
        onExhausted: this.#options.onIterationsOver,
      }),
    );
  }

  /** Open model: starts iterations when they are due, with as many users as that takes. */
  setArrivals(assignment: ArrivalAssignment): void {
    this.#openModel ??= this.#startOpenModel(assignment);
    this.#openModel.follow(assignment);
  }

  /** Open model: corrects when the test started, on this node's clock. */
  align(startedAt: number): void {
    this.#openModel?.align(startedAt);
  }

  /** Open model: starts no iterations until the next {@link setArrivals}. */
  suspend(): void {
    this.#openModel?.suspend();
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    if (this.#openModel !== null) {
      this.#openModel.close();
      // A user that has taken one of the last iterations must start it before it is stopped.
      await this.#clock.nextTurn();
    }
    await this.#pool.stopAll(stopTimeoutMs);
  }

  /** The seconds that have ended since the last call, oldest first. */
  take(): SecondStats[] {
    const now = this.#clock.now();
    return this.#withInProgress(this.#table.take(now), now);
  }

  /** As {@link take}, with the second that has not ended yet. */
  flush(): SecondStats[] {
    const now = this.#clock.now();
    return this.#withInProgress(this.#table.flush(now), now);
  }

  /** How this node has kept up since the last call. Call it once a second. */
  check(): Health {
    for (const queue of [this.#http.fetchQueue, this.#http.socketQueue]) {
      const problem = queue?.check() ?? null;
      if (problem !== null) this.#options.onWarning(problem);
    }
    const connections = this.#sockets.tcpInfo?.(SAMPLED_CONNECTIONS) ?? [];
    this.#table.network(connections, this.#clock.now());
    const { lastEndedAt } = this.#recorder;
    const isIdle = lastEndedAt === this.#checkedAt;
    this.#checkedAt = lastEndedAt;
    return this.#health.check(isIdle);
  }

  /** Stops monitoring this node. */
  end(): void {
    this.#health.stop();
  }

  /** Warnings about the way in which users ended, a sentence each. */
  get stopWarnings(): readonly string[] {
    return this.#recorder.cutOffStops;
  }

  /** The tests that have not begun on this node. */
  get unstartedTests(): UnstartedTests[] {
    return this.#testStarts.unstarted;
  }

  /** Counts an error that no user could catch. */
  countStrayError(thrown: unknown): void {
    if (this.#recorder.isCounted(thrown)) return;
    const user = isInstance(thrown, ExitCall) ? EXIT_CALLS : UNCAUGHT;
    this.#recorder.userError(user, thrown, this.#clock.now());
    this.#recorder.markCounted(thrown);
  }

  /** Adds the requests in progress now to the last second, which has just ended. */
  #withInProgress(seconds: SecondStats[], now: number): SecondStats[] {
    const last = seconds.at(-1);
    if (last !== undefined) last.inProgress = this.#table.inProgress(this.#pool.inProgress(), now);
    return seconds;
  }

  #startOpenModel({ spacing, onBusy }: ArrivalAssignment): OpenModelExecutor {
    const { classes, random, onIterationsOver } = this.#options;
    const executor = new OpenModelExecutor({
      spacing,
      onBusy,
      classes: classWeights(classes),
      clock: this.#clock,
      random,
      startedAt: this.#startedAt!,
      iterations: (atMs, classIndex) => this.#table.iterations(atMs, classIndex),
      startUser: (classIndex) => this.#pool.add(classIndex),
      onExhausted: onIterationsOver,
    });
    this.#pool.useExecutor(executor);
    return executor;
  }

  #usersChanged(count: number): void {
    this.#table.setUsers(count, this.#clock.now());
    if (this.usersGone) this.#options.onUsersGone();
  }
}

/** What decides the share of each user class, in the order of the classes. */
export function classWeights(classes: readonly DiscoveredClass[]): ClassWeight[] {
  return classes.map(({ name, userClass: { weight, fixedCount } }) => ({
    name,
    weight,
    fixedCount,
  }));
}

/** What a {@link RunInfo} is made from. */
export interface RunIdentity {
  readonly id: string;
  readonly node: string;
  /** Users that run on this node now. */
  users(): number;
  /** Seconds since the test started; 0 before that. */
  runTime(): number;
}

/** The run as test files see it; its fields always give the current values. */
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
