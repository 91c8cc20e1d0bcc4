/**
 * A worker of a distributed run: it joins the master, handles its messages, and stops its users if the
 * master is silent for too long. `WorkerNode` runs the users.
 *
 * @module
 */

import { logAssignment } from "../cluster/cluster_log.ts";
import type { JoinedMaster } from "../cluster/handshake.ts";
import { MasterConnection, type MasterConnectionOptions } from "../cluster/master_connection.ts";
import {
  type Assignment,
  type Message,
  ProtocolError,
  type WorkerStateName,
} from "../cluster/protocol.ts";
import { PartialSetupData } from "../cluster/setup_data.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { AiotestError, errorText, ExitCode, PreparationError } from "../core/errors.ts";
import { Lease } from "../core/lease.ts";
import { frozenJson } from "../core/plain_json.ts";
import type { RunInfo } from "../core/run_info.ts";
import type { LogEntry } from "../core/logger.ts";
import { peerText } from "../core/text.ts";
import type { SocketKind } from "../net/socket.ts";
import type { RemoteRpc } from "../shared/rpc_client.ts";
import { MAX_ANNOTATIONS, type Note } from "../stats/annotations.ts";
import { decidingEnd, runEndFact } from "../stats/run_end.ts";
import type { RunEnd } from "../stats/snapshot.ts";
import { ClockSync } from "./clock_sync.ts";
import { liveRunInfo, type LoadGeneratorOptions } from "./load_generator.ts";
import { type LimitedIterations, reportDelayMs, WorkerNode } from "./worker_node.ts";

/** What a worker runs, known once the master has sent its setup. */
export interface WorkerLoad
  extends Pick<LoadGeneratorOptions, "classes" | "host" | "connections" | "observers"> {
  /** Seconds that handlers of `testStart` may take. */
  readonly setupTimeout: number;
  /** Where iterations come from; `null` if their number is not limited. */
  readonly iterations: LimitedIterations | null;
}

/** The dependencies of a worker. */
export interface WorkerRunOptions extends
  Pick<
    LoadGeneratorOptions,
    "events" | "metrics" | "cpuSeconds" | "env" | "activity" | "places"
  > {
  readonly connection: MasterConnectionOptions;
  /** What this node shares with the others. */
  readonly rpc: Pick<RemoteRpc, "call" | "connect" | "joined" | "handle" | "close">;
  /** Files that this process may have open; `null` if unknown. */
  readonly openFileLimit: number | null;
  /** How this process opens connections to the target. */
  readonly sockets: SocketKind;
  /** The last lines of the log that were not returned before; not more than the master keeps. */
  readonly newLogLines: () => readonly LogEntry[];
  /**
   * Gets ready; `options` is the JSON object that the master sent.
   *
   * @throws AiotestError if this node cannot take part.
   */
  readonly setUp: (options: string) => Promise<WorkerLoad>;
}

/** How often the lease is checked while no request checks it. */
const LEASE_CHECK_MS = 250;

/** The ids of two workers' users are so far apart that they never overlap. */
const USER_IDS_PER_WORKER = 1e9;

/** One worker, from its joining to its end. */
export class WorkerRun {
  /** The run as code of the test file sees it. */
  readonly info: RunInfo;
  readonly #options: WorkerRunOptions;
  readonly #clock: Clock;
  readonly #connection: MasterConnection;
  readonly #lease = new Lease(() => this.#leaseExpired());
  readonly #warned = new Set<string>();
  #leaseMs = 0;
  #runId: string | null = null;
  #epoch = 0;
  /** The revision of the last assignment. */
  #revision = 0;
  #state: WorkerStateName = "preparing";
  #isSettingUp = false;
  #node: WorkerNode | null = null;
  #host: string | null = null;
  /** What `setup` has returned, while parts of it may be missing; `null` before it is announced. */
  #partialData: PartialSetupData | null = null;
  #data: unknown = null;
  /** Resolved when nothing of it is missing, as it is before it is announced. */
  #dataReceived: PromiseWithResolvers<void> | null = null;
  /** How code of the test on this node has ended the run; `null` if it has not. */
  #runEnd: RunEnd | null = null;
  /** What code of the test has said before this node was set up. */
  readonly #earlyNotes: Note[] = [];
  #stopping: Promise<void> | null = null;
  #failure: unknown = null;
  #masterStays = false;
  #timer: Timer | null = null;

