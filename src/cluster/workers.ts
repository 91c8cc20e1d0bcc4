import type { SecondCounts } from "../stats/stats_delta.ts";
import type { Report, WorkerPhase } from "./protocol.ts";

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

/** How a member stands to the run. */
export type WorkerMembership =
  /** Connected, or cut off for so short a time that its lease still runs. */
  | "present"
  /** It went by itself, and has handed in everything. */
  | "left"
  /** Its lease has run out. */
  | "lost";

/** What a worker does that can run users. */
const WORKING: readonly WorkerPhase[] = ["ready", "spawning", "running", "exhausted"];

/** One worker, as its reports describe it. */
export class WorkerState {
  readonly id: string;
  readonly incarnation: string;
  readonly index: number;
  readonly host: string;
  readonly ledger = new ReportSequence();
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
    this.complete ||= lastSeq === 0 && this.ledger.lastSeq === 0;
  }

  /** It is there again. @param elapsedSeconds how long the test has lasted. */
  returned(elapsedSeconds: number): void {
    this.#backAtSeconds = elapsedSeconds;
  }

  /**
   * Seconds as they were for the run: while it was lost, others had its users, even where it stood
   * still and takes them to have been its own.
   */
  ofRun(seconds: readonly SecondCounts[]): readonly SecondCounts[] {
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
  note(report: Report, counts: boolean): void {
    for (const { users, peakUsers, requests } of this.ofRun(report.users)) {
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
