/**
 * A whole test whose users run elsewhere: the master says who runs what, and adds up what they report.
 *
 * @module
 */

import type { JournalRecord, RunJournal } from "../cluster/journal.ts";
import type { Message } from "../cluster/protocol.ts";
import type { RestoredRun } from "../cluster/restore.ts";
import { RunState, type WorkerState } from "../cluster/run_state.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { AiotestError, ExitCode } from "../core/errors.ts";
import type { Events, WorkerReport } from "../core/events.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { ClassMix } from "../load/class_mix.ts";
import { isArrivals, type ResolvedLoad } from "../load/load.ts";
import type { LoadProfile } from "../load/load_profile.ts";
import { GeneratorWatch } from "../stats/generator_watch.ts";
import type { RunStatus, Snapshot } from "../stats/snapshot.ts";
import { NAMES_CAPPED } from "../stats/totals.ts";
import { Allocator } from "./allocation.ts";
import { type LoadChange, LoadDriver, reportedLoad } from "./load_driver.ts";
import { liveRunInfo } from "./load_generator.ts";
import { masterSnapshot, missingCounts, withoutOpenSeconds } from "./master_snapshot.ts";
import { RunControl } from "./run_control.ts";
import { RunTime } from "./run_time.ts";
import { Exhaustion, RunWatch, type ThresholdOptions, Warnings } from "./run_watch.ts";
import { LOST_MS, WorkerManager, type WorkerManagerOptions } from "./worker_manager.ts";

/** Who hears of it. */
interface FirstAssignmentOptions {
  readonly book: RunState;
  readonly journal: RunJournal;
  readonly hall: Pick<WorkerManager, "started">;
  readonly events: Events;
  /** Drop what was counted before. */
  readonly resetStats: boolean;
}

/** The moment at which the first target number of users runs, as far as their workers have told. */
export class FirstAssignment {
  readonly #options: FirstAssignmentOptions;
  /** Users that are waited for; null where none are. */
  #users: number | null = null;

  constructor(options: FirstAssignmentOptions) {
    this.#options = options;
  }

  /** Whether users have been started that nobody has told of yet. */
  get isAwaited(): boolean {
    return this.#users !== null;
  }

  /** So many users have been started. */
  await(users: number): void {
    this.#users = users;
  }

  /** Looks whether they run. @param elapsedSeconds how long the test has lasted. */
  look(elapsedSeconds: number): void {
    const { book, journal, hall, events, resetStats } = this.#options;
    if (this.#users === null || book.users < this.#users) return;
    const userCount = this.#users;
    this.#users = null;
    journal.append({ type: "started", userCount });
    if (resetStats) {
      book.reset(book.phase + 1, elapsedSeconds);
      journal.append({ type: "phase", phase: book.phase, elapsedSeconds });
    }
    hall.started(userCount);
    void events.emit("startComplete", { userCount });
  }
}

/**
 * Waits until something is so. Whoever may have changed it says so with {@link look}.
 */
export class Condition {
  readonly #clock: Clock;
  #look: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with true when it is so, or with false after `limitMs`; null: there is no limit. */
  wait(isSo: () => boolean, limitMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const end = (result: boolean): void => {
        this.#look = () => {};
        if (timer !== null) this.#clock.clearTimer(timer);
        resolve(result);
      };
      this.#look = () => {
        if (isSo()) end(true);
      };
      if (limitMs !== null) timer = this.#clock.setTimer(() => end(false), limitMs);
      this.#look();
    });
  }

  /** Looks whether it is so by now. */
  look(): void {
    this.#look();
  }
}

/** Who is waited for. */
interface WorkerWaitOptions {
  readonly clock: Clock;
  readonly hall: Pick<WorkerManager, "staff" | "isConnected">;
  /** The test begins when so many workers are ready. */
  readonly expectedWorkers: number;
  /** How long they are waited for; 0: for ever. */
  readonly expectSeconds: number;
  /** Called every second of the wait. */
  readonly onSecond: () => void;
  /** Called with what is good to know. */
  readonly onInfo: (text: string) => void;
}

/** Hundreds of workers that come at once are not worth a line each. */
const ANNOUNCED_MS = 1_000;

/** Waits for workers, before the test begins or goes on. */
export class WorkerWait {
  readonly #options: WorkerWaitOptions;
  readonly #condition: Condition;
  #givenUp = false;
  #announced = 0;
  #announcedAt = -Infinity;

