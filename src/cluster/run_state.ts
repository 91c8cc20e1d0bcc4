import type { WorkerMembership } from "./journal.ts";
import type { SecondCounts, StatsDelta } from "../stats/stats_delta.ts";
import { Totals } from "../stats/totals.ts";
import type { Message, WorkerPhase } from "./protocol.ts";
import { countedOf } from "./report.ts";

/** What is to be done with a report. */
export type SequenceVerdict =
  /** It is the next one. */
  | "apply"
  /** It was applied before: to be acknowledged again, and not to be counted again. */
  | "again"
  /** One before it is missing. */
  | "gap";

/**
 * Which reports of one worker have been applied: each once, in their order.
 */
export class ReportSequence {
  #lastSeq = 0;

  /** The last report that was applied; 0 where none was. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Says what to do with a report. */
  judge(seq: number): SequenceVerdict {
    if (seq <= this.#lastSeq) return "again";
    return seq === this.#lastSeq + 1 ? "apply" : "gap";
  }

  /** Notes that a report which was to be applied has been. */
  applied(seq: number): void {
    if (this.judge(seq) !== "apply") throw new RangeError(`report ${seq} is not the next one`);
    this.#lastSeq = seq;
  }
}

/** Who a worker is, for the whole run. */
export interface WorkerInfo {
  readonly id: string;
  /** The same for as long as the worker's process lives. */
  readonly incarnation: string;
  /** Number of the worker in the run, 0 and up. */
  readonly index: number;
  readonly host: string;
}

/** What a worker does that can run users. */
const WORKING: readonly WorkerPhase[] = ["ready", "spawning", "running", "exhausted"];

/** One worker, as its reports describe it. */
export class WorkerState {
  readonly id: string;
  readonly incarnation: string;
  readonly index: number;
  readonly host: string;
  readonly reports = new ReportSequence();
  membership: WorkerMembership = "present";
  /** Whether it was told that the test has begun: from then on, its counts are part of the run. */
  begun = false;
  phase: WorkerPhase = "preparing";
  users = 0;
  peakUsers = 0;
  /** Share of one core, 0 to 1 and above. */
  cpu = 0;
  cpuPeak = 0;
  lagMs = 0;
  requests = 0;
  /** Requests a second in the last second that it told of. */
  rate = 0;
  /** The last second that it told of; -1 before the first. */
  lastSecond = -1;
  /** Whether everything that it has counted is in. */
  complete = false;
  /** How long the test had lasted, in seconds, when it was lost last: by then its users had stopped. */
  lostAtSeconds = 0;
  /** And when it was back. */
  #backAtSeconds = Infinity;

  constructor({ id, incarnation, index, host }: WorkerInfo) {
    this.id = id;
    this.incarnation = incarnation;
    this.index = index;
    this.host = host;
  }

  /** Whether it can run users now. */
  get canRunUsers(): boolean {
    return this.membership === "present" &&
      WORKING.includes(this.phase);
  }

  /**
   * Nobody knows what it does, until it is back and says so.
   *
   * @param elapsedSeconds how long the test has lasted.
   */
  lose(elapsedSeconds: number): void {
    this.phase = "preparing";
    this.users = 0;
    this.rate = 0;
    this.lostAtSeconds = elapsedSeconds;
    this.#backAtSeconds = Infinity;
  }

  /**
   * Its users have stopped, and it has made so many reports. More may still come, and the last of them
   * says that it is; only who has made none has nothing to send.
   */
  stopped(lastSeq: number): void {
    this.complete ||= lastSeq === 0 && this.reports.lastSeq === 0;
  }

  /** It is there again. @param elapsedSeconds how long the test has lasted. */
  returned(elapsedSeconds: number): void {
    this.#backAtSeconds = elapsedSeconds;
  }

