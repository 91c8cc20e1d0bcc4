/**
 * What a master knows about a run: its workers and everything that they have counted.
 *
 * @module
 */

import { type Annotation, Annotations } from "../stats/annotations.ts";
import type { WorkerLogLine } from "../stats/snapshot.ts";
import type { RunEnd } from "../stats/snapshot.ts";
import {
  type ClassSecond,
  emptyDelta,
  type KeyedInProgress,
  type StatsDelta,
} from "../stats/stats_delta.ts";
import { Totals } from "../stats/totals.ts";
import { asUnfinished, InProgressGauge } from "../stats/unanswered.ts";
import type { UnstartedTests } from "../stats/unstarted_tests.ts";
import {
  type Message,
  ProtocolError,
  type WorkerMembership,
  type WorkerStateName,
} from "./protocol.ts";
import { classSecond, countedOf } from "./report.ts";

/** Workers that are gone and have counted nothing, of which the state is kept in case they return. */
const MAX_GHOSTS = 100;

/**
 * The state of a run. Whatever arrives twice is counted once, so replaying a journal reproduces the same
 * state.
 */
export class RunState {
  readonly runId: string;
  readonly testfileHash: string;
  readonly totals = new Totals();
  /** 1, plus one for each restart of the master. */
  epoch = 1;
  /** How often the totals have been reset. Reports made before the last reset do not count. */
  resetCount = 0;
  /** Whether a worker could not report some of its counts. */
  damaged = false;
  /** Milliseconds since 1970; null before the test has started. */
  startedAt: number | null = null;
  /** What `setup` of the test file has returned, as JSON; null before that. */
  setupData: string | null = null;
  /** How code of the test has ended the run; null if it has not. */
  runEnd: RunEnd | null = null;
  /** Called with everything that is added to the totals. */
  onCounted: (counted: StatsDelta) => void = () => {};
  readonly annotations = new Annotations();
  /** Called with each annotation that is kept. */
  onAnnotated: (annotation: Annotation) => void = () => {};
  /** Seconds since the start of the test, as of the last journal record. */
  elapsedSeconds = 0;
  /** When the totals were last reset, in seconds since the start of the test. */
  countedFrom = 0;
  /** All workers that are not forgotten, by incarnation, in the order of their numbers. */
  readonly #known = new Map<string, WorkerState>();
  /** Those of them that are gone and have counted nothing, the latest last. */
  readonly #ghosts = new Set<WorkerState>();
  /** The others; `null` if they have to be listed again. */
  #workers: readonly WorkerState[] | null = null;
  readonly #forgotten = { count: 0, id: "" };
  #nextIndex = 0;

  constructor(runId: string, testfileHash: string) {
    this.runId = runId;
    this.testfileHash = testfileHash;
  }

  /** All workers that take part or have counted something, by their number. */
  get workers(): readonly WorkerState[] {
    // Every report needs them, and there may be thousands.
    return this.#workers ??= [...this.#known.values()].filter((one) => !this.#ghosts.has(one));
  }

  /** Users of all workers, as last reported. */
  get users(): number {
    return this.workers.reduce((sum, { users }) => sum + users, 0);
  }

  /** Users of all workers by class, as last reported. */
  get usersByClass(): ReadonlyMap<string, number> {
    const users = new Map<string, number>();
    for (const worker of this.workers) {
      for (const [name, count] of worker.usersByClass) {
        users.set(name, (users.get(name) ?? 0) + count);
      }
    }
    return users;
  }

  /** The requests in progress on all workers, as last reported. */
  get inProgress(): KeyedInProgress[] {
    return this.workers
      .filter(({ membership, complete }) => membership === "present" && !complete)
      .flatMap(({ inProgress }) => [...inProgress]);
  }

  /** The worker of this incarnation, or undefined. */
  worker(incarnation: string): WorkerState | undefined {
    return this.#known.get(incarnation);
  }