  constructor(options: WorkerWaitOptions) {
    this.#options = options;
    this.#condition = new Condition(options.clock);
  }

  /**
   * Resolves when enough workers are ready, or {@link giveUp} was called.
   *
   * @throws AiotestError where they do not come in time.
   */
  async ofNew(): Promise<void> {
    const { hall, expectedWorkers, expectSeconds } = this.#options;
    const ready = (): number => hall.staff.filter((one) => hall.isConnected(one)).length;
    const enough = (): boolean => this.#givenUp || ready() >= expectedWorkers;
    const came = await this.#wait(
      enough,
      expectSeconds === 0 ? null : expectSeconds * 1000,
    );
    if (came) return;
    throw new AiotestError(
      `${ready()} of ${expectedWorkers} workers came within ${expectSeconds} s`,
      ExitCode.cluster,
      "--expect-workers-max-wait says how long they are waited for.",
    );
  }

  /** Resolves when all of these are connected, or the time is over, or {@link giveUp} was called. */
  async of(members: readonly WorkerState[], limitMs: number): Promise<void> {
    const { hall } = this.#options;
    const back = (): boolean => this.#givenUp || members.every((one) => hall.isConnected(one));
    await this.#wait(back, limitMs);
  }

  /** Says how many workers are ready, where that has changed. */
  announce(): void {
    const { clock, hall, expectedWorkers, onInfo } = this.#options;
    const { length } = hall.staff;
    const isDue = clock.now() - this.#announcedAt >= ANNOUNCED_MS || length === expectedWorkers;
    if (length === this.#announced || !isDue) return;
    this.#announced = length;
    this.#announcedAt = clock.now();
    onInfo(`${length} of ${expectedWorkers} workers are ready.`);
  }

  /** Waits for nobody any more. */
  giveUp(): void {
    this.#givenUp = true;
    this.#condition.look();
  }

  /** Looks who has come. */
  look(): void {
    this.#condition.look();
  }

  async #wait(isSo: () => boolean, limitMs: number | null): Promise<boolean> {
    const { clock, onSecond } = this.#options;
    const announce = (): void => this.announce();
    let timer = clock.setTimer(function tick(): void {
      timer = clock.setTimer(tick, 1000);
      announce();
      onSecond();
    }, 1000);
    const came = await this.#condition.wait(isSo, limitMs);
    clock.clearTimer(timer);
    return came;
  }
}

/** Watches whether workers keep up with the load that they generate, by what they report. */
export class WorkerHealth {
  readonly #watches = new Map<WorkerState, GeneratorWatch>();

  /** What the person who runs the test should know of a worker that has just reported a second. */
  note(member: WorkerState): string[] {
    const watch = this.#watches.get(member) ?? new GeneratorWatch(`Worker ${member.id}`);
    this.#watches.set(member, watch);
    return watch.note({ cpu: member.cpu, lagMs: member.lagMs });
  }
}

/** What a final report may take, beside the users' own end. */
const REPORT_SECONDS = 10;

/** `onStop` of users may take as long at least. */
const SHORTEST_STOP_SECONDS = 5;

/**
 * How long the final reports of workers are waited for, in seconds from when they are told to stop.
 *
 * @param stopTimeout seconds that a stopping user's test may still run.
 */
export function stopDeadline(stopTimeout: number): number {
  return stopTimeout + Math.max(stopTimeout, SHORTEST_STOP_SECONDS) + REPORT_SECONDS;
}

/** The end of a run: its workers stop, and their last counts come in. */
export class FinalReports {
  readonly #hall: Pick<WorkerManager, "stop" | "settled">;
  readonly #settled: Condition;

  constructor(clock: Clock, hall: Pick<WorkerManager, "stop" | "settled">) {
    this.#hall = hall;
    this.#settled = new Condition(clock);
  }

  /** Something may have come in. */
  look(): void {
    this.#settled.look();
  }

  /**
   * Resolves when nobody's counts are waited for any more.
   *
   * @param stopTimeout seconds that a stopping user's test may still run.
   */
  async end(stopTimeout: number): Promise<void> {
    const deadline = stopDeadline(stopTimeout);
    this.#hall.stop(deadline);
    await this.#settled.wait(() => this.#hall.settled, deadline * 1000);
  }
}

// Loads that somebody has set by hand, as a journal has them: whoever goes on with a run goes on with
// them, too.

