/**
 * The workers of a run, as the master manages them: it accepts them, sends them what they need to know,
 * and counts their reports. What a worker's message means for the run is decided in `master.ts`.
 *
 * @module
 */

import { encodeMessage } from "../cluster/codec.ts";
import { WorkerConnections } from "../cluster/connections.ts";
import type { FileServer } from "../cluster/files.ts";
import { LENGTH_BYTES } from "../cluster/frames.ts";
import { NO_JOURNAL, type RunJournal } from "../cluster/journal.ts";
import { WorkerListener } from "../cluster/listener.ts";
import { type Assignment, type Message, NO_TESTFILE, ProtocolError } from "../cluster/protocol.ts";
import type { RunState, WorkerState } from "../cluster/run_state.ts";
import type { AwakeClock } from "../core/awake_clock.ts";
import type { StreamListener } from "../core/network.ts";
import type { RpcServer } from "../shared/rpc.ts";

/** Between two heartbeats. */
const HEARTBEAT_SECONDS = 1;

/** A worker that gets no message from its master for this long stops its users. */
export const LEASE_SECONDS = 5;

/** After this silence the other workers get a worker's users: by then it has stopped them. */
export const LOST_MS = 6_000;

/** The dependencies of a worker manager. */
export interface WorkerManagerOptions {
  readonly runState: RunState;
  readonly journal: RunJournal;
  /** What the nodes share. */
  readonly rpc: Pick<RpcServer, "begin" | "connect" | "workerConnected" | "membershipChanged">;
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
  /** What each worker needs to get ready: a JSON object. */
  readonly setup: string;
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
  /** Workers that have not sent their state over their present connection. */
  readonly #silent = new Set<WorkerState>();
  /** Seconds since the test started; `null` before it did. */
  #elapsed: (() => number) | null = null;
  /** Users of the first target, once they ran; `null` before. */
  #startedUsers: number | null = null;
  /** Seconds that are left for final reports; `null` until the test stops. */
  #secondsLeft: (() => number) | null = null;
  #isOver = false;

  constructor(options: WorkerManagerOptions) {
    const { runState, journal, rpc, awakeClock: clock, onMessage, onLost } = options;
    this.#options = options;
    this.#runState = runState;
    this.#journal = journal;
    this.#connections = new WorkerConnections(
      runState,
      clock,
      { heartbeatMs: HEARTBEAT_SECONDS * 1000, lostMs: LOST_MS },
      { onConnected: (worker) => this.#connected(worker), onMessage, onLost },
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
        admit: (join) => this.#admit(join),
      },
      where: options.address,
      onJoined: ({ channel, join, worker }) =>
        worker === null
          ? void options.files?.serve(channel, join)
          : this.#connections.connect(worker, channel),
      warn: options.onWarning,
      clock,
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
    return Math.min(...this.#runState.workers.map((one) => this.#connections.silenceOf(one)));
  }

  /** Treats workers known from an earlier master as present for `forMs`, so that they can return. */
  expect(workers: readonly WorkerState[], forMs: number): void {
    for (const worker of workers) this.#connections.expect(worker, forMs);
  }

  /** Restarts the leases of all workers, since this process did not run for a while. */
  restartLeases(): void {
    this.#connections.restartLeases();
  }

  /** Sends START to all workers, and to those that join later. */
  begin(elapsed: () => number): void {
    this.#elapsed = elapsed;
    this.#options.rpc.begin(elapsed);
    for (const worker of this.available.filter((one) => this.isConnected(one))) {
      this.#start(worker);
    }
  }

  /** Tells a worker what to run. */
  assign(worker: WorkerState, assignment: Assignment): void {
    const { incarnation } = worker;
    this.#journal.append({ type: "assigned", incarnation, classes: assignment.classes });
    this.#connections.send(worker, assignment);
  }

  /** Tells all workers, and those that join later, that the first target number of users runs. */
  started(userCount: number): void {
    this.#startedUsers = userCount;
    for (const worker of this.#runState.workers) this.#sendStarted(worker);
  }

  /** Tells all workers to stop. @param deadlineSeconds how long their final reports are awaited. */
  stop(deadlineSeconds: number): void {
    const { awakeClock: clock } = this.#options;
    const until = clock.now() + deadlineSeconds * 1000;
    this.#secondsLeft = () => Math.max(0, (until - clock.now()) / 1000);
    this.#connections.broadcast({ type: "STOP", deadline: deadlineSeconds });
  }

  /** Disconnects all workers, and accepts no more. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.#listener.close();
    this.#options.files?.close();
    await this.#connections.end();
  }

  /**
   * Takes the state that a worker has sent, and tells it what it needs to know in that state. Returns
   * whether it may have missed its last assignment, since it has connected again.
   */
  updateState(worker: WorkerState, { users, state }: Message<"STATE">): boolean {
    worker.state = state;
    worker.users = users;
    const isBack = this.#silent.delete(worker);
    if (state === "ready" && this.#elapsed !== null && this.#secondsLeft === null) {
      this.#start(worker);
    } else if (isBack) this.#sendStarted(worker);
    if (!isBack) return false;
    if (this.#secondsLeft === null) return true;
    this.#connections.send(worker, { type: "STOP", deadline: this.#secondsLeft() });
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
    const verdict = this.#runState.apply(worker, report);
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

  /** Gives up a silent worker. Returns whether the others have to run its users. */
  lose(worker: WorkerState): boolean {
    if (worker.complete && this.#secondsLeft !== null) return false;
    const { onInfo, onWarning } = this.#options;
    this.#setMembership(worker, "lost");
    worker.lose(this.#elapsed?.() ?? 0);
    if (worker.begun) {
      onWarning(
        `Worker ${worker.id} has been silent for ${
          LOST_MS / 1000
        } s: its users go to the other workers.`,
      );
    } else onInfo(`Worker ${worker.id} left before the test started.`);
    return true;
  }

  /** @throws ProtocolError if the worker cannot take part. */
  #admit(join: Message<"JOIN">): WorkerState | null {
    const known = this.#runState.worker(join.incarnation);
    if (this.#isOver || (this.#secondsLeft !== null && known === undefined)) {
      throw new ProtocolError("run", "The run is over.");
    }
    if (join.testfileHash === NO_TESTFILE) return null;
    this.#connections.checkName(join);
    if (known !== undefined) return known;
    const { workerId: id, incarnation, host } = join;
    const worker = this.#runState.addWorker({ id, incarnation, host });
    this.#journal.append({ type: "worker", id, incarnation, index: worker.index, host });
    return worker;
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
    this.#connections.send(worker, { type: "SETUP", workerIndex: worker.index, options: setup });
  }

  #start(worker: WorkerState): void {
    worker.begun = true;
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
    worker.membership = membership;
    this.#journal.append({ type: "membership", incarnation, membership });
    this.#options.rpc.membershipChanged(worker);
  }
}
