/**
 * A worker's part in a run: it does what its master says, and reports what it has counted.
 *
 * @module
 */

import type { JoinedMaster } from "../cluster/handshake.ts";
import { MasterConnection, type MasterConnectionOptions } from "../cluster/master_connection.ts";
import { ReportOutbox } from "../cluster/outbox.ts";
import type { ArrivalAssignment, Assignment, Message, WorkerPhase } from "../cluster/protocol.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { AiotestError, ExitCode, UsageError } from "../core/errors.ts";
import { Lease } from "../core/lease.ts";
import type { MasterRpc } from "../shared/rpc_client.ts";
import { ClockSync } from "./clock_sync.ts";
import { type Health, openFilesProblem } from "./generator_health.ts";
import { LoadGenerator, type LoadGeneratorOptions } from "./load_generator.ts";
import type { RemoteIterationQuota } from "./shared_iterations_executor.ts";
import { UserRamp } from "./user_ramp.ts";

// What a worker has counted, on its way to the master.

/** What a reporter takes from, and where it hands on. */
interface ReporterOptions {
  readonly runId: string;
  readonly clock: Clock;
  readonly generator: LoadGenerator;
  readonly link: Pick<MasterConnection, "connected" | "sendFrame">;
  /** The part of the run that is counted first. */
  readonly phase: number;
}

/** So that a second has ended when it is looked for. */
const AFTER_THE_SECOND_MS = 1;

