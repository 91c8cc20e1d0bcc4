/**
 * The workers of a run on the master's side: who is in, what they are told, and what they report.
 *
 * @module
 */

import { encodeMessage } from "../cluster/codec.ts";
import { WorkerConnections } from "../cluster/connections.ts";
import type { FileServer } from "../cluster/files.ts";
import { LENGTH_BYTES } from "../cluster/frames.ts";
import type { AcceptedPlace } from "../cluster/handshake.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import { WorkerListener } from "../cluster/listener.ts";
import { type Assignment, type Message, NO_TESTFILE, ProtocolError } from "../cluster/protocol.ts";
import type { RunState, WorkerState } from "../cluster/run_state.ts";
import type { Clock } from "../core/clock.ts";
import type { StreamListener } from "../core/network.ts";
import type { RpcServer } from "../shared/rpc.ts";

// How soon a master and its workers do without each other.

/** Between two signs of life. */
const HEARTBEAT_SECONDS = 1;

/** A worker that has not heard of its master for so long stops its users. */
const LEASE_SECONDS = 5;

/** After this silence the others get a worker's users: by then it has stopped them. */
export const LOST_MS = 6_000;

/** Writes down what becomes of the workers of a run. */
export class JournalWriter {
  readonly #journal: RunJournal;

  constructor(journal: RunJournal) {
    this.#journal = journal;
  }

  /** A worker takes part for the first time. */
  entered({ id, incarnation, index, host }: WorkerState): void {
    this.#journal.append({ type: "worker", id, incarnation, index, host });
  }

  /** A worker stands to the run in another way than before. */
  moved({ incarnation, membership }: WorkerState): void {
    this.#journal.append({ type: "membership", incarnation, membership });
  }

  /** A worker is told what to run. */
  assigned({ incarnation }: WorkerState, { classes }: Assignment): void {
    this.#journal.append({ type: "assigned", incarnation, classes });
  }

  /** A report was counted; to be called before it is acknowledged: from then on, nobody else has it. */
  counted({ incarnation }: WorkerState, report: Message<"REPORT">): void {
    // Encoding it once more has its price.
    if (this.#journal === NO_JOURNAL) return;
    const payload = encodeMessage(report).subarray(LENGTH_BYTES);
    this.#journal.append({ type: "report", incarnation, payload });
  }
}

/** What a hall needs of the run. */
export interface WorkerManagerOptions {
  readonly book: RunState;
  readonly journal: RunJournal;
  /** What the nodes share. */
  readonly exchange: Pick<RpcServer, "begin" | "connect" | "seated" | "moved" | "take">;
  readonly clock: Clock;
  readonly listener: StreamListener;
  /** `HOST:PORT` that workers connect to, for messages. */
  readonly where: string;
  /** Null: whoever comes is let in. */
  readonly token: string | null;
  readonly allowDifferentTestfile: boolean;
  /** Where workers without a test file get one; null: they are not let in. */
  readonly desk: FileServer | null;
  /** What each worker needs to get ready: a JSON object. */
  readonly setup: string;
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
}

/** What a worker gets that is let in. */
interface JoiningPlace extends AcceptedPlace {
  /** Null where it is there for the files alone. */
  readonly member: WorkerState | null;
}

/** Lets workers in, and keeps them. */
export class WorkerManager {
  readonly #options: WorkerManagerOptions;
  readonly #book: RunState;
  readonly #diary: JournalWriter;
  readonly #hooks: WorkerManagerHooks;
  readonly #roster: WorkerConnections;
  readonly #reception: WorkerListener<JoiningPlace>;
  /** Connections that have not said yet how their worker is. */
  readonly #fresh = new Set<WorkerState>();
  /** How long the test has lasted, in seconds; null before it began. */
  #elapsed: (() => number) | null = null;
  /** Users of the first target, once they ran; null before. */
  #startedUsers: number | null = null;
  /** Seconds that are left for final reports; null as long as the test goes on. */
  #deadline: (() => number) | null = null;
  #over = false;