  /**
   * Seconds as they were for the run: while it was lost, others had its users, even where it stood
   * still and takes them to have been its own.
   */
  secondsInRun(seconds: readonly SecondCounts[]): readonly SecondCounts[] {
    if (this.lostAtSeconds === 0) return seconds;
    return seconds.map((one) =>
      one.second >= Math.floor(this.lostAtSeconds) && one.second < this.#backAtSeconds
        ? { ...one, users: 0, peakUsers: 0 }
        : one
    );
  }

  /**
   * Takes over what a report says of the worker itself.
   *
   * @param counts whether its requests are part of the totals.
   */
  update(report: Message<"REPORT">, counts: boolean): void {
    for (const { users, peakUsers, requests } of this.secondsInRun(report.users)) {
      this.users = users;
      this.peakUsers = Math.max(this.peakUsers, peakUsers);
      if (counts) this.requests += requests;
      this.rate = requests;
    }
    this.cpu = report.cpu;
    this.cpuPeak = Math.max(this.cpuPeak, report.cpu);
    this.lagMs = report.lag;
    this.lastSecond = Math.max(this.lastSecond, report.to);
    this.complete = report.final;
  }
}

/** Who asks to take part. */
export interface JoiningWorker {
  readonly id: string;
  readonly incarnation: string;
  readonly host: string;
}

/**
 * All that a master knows of a run: who takes part, and what they have counted. What it is told twice
 * it counts once, so a journal of what it was told makes the same book again.
 */
export class RunState {
  readonly runId: string;
  readonly testfileHash: string;
  readonly totals = new Totals();
  /** 1, and one more each time that the master was restarted. */
  epoch = 1;
  /** What was counted in a part of the run before this one is not in the totals. */
  phase = 0;
  /** Whether something that had been counted is gone for good. */
  damaged = false;
  /** Milliseconds since 1970; null before the test began. */
  startedAt: number | null = null;
  /** Hears of what is added to the totals. */
  onCounted: (counted: StatsDelta) => void = () => {};
  /** How long the test has lasted, as far as this book was told. */
  elapsedSeconds = 0;
  /** When, in seconds since the test's start, counting began. */
  countedFrom = 0;
  readonly #members = new Map<string, WorkerState>();

  constructor(runId: string, testfileHash: string) {
    this.runId = runId;
    this.testfileHash = testfileHash;
  }

  /** Everyone who ever took part, by the number that they got. */
  get workers(): WorkerState[] {
    return [...this.#members.values()];
  }

  /** Users that all workers have, as far as they have told. */
  get users(): number {
    return this.workers.reduce((sum, { users }) => sum + users, 0);
  }

  /** The worker of this incarnation, or undefined. */
  worker(incarnation: string): WorkerState | undefined {
    return this.#members.get(incarnation);
  }

  /** The member that an applicant is; a new one where it has not been here before. */
  addWorker({ id, incarnation, host }: JoiningWorker): WorkerState {
    const known = this.#members.get(incarnation);
    if (known !== undefined) return known;
    const member = new WorkerState({ id, incarnation, host, index: this.#members.size });
    this.#members.set(incarnation, member);
    return member;
  }

  /**
   * Counts a report where it is the next one of its worker.
   *
   * @throws ProtocolError where what it holds cannot be counted; then nothing of it is.
   */
  apply(member: WorkerState, report: Message<"REPORT">): SequenceVerdict {
    const verdict = member.reports.judge(report.seq);
    if (verdict !== "apply") return verdict;
    const counted = countedOf(report);
    const counts = report.phase >= this.phase;
    if (counts) this.#count({ ...counted, seconds: member.secondsInRun(counted.seconds) });
    member.update(report, counts);
    member.reports.applied(report.seq);
    return verdict;
  }

  #count(counted: StatsDelta): void {
    this.totals.add(counted);
    this.onCounted(counted);
  }

  /** Drops what was counted until now; reports of the parts before do not count any more. */
  reset(phase: number, elapsedSeconds: number): void {
    this.phase = phase;
    this.countedFrom = elapsedSeconds;
    this.totals.reset();
    for (const member of this.#members.values()) member.requests = 0;
  }
}
