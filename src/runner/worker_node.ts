/**
 * The users of one worker: runs what the master assigns, and sends what is counted to the master.
 *
 * @module
 */

import { logReportAcknowledged, logReportSent } from "../cluster/cluster_log.ts";
import type { MasterConnection } from "../cluster/master_connection.ts";
import { type LastFacts, ReportOutbox } from "../cluster/outbox.ts";
import type { Assignment, Message, WorkerStateName } from "../cluster/protocol.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { TEST_STOP, within } from "../core/events.ts";
import { peerText } from "../core/text.ts";
import type { Note } from "../stats/annotations.ts";
import type { ClockSync } from "./clock_sync.ts";
import { type Health, openFilesProblem } from "./generator_health.ts";
import { LoadGenerator, type LoadGeneratorOptions, type NodeArrivals } from "./load_generator.ts";
import type { RemoteIterationQuota } from "./shared_iterations_executor.ts";
import { TestEvents } from "./test_events.ts";
import { UserRamp } from "./user_ramp.ts";

/** The dependencies of a worker's node. */
interface WorkerNodeOptions extends Omit<LoadGeneratorOptions, "onIterationsOver" | "onUsersGone"> {
  readonly connection: Pick<MasterConnection, "connected" | "sendFrame">;
  /** Where iterations come from; `null` if their number is not limited. */
  readonly iterations: LimitedIterations | null;
  /** How long after its end a second is reported: see {@link reportDelayMs}. */
  readonly reportDelayMs: number;
  /** Determines when the test started, more precisely than START. */
  readonly clockSync: ClockSync;
  /** Seconds that handlers of `testStart` may take. */
  readonly setupTimeout: number;
  /** Resolves when what `setup` has returned is known. */
  readonly dataReceived: () => Promise<void>;
  /** Called with what the users do: whether some are still to be started, run, or have ended. */
  readonly onState: (state: WorkerStateName) => void;
}

/** Iterations whose number is limited, and who shares them. */
export interface LimitedIterations {
  readonly source: RemoteIterationQuota;
  /** The indices of the classes. */
  readonly classes: readonly number[];
}

/** A worker whose lease has expired stops its users within this time, before others get them. */
const LEASE_STOP_MS = 500;

/** The final report waits that long for outputs of single requests: less than the master waits for it. */
const OBSERVERS_END_S = 2;

/** The users of one worker, once it is set up. */
export class WorkerNode {
  readonly #options: WorkerNodeOptions;
  readonly #clock: Clock;
  readonly #generator: LoadGenerator;
  readonly #ramp: UserRamp;
  readonly #classNames: readonly string[];
  /** Resolves when the handlers of `testStart` have ended; `null` before they are called. */
  #preparing: Promise<void> | null = null;
  #isPrepared = false;
  /** Resolves when the test has started; `null` before the master has sent START. */
  #beginning: Promise<void> | null = null;
  /** How often the master has reset the counts. */
  #resetCount = 0;
  #isStarted = false;
  #reporter: Reporter | null = null;
  /** The assignment to run as soon as the test has started. */
  #pending: Assignment | null = null;
  #stopTimeoutMs = 0;
  /** The last assignment of users; `null` if there was none, or if they were stopped since. */
  #users: AssignedUsers | null = null;
  /** The classes that start iterations when they are due. */
  #openClasses: readonly number[] = [];
  #isStopped = false;
  readonly #testEvents: TestEvents;