  constructor(options: WorkerManagerOptions, hooks: WorkerManagerHooks) {
    const { book, clock } = options;
    this.#options = options;
    this.#book = book;
    this.#diary = new JournalWriter(options.journal);
    this.#hooks = hooks;
    this.#roster = new WorkerConnections(
      book,
      clock,
      { heartbeatMs: HEARTBEAT_SECONDS * 1000, lostMs: LOST_MS },
      {
        onSeated: (member) => this.#seated(member),
        onMessage: (member, message) => this.#take(member, message),
        onLost: (member) => this.#lose(member),
      },
    );
    options.exchange.connect((member, message) => this.#roster.send(member, message));
    this.#reception = new WorkerListener<JoiningPlace>(options.listener, {
      terms: {
        token: options.token,
        testfileHash: book.testfileHash,
        allowDifferentTestfile: options.allowDifferentTestfile,
        filesHash: options.desk?.hash ?? "",
        epoch: book.epoch,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        leaseSeconds: LEASE_SECONDS,
        admit: (join) => this.#admit(join),
      },
      where: options.where,
      onJoined: ({ channel, join, place: { member } }) =>
        member === null
          ? void options.desk?.serve(channel, join)
          : this.#roster.seat(member, channel),
      warn: options.warn,
      clock,
    });
  }

  /** Lets workers in from now on. */
  open(): void {
    this.#roster.start();
    void this.#reception.run();
  }

  /** Those who can run users now, by the number that they got. */
  get staff(): WorkerState[] {
    return this.#book.members.filter((member) => member.canRunUsers);
  }

  /** Whether nobody's counts are waited for any more. */
  get settled(): boolean {
    return this.#book.members.every(({ begun, complete, membership }) =>
      !begun || complete || membership === "lost"
    );
  }

  /** Whether a worker has a connection, and has said how it is since it has it. */
  isConnected(member: WorkerState): boolean {
    return this.#roster.isConnected(member) && !this.#fresh.has(member);
  }

  /** Milliseconds since any worker was last heard of; Infinity where none ever was. */
  get silence(): number {
    return Math.min(...this.#book.members.map((member) => this.#roster.silenceOf(member)));
  }

  /** Keeps the places of workers that are known from before, for so long. */
  expect(members: readonly WorkerState[], forMs: number): void {
    for (const member of members) this.#roster.expect(member, forMs);
  }

  /** Tells all workers, and those that come later, that the test has begun. */
  begin(elapsed: () => number): void {
    this.#elapsed = elapsed;
    this.#options.exchange.begin(elapsed);
    for (const member of this.staff.filter((one) => this.isConnected(one))) this.#start(member);
  }

  /** Tells a worker what to do. */
  tell(member: WorkerState, target: Assignment): void {
    this.#diary.assigned(member, target);
    this.#roster.send(member, target);
  }

  /** Tells all workers, and those that come later, that the first target number of users runs. */
  started(userCount: number): void {
    this.#startedUsers = userCount;
    for (const member of this.#book.members) this.#tellStarted(member);
  }

  /** Tells all workers to stop. @param deadlineSeconds how long their final reports are waited for. */
  stop(deadlineSeconds: number): void {
    const { clock } = this.#options;
    const until = clock.now() + deadlineSeconds * 1000;
    this.#deadline = () => Math.max(0, (until - clock.now()) / 1000);
    this.#roster.broadcast({ type: "STOP", deadline: deadlineSeconds });
  }

  /** Sends everyone home, and lets nobody in any more. */
  async end(): Promise<void> {
    this.#over = true;
    this.#reception.close();
    this.#options.desk?.close();
    await this.#roster.end();
  }

  #admit(join: Message<"JOIN">): JoiningPlace {
    const { runId } = this.#book;
    const known = this.#book.member(join.incarnation);
    if (this.#over || (this.#deadline !== null && known === undefined)) {
      throw new ProtocolError("run", "The run is over.");
    }
    if (join.testfileHash === NO_TESTFILE) return { runId, ackedSeq: 0, member: null };
    this.#roster.check(join);
    if (known !== undefined) {
      return { runId, ackedSeq: known.ledger.lastSeq, member: known };
    }
    const { workerId: id, incarnation, host } = join;
    const member = this.#book.enter({ id, incarnation, host });
    this.#diary.entered(member);
    return { runId, ackedSeq: 0, member };
  }

  #seated(member: WorkerState): void {
    this.#fresh.add(member);
    if (member.membership === "lost") {
      this.#options.info(`Worker ${member.id} is back.`);
      member.returned(this.#elapsed?.() ?? 0);
      this.#setMembership(member, "present");
    }
    const { setup: options, exchange } = this.#options;
    exchange.seated(member);
    this.#roster.send(member, { type: "SETUP", workerIndex: member.index, options });
  }

  #take(member: WorkerState, message: Message): void {
    switch (message.type) {
      case "STATE":
        return this.#noteState(member, message);
      case "REPORT":
        return this.#count(member, message);
      case "TARGET_ACK":
        return this.#hooks.onHeard(member, message.revision);
      case "STOPPED":
        member.stopped(message.lastSeq);
        return this.#hooks.onState(0);
      case "ERROR":
        return this.#options.warn(`Worker ${member.id}: ${message.text}`);
    }
    this.#options.exchange.take(member, message);
  }

  #noteState(member: WorkerState, { users, state, elapsedSeconds }: Message<"STATE">): void {
    const couldRunUsers = member.canRunUsers;
    member.phase = state;
    member.users = users;
    const back = this.#fresh.delete(member);
    if (state === "ready" && this.#elapsed !== null && this.#deadline === null) this.#start(member);
    else if (back) this.#tellStarted(member);
    if (back) {
      if (this.#deadline !== null) {
        this.#roster.send(member, { type: "STOP", deadline: this.#deadline() });
      } else this.#hooks.onReturn(member);
    }
    if (member.canRunUsers !== couldRunUsers) this.#hooks.onStaffChange();
    this.#hooks.onState(elapsedSeconds);
  }

  #start(member: WorkerState): void {
    member.begun = true;
    this.#roster.send(member, {
      type: "START",
      elapsedSeconds: this.#elapsed!(),
      phase: this.#book.phase,
    });
    this.#tellStarted(member);
  }

  /** A worker that has not begun is told as soon as it begins. */
  #tellStarted(member: WorkerState): void {
    if (this.#startedUsers === null || !member.begun) return;
    this.#roster.send(member, {
      type: "STARTED",
      userCount: this.#startedUsers,
      phase: this.#book.phase,
    });
  }

  #count(member: WorkerState, report: Message<"REPORT">): void {
    if (report.runId !== this.#book.runId) {
      throw new ProtocolError(
        "run",
        `A report of the run ${report.runId}, and this is another one.`,
      );
    }
    const verdict = this.#book.apply(member, report);
    if (verdict === "gap") {
      this.#roster.send(member, { type: "RESUME", seq: member.ledger.lastSeq + 1 });
      return;
    }
    if (verdict === "apply") {
      this.#diary.counted(member, report);
      if (member.complete && member.phase === "leaving") this.#setMembership(member, "left");
      this.#hooks.onReport(member, report);
    }
    this.#roster.send(member, { type: "ACK", seq: member.ledger.lastSeq });
  }

  #lose(member: WorkerState): void {
    if (member.complete && this.#deadline !== null) return;
    this.#setMembership(member, "lost");
    member.lose(this.#elapsed?.() ?? 0);
    if (member.begun) {
      this.#options.warn(
        `Worker ${member.id} was not heard of for ${LOST_MS / 1000} s: the others get its users.`,
      );
    } else this.#options.info(`Worker ${member.id} has gone before the test began.`);
    this.#hooks.onStaffChange();
  }

  #setMembership(member: WorkerState, membership: WorkerState["membership"]): void {
    member.membership = membership;
    this.#diary.moved(member);
    this.#options.exchange.moved(member);
  }
}

/** Who hears of what happens in a hall of workers. */
export interface WorkerManagerHooks {
  /** Those who can run users are others than before. */
  onStaffChange(): void;
  /** A worker may have missed what it was told. */
  onReturn(member: WorkerState): void;
  /** A worker has heard what it was told to do. */
  onHeard(member: WorkerState, revision: number): void;
  /** A worker's report was counted. */
  onReport(member: WorkerState, report: Message<"REPORT">): void;
  /** A worker has said how it is. @param elapsedSeconds how long it takes the test to have lasted. */
  onState(elapsedSeconds: number): void;
}
