/**
 * A whole test whose users run elsewhere: the master says who runs what, and adds up what they report.
 *
 * @module
 */

import type { Member } from "../cluster/member.ts";
import type { Report } from "../cluster/report_message.ts";
import type { RestoredRun } from "../cluster/restored_run.ts";
import { RunBook } from "../cluster/run_book.ts";
import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import type { RunInfo } from "../core/run_info.ts";
import { isArrivals, type LoadTarget } from "../load/target.ts";
import type { RunState, Snapshot } from "../stats/snapshot.ts";
import { NAMES_CAPPED } from "../stats/totals.ts";
import { Exhaustion } from "./exhaustion.ts";
import { FirstTarget } from "./first_target.ts";
import { loadLevel } from "./load_level.ts";
import { liveRunInfo } from "./live_run_info.ts";
import { LoadDriver } from "./load_driver.ts";
import type { MasterRunOptions } from "./master_run_options.ts";
import { masterSnapshot, missingCounts, withoutOpenSeconds } from "./master_snapshot.ts";
import { Muster } from "./muster.ts";
import { RunTime } from "./run_time.ts";
import { RunWatch } from "./run_watch.ts";
import { StaffWatch } from "./staff_watch.ts";
import { Settlement } from "./settlement.ts";
import { Staffing } from "./staffing.ts";
import type { Steering } from "./steering.ts";
import { journaledSteering, steeredLoad } from "./steering_journal.ts";
import { Vacancy } from "./vacancy.ts";
import { Warnings } from "./warnings.ts";
import { WorkerHall } from "./worker_hall.ts";
import { emitReport } from "./worker_report.ts";

/** How long the workers of a run may take to find the master that goes on with it. */
const RETURN_MS = 10_000;

/** One distributed test, from its start to its end. */
export class MasterRun {
  /** What can be done by hand. */
  readonly steering: Steering;
  readonly #options: MasterRunOptions;
  readonly #book: RunBook;
  readonly #hall: WorkerHall;
  readonly #staffing: Staffing;
  readonly #muster: Muster;
  readonly #firstTarget: FirstTarget;
  readonly #staffWatch = new StaffWatch();
  readonly #settlement: Settlement;
  readonly #time: RunTime;
  readonly #run: RunInfo;
  readonly #warnings: Warnings;
  readonly #watch: RunWatch;
  readonly #vacancy: Vacancy;
  readonly #exhaustion: Exhaustion;
  #state: RunState = "ready";
  #driver: LoadDriver | null = null;
  #target: LoadTarget = { users: 0, rate: 0 };
  #finalUsers = 0;
  #failure: unknown = null;
  #stopped = false;