/** Hands every second that a generator has counted to the master, each once. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #outbox: ReportOutbox;
  #phase: number;
  #health: Health = { cpu: 0, lagMs: 0 };
  #timer: Timer | null = null;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#outbox = new ReportOutbox(options.runId);
    this.#phase = options.phase;
  }

  /** The number of the last report that was made. */
  get lastSeq(): number {
    return this.#outbox.lastSeq;
  }

  /** Whether the master has everything, and nothing more comes. */
  get drained(): boolean {
    return this.#outbox.drained;
  }

  /** Begins to report the seconds of the generator, which has just begun to count. */
  start(): void {
    const { clock, generator } = this.#options;
    const waitMs = 1000 - (generator.elapsedSeconds * 1000) % 1000 + AFTER_THE_SECOND_MS;
    this.#timer = clock.setTimer(() => {
      this.start();
      this.#health = generator.check();
      for (const interval of generator.take()) this.#add(interval);
      this.pump();
    }, waitMs);
  }

  /** What is counted from now on belongs to another part of the run. */
  turnTo(phase: number): void {
    if (phase === this.#phase) return;
    for (const interval of this.#options.generator.flush()) this.#add(interval);
    this.#phase = phase;
  }

  /** Hands on what is left; nothing comes after it. */
  finish(): void {
    this.end();
    for (const interval of this.#options.generator.flush()) this.#add(interval);
    this.#outbox.finish(this.#facts());
    this.pump();
  }

  /** Stops to look for seconds. */
  end(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** The master has this report, and all before it. */
  acknowledged(seq: number): void {
    this.#outbox.acknowledged(seq, this.#options.clock.now());
    this.pump();
  }

  /** The master lacks this report. */
  resume(seq: number): void {
    this.#outbox.resume(seq);
    this.pump();
  }

  /** There is a new connection, and this is what the master has. */
  reconnected(ackedSeq: number): void {
    this.#outbox.reconnected(ackedSeq, this.#options.clock.now());
    this.pump();
  }

  /** Sends what may be sent now. */
  pump(): void {
    const { link, clock } = this.#options;
    while (link.connected) {
      const frame = this.#outbox.next(clock.now());
      if (frame === null) return;
      link.sendFrame(frame);
    }
  }

  #add(interval: Parameters<ReportOutbox["add"]>[0]): void {
    this.#outbox.add(interval, this.#facts());
  }

  #facts(): Parameters<ReportOutbox["add"]>[1] {
    return { cpu: this.#health.cpu, lag: this.#health.lagMs, phase: this.#phase };
  }
}

// What a worker has once it is ready: its users, and the way of its counts to the master.

/** Everything that a worker's node needs and does not make itself. */
interface WorkerNodeOptions extends Omit<LoadGeneratorOptions, "onIterationsOver" | "onUsersGone"> {
  readonly link: Pick<MasterConnection, "connected" | "sendFrame">;
  /** Where passes come from; null where nobody has set a number of them. */
  readonly iterations: RemoteIterationQuota | null;
  /** Says when the test began, more exactly than its start does. */
  readonly time: ClockSync;
  /** Files that this process may have open; null where nobody knows. */
  readonly openFileLimit: number | null;
  /** Called with what the users do: whether some are still to be started. */
  readonly onPhase: (phase: WorkerPhase) => void;
}

/** A worker whose master is gone has stopped its users after this time, before others get them. */
const LAPSE_STOP_MS = 500;

/** The users of one worker. */
export class WorkerNode {
  readonly #options: WorkerNodeOptions;
  readonly #clock: Clock;
  readonly #generator: LoadGenerator;
  readonly #ramp: UserRamp;
  readonly #classNames: readonly string[];
  /** Resolves when the test has begun; null as long as nobody has said that it has. */
  #beginning: Promise<void> | null = null;
  /** The part of the run that is counted now. */
  #phase = 0;
  #toldOfStart = false;
  #reporter: Reporter | null = null;
  /** What is to be done as soon as the test has begun. */
  #pending: Assignment | null = null;
  #stopTimeoutMs = 0;
  /** Whether it was told to run nobody. */
  #isIdle = false;
  #stopped = false;

  constructor(options: WorkerNodeOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#classNames = options.classes.map(({ name }) => name);
    this.#generator = new LoadGenerator({
      ...options,
      onIterationsOver: () => this.#noteExhausted(),
      onUsersGone: () => {
        if (!this.#ramp.climbing) this.#noteExhausted();
      },
    });
    this.#ramp = new UserRamp(
      options.clock,
      options.classes.length,
      (counts) => this.#generator.setUsers(counts, this.#stopTimeoutMs),
      () => options.onPhase(this.#arrivedPhase()),
    );
  }

  /** Users that have started and not ended yet. */
  get users(): number {
    return this.#generator.users;
  }

  /** Seconds since the test began; 0 before it did. */
  get elapsedSeconds(): number {
    return this.#generator.elapsedSeconds;
  }

  /** What the master gets; null before the test began. */
  get reporter(): Reporter | null {
    return this.#reporter;
  }

  /** Whether it was told that the test has begun. */
  get begun(): boolean {
    return this.#beginning !== null;
  }

  /** The test has begun; being told so twice changes nothing. */
  begin(start: Message<"START">): Promise<void> {
    return this.#beginning ??= this.#begin(start);
  }

  /** The first target number of users runs; being told so twice changes nothing. */
  async started({ userCount, phase }: Message<"STARTED">): Promise<void> {
    this.#turnTo(phase);
    if (this.#toldOfStart) return;
    this.#toldOfStart = true;
    await this.#options.events.emit("startComplete", { userCount });
  }

  async #begin({ elapsedSeconds, phase }: Message<"START">): Promise<void> {
    this.#turnTo(phase);
    const { events, link, runId } = this.#options;
    const toldAt = this.#clock.now();
    await events.emit("testStart", { run: this.#generator.run });
    this.#generator.start(elapsedSeconds + (this.#clock.now() - toldAt) / 1000);
    this.#reporter = new Reporter({
      runId,
      clock: this.#clock,
      generator: this.#generator,
      link,
      phase: this.#phase,
    });
    this.#reporter.start();
    if (this.#pending !== null && !this.#stopped) this.aim(this.#pending);
  }

  /**
   * Heads for a target, at once or when the test has begun.
   *
   * @throws UsageError where it names a class that is not there.
   */
  aim(target: Assignment): void {
    const { classes, rate, stopTimeout, arrivals } = target;
    const unknown = Object.keys(classes).find((name) =>
      classes[name]! > 0 && !this.#classNames.includes(name)
    );
    if (unknown !== undefined) {
      throw new UsageError(`The master wants users of ${unknown}, which the test file here lacks`);
    }
    if (this.#reporter === null) {
      this.#pending = target;
      return;
    }
    this.#stopTimeoutMs = stopTimeout * 1000;
    const [order] = arrivals;
    if (order !== undefined) return this.#arrive(order);
    this.#generator.suspend();
    if (this.#options.iterations !== null) this.#generator.limit(this.#options.iterations);
    const counts = this.#classNames.map((name) =>
      Object.hasOwn(classes, name) ? classes[name]! : 0
    );
    const users = counts.reduce((sum, count) => sum + count, 0);
    this.#isIdle = users === 0;
    this.#checkOpenFiles(users);
    this.#ramp.aim({ counts, rate });
    if (this.#ramp.climbing) this.#options.onPhase("spawning");
  }

  #arrive(order: ArrivalAssignment): void {
    this.#checkOpenFiles(order.maxUsers);
    this.#options.onPhase("running");
    this.#generator.setArrivals(order, { course: order, slice: order, maxUsers: order.maxUsers });
    // Nodes that take turns have to agree on the time.
    this.#options.time.start((beganAt) => this.#generator.align(beganAt));
  }

  /** Who has nothing to do, or nothing left, keeps nobody from the end. */
  #arrivedPhase(): WorkerPhase {
    if (this.#isIdle) return "ready";
    return this.#generator.usersGone ? "exhausted" : "running";
  }

  #noteExhausted(): void {
    if (!this.#stopped) this.#options.onPhase("exhausted");
  }

  /** Lets all users go, fast; others may have them soon. Returns how many there were. */
  drop(): number {
    const { users } = this.#generator;
    this.#ramp.reset();
    this.#pending = null;
    this.#generator.suspend();
    this.#generator.setUsers(
      this.#classNames.map(() => 0),
      Math.min(LAPSE_STOP_MS, this.#stopTimeoutMs),
    );
    // Only now, as nobody waits for one any more.
    this.#options.iterations?.giveBack();
    return users;
  }

  /** Stops all users; resolves when the last counts are on their way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    // Who was told that the test has begun owes the master its counts, even where there are none.
    await this.#beginning;
    this.#ramp.reset();
    this.#options.iterations?.close();
    this.#options.time.stop();
    await this.#generator.stopAll(this.#stopTimeoutMs);
    this.#generator.end();
    if (this.#reporter === null) return;
    this.#reporter.finish();
    await this.#options.events.emit("testStop", { run: this.#generator.run });
  }

  /** Counts what was thrown where no user could catch it. */
  noteStrayError(thrown: unknown): void {
    this.#generator.noteStrayError(thrown);
  }

  #turnTo(phase: number): void {
    this.#phase = Math.max(this.#phase, phase);
    this.#reporter?.turnTo(this.#phase);
  }

  #checkOpenFiles(users: number): void {
    const problem = openFilesProblem(users, this.#options.openFileLimit);
    if (problem !== null) this.#options.onWarning(problem);
  }
}

/** What a worker runs, known once the master has said how to get ready. */
export interface WorkerLoad extends Pick<LoadGeneratorOptions, "classes" | "host" | "insecure"> {
  /** Where passes come from; null where nobody has set a number of them. */
  readonly iterations: RemoteIterationQuota | null;
}

/** Everything that a worker needs and does not make itself. */
export interface WorkerRunOptions
  extends Pick<LoadGeneratorOptions, "events" | "cpuSeconds" | "env"> {
  readonly link: MasterConnectionOptions;
  /** What this node shares with the others. */
  readonly line: Pick<MasterRpc, "call" | "connect" | "joined" | "take" | "close">;
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
  readonly #link: MasterConnection;
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
    this.#link = new MasterConnection(options.link, {
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

  #joined({ welcome }: JoinedMaster, heardAt: number): void {
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

  async #prepare({ options, workerIndex }: Message<"SETUP">): Promise<void> {
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
        time: new ClockSync(this.#options.line, this.#clock),
        link: this.#link,
        onWarning: (text) => this.#warn(text),
        onPhase: (phase) => this.#enter(phase),
      });
      this.#enter("ready");
    } catch (error) {
      this.#fail(error);
    }
  }

  #aim(target: Assignment): void {
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
