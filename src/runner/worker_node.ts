/**
 * What a worker has once it is ready: its users, and the way of its counts to the master.
 *
 * @module
 */

import type { MasterLink } from "../cluster/master_link.ts";
import type {
  ArrivalOrder,
  Start,
  Started,
  TargetMessage,
  WorkerPhase,
} from "../cluster/message.ts";
import type { Clock } from "../core/clock.ts";
import { UsageError } from "../core/errors.ts";
import { LoadGenerator, type LoadGeneratorOptions } from "./load_generator.ts";
import { openFilesProblem } from "./open_files.ts";
import { Reporter } from "./reporter.ts";
import type { MasterTime } from "./master_time.ts";
import type { SharedPasses } from "./shared_passes.ts";
import { UserRamp } from "./user_ramp.ts";

/** Everything that a worker's node needs and does not make itself. */
export interface WorkerNodeOptions
  extends Omit<LoadGeneratorOptions, "onPassesOver" | "onUsersGone"> {
  readonly link: Pick<MasterLink, "connected" | "sendFrame">;
  /** Where passes come from; null where nobody has set a number of them. */
  readonly passes: SharedPasses | null;
  /** Says when the test began, more exactly than its start does. */
  readonly time: MasterTime;
  /** Files that this process may have open; null where nobody knows. */
  readonly openFileLimit: number | null;
  /** Called with what the users do: whether some are still to be started. */
  readonly onPhase: (phase: WorkerPhase) => void;
}

/** A worker whose master is gone has stopped its users after this time, before others get them. */
const LAPSE_STOP_MS = 500;

/** The users of one worker. */
export class WorkerNode {
  readonly #options: WorkerNodeOptions;
  readonly #clock: Clock;
  readonly #generator: LoadGenerator;
  readonly #ramp: UserRamp;
  readonly #classNames: readonly string[];
  /** Resolves when the test has begun; null as long as nobody has said that it has. */
  #beginning: Promise<void> | null = null;
  /** The part of the run that is counted now. */
  #phase = 0;
  #toldOfStart = false;
  #reporter: Reporter | null = null;
  /** What is to be done as soon as the test has begun. */
  #pending: TargetMessage | null = null;
  #stopTimeoutMs = 0;
  /** Whether it was told to run nobody. */
  #isIdle = false;
  #stopped = false;

  constructor(options: WorkerNodeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#classNames = options.classes.map(({ name }) => name);
    this.#generator = new LoadGenerator({
      ...options,
      onPassesOver: () => this.#noteExhausted(),
      onUsersGone: () => {
        if (!this.#ramp.climbing) this.#noteExhausted();
      },
    });
    this.#ramp = new UserRamp(
      options.clock,
      options.classes.length,
      (counts) => this.#generator.scaleTo(counts, this.#stopTimeoutMs),
      () => options.onPhase(this.#arrivedPhase()),
    );
  }

  /** Users that have started and not ended yet. */
  get users(): number {
    return this.#generator.users;
  }

  /** Seconds since the test began; 0 before it did. */
  get elapsedSeconds(): number {
    return this.#generator.elapsedSeconds;
  }

  /** What the master gets; null before the test began. */
  get reporter(): Reporter | null {
    return this.#reporter;
  }

  /** Whether it was told that the test has begun. */
  get begun(): boolean {
    return this.#beginning !== null;
  }

  /** The test has begun; being told so twice changes nothing. */
  begin(start: Start): Promise<void> {
    return this.#beginning ??= this.#begin(start);
  }

  /** The first target number of users runs; being told so twice changes nothing. */
  async started({ userCount, phase }: Started): Promise<void> {
    this.#turnTo(phase);
    if (this.#toldOfStart) return;
    this.#toldOfStart = true;
    await this.#options.events.emit("startComplete", { userCount });
  }

  async #begin({ elapsedSeconds, phase }: Start): Promise<void> {
    this.#turnTo(phase);
    const { events, link, runId } = this.#options;
    const toldAt = this.#clock.now();
    await events.emit("testStart", { run: this.#generator.run });
    this.#generator.start(elapsedSeconds + (this.#clock.now() - toldAt) / 1000);
    this.#reporter = new Reporter({
      runId,
      clock: this.#clock,
      generator: this.#generator,
      link,
      phase: this.#phase,
    });
    this.#reporter.start();
    if (this.#pending !== null && !this.#stopped) this.aim(this.#pending);
  }

  /**
   * Heads for a target, at once or when the test has begun.
   *
   * @throws UsageError where it names a class that is not there.
   */
  aim(target: TargetMessage): void {
    const { classes, rate, stopTimeout, arrivals } = target;
    const unknown = Object.keys(classes).find((name) =>
      classes[name]! > 0 && !this.#classNames.includes(name)
    );
    if (unknown !== undefined) {
      throw new UsageError(`The master wants users of ${unknown}, which the test file here lacks`);
    }
    if (this.#reporter === null) {
      this.#pending = target;
      return;
    }
    this.#stopTimeoutMs = stopTimeout * 1000;
    const [order] = arrivals;
    if (order !== undefined) return this.#arrive(order);
    this.#generator.suspend();
    if (this.#options.passes !== null) this.#generator.limit(this.#options.passes);
    const counts = this.#classNames.map((name) =>
      Object.hasOwn(classes, name) ? classes[name]! : 0
    );
    const users = counts.reduce((sum, count) => sum + count, 0);
    this.#isIdle = users === 0;
    this.#checkOpenFiles(users);
    this.#ramp.aim({ counts, rate });
    if (this.#ramp.climbing) this.#options.onPhase("spawning");
  }

  #arrive(order: ArrivalOrder): void {
    this.#checkOpenFiles(order.maxUsers);
    this.#options.onPhase("running");
    this.#generator.arrive(order, { course: order, slice: order, maxUsers: order.maxUsers });
    // Nodes that take turns have to agree on the time.
    this.#options.time.start((beganAt) => this.#generator.align(beganAt));
  }

  /** Who has nothing to do, or nothing left, keeps nobody from the end. */
  #arrivedPhase(): WorkerPhase {
    if (this.#isIdle) return "ready";
    return this.#generator.usersGone ? "exhausted" : "running";
  }

  #noteExhausted(): void {
    if (!this.#stopped) this.#options.onPhase("exhausted");
  }

  /** Lets all users go, fast; others may have them soon. Returns how many there were. */
  drop(): number {
    const { users } = this.#generator;
    this.#ramp.reset();
    this.#pending = null;
    this.#generator.suspend();
    this.#generator.scaleTo(
      this.#classNames.map(() => 0),
      Math.min(LAPSE_STOP_MS, this.#stopTimeoutMs),
    );
    // Only now, as nobody waits for one any more.
    this.#options.passes?.giveBack();
    return users;
  }

  /** Stops all users; resolves when the last counts are on their way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    // Who was told that the test has begun owes the master its counts, even where there are none.
    await this.#beginning;
    this.#ramp.reset();
    this.#options.passes?.close();
    this.#options.time.stop();
    await this.#generator.stopAll(this.#stopTimeoutMs);
    this.#generator.end();
    if (this.#reporter === null) return;
    this.#reporter.finish();
    await this.#options.events.emit("testStop", { run: this.#generator.run });
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    this.#generator.noteStrayError(thrown);
  }

  #turnTo(phase: number): void {
    this.#phase = Math.max(this.#phase, phase);
    this.#reporter?.turnTo(this.#phase);
  }

  #checkOpenFiles(users: number): void {
    const problem = openFilesProblem(users, this.#options.openFileLimit);
    if (problem !== null) this.#options.onWarning(problem);
  }
}
