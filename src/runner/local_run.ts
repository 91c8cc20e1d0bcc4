/**
 * A whole test on this machine, in this process.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Events } from "../core/events.ts";
import { Lease } from "../core/lease.ts";
import type { Random } from "../core/random.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { type Plan, plannedSeconds } from "../load/plan.ts";
import type { Target } from "../load/target.ts";
import type { RunState, Snapshot } from "../stats/snapshot.ts";
import { NAMES_CAPPED, Totals } from "../stats/totals.ts";
import type { DiscoveredClass } from "../user/discovery.ts";
import type { Health } from "./generator_health.ts";
import { LoadDriver } from "./load_driver.ts";
import { LoadGenerator } from "./load_generator.ts";
import { openFilesProblem } from "./open_files.ts";

/** Everything that a run needs and does not make itself. */
export interface LocalRunOptions {
  readonly runId: string;
  readonly hostname: string;
  readonly plan: Plan;
  readonly classes: readonly DiscoveredClass[];
  /** How the classes share the users, in the same order. */
  readonly mix: ClassMix;
  /** `--host`; null: each class's own. */
  readonly host: string | null;
  readonly insecure: boolean;
  /** Drop what was counted before the first target number of users ran. */
  readonly resetStats: boolean;
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
  readonly #options: LocalRunOptions;
  readonly #clock: Clock;
  readonly #totals = new Totals();
  readonly #generator: LoadGenerator;
  readonly #warnings: string[] = [];
  #driver: LoadDriver | null = null;
  #state: RunState = "ready";
  #startedAt = 0;
  #startedAtWall: number | null = null;
  #endedAt: number | null = null;
  #endedAtWall: number | null = null;
  /** When counting began: the start, or later where the start is not to count. */
  #countedFrom = 0;
  #target: Target = { users: 0, rate: 0 };
  #finalUsers = 0;
  #lastHealth: Health = { cpu: 0, lagMs: 0 };
  #failure: unknown = null;

  constructor(options: LocalRunOptions) {
    this.#options = options;
    this.#clock = options.clock;
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
      onWarning: (text) => this.#warn(text),
    });
  }

  /** Runs the test to its end; resolves with all that is known of it. */
  async run(): Promise<Snapshot> {
    const { events, warnings } = this.#options;
    for (const text of warnings) this.#warn(text);
    await events.emit("testStart", { run: this.#generator.run });
    this.#startedAtWall = this.#clock.wallTime();
    this.#startedAt = this.#countedFrom = this.#clock.now();
    this.#generator.start(0);
    const driver = this.#driver = this.#newDriver();
    if (this.#state === "ready") {
      this.#state = "spawning";
      // A shape that fails half-way ends the test; what was counted until then is still worth a report.
      await driver.drive().catch((error) => this.#failure = error);
    }
    this.#state = "stopping";
    this.#finalUsers = this.#generator.users;
    await driver.until(this.#generator.stopAll(this.#stopTimeoutMs));
    this.#endedAt = this.#clock.now();
    this.#endedAtWall = this.#clock.wallTime();
    for (const interval of this.#generator.flush()) this.#totals.add(interval);
    this.#generator.end();
    this.#state = "stopped";
    await events.emit("testStop", { run: this.#generator.run });
    return this.snapshot();
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    this.#state = "stopping";
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
    const until = this.#endedAt ?? this.#clock.now();
    const started = this.#startedAtWall !== null;
    const durationSeconds = started ? (until - this.#countedFrom) / 1000 : 0;
    const statistics = this.#totals.statistics(durationSeconds);
    const complete = this.#state === "stopped";
    const users = {
      current: this.#generator.users,
      target: this.#target.users,
      peak: this.#totals.peakUsers,
      final: this.#finalUsers,
    };
    return {
      runId: this.#options.runId,
      mode: "local",
      state: this.#state,
      startedAt: this.#startedAtWall,
      endedAt: this.#endedAtWall,
      elapsedSeconds: started ? (until - this.#startedAt) / 1000 : 0,
      durationSeconds,
      plannedSeconds: plannedSeconds(this.#options.plan),
      complete,
      users,
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
      warnings: [...this.#warnings],
    };
  }

  get #stopTimeoutMs(): number {
    return this.#options.plan.stopTimeout * 1000;
  }

  #newDriver(): LoadDriver {
    return new LoadDriver(this.#clock, this.#options.plan, this.#options.mix, {
      scaleTo: (counts) => this.#generator.scaleTo(counts, this.#stopTimeoutMs),
      onTarget: (target) => this.#noteTarget(target),
      onStarted: (users) => this.#noteStarted(users),
      onSecond: () => this.#closeSecond(),
    });
  }

  #noteTarget(target: Target): void {
    this.#target = target;
    const shortage = this.#options.mix.shortage(target.users);
    if (shortage !== null) this.#warn(shortage);
    const problem = openFilesProblem(target.users, this.#options.openFileLimit);
    if (problem !== null) this.#warn(problem);
  }

  #noteStarted(users: number): void {
    if (this.#options.resetStats) {
      this.#generator.flush();
      this.#totals.reset();
      this.#countedFrom = this.#clock.now();
    }
    void this.#options.events.emit("startComplete", { userCount: users });
  }

  #closeSecond(): void {
    if (this.#state !== "stopping") {
      this.#state = this.#driver?.spawning ? "spawning" : "running";
    }
    for (const interval of this.#generator.take()) this.#totals.add(interval);
    if (this.#totals.namesCapped) this.#warn(NAMES_CAPPED);
    this.#lastHealth = this.#generator.check();
    this.#options.onSecond(this.snapshot());
  }

  #warn(text: string): void {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    this.#options.onWarning(text);
  }
}