/** What a journal says of a load that was set. */
function steeredRecord({ elapsedSeconds, load }: LoadChange): JournalRecord<"steered"> {
  const type = "steered";
  return isArrivals(load)
    ? { type, elapsedSeconds, model: "open", users: load.maxUsers, rate: load.arrivalRate }
    : { type, elapsedSeconds, model: "closed", ...load };
}

/**
 * The load that a record tells of.
 */
export function steeredLoad(
  { elapsedSeconds, model, users, rate }: JournalRecord<"steered">,
): LoadChange {
  const load = model === "open" ? { arrivalRate: rate, maxUsers: users } : { users, rate };
  return { elapsedSeconds, load };
}

/**
 * A master's run in somebody's hand, who writes down what is made of it.
 *
 * @param elapsed seconds since the test's start.
 */
export function journaledSteering(
  { clock, profile, waitsForStart, restored, journal }: Pick<
    MasterRunOptions,
    "clock" | "profile" | "waitsForStart" | "restored" | "journal"
  >,
  elapsed: () => number,
): RunControl {
  // What has begun is not begun again by whoever goes on with it.
  const hasBegun = restored !== null && restored.book.startedAt !== null;
  return new RunControl(
    clock,
    profile,
    waitsForStart && !hasBegun,
    (load) => journal.append(steeredRecord({ elapsedSeconds: elapsed(), load })),
  );
}

/**
 * For how long nobody has been there to run users.
 */
export class NoWorkersTimer {
  readonly #clock: Clock;
  /** Null where somebody is there. */
  #since: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nobody who was there can be expected back. */
  get isFinal(): boolean {
    return this.#since !== null && this.#clock.now() - this.#since >= LOST_MS;
  }

  /**
   * Takes how many workers are there.
   *
   * @param silenceMs for how long none of them has been heard of.
   */
  note(workers: number, silenceMs = 0): void {
    this.#since = workers > 0 ? null : this.#clock.now() - silenceMs;
  }
}

/** Tells whoever listens that a worker has reported; with nobody there it costs nothing. */
export function emitReport(events: Events, workerId: string, report: Message<"REPORT">): void {
  if (!events.has("workerReport")) return;
  void events.emit("workerReport", { workerId, report: workerReport(report) });
}

/** A worker's report as handlers of events get it. */
function workerReport({ from, to, users, cpu, lag }: Message<"REPORT">): WorkerReport {
  const sum = (field: "requests" | "failures"): number =>
    users.reduce((total, second) => total + second[field], 0);
  return {
    from,
    to,
    users: users.at(-1)?.users ?? 0,
    requests: sum("requests"),
    failures: sum("failures"),
    cpu,
    lagMs: lag,
  };
}

/** How long the workers of a run may take to find the master that goes on with it. */
const RETURN_MS = 10_000;

/** One distributed test, from its start to its end. */
export class MasterRun {
  /** What can be done by hand. */
  readonly control: RunControl;
  readonly #options: MasterRunOptions;
  readonly #book: RunState;
  readonly #hall: WorkerManager;
  readonly #staffing: Allocator;
  readonly #muster: WorkerWait;
  readonly #firstTarget: FirstAssignment;
  readonly #staffWatch = new WorkerHealth();
  readonly #settlement: FinalReports;
  readonly #time: RunTime;
  readonly #run: RunInfo;
  readonly #warnings: Warnings;
  readonly #watch: RunWatch;
  readonly #vacancy: NoWorkersTimer;
  readonly #exhaustion: Exhaustion;
  #state: RunStatus = "ready";
  #driver: LoadDriver | null = null;
  #target: ResolvedLoad = { users: 0, rate: 0 };
  #finalUsers = 0;
  #failure: unknown = null;
  #stopped = false;