  constructor(options: WorkerNodeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#classNames = options.classes.map(({ name }) => name);
    this.#generator = new LoadGenerator({
      ...options,
      onIterationsOver: () => this.#usersEnded(),
      onUsersGone: () => {
        if (!this.#ramp.isRamping) this.#usersEnded();
      },
    });
    this.#testEvents = new TestEvents(options, this.#generator.run);
    this.#ramp = new UserRamp(
      options.clock,
      options.classes.length,
      (counts) => this.#generator.setUsers(counts, this.#stopTimeoutMs),
      () => options.onState(this.#stateOfUsers),
    );
  }

  /** Users that have started and not ended yet. */
  get users(): number {
    return this.#generator.users;
  }

  /** Names of the classes whose users have nothing left to do. */
  get exhausted(): string[] {
    return this.#generator.exhausted.map((index) => this.#classNames[index]!);
  }

  /** Seconds since the test started; 0 before it did. */
  get elapsedSeconds(): number {
    return this.#generator.elapsedSeconds;
  }

  /** Sends the counts to the master; `null` before the test started. */
  get reporter(): Reporter | null {
    return this.#reporter;
  }

  /** Whether the master has sent START. */
  get hasBegun(): boolean {
    return this.#beginning !== null;
  }

  /** Whether handlers of `testStart` are still to be called. */
  get unprepared(): boolean {
    return !this.#isPrepared && this.#options.events.has("testStart");
  }

  /**
   * Calls the handlers of `testStart`; a second call only waits for them.
   *
   * @throws PreparationError if they throw or take too long.
   */
  prepare(): Promise<void> {
    return this.#preparing ??= this.#prepare();
  }

  async #prepare(): Promise<void> {
    await this.#options.dataReceived();
    if (this.#isStopped) return;
    await this.#testEvents.start();
    this.#isPrepared = true;
  }

  /**
   * The test has started; a second call changes nothing.
   *
   * @throws UsageError if handlers of `testStart` throw or take too long.
   */
  begin(start: Message<"START">): Promise<void> {
    return this.#beginning ??= this.#begin(start);
  }

  async #begin({ elapsedSeconds, resetCount }: Message<"START">): Promise<void> {
    this.#setResetCount(resetCount);
    const { connection, runId } = this.#options;
    const receivedAt = this.#clock.now();
    await this.prepare();
    this.#generator.start(elapsedSeconds + (this.#clock.now() - receivedAt) / 1000);
    this.#reporter = new Reporter({
      runId,
      clock: this.#clock,
      generator: this.#generator,
      connection,
      resetCount: this.#resetCount,
      delayMs: this.#options.reportDelayMs,
      onWarning: this.#options.onWarning,
    });
    this.#reporter.start();
    if (this.#pending !== null && !this.#isStopped) this.assign(this.#pending);
  }

  /** The run is paused, or goes on; it may be called again with what is known already. */
  setPause({ isPaused, pausedSeconds }: Message<"PAUSE">): void {
    this.#generator.setPause(isPaused, pausedSeconds);
  }

  /** The first target number of users runs; a second call changes nothing. */
  async started({ userCount, resetCount }: Message<"STARTED">): Promise<void> {
    this.#setResetCount(resetCount);
    if (this.#isStarted) return;
    this.#isStarted = true;
    await this.#options.events.emit("startComplete", { userCount });
  }

  /**
   * Runs an assignment, now or when the test has started.
   *
   * @throws UsageError if it names a class that the test file does not have.
   */
  assign(assignment: Assignment): void {
    const { classes, rate, stopTimeout } = assignment;
    const counts = this.#countsOf(classes);
    const arrivals = assignment.arrivals.map((one): NodeArrivals & { readonly over: boolean } => ({
      ...one,
      classes: one.classes.length === 0
        ? [...this.#classNames.keys()]
        : one.classes.map((name) => this.#indexOf(name)),
    }));
    if (this.#reporter === null) {
      this.#pending = assignment;
      return;
    }
    this.#stopTimeoutMs = stopTimeout * 1000;
    const open = arrivals.filter(({ over }) => !over);
    const limit = counts.concat(open.map(({ maxUsers }) => maxUsers));
    this.#checkOpenFiles(limit.reduce((sum, count) => sum + count, 0));
    this.#setArrivals(arrivals, open.flatMap((one) => one.classes));
    if (arrivals.length === 0 || counts.some((count) => count > 0) || this.#users !== null) {
      this.#setUsers(counts, rate);
    }
    if (arrivals.length > 0 && !this.#ramp.isRamping) this.#options.onState(this.#stateOfUsers);
  }

  /** @throws UsageError if users of an unknown class are assigned. */
  #countsOf(classes: Assignment["classes"]): number[] {
    for (const [name, count] of Object.entries(classes)) if (count > 0) this.#indexOf(name);
    return this.#classNames.map((name) => Object.hasOwn(classes, name) ? classes[name]! : 0);
  }

  #indexOf(className: string): number {
    const index = this.#classNames.indexOf(className);
    if (index >= 0) return index;
    throw new UsageError(
      `The master assigns users of ${
        peerText(className)
      }, which this worker's test file does not have`,
    );
  }

  /** The closed model: ramps to this many users by class. */
  #setUsers(counts: readonly number[], rate: number): void {
    const { iterations, onState } = this.#options;
    const before = this.#users;
    this.#users = { counts, rate };
    if (iterations !== null) this.#generator.limit(iterations.source, iterations.classes);
    // With several loads, the others change all the time.
    if (this.#openClasses.length > 0 && before !== null && isSame(before, this.#users)) return;
    this.#ramp.rampTo(counts, rate);
    if (this.#ramp.isRamping) onState("spawning");
  }

  /** The open model: starts this worker's share of the iterations. @param open the classes of those to come. */
  #setArrivals(
    arrivals: readonly (NodeArrivals & { readonly over: boolean })[],
    open: readonly number[],
  ): void {
    this.#openClasses = open;
    this.#generator.suspend(this.#stopTimeoutMs, arrivals.flatMap(({ classes }) => classes));
    for (const one of arrivals) {
      if (one.over) void this.#generator.endArrivals(one, this.#stopTimeoutMs);
      else this.#generator.setArrivals(one);
    }
    // Workers that take turns have to agree on the time.
    if (open.length > 0) {
      this.#options.clockSync.start((beganAt) => this.#generator.align(beganAt));
    }
  }

  /** A worker without users, or whose users have ended, does not keep the test from ending. */
  get #stateOfUsers(): WorkerStateName {
    const running = this.#runningClasses;
    if (running.length === 0) return "ready";
    const exhausted = this.#generator.exhausted;
    return running.every((index) => exhausted.includes(index)) ? "exhausted" : "running";
  }

  /** The classes of which it is to run users or iterations. */
  get #runningClasses(): number[] {
    const counts = this.#users?.counts ?? [];
    return [...this.#classNames.keys()]
      .filter((index) => (counts[index] ?? 0) > 0 || this.#openClasses.includes(index));
  }

  #usersEnded(): void {
    if (!this.#isStopped) this.#options.onState(this.#stateOfUsers);
  }

  /** Stops all users at once, since other workers may get them. Returns how many there were. */
  dropUsers(): number {
    const { users } = this.#generator;
    this.#ramp.reset();
    this.#users = null;
    this.#pending = null;
    this.#generator.stopUsers(Math.min(LEASE_STOP_MS, this.#stopTimeoutMs));
    // Only after the users are stopped: none of them waits for an iteration any more.
    this.#options.iterations?.source.giveBack();
    return users;
  }

  /** Stops all users; resolves when the final report is on its way. */
  async stop(): Promise<void> {
    if (!this.#isStopped) this.#testEvents.cancel();
    this.#isStopped = true;
    // A worker that has received START owes the master a report, even an empty one.
    const hasBegun = await this.#beginning?.then(() => true, () => false) ?? true;
    if (!hasBegun) return;
    this.#ramp.reset();
    this.#options.iterations?.source.close();
    this.#options.clockSync.stop();
    await this.#generator.stopAll(this.#stopTimeoutMs);
    this.#generator.end();
    if (this.#reporter === null) return;
    // Handlers take time, and what has been counted is safe only on the master.
    if (this.#options.events.has("testStop")) this.#reporter.flush();
    const { errors, warnings } = await this.#testEvents.stop(this.#stopTimeoutMs / 1000);
    const observed = await this.#endObservers();
    const allWarnings = [...this.#generator.stopWarnings, ...warnings, ...observed];
    for (const text of allWarnings) this.#options.onWarning(text);
    this.#reporter.finish({
      userErrors: errors.map((error) => [TEST_STOP, error, 1] as const),
      warnings: allWarnings,
      unstartedTests: this.#generator.unstartedTests,
    });
  }

  /** Ends the observers. A slow disk must not hold up the final report: later warnings are only logged. */
  async #endObservers(): Promise<readonly string[]> {
    const { observers, onWarning } = this.#options;
    if (observers.end === undefined) return [];
    const ended = observers.end();
    const outcome = await within({ clock: this.#clock, seconds: OBSERVERS_END_S }, ended);
    if (typeof outcome !== "string") return outcome;
    void ended.then((texts) => texts.forEach(onWarning));
    return [];
  }

  /** Code of the test has annotated the run. */
  note(note: Note): void {
    this.#generator.note(note);
  }

  /** Counts an error that was thrown outside of any user's test. */
  countStrayError(thrown: unknown): void {
    this.#generator.countStrayError(thrown);
  }

  #setResetCount(resetCount: number): void {
    if (resetCount <= this.#resetCount) return;
    this.#resetCount = resetCount;
    this.#generator.resetObservers();
    this.#reporter?.setResetCount(resetCount);
  }

  #checkOpenFiles(users: number): void {
    const problem = openFilesProblem(users, this.#options.openFileLimit);
    if (problem !== null) this.#options.onWarning(problem);
  }
}

interface AssignedUsers {
  readonly counts: readonly number[];
  readonly rate: number;
}

function isSame(one: AssignedUsers, other: AssignedUsers): boolean {
  return one.rate === other.rate &&
    one.counts.every((count, index) => count === other.counts[index]);
}

/** The source and the destination of the counts that a reporter sends. */
interface ReporterOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly generator: LoadGenerator;
  readonly connection: Pick<MasterConnection, "connected" | "sendFrame">;
  /** How often the master had reset the counts when the test began here. */
  readonly resetCount: number;
  /** How long after its end a second is reported, from 1 to 999 ms. */
  readonly delayMs: number;
  /** Called with a sentence if counts cannot be reported. */
  readonly onWarning: (text: string) => void;
}

/** A second is collected this long after its end, because a timer may fire up to 1 ms early. */
const COLLECT_DELAY_MS = 1;

/**
 * Workers report one after the other, so that the reports of many do not come together: this long apart, which
 * is more than a master needs for one, and within this time after the end of the second.
 */
const REPORT_STEP_MS = 0.8;
const REPORT_SPREAD_MS = 800;

/** How long after the end of a second a worker reports it. @param index the worker's, from 0. */
export function reportDelayMs(index: number): number {
  return COLLECT_DELAY_MS + (index * REPORT_STEP_MS) % REPORT_SPREAD_MS;
}

/** Sends every second that a generator has counted to the master, each once. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #outbox: ReportOutbox;
  #resetCount: number;
  #health: Health = { cpu: 0, lagMs: 0 };
  #timer: Timer | null = null;
  #isOver = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#outbox = new ReportOutbox(options.runId, (reason) =>
      options.onWarning(
        `Some counts cannot be reported, so those of the run are incomplete: ${reason}`,
      ));
    this.#resetCount = options.resetCount;
  }

  /** The number of the last report. */
  get lastSeq(): number {
    return this.#outbox.lastSeq;
  }

  /** Whether the final report has been made, and the master has all reports. */
  get drained(): boolean {
    return this.#outbox.drained;
  }

  /** Reports the seconds of the generator, which has just started to count. */
  start(): void {
    const { clock, generator, delayMs } = this.#options;
    // A timer that fires early must not be set for the same time again.
    const sinceMs = generator.elapsedSeconds * 1000 + COLLECT_DELAY_MS - delayMs;
    const waitMs = 1000 - (sinceMs + 1000) % 1000 + COLLECT_DELAY_MS;
    this.#timer = clock.setTimer(() => {
      this.start();
      this.#health = generator.check();
      for (const second of generator.take()) this.#add(second);
      this.#pump();
    }, waitMs);
  }

  /** The master has reset the counts. Reports state whether they precede the reset. */
  setResetCount(resetCount: number): void {
    if (resetCount === this.#resetCount) return;
    for (const second of this.#options.generator.flush()) this.#add(second);
    this.#resetCount = resetCount;
  }

  /** Sends the remaining counts, before the final report. */
  flush(): void {
    this.#collect();
    this.#pump();
  }

  /** Sends the final report. @param last what belongs to no second. */
  finish(last?: LastFacts): void {
    this.#collect();
    this.#outbox.finish(this.#facts, last);
    this.#pump();
  }

  /** Collects no more seconds. */
  end(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** The master has this report, and all before it. */
  acknowledged(seq: number): void {
    this.#outbox.acknowledged(seq, this.#options.clock.now());
    logReportAcknowledged(seq);
    this.#pump();
  }

  /** The master lacks this report. */
  resume(seq: number): void {
    this.#outbox.resume(seq);
    this.#pump();
  }

  /** There is a new connection, and the master has the reports up to this one. */
  reconnected(ackedSeq: number): void {
    this.#outbox.reconnected(ackedSeq, this.#options.clock.now());
    this.#pump();
  }

  /** Takes the remaining counts. The run is over: later seconds belong to it only if they have any. */
  #collect(): void {
    this.end();
    for (const second of this.#options.generator.flush()) {
      if (!this.#isOver || !second.isEmpty) this.#add(second);
    }
    this.#isOver = true;
  }

  /** Sends what may be sent now. */
  #pump(): void {
    const { connection, clock } = this.#options;
    while (connection.connected) {
      const frame = this.#outbox.next(clock.now());
      if (frame === null) return;
      connection.sendFrame(frame);
      logReportSent(frame.length, this.lastSeq);
    }
  }

  #add(second: Parameters<ReportOutbox["add"]>[0]): void {
    this.#outbox.add(second, this.#facts);
  }

  get #facts(): Parameters<ReportOutbox["add"]>[1] {
    return { cpu: this.#health.cpu, lag: this.#health.lagMs, resetCount: this.#resetCount };
  }
}
