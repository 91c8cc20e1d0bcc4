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
import { PauseGate } from "../core/pause_gate.ts";
import type { RunInfo } from "../core/run_info.ts";
import { type LoadedClass, partWeight, weightsOf } from "../load/load_parts.ts";
import { errorText } from "../core/errors.ts";
import { MAX_ANNOTATIONS, type Note } from "../stats/annotations.ts";
import { reasonText } from "../stats/run_end.ts";
import { EXIT_CALLS, type RunEnd } from "../stats/snapshot.ts";
import { type PendingMetrics, type SecondStats, StatsTable } from "../stats/stats_table.ts";
import type { UnstartedTests } from "../stats/unstarted_tests.ts";
import { type NodeContext, nodeContext, type NodeOptions } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import type { ErrorPlaces } from "../user/error_places.ts";
import type { Observers } from "../user/observers.ts";
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
  /** What the test file adds to its metrics. */
  readonly metrics: PendingMetrics;
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
  readonly observers: Observers;
  /** Finds where errors were thrown. */
  readonly places: Pick<ErrorPlaces, "placeOf">;
  /** Called when the last iteration of a limited number has ended. */
  readonly onIterationsOver: () => void;
  /** Called when all users of a class of the closed model have ended by themselves; more may start. */
  readonly onUsersGone: () => void;
  /** What `setup` of the test file has returned; `null` before that. */
  readonly data: () => unknown;
  /** Called when code of the test ends the run. It may be repeated. */
  readonly onRunEnd: (end: RunEnd) => void;
  /** Called when code of the test annotates the run; without it, the next counts of this node contain it. */
  readonly onNote?: (note: Note) => void;
  /** Called when a test turns out not to be prepared, so that the run must end. It may be repeated. */
  readonly onUnprepared: (error: PreparationError) => void;
  /** Called with a sentence if this node cannot keep up. It may be repeated. */
  readonly onWarning: (text: string) => void;
}

/** The iterations of one load of the open model that a node starts. */
export interface NodeArrivals extends Omit<ArrivalAssignment, "classes" | "over"> {
  /** The indices of the classes that run them. */
  readonly classes: readonly number[];
}

/** A load of the open model. */
interface OpenLoad {
  readonly classes: readonly number[];
  readonly executor: OpenModelExecutor;
  /** Whether every iteration of this node has ended, and no more are to come as far as is known. */
  isExhausted: boolean;
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
  readonly #table: StatsTable;
  /** For what belongs to no user. */
  readonly #recorder: Recorder;
  /** One for each class. */
  readonly #recorders: readonly Recorder[];
  readonly #pool: UserPool;
  readonly #testStarts: TestStarts;
  readonly #health: GeneratorHealth;
  readonly #http: NodeContext["http"];
  readonly #sockets: NodeContext["http"]["sockets"];
  readonly #pauseGate = new PauseGate();
  /** What code of the test has said since the last counts were taken. */
  readonly #notes: Note[] = [];
  /** How long the pauses that have ended took together, in milliseconds. */
  #pausedMs = 0;
  /** When the last sample before the last {@link check} ended. */
  #checkedAt = 0;
  /** The loads of the open model; those that have ended stay. */
  readonly #openLoads: OpenLoad[] = [];
  /** The classes that share a limited number of iterations; `null` if there is no limit. */
  #limited: readonly number[] | null = null;
  #iterationsOver = false;
  /** When the run started, on this node's clock; `null` before that. */
  #startedAt: number | null = null;
  /** The same, as precisely as is known. */
  #alignedAt: number | null = null;

