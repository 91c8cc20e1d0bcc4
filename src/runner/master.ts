/**
 * The master of a distributed run. `LoadDriver` determines the load, `Allocator` divides it
 * among the workers, and `WorkerManager` keeps in touch with them; the master decides what each of their
 * messages means for the run, and adds up what they report.
 *
 * @module
 */

import type { JournalRecord } from "../cluster/journal.ts";
import { type Message, ProtocolError } from "../cluster/protocol.ts";
import { metricRecords } from "../cluster/report_parts.ts";
import type { RestoredRun } from "../cluster/restore.ts";
import { RunState, type WorkerState } from "../cluster/run_state.ts";
import type { Pause } from "../core/awake_clock.ts";
import type { Clock } from "../core/clock.ts";
import { AiotestError, ExitCode, PreparationError, UsageError } from "../core/errors.ts";
import { type Events, TEARDOWN, TEST_STOP, type WorkerReport } from "../core/events.ts";
import type { RunInfo, RunLabels } from "../core/run_info.ts";
import { peerText } from "../core/text.ts";
import type { ClassCounts } from "../load/dispatcher.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadPart } from "../load/load_parts.ts";
import type { RpcServer } from "../shared/rpc.ts";
import { type Annotation, annotationLine } from "../stats/annotations.ts";
import { decidingEnd, reasonText, runEndFact } from "../stats/run_end.ts";
import type { RunEnd, RunStatus, Snapshot } from "../stats/snapshot.ts";
import type { PendingMetrics } from "../stats/stats_table.ts";
import { Allocator } from "./allocation.ts";
import { type LoadChange, LoadDriver } from "./load_driver.ts";
import { liveRunInfo } from "./load_generator.ts";
import {
  masterSnapshot,
  missingCounts,
  unstartedOnAll,
  withoutOpenSeconds,
} from "./master_snapshot.ts";
import { FinalReports, NoWorkersTimer, settlesWithin } from "./master_waits.ts";
import { RunControl } from "./run_control.ts";
import { RunLoads } from "./run_loads.ts";
import { RunPauses } from "./run_pauses.ts";
import { RunTime } from "./run_time.ts";
import { NaturalEnd, RunWatch, type RunWatchOptions } from "./run_watch.ts";
import {
  SetupAndTeardown,
  type SetupAndTeardownOptions,
  type TestFunctions,
} from "./setup_teardown.ts";
import { TestEvents } from "./test_events.ts";
import { fromMoment, Standstills, Warnings } from "./warnings.ts";
import { LEASE_SECONDS, WorkerManager, type WorkerManagerOptions } from "./worker_manager.ts";
import { WorkerWarnings } from "./worker_warnings.ts";

/** The dependencies of a master. */
export interface MasterRunOptions
  extends
    Omit<WorkerManagerOptions, "runState" | "rpc" | "isLimited" | "onMessage" | "onLost">,
    RunWatchOptions,
    RunLabels {
  readonly runId: string;
  /** `--host`; `null` if each class has its own. */
  readonly host: string | null;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  /** The run that this master resumes; `null` if the run is new. */
  readonly restored: RestoredRun | null;
  readonly clock: Clock;
  /** What the nodes share. */
  readonly rpc: WorkerManagerOptions["rpc"] & Pick<RpcServer, "handle" | "delivered">;
  /** Resolves when this node's messages are sent, and the handlers of those that it has got have ended. */
  readonly messagesHandled: () => Promise<void>;
  /** The parts of its load: one or more. */
  readonly parts: readonly LoadPart[];
  /** Names of the user classes, in their order. */
  readonly classNames: readonly string[];
  /** The test starts when this many workers are ready. */
  readonly expectedWorkers: number;
  /** How long the master waits for them; 0: forever. */
  readonly expectSeconds: number;
  /** Drop what was counted before the first target number of users ran. */
  readonly resetStats: boolean;
  /** Seconds that `setup` may take, and handlers of `testStart`. */
  readonly setupTimeout: number;
  readonly functions: TestFunctions;
  /** Finds where errors were thrown. */
  readonly places: SetupAndTeardownOptions["places"];
  /** The test starts only when it is started by hand. */
  readonly waitsForStart: boolean;
  readonly events: Events;
  /** What the test file adds to its metrics on this node. */
  readonly metrics: PendingMetrics;
  /** Warnings that are known before the start. */
  readonly warnings: readonly string[];
  /** Called once a second. */
  readonly onSecond: (snapshot: Snapshot) => void;
}

