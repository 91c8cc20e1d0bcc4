/**
 * A whole test on this machine, in this process.
 *
 * @module
 */

import type { Clock, Random } from "../core/clock.ts";
import type { Events } from "../core/events.ts";
import { Lease } from "../core/lease.ts";
import { ALL_ARRIVALS } from "../load/arrival_schedule.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { ShapeView } from "../load/load_user_shape.ts";
import { type LoadProfile, plannedSeconds } from "../load/load_profile.ts";
import type { RunStatus, Snapshot } from "../stats/snapshot.ts";
import type { SecondStats } from "../stats/stats_table.ts";
import { NAMES_CAPPED, Totals } from "../stats/totals.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import { type Health, openFilesProblem } from "./generator_health.ts";
import { LoadDriver, reportedLoad } from "./load_driver.ts";
import { LoadGenerator } from "./load_generator.ts";
import { RunControl } from "./run_control.ts";
import { Exhaustion, RunTime, RunWatch, type ThresholdOptions, Warnings } from "./run_watch.ts";

/** Everything that a run needs and does not make itself. */
export interface LocalRunOptions extends ThresholdOptions {
  readonly runId: string;
  readonly hostname: string;
  readonly profile: LoadProfile;
  readonly classes: readonly DiscoveredClass[];
  /** How the classes share the users, in the same order. */
  readonly mix: ClassMix;
  /** `--host`; null: each class's own. */
  readonly host: string | null;
  readonly insecure: boolean;
  /** Drop what was counted before the first target number of users ran. */
  readonly resetStats: boolean;
  /** The test begins only when somebody says so. */
  readonly waitsForStart: boolean;
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
  /** Seconds of processor time that this process has used. */
  readonly cpuSeconds: () => number;
  /** Warnings that are known before the start. */
  readonly warnings: readonly string[];
  /** An environment variable, or undefined. */
  readonly env: (name: string) => string | undefined;
  /** Files that this process may have open; null where nobody knows. */
  readonly openFileLimit: number | null;
  /** Called once a second while the test runs. */
  readonly onSecond: (snapshot: Snapshot) => void;
  /** Called with each new warning. */
  readonly onWarning: (text: string) => void;
}

const NODE = "local";

/** One test, from its start to its end. */
export class LocalRun {
  /** What can be done by hand. */
  readonly control: RunControl;
  readonly #options: LocalRunOptions;
  readonly #clock: Clock;
  readonly #time: RunTime;
  readonly #totals = new Totals();
  readonly #generator: LoadGenerator;
  readonly #watch: RunWatch;
  readonly #warnings: Warnings;
  readonly #exhaustion: Exhaustion;
  #driver: LoadDriver | null = null;
  #state: RunStatus = "ready";
  /** Milliseconds since 1970; null before the start. */
  #startedAtWall: number | null = null;
  /** When counting began, in seconds since the start: later where the start is not to count. */
  #countedFrom = 0;
  #target: ResolvedLoad = { users: 0, rate: 0 };
  #finalUsers = 0;
  #lastHealth: Health = { cpu: 0, lagMs: 0 };
  #failure: unknown = null;