  constructor(options: MasterRunOptions) {
    const { clock, restored, plan } = options;
    this.#options = options;
    this.#time = new RunTime(clock);
    this.steering = journaledSteering(options, () => this.#time.elapsedSeconds);
    this.#vacancy = new Vacancy(clock);
    this.#exhaustion = new Exhaustion(options);
    this.#warnings = new Warnings(options.onWarning);
    this.#watch = new RunWatch(options, plan.shape, this.#warnings, () => this.stop());
    this.#book = restored?.book ?? new RunBook(options.runId, options.testfileHash);
    this.#book.onCounted = (counted) => this.#watch.count(counted);
    this.#run = liveRunInfo({
      id: this.#book.runId,
      node: "master",
      users: () => this.#book.users,
      runTime: () => this.#time.elapsedSeconds,
    });
    this.#hall = new WorkerHall({
      ...options,
      book: this.#book,
      info: options.onInfo,
      warn: options.onWarning,
    }, {
      onStaffChange: () => this.#staffChanged(),
      onReturn: (member) => this.#staffing.repeat(member),
      onHeard: (member, revision) => this.#staffing.heard(member, revision),
      onReport: (member, report) => this.#reported(member, report),
      onState: (elapsedSeconds) => this.#noteElapsed(elapsedSeconds),
    });
    this.#settlement = new Settlement(clock, this.#hall);
    this.#muster = new Muster({
      ...options,
      hall: this.#hall,
      onSecond: () => options.onSecond(this.snapshot()),
    });
    this.#firstTarget = new FirstTarget({ ...options, book: this.#book, hall: this.#hall });
    this.#staffing = new Staffing({
      ...options,
      elapsed: () => this.#time.elapsedSeconds,
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
    this.#warnings.addAll(warnings);
    this.#hall.open();
    try {
      if (restored === null) await this.#begin();
      else await this.#reassemble(restored);
      if (this.#time.begun) await this.#drive(restored);
      if (this.#time.begun) await this.#finish();
      this.#time.end();
      this.#warnings.addAll(missingCounts(this.#book.members, this.#time.elapsedSeconds));
      journal.append({ type: "ended" });
    } finally {
      this.#staffing.end();
      await this.#hall.end();
    }
    this.#state = "stopped";
    this.#watch.conclude(this.snapshot(), this.#exhaustion);
    if (this.#time.begun) await events.emit("testStop", { run: this.#run });
    return this.snapshot();
  }

  /** Ends the test early, as if its time were over. */
  stop(): void {
    this.#stopped = true;
    this.#driver?.stop();
    this.steering.giveUp();
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
      elapsedSeconds: this.#time.elapsedSeconds,
      endedAt: this.#time.endedAt,
      target: this.#target,
      finalUsers: this.#finalUsers,
      expectedWorkers: this.#options.expectedWorkers,
      watch: this.#watch,
      warnings: this.#warnings.texts,
    });
  }

  /** Without its workers, nothing begins. */
  async #begin(): Promise<void> {
    const { clock, events, journal, onSecond } = this.#options;
    await this.steering.started(() => onSecond(this.snapshot()));
    if (!this.#stopped) await this.#muster.ofNew();
    if (this.#stopped) return;
    await events.emit("testStart", { run: this.#run });
    this.#time.begin();
    this.#book.startedAt = clock.wallTime();
    journal.append({ type: "begin", startedAt: this.#book.startedAt });
    this.#hall.begin(() => this.#time.elapsedSeconds);
  }

  /** Waits for the workers of a run that goes on. */
  async #reassemble({ assigned, startedUsers }: RestoredRun): Promise<void> {
    if (this.#book.startedAt === null) return await this.#begin();
    const { members } = this.#book;
    const known = members.filter((one) => one.membership === "present" && !one.complete);
    for (const member of known) member.begun = true;
    this.#hall.expect(known, RETURN_MS);
    this.#time.begin(this.#book.elapsedSeconds);
    this.#hall.begin(() => this.#time.elapsedSeconds);
    if (startedUsers !== null) this.#hall.started(startedUsers);
    this.#staffing.restore(assigned);
    this.#options.onInfo(
      `Going on with run ${this.#book.runId}: waiting for its workers (${known.length}).`,
    );
    await this.#muster.of(known, RETURN_MS);
  }

  async #drive(restored: RestoredRun | null): Promise<void> {
    const { clock, plan, mix } = this.#options;
    const progress = {
      elapsedSeconds: this.#time.elapsedSeconds,
      users: this.#staffing.taken,
      started: restored !== null && restored.startedUsers !== null,
      steered: restored?.steered.map(steeredLoad) ?? [],
    };
    this.#driver = new LoadDriver(clock, plan, mix, {
      scaleTo: (counts) => this.#staffing.aim(counts),
      arrive: (course, maxUsers) => this.#staffing.arrive(course, maxUsers),
      view: () =>
        this.#watch.view(
          this.#time.elapsedSeconds,
          this.#driver!.spawning,
          (all) => withoutOpenSeconds(all, this.#book.members),
        ),
      onTarget: (target) => this.#aimed(target),
      onStarted: (users) => this.#firstTarget.await(users),
      onSecond: () => this.#closeSecond(),
    }, progress);
    if (this.#stopped || restored?.stopping) return;
    this.steering.hold(this.#driver);
    this.#state = "spawning";
    this.#vacancy.note(this.#hall.staff.length);
    if (restored !== null) this.#staffing.rebalance();
    // A shape that fails half-way ends the test; what was counted until then is worth a report.
    await this.#driver.drive().catch((error) => this.#failure ??= error);
  }

  async #finish(): Promise<void> {
    const { plan, journal, restored } = this.#options;
    this.#state = "stopping";
    this.#finalUsers = restored?.stopping?.finalUsers ?? this.#book.users;
    journal.append({
      type: "stopping",
      finalUsers: this.#finalUsers,
      elapsedSeconds: this.#time.elapsedSeconds,
    });
    this.#staffing.end();
    await this.#driver!.until(this.#settlement.end(plan.stopTimeout));
  }

  /**
   * A worker says how long the test has lasted. Who goes on with a run knows it from nobody else: the
   * clock of the master before is gone.
   */
  #noteElapsed(elapsedSeconds: number): void {
    if (this.#time.begun && this.#driver === null) this.#time.atLeast(elapsedSeconds);
    this.#look();
  }

  #look(): void {
    this.#exhaustion.look(this.#hall.staff, this.#staffing, this.#driver);
    this.#firstTarget.look(this.#time.elapsedSeconds);
    this.#muster.look();
    this.#settlement.look();
  }

  #staffChanged(): void {
    if (!this.#time.begun) this.#muster.announce();
    else if (this.#state === "spawning" || this.#state === "running") {
      this.#vacancy.note(this.#hall.staff.length, this.#hall.silence);
      this.#endIfAlone();
      this.#staffing.rebalance();
    }
    this.#look();
  }

  #reported(member: Member, report: Report): void {
    this.#warnings.addAll(this.#staffWatch.note(member));
    emitReport(this.#options.events, member.id, report);
    this.#look();
  }

  #aimed(target: LoadTarget): void {
    this.#target = target;
    this.#watch.aimed(target, this.#time.elapsedSeconds, this.#options.mix);
    if (!isArrivals(target)) this.#staffing.pace(target.rate);
  }

  #closeSecond(): void {
    const { journal, onSecond } = this.#options;
    if (this.#state !== "stopping") {
      this.#state = this.#driver?.spawning || this.#firstTarget.isAwaited ? "spawning" : "running";
    }
    journal.append({
      type: "time",
      elapsedSeconds: this.#time.elapsedSeconds,
      targetUsers: loadLevel(this.#target).users,
      runningUsers: this.#book.users,
    });
    if (this.#book.totals.namesCapped) this.#warnings.add(NAMES_CAPPED);
    this.#endIfAlone();
    const snapshot = this.snapshot();
    onSecond(snapshot);
    this.#watch.look(snapshot);
  }

  #endIfAlone(): void {
    if (!this.#vacancy.isFinal) return;
    this.#failure ??= new AiotestError("No worker is left to run users", ExitCode.cluster);
    this.#driver?.stop();
  }
}
