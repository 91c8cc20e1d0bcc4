/**
 * A whole test in this process.
 *
 * @module
 */

import type { Clock, Random } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { type Events, TEARDOWN, TEST_STOP } from "../core/events.ts";
import { Lease } from "../core/lease.ts";
import type { RunInfo, RunLabels } from "../core/run_info.ts";
import { ALL_ARRIVALS } from "../load/arrival_schedule.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadPart } from "../load/load_parts.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import type { SocketKind } from "../net/socket.ts";
import { type Annotation, annotationLine, Annotations } from "../stats/annotations.ts";
import { decidingEnd, runEndFact } from "../stats/run_end.ts";
import type { RunEnd, RunStatus, Snapshot } from "../stats/snapshot.ts";
import type { SecondStats } from "../stats/stats_table.ts";
import { Totals } from "../stats/totals.ts";
import { InProgressGauge } from "../stats/unanswered.ts";
import { unstartedWarning } from "../stats/unstarted_tests.ts";
import type { NodeOptions } from "../user/context.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { type Health, openFilesProblem } from "./generator_health.ts";
import { LoadDriver, type PartArrivals } from "./load_driver.ts";
import { LoadGenerator, type LoadGeneratorOptions } from "./load_generator.ts";
import { RunControl } from "./run_control.ts";
import { RunLoads } from "./run_loads.ts";
import { RunPauses } from "./run_pauses.ts";
import { RunTime } from "./run_time.ts";
import { NaturalEnd, RunWatch, type RunWatchOptions } from "./run_watch.ts";
import { SetupAndTeardown, type TestFunctions } from "./setup_teardown.ts";
import { TestEvents } from "./test_events.ts";
import { GeneratorStandstills, surplusUsers, Warnings } from "./warnings.ts";

/** The dependencies of a local run. */
export interface LocalRunOptions extends RunWatchOptions, RunLabels {
  readonly runId: string;
  readonly hostname: string;
  /** The parts of its load: one or more. */
  readonly parts: readonly LoadPart[];
  readonly classes: readonly DiscoveredClass[];
  /** `--host`; `null` to use the host of each class. */
  readonly host: string | null;
  readonly connections: NodeOptions["connections"];
  /** Discard the statistics from before the first number of users was reached. */
  readonly resetStats: boolean;
  /** Seconds that `setup` may take, and handlers of `testStart`. */
  readonly setupTimeout: number;
  readonly functions: TestFunctions;
  /** The test starts only when {@link RunControl.start} is called. */
  readonly waitsForStart: boolean;
  readonly events: Events;
  /** As in {@link LoadGeneratorOptions}. */
  readonly metrics: LoadGeneratorOptions["metrics"];
  readonly clock: Clock;
  readonly random: Random;
  /** CPU time that this process has used, in seconds. */
  readonly cpuSeconds: () => number;
  /** Warnings that are known before the start. */
  readonly warnings: readonly string[];
  /** The value of an environment variable, or undefined. */
  readonly env: (name: string) => string | undefined;
  /** How many files this process may have open; `null` if unknown. */
  readonly openFileLimit: number | null;
  /** How this process opens connections to the target. */
  readonly sockets: SocketKind;
  /** As in {@link LoadGeneratorOptions}. */
  readonly activity: Int32Array;
  /** As in {@link LoadGeneratorOptions}. */
  readonly places: LoadGeneratorOptions["places"];
  readonly observers: LoadGeneratorOptions["observers"];
  /** Called once a second while the test runs. */
  readonly onSecond: (snapshot: Snapshot) => void;
  readonly onInfo: (text: string) => void;
}

const NODE = "local";

