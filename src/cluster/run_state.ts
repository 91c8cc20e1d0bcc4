import type { StatsDelta } from "../stats/stats_delta.ts";
import { Totals } from "../stats/totals.ts";
import type { Report } from "./protocol.ts";
import { countedOf } from "./report.ts";
import { type SequenceVerdict, WorkerState } from "./workers.ts";

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
  get members(): WorkerState[] {
    return [...this.#members.values()];
  }

  /** Users that all workers have, as far as they have told. */
  get users(): number {
    return this.members.reduce((sum, { users }) => sum + users, 0);
  }

  /** The worker of this incarnation, or undefined. */
  member(incarnation: string): WorkerState | undefined {
    return this.#members.get(incarnation);
  }

  /** The member that an applicant is; a new one where it has not been here before. */
  enter({ id, incarnation, host }: JoiningWorker): WorkerState {
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
  apply(member: WorkerState, report: Report): SequenceVerdict {
    const verdict = member.ledger.judge(report.seq);
    if (verdict !== "apply") return verdict;
    const counted = countedOf(report);
    const counts = report.phase >= this.phase;
    if (counts) this.#count({ ...counted, seconds: member.ofRun(counted.seconds) });
    member.note(report, counts);
    member.ledger.applied(report.seq);
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
