/**
 * The workers of a run, as the master manages them: it accepts them, sends them what they need to know,
 * and counts their reports. What a worker's message means for the run is decided in `master.ts`.
 *
 * @module
 */

import { logAssignment, logReport, logState } from "../cluster/cluster_log.ts";
import { encodeMessage } from "../cluster/codec.ts";
import { WorkerConnections } from "../cluster/connections.ts";
import type { FileServer } from "../cluster/files.ts";
import { LENGTH_BYTES } from "../cluster/frames.ts";
import { Inbox } from "../cluster/inbox.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import { WorkerListener } from "../cluster/listener.ts";
import { type Assignment, type Message, NO_TESTFILE, ProtocolError } from "../cluster/protocol.ts";
import type { RunState, WorkerState } from "../cluster/run_state.ts";
import { SetupData } from "../cluster/setup_data.ts";
import type { AwakeClock } from "../core/awake_clock.ts";
import type { PreparationError } from "../core/errors.ts";
import type { StreamListener } from "../core/network.ts";
import { RepeatedLog } from "../core/repeated_log.ts";
import type { RpcServer } from "../shared/rpc.ts";

/** Between two heartbeats. */
const HEARTBEAT_SECONDS = 1;

/** A worker that gets no message from its master for this long stops its users. */
export const LEASE_SECONDS = 5;

/** After this silence the other workers get a worker's users: by then it has stopped them. */
export const LOST_MS = 6_000;

/**
 * How far a worker's clock may be ahead of the master's, in seconds: they drift in long runs, and the
 * master's stands still while its virtual machine is paused.
 */
const MAX_AHEAD_SECONDS = 60;

/** Workers that can take part at the same time. */
const MAX_WORKERS = 10_000;

/** The same per address, if there is no token. */
const MAX_WORKERS_PER_ADDRESS = 2_000;

/** Workers of an address that are disconnected and not lost yet, if there is no token. */
const MAX_DISCONNECTED = 100;

/** Workers of an address that have counted something and are gone, if there is no token. */
const MAX_GONE = 1_000;

/** The dependencies of a worker manager. */
export interface WorkerManagerOptions {
  readonly runState: RunState;
  readonly journal: RunJournal;
  /** What the nodes share. */
  readonly rpc: Pick<
    RpcServer,
    | "begin"
    | "connect"
    | "workerConnected"
    | "membershipChanged"
    | "forget"
    | "usersAssigned"
  >;
  /** The clock by which workers are judged: it stands still while this process does not run. */
  readonly awakeClock: AwakeClock;
  readonly listener: StreamListener;
  /** `HOST:PORT` that workers connect to, for messages. */
  readonly address: string;
  /** `null`: every worker is accepted. */
  readonly token: string | null;
  readonly allowDifferentTestfile: boolean;
  /** Where workers without a test file get one; `null`: they are rejected. */
  readonly files: FileServer | null;
  /** What each worker needs to get ready: a JSON object; `null`: workers wait for another run. */
  readonly setup: string | null;
  /** Whether another run may follow, once this one has ended. */
  readonly stays?: () => boolean;
  /** Whether users of a class take part in `--iterations`. */
  readonly isLimited: (className: string) => boolean;
  /** Called with each message of a worker. */
  readonly onMessage: (worker: WorkerState, message: Message) => void;
  /** Called when a worker has been silent for {@link LOST_MS}. */
  readonly onLost: (worker: WorkerState) => void;
  readonly onInfo: (text: string) => void;
  readonly onWarning: (text: string) => void;
}