  constructor(options: LoadGeneratorOptions) {
    const { runId, node, classes, host, connections, lease, events, clock, random, env, activity } =
      options;
    this.#options = options;
    this.#clock = clock;
    this.#table = new StatsTable(classes.map(({ name }) => name), options.metrics);
    this.run = liveRunInfo({
      id: () => runId,
      node,
      host: () => host,
      users: () => this.users,
      runTime: () => this.elapsedSeconds,
      data: options.data,
      onEnd: options.onRunEnd,
      onNote: options.onNote ?? ((note) => this.note(note)),
    });
    const { observers } = options;
    this.#recorder = new Recorder(this.#table.ofClass(0), "", {
      events,
      run: this.run,
      clock,
      places: options.places,
      observers: observers.requests,
      flow: observers.flow,
      onLocalFailure: (code) => options.onWarning(localFailureProblem(code, options.openFileLimit)),
      onUnprepared: options.onUnprepared,
    });
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
    this.#recorders = classes.map(({ name }, index) =>
      recorder.forClass(this.#table.ofClass(index), name)
    );
    const shared = nodeContext({
      env,
      host,
      connections,
      run,
      clock,
      eventLoop,
      lease,
      pauseGate: this.#pauseGate,
      activity,
      testStarts: this.#testStarts,
      random,
      recorder,
      observers,
    });
    this.#http = shared.http;
    this.#sockets = shared.http.sockets;
    this.#pool = new UserPool({
      classes,
      shared,
      firstId: options.firstUserId,
      recorders: this.#recorders,
      onCount: (...counts) => this.#usersChanged(...counts),
    });
  }

  /** Users that have started and not ended, including those that are stopping. */
  get users(): number {
    return this.#pool.alive;
  }

  /** The same by class. */
  get usersByClass(): ReadonlyMap<string, number> {
    return new Map(
      this.#options.classes.map(({ name }, index) => [name, this.#pool.aliveOf(index)]),
    );
  }

  /** Whether some classes have had users of the closed model, and all of them have ended by themselves. */
  areGone(classes: readonly number[]): boolean {
    return classes.every((index) => this.#pool.isEmpty(index)) &&
      classes.some((index) => this.#pool.isGone(index) && this.#openLoadOf(index) === undefined);
  }

  /** The indices of the classes whose users have nothing left to do. */
  get exhausted(): number[] {
    return [...this.#options.classes.keys()].filter((index) => this.#isExhausted(index));
  }

  #isExhausted(classIndex: number): boolean {
    const openLoad = this.#openLoadOf(classIndex);
    if (openLoad !== undefined) return openLoad.isExhausted;
    return this.#pool.isGone(classIndex) ||
      this.#iterationsOver && this.#limited!.includes(classIndex);
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
   * Closed model: limits how many iterations users of some classes start together, to a number or to what a
   * source grants. Call it before the first user starts; only the first call counts.
   */
  limit(iterations: number | IterationSource, classes: readonly number[]): void {
    if (this.#limited !== null) return;
    this.#limited = classes;
    const executor = new SharedIterationsExecutor({
      source: typeof iterations === "number" ? new IterationCounter(iterations) : iterations,
      clock: this.#clock,
      iterations: (atMs, classIndex) => this.#table.iterations(atMs, classIndex),
      onExhausted: () => {
        this.#iterationsOver = true;
        this.#options.onIterationsOver();
      },
    });
    this.#pool.useExecutor(executor, classes);
  }

  /** Open model: starts iterations when they are due, with as many users as that takes. */
  setArrivals(arrivals: NodeArrivals): void {
    const openLoad = this.#openLoadOf(arrivals.classes[0]!) ?? this.#startOpenLoad(arrivals);
    openLoad.isExhausted = false;
    openLoad.executor.follow(arrivals);
  }

  /**
   * Open model: starts the iterations of some classes that are due until their end, and no more; then stops
   * the users. The run continues.
   */
  async endArrivals(arrivals: NodeArrivals, stopTimeoutMs: number): Promise<void> {
    const openLoad = this.#openLoadOf(arrivals.classes[0]!);
    if (openLoad === undefined || openLoad.executor.closed) return;
    openLoad.executor.follow(arrivals);
    openLoad.executor.close();
    openLoad.isExhausted = true;
    // A user that has taken one of the last iterations must start it before it is stopped.
    await this.#clock.nextTurn();
    this.#pool.stop(openLoad.classes, stopTimeoutMs);
  }

  /** Open model: corrects when the test started, on this node's clock. */
  align(startedAt: number): void {
    this.#alignedAt = startedAt;
    for (const { executor } of this.#openLoads) executor.align(startedAt + this.#pausedMs);
  }

  /**
   * Users start no iterations while the run is paused, and the schedule of the open model stands still.
   * It may be called again with what is known already.
   *
   * @param pausedSeconds how long the pauses that have ended took together.
   */
  setPause(isPaused: boolean, pausedSeconds: number): void {
    const laterMs = pausedSeconds * 1000 - this.#pausedMs;
    this.#pausedMs += laterMs;
    if (isPaused) this.#pauseGate.close(this.#clock.now());
    for (const { executor } of this.#openLoads) {
      if (isPaused) executor.pause();
      if (laterMs !== 0) executor.postpone(laterMs);
      if (!isPaused) executor.resume();
    }
    if (!isPaused) this.#pauseGate.open();
  }

  /**
   * Open model: starts no iterations of other classes than these until the next {@link setArrivals}, and
   * stops their users.
   */
  suspend(stopTimeoutMs: number, except: readonly number[] = []): void {
    for (const { executor, classes } of this.#openLoads) {
      if (except.includes(classes[0]!)) continue;
      executor.suspend();
      this.#pool.stop(classes, stopTimeoutMs);
    }
  }

  /** Stops the users of all classes, in either model; more may start. */
  stopUsers(stopTimeoutMs: number): void {
    for (const { executor } of this.#openLoads) executor.suspend();
    this.#pool.stop(this.#options.classes.keys(), stopTimeoutMs);
  }

  /** Stops all users; resolves when the last one has ended. */
  async stopAll(stopTimeoutMs: number): Promise<void> {
    for (const { executor } of this.#openLoads) executor.close();
    // A user that has taken one of the last iterations must start it before it is stopped.
    if (this.#openLoads.length > 0) await this.#clock.nextTurn();
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

  /** Tells observers that what was counted until now is no longer counted. */
  resetObservers(): void {
    for (const observer of this.#options.observers.requests) observer.reset?.();
  }

  /** What was added to metrics after the last second. */
  takeMetrics(): ReturnType<PendingMetrics["take"]> {
    return this.#options.metrics.take(this.#startedAt ?? this.#clock.now());
  }

  /** How this node has kept up since the last call. Call it once a second. */
  check(): Health {
    for (const queue of [this.#http.fetchQueue, this.#http.socketQueue]) {
      const problem = queue?.check() ?? null;
      if (problem !== null) this.#options.onWarning(problem);
    }
    const connections = this.#sockets.tcpInfo?.(SAMPLED_CONNECTIONS) ?? [];
    this.#table.network(connections, this.#clock.now());
    const lastEndedAt = Math.max(...this.#recorders.map((one) => one.lastEndedAt));
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

  /** Counts all requests in progress as unfinished, because the process exits at once. */
  cutOff(): void {
    this.#pool.cutOff(this.#clock.now());
  }

  /** Counts an error that no user could catch. */
  countStrayError(thrown: unknown): void {
    if (this.#recorder.isCounted(thrown)) return;
    const user = isInstance(thrown, ExitCall) ? EXIT_CALLS : UNCAUGHT;
    this.#recorder.userError(user, thrown, this.#clock.now());
    this.#recorder.markCounted(thrown);
  }

  /** Code of the test has annotated the run: the next counts contain it. */
  note(note: Note): void {
    // The run does not keep more.
    if (this.#notes.length < MAX_ANNOTATIONS) this.#notes.push(note);
  }

  /** Adds the requests in progress now, and new examples of failed ones, to the last second, which has just ended. */
  #withInProgress(seconds: SecondStats[], now: number): SecondStats[] {
    const last = seconds.at(-1);
    if (last === undefined) return seconds;
    last.inProgress = this.#table.inProgress(this.#pool.inProgress(), now);
    last.failureSamples = this.#options.observers.failures?.take() ?? [];
    last.notes = this.#notes.splice(0);
    return seconds;
  }

  #startOpenLoad({ classes, spacing, onBusy }: NodeArrivals): OpenLoad {
    const weights = loadedClasses(this.#options.classes).map(partWeight);
    const executor = new OpenModelExecutor({
      spacing,
      onBusy,
      classes: weightsOf(weights, classes),
      clock: this.#clock,
      random: this.#options.random,
      startedAt: (this.#alignedAt ?? this.#startedAt!) + this.#pausedMs,
      iterations: (atMs, classIndex) => this.#table.iterations(atMs, classIndex),
      startUser: (classIndex) => this.#pool.add(classIndex),
      onExhausted: () => {
        openLoad.isExhausted = true;
        this.#options.onIterationsOver();
      },
    });
    const openLoad: OpenLoad = { classes, executor, isExhausted: false };
    this.#openLoads.push(openLoad);
    if (this.#pauseGate.isClosed) executor.pause();
    this.#pool.useExecutor(executor, classes);
    return openLoad;
  }

  #openLoadOf(classIndex: number): OpenLoad | undefined {
    return this.#openLoads.find(({ classes }) => classes.includes(classIndex));
  }

  #usersChanged(count: number, classIndex: number, countOfClass: number): void {
    this.#table.setUsers(count, this.#clock.now(), classIndex, countOfClass);
    if (this.areGone([classIndex])) this.#options.onUsersGone();
  }
}

/** What decides about the load of each user class, in the order of the classes. */
export function loadedClasses(classes: readonly DiscoveredClass[]): LoadedClass[] {
  return classes.map(({ name, userClass: { weight, fixedCount, load } }) => ({
    name,
    weight,
    fixedCount,
    load,
  }));
}

/** What a {@link RunInfo} is made from. */
export interface RunIdentity {
  id(): string;
  readonly node: string;
  /** `--host`; on a worker, `null` before the master has sent it. */
  host(): string | null;
  /** Users that run on this node now. */
  users(): number;
  /** Seconds since the test started; 0 before that. */
  runTime(): number;
  /** What `setup` of the test file has returned; `null` before that. */
  data(): unknown;
  /** Code of the test ends the run. */
  onEnd(end: RunEnd): void;
  /** Code of the test annotates the run. */
  onNote(note: Note): void;
}

/** The run as test files see it; its fields always give the current values. */
export function liveRunInfo(
  { id, node, host, users, runTime, data, onEnd, onNote }: RunIdentity,
): RunInfo {
  const end = (kind: RunEnd["kind"], reason: unknown): void =>
    onEnd({ kind, reason: reasonText(reason), node });
  return {
    get id(): string {
      return id();
    },
    node,
    get host(): string | null {
      return host();
    },
    get userCount(): number {
      return users();
    },
    get runTime(): number {
      return runTime();
    },
    get data(): unknown {
      return data();
    },
    stop: (reason) => end("stop", reason),
    fail: (reason) => end("fail", reason),
    annotate: (text) => onNote({ atSeconds: runTime(), text: errorText(text), node }),
  };
}
