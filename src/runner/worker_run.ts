/**
 * A worker's part in a run: it does what its master says, and reports what it has counted.
 *
 * @module
 */

import type { ClusterLine } from "../cluster/cluster_line.ts";
import type { Introduction } from "../cluster/introduction.ts";
import { type LinkOptions, MasterLink } from "../cluster/master_link.ts";
import type { Message, Setup, TargetMessage, WorkerPhase } from "../cluster/message.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { AiotestError } from "../core/errors.ts";
import { ExitCode } from "../core/exit_code.ts";
import { Lease } from "../core/lease.ts";
import type { LoadGeneratorOptions } from "./load_generator.ts";
import { MasterTime } from "./master_time.ts";
import type { SharedPasses } from "./shared_passes.ts";
import { WorkerNode } from "./worker_node.ts";

/** What a worker runs, known once the master has said how to get ready. */
export interface WorkerLoad extends Pick<LoadGeneratorOptions, "classes" | "host" | "insecure"> {
  /** Where passes come from; null where nobody has set a number of them. */
  readonly passes: SharedPasses | null;
}

/** Everything that a worker needs and does not make itself. */
export interface WorkerRunOptions
  extends Pick<LoadGeneratorOptions, "events" | "cpuSeconds" | "env"> {
  readonly link: LinkOptions;
  /** What this node shares with the others. */
  readonly line: Pick<ClusterLine, "call" | "connect" | "joined" | "take" | "close">;
  /** Files that this process may have open; null where nobody knows. */
  readonly openFileLimit: number | null;
  /**
   * Gets ready; `options` is the JSON object that the master sent.
   *
   * @throws AiotestError where this node cannot take part.
   */
  readonly prepare: (options: string) => Promise<WorkerLoad>;
}

/** How often the lease is looked at, where no request does. */
const LOOK_MS = 250;

/** Ids of the users of two workers are so far apart that they never meet. */
const IDS_OF_A_WORKER = 1e9;

/** One worker, from its joining to its end. */
export class WorkerRun {
  readonly #options: WorkerRunOptions;
  readonly #clock: Clock;
  readonly #link: MasterLink;
  readonly #lease = new Lease(() => this.#lapse());
  readonly #warned = new Set<string>();
  #leaseMs = 0;
  #runId: string | null = null;
  #epoch = 0;
  #revision = 0;
  #phase: WorkerPhase = "preparing";
  #preparing = false;
  #node: WorkerNode | null = null;
  #stopping: Promise<void> | null = null;
  #failure: unknown = null;
  #timer: Timer | null = null;

