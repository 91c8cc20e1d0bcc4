/**
 * A whole test whose users run elsewhere: the master says who runs what, and adds up what they report.
 *
 * @module
 */

import type { Member } from "../cluster/member.ts";
import type { Report } from "../cluster/message.ts";
import type { RestoredRun } from "../cluster/restored_run.ts";
import { RunBook } from "../cluster/run_book.ts";
import type { Clock } from "../core/clock.ts";
import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { Target } from "../load/target.ts";
import type { RunState, Snapshot } from "../stats/snapshot.ts";
import { NAMES_CAPPED } from "../stats/totals.ts";
import { Allocation } from "./allocation.ts";
import { LOST_MS } from "./cluster_times.ts";
import { Condition } from "./condition.ts";
import { FirstTarget } from "./first_target.ts";
import { liveRunInfo } from "./live_run_info.ts";
import { LoadDriver } from "./load_driver.ts";
import type { MasterRunOptions } from "./master_run_options.ts";
import { masterSnapshot, missingCounts, usersOf } from "./master_snapshot.ts";
import { Muster } from "./muster.ts";
import { StaffWatch } from "./staff_watch.ts";
import { stopDeadline } from "./stop_deadline.ts";
import { WorkerHall } from "./worker_hall.ts";
import { workerReport } from "./worker_report.ts";

/** How long the workers of a run may take to find the master that goes on with it. */
const RETURN_MS = 10_000;

/** One distributed test, from its start to its end. */
export class MasterRun {
  readonly #options: MasterRunOptions;
  readonly #clock: Clock;
  readonly #book: RunBook;
  readonly #hall: WorkerHall;
  readonly #allocation: Allocation;
  readonly #muster: Muster;
  readonly #firstTarget: FirstTarget;
  readonly #staffWatch = new StaffWatch();
  readonly #settled: Condition;
  readonly #run: RunInfo;
  readonly #warnings: string[] = [];
  #state: RunState = "ready";
  #driver: LoadDriver | null = null;
  #target: Target = { users: 0, rate: 0 };
  #startedAt: number | null = null;
  #endedAt: number | null = null;
  #endedAtWall: number | null = null;
  #finalUsers = 0;
  /** Users that ran when another master of this run was there last. */
  #runningUsers = 0;
  #failure: unknown = null;
  /** Since when nobody can run users; null where somebody can. */
  #aloneSince: number | null = null;
  #stopped = false;