  constructor(options: WorkerRunOptions) {
    this.#options = options;
    this.#clock = options.connection.clock;
    this.info = this.#runInfo();
    this.#connection = new MasterConnection(options.connection, {
      onJoined: (joined, heardAt) => this.#joined(joined, heardAt),
      onHeard: (atMs) => void this.#lease.renew(atMs + this.#leaseMs, this.#clock.now()),
      onMessage: (message) => this.#receive(message),
      onLost: () => this.#endIfDrained(),
    });
    options.rpc.connect(this.#connection);
  }

  /**
   * Takes part until the master says that the run is over, or {@link leave} is complete.
   *
   * @throws AiotestError if the master rejects this worker, is away for too long, or asks for something
   * that this worker cannot do.
   */
  async run(): Promise<void> {
    this.#checkLease();
    try {
      await this.#connection.run();
    } finally {
      if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
      this.#options.rpc.close();
      await this.#stop();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Whether the master stays for another run, which this worker can join. */
  get masterStays(): boolean {
    return this.#masterStays && this.#failure === null;
  }

  /** Whether the test has started here. */
  get hasBegun(): boolean {
    return this.#node?.hasBegun === true;
  }

  /** Leaves before the run is over: the other workers get its users, the master gets its counts. */
  leave(): void {
    if (this.#stopping === null) this.#setState("leaving");
    // A worker that has not started has nothing to hand over.
    if (!this.hasBegun) return void this.#connection.close();
    void this.#stop();
  }

  /** Counts an error that was thrown outside of any user's test. */
  countStrayError(thrown: unknown): void {
    this.#node?.countStrayError(thrown);
  }

  #runInfo(): RunInfo {
    return liveRunInfo({
      id: () => this.#runId ?? "",
      node: this.#options.connection.identity.workerId,
      host: () => this.#host,
      users: () => this.#node?.users ?? 0,
      runTime: () => this.#node?.elapsedSeconds ?? 0,
      data: () => this.#data,
      onEnd: (end) => this.#end(end),
      onNote: (note) => this.#note(note),
    });
  }

  #joined({ welcome }: JoinedMaster, heardAt: number): void {
    const { master, info, identity } = this.#options.connection;
    if (this.#runId !== null && welcome.runId !== this.#runId) {
      return this.#fail(
        new AiotestError(
          `The master at ${master} has started another run: this worker's counts of the run before are lost`,
          ExitCode.cluster,
        ),
      );
    }
    info(`Joined the master at ${master} as ${identity.workerId}.`);
    this.#runId = welcome.runId;
    if (welcome.epoch !== this.#epoch) this.#revision = 0;
    this.#epoch = welcome.epoch;
    this.#leaseMs = welcome.leaseSeconds * 1000;
    // A lease that expired while there was no connection has to be noticed before it is granted again.
    this.#lease.holds(this.#clock.now());
    this.#lease.grant(heardAt + this.#leaseMs);
    this.#sendState();
    this.#sendEnd();
    this.#options.rpc.joined(welcome.epoch);
    this.#node?.reporter?.reconnected(welcome.ackedSeq);
    // The acknowledgement of its final report may have been lost.
    if (this.#state === "leaving") this.#endIfDrained();
  }

  #receive(message: Message): void {
    const reporter = this.#node?.reporter ?? null;
    switch (message.type) {
      case "SETUP":
        return void this.#setUp(message);
      case "DATA":
      case "CHUNK":
        return this.#receiveData(message);
      case "PREPARE":
        if (this.#stopping === null) {
          this.#node?.prepare().then(() => this.#sendState(), (error) => this.#cannotStart(error));
        }
        return;
      case "START":
        if (this.#stopping === null) {
          this.#node?.begin(message).catch((error) => this.#cannotStart(error));
        }
        return;
      case "TARGET":
        return this.#assign(message);
      case "PAUSE":
        return this.#node?.setPause(message);
      case "STARTED":
        return void this.#node?.started(message);
      case "ACK":
        reporter?.acknowledged(message.seq);
        if (this.#state === "leaving") this.#endIfDrained();
        return;
      case "RESUME":
        return this.#resume(message.seq);
      case "STOP":
        if (message.why !== "" && this.#stopping === null) {
          this.#options.connection.info(`Stopping the users: ${peerText(message.why)}.`);
        }
        return void this.#stop();
      case "LEAVE":
        if (this.#stopping === null) {
          this.#options.connection.info(`This worker leaves the run: ${peerText(message.why)}.`);
          this.#sendLog();
          this.leave();
        }
        return;
      case "QUIT":
        if (reporter !== null && !reporter.drained) {
          this.#warn("The master has ended the run without the final report of this worker.");
        }
        this.#masterStays = message.stays;
        // Without a node, it has only waited for a run.
        if (!message.stays || this.#node !== null) {
          this.#options.connection.info(
            message.why === "" ? "The run is over." : `The run is over: ${peerText(message.why)}.`,
          );
        }
        return void this.#connection.close();
    }
    this.#options.rpc.handle(message);
  }

  async #setUp({ options, workerIndex }: Message<"SETUP">): Promise<void> {
    if (this.#isSettingUp) return;
    this.#isSettingUp = true;
    const {
      connection,
      events,
      metrics,
      cpuSeconds,
      env,
      activity,
      places,
      openFileLimit,
      rpc,
      setUp,
    } = this.#options;
    try {
      const load = await setUp(options);
      this.#host = load.host;
      this.#node = new WorkerNode({
        ...load,
        runId: this.#runId!,
        node: connection.identity.workerId,
        firstUserId: workerIndex * USER_IDS_PER_WORKER + 1,
        reportDelayMs: reportDelayMs(workerIndex),
        lease: this.#lease,
        events,
        metrics,
        clock: this.#clock,
        random: connection.random,
        cpuSeconds,
        env,
        activity,
        places,
        data: () => this.#data,
        dataReceived: () => this.#dataReceived?.promise ?? Promise.resolve(),
        onRunEnd: (end) => this.#end(end),
        onNote: (note) => this.#note(note),
        openFileLimit,
        clockSync: new ClockSync(rpc, this.#clock),
        connection: this.#connection,
        onUnprepared: (error) => this.#cannotContinue(error),
        onWarning: (text) => this.#warn(text),
        onState: (state) => this.#setState(state),
      });
      for (const note of this.#earlyNotes.splice(0)) this.#node.note(note);
      this.#setState("ready");
    } catch (error) {
      this.#cannotStart(error);
    }
  }

  /** Takes what `setup` has returned, part by part. It is announced again on each new connection. */
  #receiveData(message: Message<"DATA" | "CHUNK">): void {
    try {
      if (message.type === "DATA") this.#partialData ??= new PartialSetupData(message);
      else this.#partialData?.add(message.offset, message.data);
      const partial = this.#partialData;
      if (partial === null) return;
      this.#dataReceived ??= Promise.withResolvers();
      const { missingFrom } = partial;
      if (missingFrom !== null) {
        return this.#connection.send({ type: "NEED", offset: missingFrom });
      }
      this.#data ??= frozenJson(partial.json);
      this.#dataReceived.resolve();
    } catch (error) {
      const what = error instanceof ProtocolError ? error.message : errorText(error);
      this.#fail(
        new AiotestError(`The data of setup cannot be used: ${peerText(what)}`, ExitCode.cluster),
      );
    }
  }

  /** Code of the test ends the run: the master decides, and is told again if it may not have heard it. */
  #end(end: RunEnd): void {
    const before = this.#runEnd;
    this.#runEnd = decidingEnd(before, end);
    if (this.#runEnd === before) return;
    this.#options.connection.info(`The run is ${runEndFact(end)}.`);
    this.#sendEnd();
  }

  /** Code of the test annotates the run: a report contains it, so that it arrives once. */
  #note(note: Note): void {
    if (this.#node !== null) this.#node.note(note);
    else if (this.#earlyNotes.length < MAX_ANNOTATIONS) this.#earlyNotes.push(note);
  }

  #sendEnd(): void {
    if (this.#runEnd === null) return;
    const { kind, reason } = this.#runEnd;
    this.#connection.send({ type: "END", kind, reason });
  }

  /** Tells the master if the test file is not prepared: then the run cannot start on any node. */
  #cannotStart(error: unknown): void {
    if (error instanceof PreparationError) {
      this.#connection.send({ type: "ERROR", code: "unprepared", text: error.message });
    }
    this.#fail(error);
  }

  /** A test turns out not to be prepared: the master ends the run, and gets what was counted until then. */
  #cannotContinue(error: PreparationError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#connection.send({ type: "ERROR", code: "unprepared", text: error.message });
    this.leave();
  }

  #assign(assignment: Assignment): void {
    const { revision } = assignment;
    logAssignment("from the master", assignment);
    if (revision > this.#revision && this.#stopping === null) {
      this.#revision = revision;
      try {
        this.#node?.assign(assignment);
      } catch (error) {
        this.#fail(error);
      }
    }
    // Sent after the state that results from it, so that no older state follows the acknowledgement.
    this.#connection.send({ type: "TARGET_ACK", revision });
  }

  #resume(seq: number): void {
    try {
      this.#node?.reporter?.resume(seq);
    } catch {
      // The master's journal was cut off, or its disk lost power.
      this.#fail(
        new AiotestError(
          `The master lacks report ${seq}, which it had acknowledged: counts of this worker are lost`,
          ExitCode.cluster,
        ),
      );
    }
  }

  /** From now on the master may give this worker's users to others. */
  #leaseExpired(): void {
    if (this.#stopping !== null) return;
    if (this.#node !== null && this.#node.dropUsers() > 0) {
      this.#options.connection.warn(
        `The master has been silent for ${
          this.#leaseMs / 1000
        } s: this worker's users are stopped until it is back.`,
      );
    }
    if (this.#node !== null) this.#state = "ready";
    // A new lease needs a new connection.
    this.#connection.renew();
  }

  /** Stops all users, once, and sends the final report. */
  #stop(): Promise<void> {
    return this.#stopping ??= this.#stopNode();
  }

  async #stopNode(): Promise<void> {
    if (this.#node === null) return;
    if (this.#state !== "leaving") this.#setState("stopping");
    const stopped = this.#node.stop();
    // Nothing waits for data any longer that may never come.
    this.#dataReceived?.resolve();
    await stopped;
    // Without a reporter the test has not started here, and there is no report to wait for.
    this.#connection.send({ type: "STOPPED", lastSeq: this.#node.reporter?.lastSeq ?? 0 });
    if (this.#state === "leaving") this.#endIfDrained();
    else this.#setState("stopped");
  }

  /** A worker that leaves, or whose master has gone, ends once the master has all reports. */
  #endIfDrained(): void {
    if (this.#node?.reporter?.drained) void this.#connection.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    void this.#connection.close();
  }

  /** Sends even an unchanged state: it also says how many users run. */
  #setState(state: WorkerStateName): void {
    this.#state = state;
    this.#sendState();
  }

  #sendState(): void {
    this.#connection.send({
      type: "STATE",
      users: this.#node?.users ?? 0,
      state: this.#state,
      elapsedSeconds: this.#node?.elapsedSeconds ?? 0,
      sockets: this.#options.sockets,
      exhausted: this.#node?.exhausted ?? [],
      unprepared: this.#node?.unprepared ?? false,
    });
  }

  #checkLease(): void {
    this.#lease.holds(this.#clock.now());
    this.#sendLog();
    this.#timer = this.#clock.setTimer(() => this.#checkLease(), LEASE_CHECK_MS);
  }

  /** Sends the lines of the log that are new. While there is no connection, they wait for one. */
  #sendLog(): void {
    if (!this.#connection.connected) return;
    const lines = this.#options.newLogLines();
    if (lines.length > 0) this.#connection.send({ type: "LOG", lines });
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.connection.warn(text);
  }
}