  constructor(options: LocalRunOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#time = new RunTime(options.clock);
    this.#exhaustion = new Exhaustion(options);
    this.control = new RunControl(options.clock, options.profile, options.waitsForStart);
    this.#warnings = new Warnings(options.onWarning);
    this.#watch = new RunWatch(options, options.profile.shape, this.#warnings, () => this.stop());
    this.#generator = new LoadGenerator({
      runId: options.runId,
      node: NODE,
      classes: options.classes,
      host: options.host,
      insecure: options.insecure,
      firstUserId: 1,
      lease: Lease.endless(),
      events: options.events,
      clock: options.clock,
      random: options.random,
      cpuSeconds: options.cpuSeconds,
      env: options.env,
      onIterationsOver: () => this.#exhaustion.end(this.#driver),
      onUsersGone: () => this.#exhaustion.endWithoutUsers(this.#driver),
      onWarning: (text) => this.#warnings.add(text),
    });
  }

  /** Runs the test to its end; resolves with all that is known of it. */
  async run(): Promise<Snapshot> {
    this.#warnings.addAll(this.#options.warnings);
    await this.control.waitForStart(() => this.#options.onSecond(this.snapshot()));
    // Who stops a test that waits to be started has none.
    if (this.#state === "ready") await this.#run();
    this.#state = "stopped";
    this.#watch.conclude(this.snapshot(), this.#exhaustion);
    if (this.#time.begun) {
      await this.#options.events.emit("testStop", { run: this.#generator.run });
    }
    return this.snapshot();
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    // What has ended is not ended again: it is being reported.
    if (this.#state === "stopped") return;
    this.#state = "stopping";
    this.control.cancelWait();
    this.#driver?.stop();
  }

  /** What ended the test before its time, such as an error in its shape; null where nothing did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    this.#generator.noteStrayError(thrown);
  }

  /** All that is known at this moment. */
  snapshot(): Snapshot {
    const { elapsedSeconds, endedAt } = this.#time;
    const durationSeconds = Math.max(0, elapsedSeconds - this.#countedFrom);
    const statistics = this.#totals.statistics(durationSeconds);
    const complete = this.#state === "stopped";
    const users = {
      current: this.#generator.users,
      target: reportedLoad(this.#target).users,
      peak: this.#totals.peakUsers,
      final: this.#finalUsers,
    };
    return {
      runId: this.#options.runId,
      mode: "local",
      state: this.#state,
      startedAt: this.#startedAtWall,
      endedAt,
      elapsedSeconds,
      durationSeconds,
      plannedSeconds: plannedSeconds(this.#options.profile),
      complete,
      users,
      arrivalRate: reportedLoad(this.#target).arrivalRate,
      breakingPoint: this.#watch.breakingPoint,
      thresholds: this.#watch.rows(statistics, this.#state, durationSeconds),
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
      }],
      statistics,
      warnings: this.#warnings.texts,
    };
  }

  async #run(): Promise<void> {
    await this.#options.events.emit("testStart", { run: this.#generator.run });
    this.#startedAtWall = this.#clock.wallTime();
    this.#time.begin();
    this.#generator.start(0);
    const driver = this.#driver = this.#newDriver();
    if (this.#state === "ready") {
      this.#state = "spawning";
      this.control.attach(driver);
      // A shape that fails half-way ends the test; what was counted until then is still worth a report.
      await driver.drive().catch((error) => this.#failure = error);
    }
    this.#state = "stopping";
    this.#finalUsers = this.#generator.users;
    await driver.until(this.#generator.stopAll(this.#stopTimeoutMs));
    this.#time.end();
    this.#count(this.#generator.flush());
    this.#generator.end();
  }

  get #stopTimeoutMs(): number {
    return this.#options.profile.stopTimeout * 1000;
  }

  #newDriver(): LoadDriver {
    return new LoadDriver(this.#clock, this.#options.profile, this.#options.mix, {
      setUsers: (counts) => this.#generator.setUsers(counts, this.#stopTimeoutMs),
      setArrivals: (course, maxUsers) =>
        this.#generator.setArrivals(this.#options.profile, {
          course,
          slice: ALL_ARRIVALS,
          maxUsers,
        }),
      view: () => this.#look(),
      onLoad: (target) => this.#noteTarget(target),
      onStarted: (users) => this.#noteStarted(users),
      onSecond: () => this.#closeSecond(),
    });
  }

  #noteTarget(target: ResolvedLoad): void {
    const { profile, mix, openFileLimit } = this.#options;
    this.#target = target;
    this.#watch.aimed(target, this.#generator.elapsedSeconds, mix);
    if (!isArrivals(target) && profile.iterations !== null) {
      this.#generator.limit(profile.iterations);
    }
    const problem = openFilesProblem(reportedLoad(target).users, openFileLimit);
    if (problem !== null) this.#warnings.add(problem);
  }

  #noteStarted(users: number): void {
    if (this.#options.resetStats) {
      this.#generator.flush();
      this.#totals.reset();
      this.#countedFrom = this.#time.elapsedSeconds;
    }
    void this.#options.events.emit("startComplete", { userCount: users });
  }

  /** What a shape may know: all seconds that have ended are counted for it. */
  #look(): ShapeView {
    this.#count(this.#generator.take());
    return this.#watch.view(this.#generator.elapsedSeconds, this.#driver!.spawning);
  }

  #count(intervals: readonly SecondStats[]): void {
    for (const interval of intervals) {
      this.#totals.add(interval);
      this.#watch.count(interval);
    }
  }

  #closeSecond(): void {
    if (this.#state !== "stopping") {
      this.#state = this.#driver?.spawning ? "spawning" : "running";
    }
    this.#count(this.#generator.take());
    if (this.#totals.namesCapped) this.#warnings.add(NAMES_CAPPED);
    this.#lastHealth = this.#generator.check();
    const snapshot = this.snapshot();
    this.#options.onSecond(snapshot);
    this.#watch.look(snapshot);
  }
}