  constructor(options: WorkerRunOptions) {
    this.#options = options;
    this.#clock = options.link.clock;
    this.#link = new MasterLink(options.link, {
      onJoined: (introduction, heardAt) => this.#joined(introduction, heardAt),
      onHeard: (atMs) => void this.#lease.renew(atMs + this.#leaseMs, this.#clock.now()),
      onMessage: (message) => this.#take(message),
      onLost: () => this.#endIfDrained(),
    });
    options.line.connect(this.#link);
  }

  /**
   * Takes part until the master says that the run is over, or {@link leave} has been done.
   *
   * @throws AiotestError where the master does not want this worker, is gone for too long, or wants
   * something that this worker cannot do.
   */
  async run(): Promise<void> {
    this.#look();
    try {
      await this.#link.run();
    } finally {
      if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
      this.#options.line.close();
      await this.#stop();
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Goes before the run is over: the others get its users, and the master what it has counted. */
  leave(): void {
    if (this.#stopping === null) this.#enter("leaving");
    // Who has not begun has nothing to hand over.
    if (this.#node?.begun !== true) return void this.#link.close();
    void this.#stop();
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    this.#node?.noteStrayError(thrown);
  }

  #joined({ welcome }: Introduction, heardAt: number): void {
    const { master, info, identity } = this.#options.link;
    if (this.#runId !== null && welcome.runId !== this.#runId) {
      return this.#fail(
        new AiotestError(
          `The master at ${master} has begun another run: what was counted here for the one before is lost`,
          ExitCode.cluster,
        ),
      );
    }
    info(`Joined the master at ${master} as ${identity.workerId}.`);
    this.#runId = welcome.runId;
    if (welcome.epoch !== this.#epoch) this.#revision = 0;
    this.#epoch = welcome.epoch;
    this.#leaseMs = welcome.leaseSeconds * 1000;
    // What ran out while there was no connection has to be noticed before it is granted again.
    this.#lease.holds(this.#clock.now());
    this.#lease.grant(heardAt + this.#leaseMs);
    this.#sendState();
    this.#options.line.joined(welcome.epoch);
    this.#node?.reporter?.reconnected(welcome.ackedSeq);
  }

  #take(message: Message): void {
    const reporter = this.#node?.reporter ?? null;
    switch (message.type) {
      case "SETUP":
        return void this.#prepare(message);
      case "START":
        if (this.#stopping === null) void this.#node?.begin(message);
        return;
      case "TARGET":
        return this.#aim(message);
      case "STARTED":
        return void this.#node?.started(message);
      case "ACK":
        reporter?.acknowledged(message.seq);
        if (this.#phase === "leaving") this.#endIfDrained();
        return;
      case "RESUME":
        return this.#resume(message.seq);
      case "STOP":
        return void this.#stop();
      case "QUIT":
        if (reporter !== null && !reporter.drained) {
          this.#warn("The master has ended the run without the last counts of this worker.");
        }
        this.#options.link.info("The run is over.");
        return void this.#link.close();
    }
    this.#options.line.take(message);
  }

  #resume(seq: number): void {
    try {
      this.#node?.reporter?.resume(seq);
    } catch {
      // Its journal was damaged, or written to a disk that lost its power.
      this.#fail(
        new AiotestError(
          `The master lacks report ${seq}, which it had acknowledged: counts of this worker are lost`,
          ExitCode.cluster,
        ),
      );
    }
  }

  async #prepare({ options, workerIndex }: Setup): Promise<void> {
    if (this.#preparing) return;
    this.#preparing = true;
    const { link, events, cpuSeconds, env, openFileLimit, prepare } = this.#options;
    try {
      this.#node = new WorkerNode({
        ...await prepare(options),
        runId: this.#runId!,
        node: link.identity.workerId,
        firstUserId: workerIndex * IDS_OF_A_WORKER + 1,
        lease: this.#lease,
        events,
        clock: this.#clock,
        random: link.random,
        cpuSeconds,
        env,
        openFileLimit,
        time: new MasterTime(this.#options.line, this.#clock),
        link: this.#link,
        onWarning: (text) => this.#warn(text),
        onPhase: (phase) => this.#enter(phase),
      });
      this.#enter("ready");
    } catch (error) {
      this.#fail(error);
    }
  }

  #aim(target: TargetMessage): void {
    if (target.revision > this.#revision && this.#stopping === null) {
      this.#revision = target.revision;
      try {
        this.#node?.aim(target);
      } catch (error) {
        this.#fail(error);
      }
    }
    // Behind what has come of it: who has acknowledged a target has no older state to tell of.
    this.#link.send({ type: "TARGET_ACK", revision: target.revision });
  }

  /** The master may give this worker's users to others. */
  #lapse(): void {
    if (this.#stopping !== null) return;
    if (this.#node !== null && this.#node.drop() > 0) {
      this.#options.link.warn(
        `No word from the master for ${
          this.#leaseMs / 1000
        } s: the users are stopped until it is back.`,
      );
    }
    if (this.#node !== null) this.#phase = "ready";
    // Only who has joined again may begin again.
    this.#link.renew();
  }

  /** Stops all users, once, and hands on the last counts. */
  #stop(): Promise<void> {
    return this.#stopping ??= this.#stopNode();
  }

  async #stopNode(): Promise<void> {
    if (this.#node === null) return;
    if (this.#phase !== "leaving") this.#enter("stopping");
    await this.#node.stop();
    // Without a reporter the test has not begun here, whatever the master takes it for.
    this.#link.send({ type: "STOPPED", lastSeq: this.#node.reporter?.lastSeq ?? 0 });
    if (this.#phase === "leaving") this.#endIfDrained();
    else this.#enter("stopped");
  }

  /** A worker that leaves, or whose master has gone, has no more to do once the master has everything. */
  #endIfDrained(): void {
    if (this.#node?.reporter?.drained) void this.#link.close();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    void this.#link.close();
  }

  /** Told even where it stays the same: the master waits to hear that users have been started. */
  #enter(phase: WorkerPhase): void {
    this.#phase = phase;
    this.#sendState();
  }

  #sendState(): void {
    this.#link.send({
      type: "STATE",
      users: this.#node?.users ?? 0,
      state: this.#phase,
      elapsedSeconds: this.#node?.elapsedSeconds ?? 0,
    });
  }

  #look(): void {
    this.#lease.holds(this.#clock.now());
    this.#timer = this.#clock.setTimer(() => this.#look(), LOOK_MS);
  }

  #warn(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.link.warn(text);
  }
}