  constructor(options: MasterRunOptions) {
    const { clock, restored, profile } = options;
    this.#options = options;
    this.#time = new RunTime(clock);
    this.control = journaledSteering(options, () => this.#time.elapsedSeconds);
    this.#vacancy = new NoWorkersTimer(clock);
    this.#exhaustion = new Exhaustion(options);
    this.#warnings = new Warnings(options.onWarning);
    this.#watch = new RunWatch(options, profile.shape, this.#warnings, () => this.stop());
    this.#book = restored?.book ?? new RunState(options.runId, options.testfileHash);
    this.#book.onCounted = (counted) => this.#watch.count(counted);
    this.#run = liveRunInfo({
      id: this.#book.runId,
      node: "master",
      users: () => this.#book.users,
      runTime: () => this.#time.elapsedSeconds,
    });
    this.#hall = new WorkerManager({
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
    this.#settlement = new FinalReports(clock, this.#hall);
    this.#muster = new WorkerWait({
      ...options,
      hall: this.#hall,
      onSecond: () => options.onSecond(this.snapshot()),
    });
    this.#firstTarget = new FirstAssignment({ ...options, book: this.#book, hall: this.#hall });
    this.#staffing = new Allocator({
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
    this.control.cancelWait();
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
      profile: this.#options.profile,
      elapsedSeconds: this.#time.elapsedSeconds,
      endedAt: this.#time.endedAt,
      load: this.#target,
      finalUsers: this.#finalUsers,
      expectedWorkers: this.#options.expectedWorkers,
      watch: this.#watch,
      warnings: this.#warnings.texts,
    });
  }

  /** Without its workers, nothing begins. */
  async #begin(): Promise<void> {
    const { clock, events, journal, onSecond } = this.#options;
    await this.control.waitForStart(() => onSecond(this.snapshot()));
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
    const { clock, profile, mix } = this.#options;
    const progress = {
      elapsedSeconds: this.#time.elapsedSeconds,
      users: this.#staffing.taken,
      started: restored !== null && restored.startedUsers !== null,
      changes: restored?.steered.map(steeredLoad) ?? [],
    };
    this.#driver = new LoadDriver(clock, profile, mix, {
      setUsers: (counts) => this.#staffing.aim(counts),
      setArrivals: (course, maxUsers) => this.#staffing.arrive(course, maxUsers),
      view: () =>
        this.#watch.view(
          this.#time.elapsedSeconds,
          this.#driver!.spawning,
          (all) => withoutOpenSeconds(all, this.#book.members),
        ),
      onLoad: (target) => this.#aimed(target),
      onStarted: (users) => this.#firstTarget.await(users),
      onSecond: () => this.#closeSecond(),
    }, progress);
    if (this.#stopped || restored?.stopping) return;
    this.control.attach(this.#driver);
    this.#state = "spawning";
    this.#vacancy.note(this.#hall.staff.length);
    if (restored !== null) this.#staffing.rebalance();
    // A shape that fails half-way ends the test; what was counted until then is worth a report.
    await this.#driver.drive().catch((error) => this.#failure ??= error);
  }

  async #finish(): Promise<void> {
    const { profile, journal, restored } = this.#options;
    this.#state = "stopping";
    this.#finalUsers = restored?.stopping?.finalUsers ?? this.#book.users;
    journal.append({
      type: "stopping",
      finalUsers: this.#finalUsers,
      elapsedSeconds: this.#time.elapsedSeconds,
    });
    this.#staffing.end();
    await this.#driver!.until(this.#settlement.end(profile.stopTimeout));
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

  #reported(member: WorkerState, report: Message<"REPORT">): void {
    this.#warnings.addAll(this.#staffWatch.note(member));
    emitReport(this.#options.events, member.id, report);
    this.#look();
  }

  #aimed(target: ResolvedLoad): void {
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
      targetUsers: reportedLoad(this.#target).users,
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

/** Everything that a master needs and does not make itself. */
export interface MasterRunOptions
  extends Omit<WorkerManagerOptions, "book" | "info" | "warn">, ThresholdOptions {
  readonly runId: string;
  /** SHA-256 of the test file's text, as hexadecimal digits. */
  readonly testfileHash: string;
  /** What another master of this run has left; null where the run is new. */
  readonly restored: RestoredRun | null;
  readonly profile: LoadProfile;
  /** Names of the user classes, in the order of {@link mix}. */
  readonly classNames: readonly string[];
  readonly mix: ClassMix;
  /** The test begins when so many workers are ready. */
  readonly expectedWorkers: number;
  /** How long they are waited for; 0: for ever. */
  readonly expectSeconds: number;
  /** Drop what was counted before the first target number of users ran. */
  readonly resetStats: boolean;
  /** The test begins only when somebody says so. */
  readonly waitsForStart: boolean;
  readonly events: Events;
  /** Warnings that are known before the start. */
  readonly warnings: readonly string[];
  /** Called once a second. */
  readonly onSecond: (snapshot: Snapshot) => void;
  /** Called with what is good to know. */
  readonly onInfo: (text: string) => void;
  /** Called with each new warning. */
  readonly onWarning: (text: string) => void;
}