  /** Returns the worker of this incarnation, and adds it if it has not joined before or was forgotten. */
  addWorker({ id, incarnation, host }: Omit<WorkerInfo, "index">): WorkerState {
    const known = this.#known.get(incarnation);
    if (known !== undefined) {
      if (!this.#ghosts.has(known)) return known;
      // A journal does not say which workers were forgotten.
      this.#forget(known);
    }
    // A number is never used again: it is part of the ids of the worker's users.
    const worker = new WorkerState({ id, incarnation, host, index: this.#nextIndex++ });
    this.#known.set(incarnation, worker);
    this.#workers = null;
    return worker;
  }

  /** Changes a worker's relation to the run. One that is gone and has counted nothing is not shown. */
  setMembership(worker: WorkerState, membership: WorkerMembership): void {
    worker.membership = membership;
    // It may have been forgotten while it was returning.
    if (this.#known.get(worker.incarnation) !== worker) return;
    if (membership === "present" || worker.hasContributed) this.#ghosts.delete(worker);
    else this.#ghosts.add(worker);
    this.#workers = null;
  }

  /** Forgets the workers that went first and have counted nothing; returns them. */
  forgetGhosts(): WorkerState[] {
    const all = [...this.#ghosts];
    const forgotten = all.slice(0, Math.max(0, all.length - MAX_GHOSTS));
    for (const ghost of forgotten) this.#forget(ghost);
    return forgotten;
  }

  #forget(worker: WorkerState): void {
    const { id, incarnation, begun } = worker;
    this.#ghosts.delete(worker);
    this.#known.delete(incarnation);
    if (begun && this.#forgotten.count++ === 0) this.#forgotten.id = id;
  }

  /** Workers that were to run users and were lost before they counted anything: the first, and how many. */
  get lostEarly(): { readonly id: string; readonly count: number } {
    const begun = [...this.#ghosts].filter((worker) => worker.begun);
    const { id, count } = this.#forgotten;
    return { id: count > 0 ? id : begun[0]?.id ?? "", count: count + begun.length };
  }

  /** Whether all counts of all workers have arrived. */
  get isComplete(): boolean {
    return !this.damaged && this.lostEarly.count === 0 &&
      this.workers.every(({ begun, complete }) => complete || !begun);
  }

  /**
   * Counts a report if it is the next one of its worker.
   *
   * @param latestSecond the last second that it may contain; `null` if its times were checked before.
   * @throws ProtocolError if its content is invalid; none of it is counted then.
   */
  apply(
    worker: WorkerState,
    report: Message<"REPORT">,
    latestSecond: number | null = null,
  ): SequenceVerdict {
    const verdict = worker.reports.judge(report.seq);
    if (verdict !== "apply") return verdict;
    if (latestSecond !== null) worker.times.check(report, latestSecond);
    const counted = countedOf(report);
    const isCounted = report.resetCount >= this.resetCount;
    if (isCounted) {
      const classes = counted.classes.map((one) => ({
        ...one,
        seconds: worker.secondsInRun(one.seconds),
      }));
      this.#count({ ...counted, seconds: worker.secondsInRun(counted.seconds), classes });
    }
    // Unlike counts, they are kept when the counts are reset.
    for (const note of report.notes) this.annotate({ kind: "note", ...note });
    if (report.damaged) this.damaged = true;
    worker.update(report, isCounted);
    worker.inProgress.add(counted);
    worker.reports.applied(report.seq);
    worker.times.applied(report);
    return verdict;
  }

  /** Something has happened. */
  annotate(annotation: Annotation): void {
    if (this.annotations.add(annotation)) this.onAnnotated(annotation);
  }

  #count(counted: StatsDelta): void {
    this.totals.add(counted);
    this.onCounted(counted);
  }

  /** Counts the requests in progress on all workers as unfinished, because this process exits at once. */
  cutOff(): void {
    const unfinished = [...asUnfinished(this.inProgress)];
    this.totals.add({ ...emptyDelta(Math.floor(this.elapsedSeconds)), unfinished });
    for (const worker of this.workers) worker.inProgress = new InProgressGauge();
  }

  /** Discards what was counted until now, and reports made before this reset that arrive later. */
  reset(resetCount: number, elapsedSeconds: number): void {
    this.resetCount = resetCount;
    this.countedFrom = elapsedSeconds;
    this.totals.reset();
    for (const worker of this.workers) worker.requests = 0;
  }
}

/** The identity of a worker, which never changes. */
export interface WorkerInfo {
  readonly id: string;
  /** Unique to the worker's process. */
  readonly incarnation: string;
  /** The number of the worker in the run, from 0. */
  readonly index: number;
  readonly host: string;
}

/** How many lines of the log of a worker are kept: there may be hundreds of workers. */
export const WORKER_LOG_LINES = 20;

/** The states in which a worker can run users. */
const WORKING: readonly WorkerStateName[] = ["ready", "spawning", "running", "exhausted"];

/** A worker as the master sees it. */
export class WorkerState {
  readonly id: string;
  readonly incarnation: string;
  readonly index: number;
  readonly host: string;
  readonly reports = new ReportSequence();
  readonly times = new ReportTimes();
  /** The requests in progress, as last reported. */
  inProgress = new InProgressGauge();
  /** Where it connects from; empty if that is unknown. */
  address = "";
  /** Whether it has changed what nodes share, or may have sent requests: it has confirmed an assignment. */
  hasActed = false;
  /** Why it may not take part any more; `null` if it may. */
  expelledFor: string | null = null;
  membership: WorkerMembership = "present";
  /** Whether it has been told that the test has started. From then on, its counts are part of the run. */
  begun = false;
  state: WorkerStateName = "preparing";
  /** The classes of which its users have nothing left to do. */
  exhausted: readonly string[] = [];
  /** Whether it still has to call its handlers of `testStart`. */
  unprepared = false;
  /** How its sockets are implemented; `null` if it has not said so yet. */
  sockets: string | null = null;
  users = 0;
  peakUsers = 0;
  /** As last reported. */
  readonly usersByClass = new Map<string, number>();
  /** CPU usage as a share of one core, 0 to 1 and above. */
  cpu = 0;
  cpuPeak = 0;
  lagMs = 0;
  requests = 0;
  /** Requests in the last reported second. */
  rate = 0;
  /** The last reported second; -1 before the first. */
  lastSecond = -1;
  /** Whether all its reports have arrived. */
  complete = false;
  /** The tests that never began on it; `null` before its final report. */
  unstartedTests: readonly UnstartedTests[] | null = null;
  /** When it was last lost, in seconds since the start of the test: its users had stopped by then. */
  lostAtSeconds = 0;
  /** What it had last reported then: requests in the last second, and requests in progress at its end. */
  lastKnown = { rate: 0, inProgress: 0 };
  /** When it was told that the test has started, in seconds since then. */
  begunAtSeconds = 0;
  /** The last lines of its log. The list is replaced if there are new ones. */
  log: readonly WorkerLogLine[] = [];
  /** How its process has ended, as a part of a sentence; `null` if it runs, or runs elsewhere. */
  processEnd: string | null = null;
  /** When it returned after that. */
  #returnedAtSeconds = Infinity;

  constructor({ id, incarnation, index, host }: WorkerInfo) {
    this.id = id;
    this.incarnation = incarnation;
    this.index = index;
    this.host = host;
  }

  /** Keeps the last of these lines of its log and of those before. */
  addLog(lines: readonly WorkerLogLine[]): void {
    this.log = [...this.log, ...lines].slice(-WORKER_LOG_LINES);
  }

  /** Whether it may have counted or changed anything in the run. */
  get hasContributed(): boolean {
    return this.reports.lastSeq > 0 || this.hasActed;
  }

  /** Whether it can run users now. */
  get canRunUsers(): boolean {
    return this.membership === "present" && WORKING.includes(this.state);
  }

  /**
   * Its lease has expired: what it does is unknown until it returns and sends its state.
   *
   * @param elapsedSeconds since the start of the test.
   */
  lose(elapsedSeconds: number): void {
    const inProgress = [...this.inProgress].reduce((sum, [, , { count }]) => sum + count, 0);
    this.lastKnown = { rate: this.rate, inProgress };
    this.state = "preparing";
    this.exhausted = [];
    this.users = 0;
    this.usersByClass.clear();
    this.rate = 0;
    this.inProgress = new InProgressGauge();
    this.lostAtSeconds = elapsedSeconds;
    this.#returnedAtSeconds = Infinity;
  }

  /**
   * Its users have stopped, and `lastSeq` is its last report. Reports may still be on the way, and the
   * final one completes it. A worker that has made none has nothing to send.
   */
  stopped(lastSeq: number): void {
    this.complete ||= lastSeq === 0 && this.reports.lastSeq === 0;
  }

  /** It has returned after it was lost. @param elapsedSeconds since the start of the test. */
  returned(elapsedSeconds: number): void {
    this.#returnedAtSeconds = elapsedSeconds;
  }

  /**
   * Corrects the users in reported seconds. While the worker was lost, others ran its users, even if its
   * process was suspended and it believes that they were still its own.
   */
  secondsInRun<Second extends ClassSecond>(seconds: readonly Second[]): readonly Second[] {
    if (this.lostAtSeconds === 0) return seconds;
    return seconds.map((one) =>
      one.second >= Math.floor(this.lostAtSeconds) && one.second < this.#returnedAtSeconds
        ? { ...one, users: 0, peakUsers: 0 }
        : one
    );
  }

  /**
   * Takes over what a report says about the worker itself.
   *
   * @param isCounted whether its requests are part of the totals.
   */
  update(report: Message<"REPORT">, isCounted: boolean): void {
    const seconds = this.secondsInRun(report.seconds);
    for (const { users, peakUsers, requests } of seconds) {
      this.users = users;
      this.peakUsers = Math.max(this.peakUsers, peakUsers);
      if (isCounted) this.requests += requests;
      this.rate = requests;
    }
    for (const { name, seconds: ofClass } of report.classes) {
      const last = report.classes.length === 1
        ? seconds.at(-1)
        : this.secondsInRun(ofClass.map(classSecond)).at(-1);
      if (last !== undefined) this.usersByClass.set(name, last.users);
    }
    this.cpu = report.cpu;
    this.cpuPeak = Math.max(this.cpuPeak, report.cpu);
    this.lagMs = report.lag;
    this.lastSecond = Math.max(this.lastSecond, report.to);
    this.complete = report.final;
    if (report.final) this.unstartedTests = report.unstartedTests;
  }
}

/** The times that a worker's reports cover: they never go back, and never into the future. */
export class ReportTimes {
  #from = 0;
  #to = 0;
  #second = 0;

  /**
   * Checks the next report.
   *
   * @param latestSecond the last second that it may contain.
   * @throws ProtocolError if its times are not possible.
   */
  check({ from, to, seconds }: Message<"REPORT">, latestSecond: number): void {
    if (to > latestSecond) {
      refuse(`it contains second ${to}, and the latest possible is ${Math.floor(latestSecond)}`);
    }
    // A second has several reports if they are divided, or if the counts are reset within it.
    if (from < this.#from || to < this.#to || (seconds[0]?.second ?? to) < this.#second) {
      refuse("it goes back in time");
    }
  }

  /** Notes that a report was applied. */
  applied({ from, to, seconds }: Message<"REPORT">): void {
    this.#from = from;
    this.#to = to;
    this.#second = seconds.at(-1)?.second ?? this.#second;
  }
}

function refuse(why: string): never {
  throw new ProtocolError("protocol", `invalid REPORT: ${why}`);
}

/** What to do with a report. */
export type SequenceVerdict =
  /** Apply it: it is the next one. */
  | "apply"
  /** Acknowledge it again, but do not count it again. */
  | "again"
  /** Ask for an earlier report, which is missing. */
  | "gap";

/** Tracks which reports of a worker were applied: each once, and in order. */
export class ReportSequence {
  #lastSeq = 0;

  /** The last report that was applied; 0 if none was. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Says what to do with a report. */
  judge(seq: number): SequenceVerdict {
    if (seq <= this.#lastSeq) return "again";
    return seq === this.#lastSeq + 1 ? "apply" : "gap";
  }

  /** Notes that the next report was applied. */
  applied(seq: number): void {
    if (this.judge(seq) !== "apply") throw new RangeError(`report ${seq} is not the next one`);
    this.#lastSeq = seq;
  }
}