/** Accepts workers, and exchanges messages with them. */
export class WorkerManager {
  readonly #options: WorkerManagerOptions;
  readonly #runState: RunState;
  readonly #journal: RunJournal;
  readonly #connections: WorkerConnections;
  readonly #listener: WorkerListener;
  readonly #inbox: Inbox;
  /** Workers that have not sent their state over their present connection. */
  readonly #silent = new Set<WorkerState>();
  /** Very many workers may be lost at the same time. */
  readonly #lostLog: RepeatedLog;
  /** Seconds since the test started; `null` before it did. */
  #elapsed: (() => number) | null = null;
  /** Users of the first target, once they ran; `null` before. */
  #startedUsers: number | null = null;
  /** Seconds that are left for final reports; `null` until the test stops. */
  #secondsLeft: (() => number) | null = null;
  /** How code of the test has ended the run; empty if it has not, or the test does not stop. */
  #why = "";
  /** What `setup` has returned; `null` before that. */
  #setupData: SetupData | null = null;
  /** Whether workers are to call their handlers of `testStart`. */
  #isPreparing = false;
  /** Whether the run is paused; `null` before the first pause. */
  #pause: Omit<Message<"PAUSE">, "type"> | null = null;
  #isOver = false;

  constructor(options: WorkerManagerOptions) {
    const { runState, journal, rpc, awakeClock: clock, onMessage, onLost } = options;
    this.#options = options;
    this.#runState = runState;
    this.#journal = journal;
    this.#lostLog = new RepeatedLog(options.onWarning, clock);
    this.#inbox = new Inbox(clock);
    this.#connections = new WorkerConnections(
      runState,
      clock,
      { heartbeatMs: HEARTBEAT_SECONDS * 1000, lostMs: LOST_MS },
      { onConnected: (worker) => this.#connected(worker), onMessage, onLost },
      this.#inbox,
    );
    rpc.connect((worker, message) => this.#connections.send(worker, message));
    this.#listener = new WorkerListener(options.listener, {
      terms: {
        runId: runState.runId,
        token: options.token,
        testfileHash: runState.testfileHash,
        allowDifferentTestfile: options.allowDifferentTestfile,
        filesHash: options.files?.hash ?? "",
        epoch: runState.epoch,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        leaseSeconds: LEASE_SECONDS,
        admit: (join, address) => this.#admit(join, address),
      },
      where: options.address,
      onJoined: ({ channel, join, worker }) =>
        worker === null
          ? void options.files?.serve(channel, join)
          : this.#connections.connect(worker, channel),
      warn: options.onWarning,
      clock,
      inbox: this.#inbox,
    });
  }

  /** Starts to accept workers. */
  open(): void {
    this.#connections.start();
    void this.#listener.run();
  }

  /** Workers that can run users now, by their number. */
  get available(): WorkerState[] {
    return this.#runState.workers.filter((worker) => worker.canRunUsers);
  }

  /** Whether no final report is outstanding. */
  get allReported(): boolean {
    return this.#runState.workers.every(({ begun, complete, membership }) =>
      !begun || complete || membership === "lost"
    );
  }

  /** Whether a worker is connected, and has sent its state over this connection. */
  isConnected(worker: WorkerState): boolean {
    return this.#connections.isConnected(worker) && !this.#silent.has(worker);
  }

  /** Milliseconds since the last message from any worker; Infinity if there was none. */
  get silence(): number {
    return this.#connections.silence;
  }

  /** Resolves once everything is handled that has been read from the workers until now. */
  handled(): Promise<void> {
    return this.#inbox.handled();
  }

  /** Treats workers known from an earlier master as present for `forMs`, so that they can return. */
  expect(workers: readonly WorkerState[], forMs: number): void {
    for (const worker of workers) this.#connections.expect(worker, forMs);
  }

  /** Restarts the leases of all workers, since this process did not run for a while. */
  restartLeases(): void {
    this.#connections.restartLeases();
  }

  /** Sends what `setup` has returned to all workers, and to those that join later. @param json as JSON. */
  announce(json: string): void {
    this.#setupData = new SetupData(json);
    this.#connections.broadcast(this.#setupData.announcement);
  }

  /** Sends a worker a part of what `setup` has returned. */
  sendData(worker: WorkerState, offset: number): void {
    const chunk = this.#setupData?.chunk(offset) ?? null;
    if (chunk !== null) this.#connections.send(worker, chunk);
  }

  /** Tells a worker to leave. @param why a part of a sentence. */
  letLeave(worker: WorkerState, why: string): void {
    this.#connections.send(worker, { type: "LEAVE", why });
  }

  /** Tells all workers to call their handlers of `testStart`; returns those that have some. */
  prepare(): readonly WorkerState[] {
    this.#isPreparing = true;
    const workers = this.#ready.filter(({ unprepared }) => unprepared);
    for (const worker of workers) this.#connections.send(worker, { type: "PREPARE" });
    return workers;
  }

  /** Sends START to all workers, and to those that join later. */
  begin(elapsed: () => number): void {
    this.#elapsed = elapsed;
    this.#options.rpc.begin(elapsed);
    for (const worker of this.#ready) this.#start(worker);
  }

  get #ready(): WorkerState[] {
    return this.available.filter((one) => this.isConnected(one));
  }

  /** Tells a worker what to run. */
  assign(worker: WorkerState, assignment: Assignment): void {
    const { incarnation } = worker;
    this.#journal.append({ type: "assigned", incarnation, classes: assignment.classes });
    this.usersAssigned(incarnation, assignment.classes);
    logAssignment(`to ${worker.id}`, assignment);
    this.#connections.send(worker, assignment);
  }

  /** A worker is to run these users by class, which determine its share of `--iterations`. */
  usersAssigned(incarnation: string, classes: Assignment["classes"]): void {
    const { rpc, isLimited } = this.#options;
    const limited = Object.entries(classes).filter(([name]) => isLimited(name));
    rpc.usersAssigned(incarnation, Object.fromEntries(limited));
  }

  /** Tells all workers, and those that join later, that the first target number of users runs. */
  started(userCount: number): void {
    this.#startedUsers = userCount;
    for (const worker of this.#runState.workers) this.#sendStarted(worker);
  }

  /** Tells all workers, and those that join later, that the run is paused or goes on. */
  setPause(pause: Omit<Message<"PAUSE">, "type">): void {
    this.#pause = pause;
    this.#connections.broadcast({ type: "PAUSE", ...pause });
  }

  #sendPause(worker: WorkerState): void {
    if (this.#pause !== null) this.#connections.send(worker, { type: "PAUSE", ...this.#pause });
  }

  /**
   * Tells all workers to stop.
   *
   * @param deadlineSeconds how long their final reports are awaited.
   * @param why how code of the test has ended the run; empty if it has not.
   */
  stop(deadlineSeconds: number, why: string): void {
    const { awakeClock: clock } = this.#options;
    const until = clock.now() + deadlineSeconds * 1000;
    this.#secondsLeft = () => Math.max(0, (until - clock.now()) / 1000);
    this.#why = why;
    this.#connections.broadcast({ type: "STOP", deadline: deadlineSeconds, why });
  }

  /**
   * Disconnects all workers, and accepts no more.
   *
   * @param unprepared why the test could not start; `null` if it could.
   * @param why how code of the test has ended the run before it started; empty if it has not.
   */
  async end(unprepared: PreparationError | null = null, why = ""): Promise<void> {
    this.#isOver = true;
    this.#lostLog.flush();
    this.#listener.close();
    this.#options.files?.close();
    const stays = this.#options.stays?.() ?? false;
    await this.#connections.end(
      unprepared === null || stays
        ? { type: "QUIT", why: unprepared?.message ?? why, stays }
        : { type: "ERROR", code: "unprepared", text: unprepared.message },
    );
  }

  /**
   * Takes the state that a worker has sent, and tells it what it needs to know in that state. Returns
   * whether it may have missed its last assignment, since it has connected again.
   */
  updateState(
    worker: WorkerState,
    message: Message<"STATE">,
  ): boolean {
    const { users, state, sockets, exhausted, unprepared } = message;
    logState(worker.id, message);
    worker.state = state;
    worker.exhausted = exhausted;
    worker.users = users;
    worker.unprepared = unprepared;
    worker.sockets = sockets === "" ? null : sockets;
    const isBack = this.#silent.delete(worker);
    if (state === "ready" && this.#elapsed !== null && this.#secondsLeft === null) {
      this.#start(worker);
    } else if (isBack) {
      this.#sendPause(worker);
      this.#sendStarted(worker);
    }
    if (!isBack) return false;
    if (this.#secondsLeft === null) {
      const isUnprepared = this.#isPreparing && this.#elapsed === null && unprepared;
      if (isUnprepared) this.#connections.send(worker, { type: "PREPARE" });
      return true;
    }
    this.#connections.send(worker, {
      type: "STOP",
      deadline: this.#secondsLeft(),
      why: this.#why,
    });
    return false;
  }

  /**
   * Counts a report, and acknowledges it. Returns whether it was new.
   *
   * @throws ProtocolError if it belongs to another run, or cannot be counted.
   */
  count(worker: WorkerState, report: Message<"REPORT">): boolean {
    const { runId } = this.#runState;
    if (report.runId !== runId) {
      throw new ProtocolError("run", `This is run ${runId}, and the report is of ${report.runId}.`);
    }
    const verdict = this.#runState.apply(worker, report, this.#latestSecond);
    logReport(worker.id, report, verdict);
    if (verdict === "gap") {
      this.#connections.send(worker, { type: "RESUME", seq: worker.reports.lastSeq + 1 });
      return false;
    }
    if (verdict === "apply") {
      this.#keep(worker, report);
      if (worker.complete && worker.state === "leaving") this.#setMembership(worker, "left");
    }
    this.#connections.send(worker, { type: "ACK", seq: worker.reports.lastSeq });
    return verdict === "apply";
  }

  /** The last second that a report can contain now. */
  get #latestSecond(): number {
    const { startedAt } = this.#runState;
    // While its machine sleeps, the clock of a process may stand still.
    const byWall = startedAt === null
      ? 0
      : (this.#options.awakeClock.wallTime() - startedAt) / 1000;
    return Math.max(this.#elapsed?.() ?? 0, byWall) + MAX_AHEAD_SECONDS;
  }

  /** Gives up a silent worker. Returns whether the others have to run its users. */
  lose(worker: WorkerState): boolean {
    if (worker.complete && this.#secondsLeft !== null) return false;
    const { onInfo } = this.#options;
    worker.lose(this.#elapsed?.() ?? 0);
    this.#setMembership(worker, "lost");
    this.#forgetGhosts();
    if (worker.begun) {
      // The process that has started it says more.
      if (worker.processEnd !== null) return true;
      this.#lostLog.add(
        `Worker ${worker.id} has been silent for ${
          LOST_MS / 1000
        } s: its users go to the other workers.`,
      );
    } else onInfo(`Worker ${worker.id} left before the test started.`);
    return true;
  }

  /**
   * The process of a worker has ended, which this process has started. Nothing more will come from it, so it
   * is lost once everything is handled that it had sent.
   *
   * @param how a part of a sentence: `was killed by SIGKILL`.
   */
  async processEnded(id: string, how: string): Promise<void> {
    const worker = this.#runState.workers.findLast((one) => one.id === id);
    if (worker === undefined) return;
    worker.processEnd = how;
    await this.#connections.drained(worker);
    if (worker.membership === "present" && !this.#isOver) this.#options.onLost(worker);
  }

  /** The run is over: gives up the workers that have counted nothing and are not connected. */
  loseSilent(): void {
    for (const worker of this.#runState.workers) {
      if (worker.hasContributed || this.#connections.isConnected(worker)) continue;
      worker.lose(this.#elapsed?.() ?? 0);
      this.#setMembership(worker, "lost");
    }
    this.#forgetGhosts();
  }

  #forgetGhosts(): void {
    for (const ghost of this.#runState.forgetGhosts()) {
      this.#connections.forget(ghost);
      this.#silent.delete(ghost);
      this.#options.rpc.forget(ghost);
    }
  }

  /** @throws ProtocolError if the worker cannot take part. */
  #admit(join: Message<"JOIN">, address: string): WorkerState | null {
    const known = this.#runState.worker(join.incarnation);
    if (this.#isOver || (this.#secondsLeft !== null && known === undefined)) {
      throw new ProtocolError("run", "The run is over.");
    }
    if (join.testfileHash === NO_TESTFILE) return null;
    this.#connections.checkName(join);
    if (known !== undefined) {
      if (known.expelledFor !== null) throw new ProtocolError("run", known.expelledFor);
      known.address = address;
      return known;
    }
    this.#checkRoom(address);
    const { workerId: id, incarnation, host } = join;
    const worker = this.#runState.addWorker({ id, incarnation, host });
    worker.address = address;
    this.#journal.append({ type: "worker", id, incarnation, index: worker.index, host });
    return worker;
  }

  /** @throws ProtocolError if there are too many workers, in the run or from this address. */
  #checkRoom(address: string): void {
    const { workers } = this.#runState;
    const present = workers.filter(({ membership }) => membership === "present");
    if (present.length >= MAX_WORKERS) {
      throw new ProtocolError("busy", `the run has ${MAX_WORKERS} workers, which is the limit`);
    }
    // With a token, only trusted workers get here.
    if (this.#options.token !== null) return;
    const here = present.filter((worker) => worker.address === address);
    if (here.length >= MAX_WORKERS_PER_ADDRESS) {
      throw new ProtocolError(
        "busy",
        `without a token, only ${MAX_WORKERS_PER_ADDRESS} workers can join from one address`,
      );
    }
    const gone = workers.filter((worker) =>
      worker.address === address && worker.membership !== "present"
    );
    const disconnected = here.filter((worker) => !this.#connections.isConnected(worker));
    if (disconnected.length < MAX_DISCONNECTED && gone.length < MAX_GONE) return;
    throw new ProtocolError("busy", "too many workers of this address have disconnected");
  }

  #connected(worker: WorkerState): void {
    const { setup, rpc, onInfo } = this.#options;
    this.#silent.add(worker);
    if (worker.membership === "lost") {
      onInfo(`Worker ${worker.id} is back.`);
      worker.returned(this.#elapsed?.() ?? 0);
      this.#setMembership(worker, "present");
    }
    rpc.workerConnected(worker);
    if (setup !== null) {
      this.#connections.send(worker, { type: "SETUP", workerIndex: worker.index, options: setup });
    }
    if (this.#setupData !== null) this.#connections.send(worker, this.#setupData.announcement);
  }

  #start(worker: WorkerState): void {
    if (!worker.begun) worker.begunAtSeconds = this.#elapsed!();
    worker.begun = true;
    this.#sendPause(worker);
    this.#connections.send(worker, {
      type: "START",
      elapsedSeconds: this.#elapsed!(),
      resetCount: this.#runState.resetCount,
    });
    this.#sendStarted(worker);
  }

  /** A worker that has not started gets STARTED when it starts. */
  #sendStarted(worker: WorkerState): void {
    if (this.#startedUsers === null || !worker.begun) return;
    const { resetCount } = this.#runState;
    this.#connections.send(worker, { type: "STARTED", userCount: this.#startedUsers, resetCount });
  }

  /** Writes a report to the journal, before it is acknowledged: from then on the worker forgets it. */
  #keep({ incarnation }: WorkerState, report: Message<"REPORT">): void {
    // Encoding it again is not free.
    if (this.#journal === NO_JOURNAL) return;
    const payload = encodeMessage(report).subarray(LENGTH_BYTES);
    this.#journal.append({ type: "report", incarnation, payload });
  }

  #setMembership(worker: WorkerState, membership: WorkerState["membership"]): void {
    const { incarnation } = worker;
    this.#runState.setMembership(worker, membership);
    this.#journal.append({ type: "membership", incarnation, membership });
    this.#options.rpc.membershipChanged(worker);
  }
}