/** One test, from its start to its end: a driver decides the load, and a generator produces it. */
export class LocalRun {
  /** Starts the run and changes its load by hand. */
  readonly control: RunControl;
  readonly #options: LocalRunOptions;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #pauses: RunPauses;
  readonly #totals = new Totals();
  readonly #annotations = new Annotations();
  readonly #inProgress = new InProgressGauge();
  readonly #generator: LoadGenerator;
  readonly #watch: RunWatch;
  readonly #warnings: Warnings;
  readonly #standstills = new GeneratorStandstills("The load generator");
  readonly #naturalEnd: NaturalEnd;
  /** Set once the test has started. */
  #driver: LoadDriver | null = null;
  #state: RunStatus = "ready";
  /** Milliseconds since 1970; `null` before the start. */
  #startedAtWall: number | null = null;
  /** When the statistics start, in seconds since the start. */
  #countedFrom = 0;
  readonly #loads: RunLoads;
  /** The most users that the loads have asked for at a time. */
  #mostUsers = 0;
  #finalUsers = 0;
  #lastHealth: Health = { cpu: 0, lagMs: 0 };
  #failure: unknown = null;
  readonly #setupAndTeardown: SetupAndTeardown;
  readonly #testEvents: TestEvents;
  /** How code of the test has ended the run; `null` if it has not. */
  #runEnd: RunEnd | null = null;