  constructor(options: MasterRunOptions) {
    const { clock, restored, plan } = options;
    this.#options = options;
    this.#clock = clock;
    this.#settled = new Condition(clock);
    this.#book = restored?.book ?? new RunBook(options.runId, options.testfileHash);
    this.#run = liveRunInfo({
      id: this.#book.runId,
      node: "master",
      users: () => usersOf(this.#book.members),
      runTime: () => this.#elapsed(),
    });
    this.#hall = new WorkerHall({
      ...options,
      book: this.#book,
      info: options.onInfo,
      warn: options.onWarning,
    }, {
      onStaffChange: () => this.#staffChanged(),
      onReturn: (member) => this.#allocation.repeat(member),
      onHeard: (member, revision) => this.#allocation.heard(member, revision),
      onReport: (member, report) => this.#reported(member, report),
      onState: (elapsedSeconds) => this.#noteElapsed(elapsedSeconds),
    });
    this.#muster = new Muster({
      ...options,
      hall: this.#hall,
      onSecond: () => options.onSecond(this.snapshot()),
    });
    this.#firstTarget = new FirstTarget({ ...options, book: this.#book, hall: this.#hall });
    this.#allocation = new Allocation({
      clock,
      classNames: options.classNames,
      stopTimeout: plan.stopTimeout,
      members: () => this.#hall.staff,
      tell: (member, target) => this.#hall.tell(member, target),
    });
  }

  /**
   * Runs the test to its end; resolves with all that is known of it.
   *
   * @throws AiotestError where the workers do not come.
   */
  async run(): Promise<Snapshot> {
    const { events, warnings, restored, journal } = this.#options;
    for (const text of warnings) this.#warn(text);
    this.#hall.open();
    try {
      if (restored === null) await this.#begin();
      else await this.#reassemble(restored);
      if (this.#startedAt !== null) await this.#drive(restored);
      if (this.#startedAt !== null) await this.#finish();
      this.#endedAt = this.#clock.now();
      this.#endedAtWall = this.#clock.wallTime();
      for (const text of missingCounts(this.#book.members, this.#elapsed())) this.#warn(text);
      journal.append({ type: "ended" });
    } finally {
      this.#allocation.end();
      await this.#hall.end();
    }
    this.#state = "stopped";
    await events.emit("testStop", { run: this.#run });
    return this.snapshot();
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    this.#stopped = true;
    this.#driver?.stop();
    this.#muster.giveUp();
  }

  /** What ended the test before its time; null where nothing did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** All that is known at this moment. */
  snapshot(): Snapshot {
    return masterSnapshot({
      book: this.#book,
      state: this.#state,
      plan: this.#options.plan,
      elapsedSeconds: this.#elapsed(),
      endedAt: this.#endedAtWall,
      targetUsers: this.#target.users,
      finalUsers: this.#finalUsers,
      expectedWorkers: this.#options.expectedWorkers,
      warnings: this.#warnings,
    });
  }

  /** Without its workers, nothing begins. */
  async #begin(): Promise<void> {
    const { events, journal } = this.#options;
    await this.#muster.ofNew();
    if (this.#stopped) return;
    await events.emit("testStart", { run: this.#run });
    this.#startedAt = this.#clock.now();
    this.#book.startedAt = this.#clock.wallTime();
    journal.append({ type: "begin", startedAt: this.#book.startedAt });
    this.#hall.begin(() => this.#elapsed());
  }

  /** Waits for the workers of a run that goes on. */
  async #reassemble({ assigned, startedUsers }: RestoredRun): Promise<void> {
    if (this.#book.startedAt === null) return await this.#begin();
    const known = this.#book.members.filter(({ membership, complete }) =>
      membership === "present" && !complete
    );
    for (const member of known) member.begun = true;
    this.#hall.expect(known, RETURN_MS);
    this.#startedAt = this.#clock.now() - this.#book.elapsedSeconds * 1000;
    this.#hall.begin(() => this.#elapsed());
    if (startedUsers !== null) this.#hall.started(startedUsers);
    const { mix, onInfo } = this.#options;
    const countsOf = (users: number): number[] => mix.counts(Math.min(users, mix.limit));
    this.#runningUsers = this.#allocation.restore(assigned, countsOf);
    onInfo(`Going on with run ${this.#book.runId}: waiting for its workers (${known.length}).`);
    await this.#muster.of(known, RETURN_MS);
  }

  async #drive(restored: RestoredRun | null): Promise<void> {
    const { plan, mix } = this.#options;
    const progress = {
      elapsedSeconds: this.#elapsed(),
      users: this.#runningUsers,
      started: restored !== null && restored.startedUsers !== null,
    };
    this.#driver = new LoadDriver(this.#clock, plan, mix, {
      scaleTo: (counts) => this.#allocation.aim(counts),
      onTarget: (target) => this.#aimed(target),
      onStarted: (users) => this.#firstTarget.await(users),
      onSecond: () => this.#closeSecond(),
    }, progress);
    if (this.#stopped || restored?.stopping) return;
    this.#state = "spawning";
    if (this.#hall.staff.length === 0) this.#aloneSince = this.#clock.now();
    if (restored !== null) this.#allocation.rebalance();
    // A shape that fails half-way ends the test; what was counted until then is still worth a report.
    await this.#driver.drive().catch((error) => this.#failure ??= error);
  }

  async #finish(): Promise<void> {
    const { plan, journal, restored } = this.#options;
    this.#state = "stopping";
    this.#finalUsers = restored?.stopping?.finalUsers ?? usersOf(this.#book.members);
    journal.append({
      type: "stopping",
      finalUsers: this.#finalUsers,
      elapsedSeconds: this.#elapsed(),
    });
    const deadline = stopDeadline(plan.stopTimeout);
    this.#allocation.end();
    this.#hall.stop(deadline);
    const settled = this.#settled.wait(() => this.#hall.settled, deadline * 1000);
    await this.#driver!.until(settled.then(() => {}));
  }

  /**
   * A worker says how long the test has lasted. Who goes on with a run knows it from nobody else: the
   * clock of the master before is gone.
   */
  #noteElapsed(elapsedSeconds: number): void {
    if (this.#startedAt !== null && this.#driver === null) {
      this.#startedAt = Math.min(this.#startedAt, this.#clock.now() - elapsedSeconds * 1000);
    }
    this.#look();
  }

  #look(): void {
    this.#firstTarget.look(this.#elapsed());
    this.#muster.look();
    this.#settled.look();
  }

  #staffChanged(): void {
    if (this.#startedAt === null) this.#muster.announce();
    else if (this.#state === "spawning" || this.#state === "running") {
      this.#aloneSince = this.#hall.staff.length > 0
        ? null
        : this.#clock.now() - this.#hall.silence;
      this.#endIfAlone();
      this.#allocation.rebalance();
    }
    this.#look();
  }

  #reported(member: Member, report: Report): void {
    const { events } = this.#options;
    for (const text of this.#staffWatch.note(member)) this.#warn(text);
    if (events.has("workerReport")) {
      void events.emit("workerReport", { workerId: member.id, report: workerReport(report) });
    }
    this.#look();
  }

  #aimed(target: Target): void {
    this.#target = target;
    this.#allocation.pace(target.rate);
    const shortage = this.#options.mix.shortage(target.users);
    if (shortage !== null) this.#warn(shortage);
  }

  #closeSecond(): void {
    const { journal, onSecond } = this.#options;
    if (this.#state !== "stopping") {
      this.#state = this.#driver?.spawning || this.#firstTarget.isAwaited ? "spawning" : "running";
    }
    journal.append({
      type: "time",
      elapsedSeconds: this.#elapsed(),
      targetUsers: this.#target.users,
      runningUsers: usersOf(this.#book.members),
    });
    if (this.#book.totals.namesCapped) this.#warn(NAMES_CAPPED);
    this.#endIfAlone();
    onSecond(this.snapshot());
  }

  #endIfAlone(): void {
    if (this.#aloneSince === null || this.#clock.now() - this.#aloneSince < LOST_MS) return;
    this.#failure ??= new AiotestError("No worker is left to run users", ExitCode.cluster);
    this.#driver?.stop();
  }

  #elapsed(): number {
    if (this.#startedAt === null) return 0;
    return ((this.#endedAt ?? this.#clock.now()) - this.#startedAt) / 1000;
  }

  #warn(text: string): void {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    this.#options.onWarning(text);
  }
}