/** How long the workers of a resumed run may take to find the new master. */
const RETURN_MS = 10_000;

/** Workers that join within this time share one line of the log: there may be hundreds. */
const ANNOUNCE_MS = 1_000;

/** How long workers may take to call handlers of `testStart`, in addition to the time that these have. */
const PREPARE_SECONDS = 5;

/** How long messages that handlers of `testStop` have sent may take. */
const MESSAGES_SECONDS = 5;

/** One distributed test, from its start to its end. */
export class MasterRun {
  /** Starts the run and changes its load by hand. */
  readonly control: RunControl;
  readonly #options: MasterRunOptions;
  readonly #runState: RunState;
  readonly #workers: WorkerManager;
  readonly #allocator: Allocator;
  readonly #time: RunTime;
  readonly #pauses: RunPauses;
  readonly #run: RunInfo;
  readonly #warnings: Warnings;
  readonly #workerWarnings: WorkerWarnings;
  readonly #watch: RunWatch;
  readonly #naturalEnd: NaturalEnd;
  readonly #standstills = new Standstills(
    "The master",
    `Workers stop their users after ${LEASE_SECONDS} s without their master.`,
  );
  #state: RunStatus = "ready";
  #driver: LoadDriver | null = null;
  readonly #loads: RunLoads;
  /** Users of each class that ran when the run was resumed. */
  #restoredUsers: ClassCounts = [];
  #finalUsers = 0;
  #failure: unknown = null;
  #isStopped = false;
  /** The workers with which the test has started. */
  readonly #starters = new Set<WorkerState>();
  readonly #setupAndTeardown: SetupAndTeardown;
  readonly #testEvents: TestEvents;
  /** Workers whose handlers of `testStart` are awaited. */
  #preparing: readonly WorkerState[] = [];
  /** Resolved when none of {@link #preparing} is awaited any more; `null` while that is not awaited. */
  #workersPrepared: PromiseWithResolvers<void> | null = null;
  /** Workers of the run before it was resumed; `null` in a new run, which waits for any. */
  #returning: readonly WorkerState[] | null = null;
  /** Resolved when the awaited workers are connected; `null` while none are awaited. */
  #workersConnected: PromiseWithResolvers<void> | null = null;
  readonly #finalReports: FinalReports;
  /** The first target number of users, until the workers have confirmed that it runs. */
  #awaitedUsers: number | null = null;
  readonly #noWorkers: NoWorkersTimer;
  #announced = { workers: 0, at: -Infinity };

  constructor(options: MasterRunOptions) {
    const { clock, awakeClock, journal, parts, classNames, restored } = options;
    this.#options = options;
    this.#time = new RunTime(clock);
    this.#pauses = new RunPauses({
      clock,
      time: this.#time,
      onChange: (isPaused, pausedSeconds) => this.#setPause(isPaused, pausedSeconds),
      onSecond: () => this.#closeSecond(),
    });
    this.#naturalEnd = new NaturalEnd(options);
    this.#warnings = new Warnings(options.onWarning);
    this.#workerWarnings = new WorkerWarnings(this.#warnings);
    this.#watch = new RunWatch(
      options,
      parts,
      this.#warnings,
      () => this.stop(),
      (annotation) => this.#annotate(annotation),
    );
    this.#runState = restored?.state ?? new RunState(options.runId, options.testfileHash);
    this.#runState.onCounted = (counted) => this.#watch.count(counted);
    this.#runState.onAnnotated = (annotation) => {
      // The log says more about a worker.
      if (annotation.kind !== "worker") options.onInfo(peerText(annotationLine(annotation)));
    };
    this.control = new RunControl(
      clock,
      parts,
      // A run that has started is not started again when it is resumed.
      options.waitsForStart && this.#runState.startedAt === null,
      (load) => journal.append(steeredRecord(this.#pauses.loadSeconds, load)),
    );
    this.#loads = new RunLoads(parts);
    this.#run = liveRunInfo({
      id: () => this.#runState.runId,
      node: "master",
      host: () => options.host,
      users: () => this.#runState.users,
      runTime: () => this.#time.elapsedSeconds,
      data: () => this.#setupAndTeardown.data,
      onEnd: (end) => this.#end(end),
      onNote: (note) => this.#annotate({ kind: "note", ...note }),
    });
    this.#setupAndTeardown = new SetupAndTeardown(options);
    const { setupData } = this.#runState;
    if (setupData !== null) this.#setupAndTeardown.restore(setupData);
    this.#testEvents = new TestEvents(options, this.#run);
    const limited = new Set(
      parts.filter(({ profile }) => profile.iterations !== null)
        .flatMap(({ classes }) => classes.map((index) => classNames[index]!)),
    );
    this.#workers = new WorkerManager({
      ...options,
      runState: this.#runState,
      isLimited: (name) => limited.has(name),
      onMessage: (worker, message) => this.#receive(worker, message),
      onLost: (worker) => {
        if (!this.#workers.lose(worker)) return;
        if (worker.begun) this.#annotateWorker(worker, "lost");
        this.#workersChanged();
      },
    });
    this.#finalReports = new FinalReports(awakeClock, this.#workers);
    this.#noWorkers = new NoWorkersTimer({
      awakeClock,
      workers: this.#workers,
      onExpired: () => {
        this.#failure ??= new AiotestError("No worker is left to run users", ExitCode.cluster);
        this.#driver?.stop();
      },
    });
    awakeClock.onPause((pause) => this.#stoodStill(pause));
    this.#allocator = new Allocator({
      ...options,
      workers: this.#workers,
      elapsed: () => this.#pauses.loadSeconds,
    });
  }

  /**
   * Runs the test to its end; resolves with everything that is known about it.
   *
   * @throws AiotestError if the workers do not join in time, or a handler of `testStart` throws.
   */
  async run(): Promise<Snapshot> {
    const { warnings, restored, journal } = this.#options;
    this.#warnings.addAll(warnings);
    const { setupData } = this.#runState;
    if (setupData !== null) this.#workers.announce(setupData);
    this.#workers.open();
    try {
      if (this.#runState.startedAt === null) await this.#begin();
      else await this.#resume(restored!);
      if (this.#time.begun) await this.#drive(restored);
      if (this.#time.begun) await this.#finish();
      this.#time.end();
      this.#workers.loseSilent();
      this.#warnings.addAll(missingCounts(this.#runState, this.#time.elapsedSeconds));
      journal.append({ type: "ended" });
      this.#state = "stopped";
      this.#warnings.addAll(this.#runState.totals.limitWarnings);
      this.#watch.conclude(this.snapshot(), this.#naturalEnd);
      if (this.#time.begun) {
        if (this.#failure === null) this.#warnings.addAll(unstartedOnAll(this.#runState));
        // The workers have done so before their final reports. They stay for the messages of the handlers.
        await this.#emitTestStop();
      }
      await this.#tearDown();
      if (this.#time.begun) await this.#deliverMessages();
    } finally {
      this.#allocator.end();
      const failure = this.#failure;
      await this.#workers.end(
        failure instanceof PreparationError ? failure : null,
        this.#time.begun ? "" : this.#endFact,
      );
    }
    return this.snapshot();
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    this.#isStopped = true;
    this.#setupAndTeardown.cancel();
    this.#testEvents.cancel();
    this.#driver?.stop();
    this.#endWaits();
  }

  /**
   * Lets a worker leave: it hands in its counts, and the others get its users.
   *
   * @throws UsageError with a sentence if there is no such worker, or it is needed.
   */
  stopWorker(id: string): void {
    const worker = this.#runState.workers.findLast((one) => one.id === id);
    if (worker === undefined) throw new UsageError(`This run has no worker ${peerText(id)}.`);
    if (this.#state !== "spawning" && this.#state !== "running") {
      throw new UsageError("Workers can be stopped while the test runs.");
    }
    if (!worker.canRunUsers || !this.#workers.isConnected(worker)) {
      throw new UsageError(`Worker ${id} is not running users.`);
    }
    if (this.#workers.available.length === 1) {
      throw new UsageError(`Worker ${id} is the only one. Stop the run instead.`);
    }
    this.#workers.letLeave(worker, "it was stopped from the dashboard");
    this.#annotateWorker(worker, "stopped from the dashboard");
  }

  /** Whether it ends or has ended, for whatever reason. */
  get isEnding(): boolean {
    return this.#isCancelled || this.#failure !== null || this.#state === "stopping" ||
      this.#state === "stopped";
  }

  /** This many workers run that this process has started. */
  set ownProcesses(count: number) {
    this.#noWorkers.setOwnProcesses(count);
  }

  /**
   * The process of a worker has ended, which this process has started.
   *
   * @param how a part of a sentence: `was killed by SIGKILL`.
   */
  processEnded(name: string, how: string): void {
    void this.#workers.processEnded(name, how);
  }

  /** Code of the test ends the run, on any node. What prepares it, or follows it, goes on to its end. */
  #end(end: RunEnd): void {
    const before = this.#runState.runEnd;
    const decides = this.#runState.runEnd = decidingEnd(before, end);
    if (decides === before) return;
    const { journal, onInfo, onWarning } = this.#options;
    journal.append({ type: "runEnd", ...end });
    (end.kind === "fail" ? onWarning : onInfo)(`The run is ${runEndFact(end)}.`);
    this.#driver?.stop();
    // A run that is being resumed ends once its workers are back.
    if (this.#runState.startedAt === null) this.#endWaits();
  }

  #annotateWorker({ id }: WorkerState, what: string): void {
    const text = `Worker ${id} ${what}`;
    const atSeconds = this.#time.elapsedSeconds;
    this.#annotate({ kind: "worker", atSeconds, text, node: null });
  }

  /** Something has happened that no report of a worker contains. */
  #annotate(annotation: Annotation): void {
    const { node } = annotation;
    this.#options.journal.append({ type: "annotation", ...annotation, node: node ?? "" });
    this.#runState.annotate(annotation);
  }

  #endWaits(): void {
    this.control.cancelWait();
    this.#workersConnected?.resolve();
    this.#workersPrepared?.resolve();
  }

  /** How code of the test has ended the run; empty if it has not. */
  get #endFact(): string {
    const { runEnd } = this.#runState;
    return runEnd === null ? "" : runEndFact(runEnd);
  }

  /** The run as code of the master's test file sees it. */
  get info(): RunInfo {
    return this.#run;
  }

  /** Adds a warning to the log and to the report. */
  warn(text: string): void {
    this.#warnings.add(text);
  }

  /** What ended the test before its time; `null` if nothing did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** As {@link snapshot}, if the process exits now: requests in progress are unfinished, and thresholds are judged. */
  cutOff(): Snapshot {
    this.#runState.cutOff();
    this.#state = "stopped";
    return { ...this.snapshot(), complete: false };
  }

  /** Everything that is known about the run at this moment. */
  snapshot(): Snapshot {
    // No second contains what handlers of the test's end have added.
    if (this.#state === "stopped") this.#countMetrics();
    return masterSnapshot({
      runState: this.#runState,
      name: this.#options.name,
      labels: this.#options.labels,
      classNames: this.#options.classNames,
      state: this.#state,
      elapsedSeconds: this.#time.elapsedSeconds,
      pauses: this.#pauses,
      endedAt: this.#time.endedAt(this.#runState.startedAt),
      loads: this.#loads,
      finalUsers: this.#finalUsers,
      expectedWorkers: this.#options.expectedWorkers,
      watch: this.#watch,
      warnings: [
        ...this.#warnings.texts,
        ...this.#runState.annotations.warnings,
        ...this.#standstills.texts,
        ...this.#watch.shortages,
      ],
    });
  }

  /** Counts what was added to metrics on this node. */
  #countMetrics(): void {
    const { metrics, clock, journal } = this.#options;
    if (metrics.isEmpty) return;
    const added = [...metrics.take(clock.now() - this.#time.elapsedSeconds * 1000)];
    // A run that has ended is not resumed.
    if (this.#state !== "stopped") {
      for (const part of metricRecords(added)) journal.append({ type: "metrics", metrics: part });
    }
    this.#runState.totals.addMetrics(added);
  }

  // The course of a run: it starts or is resumed, follows its load profile, and waits for the final reports.

  async #begin(): Promise<void> {
    const { clock, expectedWorkers, expectSeconds, journal, onSecond } = this.#options;
    if (this.#options.restored !== null) {
      this.#options.onInfo(`Resuming run ${this.#runState.runId}, which had not started.`);
    }
    await this.control.waitForStart(() => onSecond(this.snapshot()));
    if (!await this.#waitForWorkers(expectSeconds === 0 ? null : expectSeconds * 1000)) {
      throw new AiotestError(
        `${this.#connectedWorkers} of ${expectedWorkers} workers joined within ${expectSeconds} s`,
        ExitCode.cluster,
        "--expect-workers-max-wait sets how long the master waits for them.",
      );
    }
    try {
      await this.#prepare();
    } catch (error) {
      this.#failure = error;
      return;
    }
    if (this.#isCancelled) return;
    this.#time.begin();
    for (const worker of this.#workers.available) {
      if (!worker.unprepared) this.#starters.add(worker);
    }
    this.#runState.startedAt = clock.wallTime();
    journal.append({ type: "begin", startedAt: this.#runState.startedAt });
    this.#workers.begin(() => this.#time.elapsedSeconds);
  }

  /** Whether the run ends before it starts. */
  get #isCancelled(): boolean {
    return this.#isStopped || this.#runState.runEnd !== null;
  }

  /**
   * Calls everything that prepares the test, on all nodes.
   *
   * @throws PreparationError if something of it fails here. A failure on a worker stops the run.
   */
  async #prepare(): Promise<void> {
    if (this.#isCancelled) return;
    const setupData = await this.#setupAndTeardown.setUp();
    if (setupData !== null) {
      this.#runState.setupData = setupData;
      this.#options.journal.append({ type: "setup", data: setupData });
      this.#workers.announce(setupData);
    }
    if (this.#isCancelled) return;
    await this.#testEvents.start();
    if (!this.#isCancelled) await this.#prepareWorkers();
  }

  /** Waits for the handlers of `testStart` of all workers: if one of them throws, no user starts anywhere. */
  async #prepareWorkers(): Promise<void> {
    const { awakeClock, setupTimeout } = this.#options;
    this.#workersPrepared = Promise.withResolvers();
    this.#preparing = this.#workers.prepare();
    this.#checkPrepared();
    const { promise } = this.#workersPrepared;
    const handled = (): Promise<void> => this.#workers.handled();
    await settlesWithin(awakeClock, promise, (setupTimeout + PREPARE_SECONDS) * 1000, handled);
    this.#workersPrepared = null;
  }

  #checkPrepared(): void {
    const isAwaited = (one: WorkerState): boolean => one.canRunUsers && one.unprepared;
    if (!this.#preparing.some(isAwaited)) this.#workersPrepared?.resolve();
  }

  async #tearDown(): Promise<void> {
    const { errors, warnings } = await this.#setupAndTeardown.tearDown(
      this.#stopTimeout,
      this.#time.begun,
    );
    this.#runState.totals.addUserErrors(TEARDOWN, errors);
    this.#warnings.addAll(warnings);
  }

  async #emitTestStop(): Promise<void> {
    const { errors, warnings } = await this.#testEvents.stop(this.#stopTimeout);
    this.#runState.totals.addUserErrors(TEST_STOP, errors);
    this.#warnings.addAll(warnings);
  }

  /** Waits until the messages of all nodes have reached their handlers, but not long. */
  async #deliverMessages(): Promise<void> {
    const { awakeClock, messagesHandled, rpc } = this.#options;
    const delivered = messagesHandled().then(() => rpc.delivered()).then(messagesHandled);
    const limitMs = MESSAGES_SECONDS * 1000;
    if (await settlesWithin(awakeClock, delivered, limitMs, () => Promise.resolve())) return;
    this.#warnings.add(
      `Messages of the test's end have not reached all nodes within ${MESSAGES_SECONDS} s.`,
    );
  }

  async #resume({ assigned, startedUsers, pauses }: RestoredRun): Promise<void> {
    const { runId, workers, elapsedSeconds } = this.#runState;
    const returning = workers.filter((one) => one.membership === "present" && !one.complete);
    for (const worker of returning) worker.begun = true;
    this.#returning = returning;
    this.#workers.expect(returning, RETURN_MS);
    this.#time.begin(elapsedSeconds);
    this.#pauses.restore(pauses);
    if (pauses.length > 0) {
      const { isPaused, endedSeconds } = this.#pauses;
      this.#workers.setPause({ isPaused, pausedSeconds: endedSeconds });
    }
    this.#workers.begin(() => this.#time.elapsedSeconds);
    if (startedUsers !== null) this.#workers.started(startedUsers);
    this.#restoredUsers = this.#allocator.restore(assigned);
    for (const [incarnation, classes] of assigned) {
      this.#workers.usersAssigned(incarnation, classes);
    }
    this.#options.onInfo(`Resuming run ${runId}: waiting for its workers (${returning.length}).`);
    await this.#waitForWorkers(RETURN_MS);
  }

  async #drive(restored: RestoredRun | null): Promise<void> {
    const { parts } = this.#options;
    const progress = {
      elapsedSeconds: this.#pauses.loadSeconds,
      users: this.#restoredUsers,
      started: restored !== null && restored.startedUsers !== null,
      changes: restored?.steered.map(loadChange) ?? [],
    };
    this.#driver = new LoadDriver(this.#pauses.loadClock, parts, {
      setUsers: (counts) => {
        this.#watch.usersAssigned(counts);
        this.#allocator.setUsers(counts);
      },
      setArrivals: (arrivals) => this.#allocator.setArrivals(arrivals),
      view: (part) =>
        this.#watch.view(
          part,
          this.#pauses.loadSeconds,
          this.#driver!.isSpawning(part),
          this.#runState.inProgress,
          (all) => withoutOpenSeconds(all, this.#runState.workers),
        ),
      onLoad: (load, part) => this.#setLoad(load, part),
      onOver: (part) => this.#partOver(part),
      onStarted: (users) => this.#awaitedUsers = users,
      onSecond: () => this.#closeSecond(),
    }, progress);
    if (this.#isCancelled || restored?.stopping) return;
    this.control.attach(this.#driver, this.#pauses);
    this.#state = "spawning";
    this.#noWorkers.start();
    if (restored !== null) this.#allocator.rebalance();
    // If a shape throws, the test ends; what was counted until then is worth a report.
    await this.#driver.drive().catch((error) => this.#failure ??= error);
  }

  async #finish(): Promise<void> {
    const { journal, restored } = this.#options;
    this.#pauses.end();
    this.#state = "stopping";
    this.#noWorkers.end();
    this.#finalUsers = restored?.stopping?.finalUsers ?? this.#runState.users;
    journal.append({
      type: "stopping",
      finalUsers: this.#finalUsers,
      elapsedSeconds: this.#time.elapsedSeconds,
    });
    this.#allocator.end();
    await this.#driver!.until(this.#finalReports.collect(this.#stopTimeout, this.#endFact));
  }

  /** Waits until the workers that the run needs are connected; false if they are not in time. */
  async #waitForWorkers(limitMs: number | null): Promise<boolean> {
    if (this.#hasWorkers) return true;
    const { clock, awakeClock, onSecond } = this.#options;
    const tick = (): void => {
      timer = clock.setTimer(tick, 1000);
      this.#announceWorkers();
      onSecond(this.snapshot());
    };
    let timer = clock.setTimer(tick, 1000);
    this.#workersConnected = Promise.withResolvers();
    const handled = (): Promise<void> => this.#workers.handled();
    const connected = this.#workersConnected.promise;
    const isInTime = await settlesWithin(awakeClock, connected, limitMs, handled);
    this.#workersConnected = null;
    clock.clearTimer(timer);
    return isInTime;
  }

  /** Whether the run can start or continue, or was stopped and does not wait for workers. */
  get #hasWorkers(): boolean {
    return this.#isStopped ||
      (this.#returning === null
        ? this.#runState.runEnd !== null ||
          this.#connectedWorkers >= this.#options.expectedWorkers
        : this.#returning.every((one) => this.#workers.isConnected(one)));
  }

  get #connectedWorkers(): number {
    return this.#workers.available.filter((one) => this.#workers.isConnected(one)).length;
  }

  #announceWorkers(): void {
    const { clock, expectedWorkers, onInfo } = this.#options;
    const { length } = this.#workers.available;
    const isDue = clock.now() - this.#announced.at >= ANNOUNCE_MS || length === expectedWorkers;
    if (length === this.#announced.workers || !isDue) return;
    this.#announced = { workers: length, at: clock.now() };
    onInfo(`${length} of ${expectedWorkers} workers are ready.`);
  }

  // What workers send, and what follows from it.

  /** A worker that breaks the rules is disconnected, and may not come back: it would do so again. */
  #receive(worker: WorkerState, message: Message): void {
    try {
      this.#handle(worker, message);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "protocol") {
        worker.expelledFor = `this worker was excluded: ${error.message}`;
        this.#warnings.addOfWorkers(
          "excluded",
          `Worker ${worker.id} was excluded from the run: ${peerText(error.message)}`,
        );
      }
      throw error;
    }
  }

  #handle(worker: WorkerState, message: Message): void {
    switch (message.type) {
      case "STATE":
        return this.#updateState(worker, message);
      case "REPORT":
        if (this.#workers.count(worker, message)) {
          this.#finalReports.counted();
          this.#reported(worker, message);
        }
        return;
      case "TARGET_ACK":
        worker.hasActed = true;
        return this.#allocator.confirmed(worker, message.revision);
      case "STOPPED":
        worker.stopped(message.lastSeq);
        return this.#finalReports.check();
      case "ERROR":
        return this.#workerFailed(worker, message);
      case "LOG":
        return worker.addLog(message.lines);
      case "NEED":
        return this.#workers.sendData(worker, message.offset);
      case "END": {
        const reason = peerText(reasonText(message.reason));
        return this.#end({ kind: message.kind, reason, node: worker.id });
      }
      default:
        this.#options.rpc.handle(worker, message);
    }
  }

  #workerFailed(worker: WorkerState, { code, text }: Message<"ERROR">): void {
    const reason = `Worker ${worker.id}: ${peerText(text)}`;
    // A worker that joins a running test only leaves again.
    const isNeeded = !this.#time.begun || this.#starters.has(worker);
    if (code !== "unprepared" || !isNeeded) return this.#options.onWarning(reason);
    this.#failure ??= new PreparationError(reason);
    this.stop();
  }

  #updateState(worker: WorkerState, message: Message<"STATE">): void {
    const couldRunUsers = worker.canRunUsers;
    if (this.#workers.updateState(worker, message)) this.#allocator.repeat(worker);
    if (worker.canRunUsers !== couldRunUsers) this.#workersChanged();
    // The previous master's clock is gone. Only the workers know how long the test has lasted.
    if (this.#driver === null && this.#returning?.includes(worker)) {
      this.#time.atLeast(message.elapsedSeconds);
    }
    if (this.#workersConnected !== null && this.#hasWorkers) this.#workersConnected.resolve();
    this.#checkPrepared();
    this.#checkUsers();
  }

  #reported(worker: WorkerState, report: Message<"REPORT">): void {
    const { events } = this.#options;
    this.#workerWarnings.reported(worker, report);
    // Without a listener, the sums are not made.
    if (events.has("workerReport")) {
      void events.emit("workerReport", { workerId: worker.id, report: workerReport(report) });
    }
    this.#checkUsers();
    this.#finalReports.check();
  }

  /** Workers have joined, left or been lost: others can run users now than before. */
  #workersChanged(): void {
    if (!this.#time.begun) this.#announceWorkers();
    else if (this.#state === "spawning" || this.#state === "running") {
      this.#noWorkers.workersChanged();
      this.#allocator.rebalance();
    }
    this.#checkPrepared();
    this.#checkUsers();
    this.#finalReports.check();
  }

  /** Acts if all users have ended, or all users of the first target run, as far as workers have said. */
  #checkUsers(): void {
    this.#naturalEnd.check(this.#workers.available, this.#allocator, this.#driver);
    const userCount = this.#awaitedUsers;
    if (userCount === null || this.#runState.users < userCount) return;
    // With several parts, these may be users of arrivals while others are still to be started.
    const isSpawning = this.#workers.available.some(({ state }) => state === "spawning");
    if (this.#options.parts.length > 1 && isSpawning) return;
    this.#awaitedUsers = null;
    const { journal, events, resetStats } = this.#options;
    journal.append({ type: "started", userCount });
    if (resetStats) {
      this.#countMetrics();
      const { elapsedSeconds } = this.#time;
      this.#runState.reset(this.#runState.resetCount + 1, elapsedSeconds);
      journal.append({ type: "phase", resetCount: this.#runState.resetCount, elapsedSeconds });
    }
    this.#workers.started(userCount);
    void events.emit("startComplete", { userCount });
  }

  /**
   * This process did not run for a while. It could not hear its workers, so it gives them the full time again;
   * they have stopped their users by themselves if it took too long.
   */
  #stoodStill({ from, ms }: Pause): void {
    const { clock, onWarning } = this.#options;
    this.#workers.restartLeases();
    this.#noWorkers.restart();
    if (!this.#time.begun || this.#state === "stopped") return;
    const atSeconds = this.#time.elapsedSeconds - (clock.now() - from) / 1000;
    onWarning(
      this.#standstills.add({ seconds: ms / 1000, when: fromMoment(Math.max(0, atSeconds)) }),
    );
  }

  /** The run is paused, or goes on. */
  #setPause(isPaused: boolean, pausedSeconds: number): void {
    const { journal } = this.#options;
    journal.append({ type: "pause", isPaused, elapsedSeconds: this.#time.elapsedSeconds });
    this.#workers.setPause({ isPaused, pausedSeconds });
  }

  // Called by the driver.

  #setLoad(load: ResolvedLoad, part: number): void {
    this.#loads.set(part, load);
    const { loadSeconds, endedSeconds } = this.#pauses;
    this.#watch.loadChanged(load, loadSeconds, part, endedSeconds);
    if (!isArrivals(load)) this.#allocator.pace(this.#loads.spawnRate ?? load.rate);
  }

  #partOver(part: number): void {
    this.#loads.end(part);
    const { spawnRate } = this.#loads;
    if (spawnRate !== null) this.#allocator.pace(spawnRate);
  }

  /** Seconds that the test of a stopping user may still run. */
  get #stopTimeout(): number {
    return this.#options.parts[0]!.profile.stopTimeout;
  }

  #closeSecond(): void {
    const { journal, onSecond } = this.#options;
    if (this.#state !== "stopping") {
      const isSpawning = this.#driver?.spawning || this.#awaitedUsers !== null;
      this.#state = isSpawning ? "spawning" : "running";
    }
    journal.append({
      type: "time",
      elapsedSeconds: this.#time.elapsedSeconds,
      targetUsers: this.#loads.users,
      runningUsers: this.#runState.users,
    });
    this.#countMetrics();
    this.#warnings.addAll(this.#runState.totals.limitWarnings);
    const snapshot = this.snapshot();
    onSecond(snapshot);
    this.#watch.check(snapshot);
  }
}

/** The journal's record of a load that was set by hand, so that a resumed run continues with it. */
function steeredRecord(elapsedSeconds: number, load: ResolvedLoad): JournalRecord<"steered"> {
  const type = "steered";
  return isArrivals(load)
    ? { type, elapsedSeconds, model: "open", users: load.maxUsers, rate: load.arrivalRate }
    : { type, elapsedSeconds, model: "closed", ...load };
}

/** The reverse of {@link steeredRecord}. */
function loadChange({ elapsedSeconds, model, users, rate }: JournalRecord<"steered">): LoadChange {
  const load = model === "open" ? { arrivalRate: rate, maxUsers: users } : { users, rate };
  return { elapsedSeconds, load };
}

/** A report as handlers of the `workerReport` event get it. */
function workerReport({ from, to, seconds, cpu, lag }: Message<"REPORT">): WorkerReport {
  const sum = (field: "requests" | "failures"): number =>
    seconds.reduce((total, second) => total + second[field], 0);
  return {
    from,
    to,
    users: seconds.at(-1)?.users ?? 0,
    requests: sum("requests"),
    failures: sum("failures"),
    cpu,
    lagMs: lag,
  };
}