  constructor(options: LocalRunOptions) {
    const { parts, clock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#time = new RunTime(clock);
    this.#pauses = new RunPauses({
      clock,
      time: this.#time,
      onChange: (isPaused, pausedSeconds) => this.#generator.setPause(isPaused, pausedSeconds),
      onSecond: () => this.#closeSecond(),
    });
    this.control = new RunControl(clock, parts, options.waitsForStart);
    this.#loads = new RunLoads(parts);
    this.#warnings = new Warnings(options.onWarning);
    this.#watch = new RunWatch(
      options,
      parts,
      this.#warnings,
      () => this.stop(),
      (annotation) => this.#annotate(annotation),
    );
    this.#naturalEnd = new NaturalEnd(options);
    this.#setupAndTeardown = new SetupAndTeardown(options);
    this.#generator = new LoadGenerator({
      runId: options.runId,
      node: NODE,
      classes: options.classes,
      host: options.host,
      connections: options.connections,
      firstUserId: 1,
      lease: Lease.endless(),
      events: options.events,
      metrics: options.metrics,
      clock,
      random: options.random,
      cpuSeconds: options.cpuSeconds,
      openFileLimit: options.openFileLimit,
      env: options.env,
      activity: options.activity,
      places: options.places,
      observers: options.observers,
      data: () => this.#setupAndTeardown.data,
      onRunEnd: (end) => this.#end(end),
      onNote: (note) => this.#annotate({ kind: "note", ...note }),
      onIterationsOver: () => this.#naturalEnd.endIterations(this.#driver),
      onUsersGone: () => this.#endWithoutUsers(),
      onUnprepared: (error) => {
        this.#failure ??= error;
        this.stop();
      },
      onWarning: (text) => this.#warnings.add(text),
    });
    this.#testEvents = new TestEvents(options, this.#generator.run);
  }

  /** Runs the test to its end; resolves with the final results. */
  async run(): Promise<Snapshot> {
    this.#warnings.addAll(this.#options.warnings);
    await this.control.waitForStart(() => this.#options.onSecond(this.snapshot()));
    // A test that is stopped while it waits never starts.
    if (this.#state === "ready" && this.#runEnd === null) await this.#execute();
    this.#state = "stopped";
    this.#warnings.addAll(this.#totals.limitWarnings);
    this.#warnings.addAll(surplusUsers(this.#totals.peakUsers, this.#mostUsers));
    this.#watch.conclude(this.snapshot(), this.#naturalEnd);
    if (this.#time.begun) {
      if (this.#failure === null) {
        this.#warnings.addAll(unstartedWarning(this.#generator.unstartedTests, true));
      }
      await this.#emitTestStop();
    }
    await this.#tearDown();
    return this.snapshot();
  }

  async #emitTestStop(): Promise<void> {
    const { errors, warnings } = await this.#testEvents.stop(this.#stopTimeoutMs / 1000);
    this.#totals.addUserErrors(TEST_STOP, errors);
    this.#warnings.addAll(warnings);
  }

  async #tearDown(): Promise<void> {
    const { errors, warnings } = await this.#setupAndTeardown.tearDown(
      this.#stopTimeoutMs / 1000,
      this.#time.begun,
    );
    this.#totals.addUserErrors(TEARDOWN, errors);
    this.#warnings.addAll(warnings);
  }

  async #execute(): Promise<void> {
    try {
      await this.#setupAndTeardown.setUp();
      if (this.#state !== "ready" || this.#runEnd !== null) return;
      await this.#testEvents.start();
    } catch (error) {
      this.#failure = error;
      return;
    }
    if (this.#runEnd !== null) return;
    this.#startedAtWall = this.#clock.wallTime();
    this.#time.begin();
    this.#generator.start(0);
    const driver = this.#driver = this.#createDriver();
    if (this.#state === "ready") {
      this.#state = "spawning";
      this.control.attach(driver, this.#pauses);
      // If a shape fails, the test ends, and what was measured until then is reported.
      await driver.drive().catch((error) => this.#failure = error);
    }
    this.#pauses.end();
    this.#state = "stopping";
    this.#finalUsers = this.#generator.users;
    await driver.until(this.#generator.stopAll(this.#stopTimeoutMs));
    this.#warnings.addAll(this.#generator.stopWarnings);
    this.#time.end();
    this.#count(this.#generator.flush());
    this.#generator.end();
    const { observers } = this.#options;
    if (observers.end !== undefined) this.#warnings.addAll(await observers.end());
  }

  #createDriver(): LoadDriver {
    return new LoadDriver(this.#pauses.loadClock, this.#options.parts, {
      setUsers: (counts) => {
        this.#watch.usersAssigned(counts);
        this.#generator.setUsers(counts, this.#stopTimeoutMs);
      },
      setArrivals: (arrivals) => {
        for (const one of arrivals) this.#setArrivals(one);
      },
      view: (part) => this.#shapeView(part),
      onLoad: (load, part) => this.#setLoad(load, part),
      onOver: (part) => this.#loads.end(part),
      onStarted: (users) => this.#started(users),
      onSecond: () => this.#closeSecond(),
    });
  }

  #setArrivals({ part, period, maxUsers, over }: PartArrivals): void {
    const { classes, profile: { spacing, onBusy } } = this.#options.parts[part]!;
    const arrivals = { ...period, ...ALL_ARRIVALS, maxUsers, spacing, onBusy, classes };
    if (over) void this.#generator.endArrivals(arrivals, this.#stopTimeoutMs);
    else this.#generator.setArrivals(arrivals);
  }

  /** Ends the parts whose users have all ended by themselves, unless others are to start. */
  #endWithoutUsers(): void {
    for (const [index, { classes }] of this.#options.parts.entries()) {
      if (!this.#generator.areGone(classes)) continue;
      this.#naturalEnd.endWithoutUsers(index, this.#driver);
    }
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    this.#setupAndTeardown.cancel();
    this.#testEvents.cancel();
    // The results of a test that has ended are being reported.
    if (this.#state === "stopped") return;
    this.#state = "stopping";
    this.control.cancelWait();
    this.#driver?.stop();
  }

  /** @throws UsageError always: there is only this process. */
  stopWorker(): void {
    throw new UsageError("This run has no workers. Stop the run instead.");
  }

  /** Code of the test ends the run. What prepares it, or follows it, goes on to its end. */
  #end(end: RunEnd): void {
    const before = this.#runEnd;
    this.#runEnd = decidingEnd(before, end);
    if (this.#runEnd === before) return;
    const { onInfo, onWarning } = this.#options;
    (end.kind === "fail" ? onWarning : onInfo)(`The run is ${runEndFact(end)}.`);
    this.control.cancelWait();
    this.#driver?.stop();
  }

  #annotate(annotation: Annotation): void {
    if (this.#annotations.add(annotation)) this.#options.onInfo(annotationLine(annotation));
  }

  /** The run as code of the test file sees it. */
  get info(): RunInfo {
    return this.#generator.run;
  }

  /** The error that ended the test early, such as one in its shape or in `testStart`; `null` if there was none. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Counts an error that no user could catch. */
  countStrayError(thrown: unknown): void {
    this.#generator.countStrayError(thrown);
  }

  /** The results if the process exits now: requests in progress are unfinished, and thresholds are judged. */
  cutOff(): Snapshot {
    this.#generator.cutOff();
    this.#count(this.#generator.flush());
    this.#state = "stopped";
    return { ...this.snapshot(), complete: false };
  }

  /** The state and results of the run at this moment. */
  snapshot(): Snapshot {
    const { elapsedSeconds } = this.#time;
    const pausedSeconds = this.#pauses.since(this.#countedFrom);
    const durationSeconds = Math.max(0, elapsedSeconds - this.#countedFrom - pausedSeconds);
    const complete = this.#state === "stopped";
    // No second contains what handlers of the test's end have added.
    if (complete) this.#totals.addMetrics(this.#generator.takeMetrics());
    const all = this.#totals.statistics(durationSeconds, complete ? [] : this.#inProgress, {
      names: this.#options.classes.map(({ name }) => name),
      users: this.#generator.usersByClass,
    });
    const statistics = { ...all, classes: this.#loads.withLoads(all.classes, complete) };
    const users = {
      current: this.#generator.users,
      target: this.#loads.users,
      peak: this.#totals.peakUsers,
      final: this.#finalUsers,
    };
    return {
      runId: this.#options.runId,
      name: this.#options.name,
      labels: this.#options.labels,
      mode: "local",
      state: this.#state,
      startedAt: this.#startedAtWall,
      endedAt: this.#time.endedAt(this.#startedAtWall),
      elapsedSeconds,
      durationSeconds,
      pausedSeconds,
      pauses: this.#pauses.all,
      complete,
      users,
      ...this.#loads.shown,
      breakingPoint: this.#watch.breakingPoint,
      thresholds: this.#watch.rows(
        statistics,
        this.#time.begun ? this.#state : "ready",
        durationSeconds,
      ),
      expectedWorkers: null,
      workers: [{
        id: NODE,
        host: this.#options.hostname,
        state: this.#state === "stopped" ? "finished" : this.#state,
        users: users.current,
        peakUsers: users.peak,
        rate: statistics.timeline.at(-1)?.requests ?? 0,
        cpu: this.#lastHealth.cpu,
        cpuPeak: this.#generator.cpuPeak,
        lagMs: this.#lastHealth.lagMs,
        requests: statistics.totals.requests,
        complete,
        sockets: this.#options.sockets,
        log: [],
      }],
      statistics,
      runEnd: this.#runEnd,
      annotations: this.#annotations.rows,
      warnings: [
        ...this.#warnings.texts,
        ...this.#annotations.warnings,
        ...this.#standstills.texts,
        ...this.#watch.shortages,
      ],
    };
  }

  get #stopTimeoutMs(): number {
    return this.#options.parts[0]!.profile.stopTimeout * 1000;
  }

  /** What the shape of a part is told: the statistics of every second that has ended. */
  #shapeView(part: number): ShapeView {
    this.#count(this.#generator.take());
    return this.#watch.view(
      part,
      this.#pauses.loadSeconds,
      this.#driver!.isSpawning(part),
      this.#inProgress,
    );
  }

  #setLoad(load: ResolvedLoad, part: number): void {
    const { parts, openFileLimit } = this.#options;
    const { profile: { iterations }, classes } = parts[part]!;
    this.#loads.set(part, load);
    const { users } = this.#loads;
    this.#mostUsers = Math.max(this.#mostUsers, users);
    const { loadSeconds, endedSeconds } = this.#pauses;
    this.#watch.loadChanged(load, loadSeconds, part, endedSeconds);
    if (!isArrivals(load) && iterations !== null) this.#generator.limit(iterations, classes);
    const problem = openFilesProblem(users, openFileLimit);
    if (problem !== null) this.#warnings.add(problem);
  }

  #started(users: number): void {
    if (this.#options.resetStats) {
      this.#generator.flush();
      this.#generator.resetObservers();
      this.#totals.reset();
      this.#countedFrom = this.#time.elapsedSeconds;
    }
    void this.#options.events.emit("startComplete", { userCount: users });
  }

  #closeSecond(): void {
    if (this.#state !== "stopping") {
      this.#state = this.#driver?.spawning ? "spawning" : "running";
    }
    this.#count(this.#generator.take());
    this.#warnings.addAll(this.#totals.limitWarnings);
    this.#lastHealth = this.#generator.check();
    const snapshot = this.snapshot();
    this.#options.onSecond(snapshot);
    this.#watch.check(snapshot);
  }

  #count(seconds: readonly SecondStats[]): void {
    for (const second of seconds) {
      this.#totals.add(second);
      this.#inProgress.add(second);
      this.#watch.count(second);
      for (const text of this.#standstills.add([second])) this.#options.onWarning(text);
    }
  }
}
