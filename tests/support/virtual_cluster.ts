import assert from "node:assert/strict";
import type { RunJournal, RunRecord } from "../../src/cluster/journal.ts";
import type { MasterConnectionOptions } from "../../src/cluster/master_connection.ts";
import { restoreRun } from "../../src/cluster/restore.ts";
import { AwakeClock } from "../../src/core/awake_clock.ts";
import type { Clock } from "../../src/core/clock.ts";
import { Events } from "../../src/core/events.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import type { ClassMix } from "../../src/load/class_mix.ts";
import type { Curve } from "../../src/load/curve.ts";
import { type LoadPart, loadParts, sharedPart } from "../../src/load/load_parts.ts";
import type { LoadProfile } from "../../src/load/load_profile.ts";
import { loadedClasses } from "../../src/runner/load_generator.ts";
import { MasterRun, type MasterRunOptions } from "../../src/runner/master.ts";
import { RemoteIterationQuota } from "../../src/runner/shared_iterations_executor.ts";
import { type WorkerLoad, WorkerRun, type WorkerRunOptions } from "../../src/runner/worker.ts";
import type { RpcServer } from "../../src/shared/rpc.ts";
import { messageCall } from "../../src/shared/messages.ts";
import { RemoteRpc } from "../../src/shared/rpc_client.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { Metrics } from "../../src/user/metrics.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import { User, type UserClass } from "../../src/user/user.ts";
import { rpcServerWith } from "./rpc_servers.ts";
import { FakeClock } from "./fake_clock.ts";
import { identity, MASTER_HASH } from "./joining.ts";
import { type MemoryLine, MemoryNetwork } from "./memory_network.ts";
import { type ProfileChanges, profileOf } from "./load_profiles.ts";
import { ProcessClock } from "./process_clock.ts";
import { discovered } from "./users.ts";

/** What the users did, as the target of the test sees it. */
export class FakeTarget {
  /** Users that have started, have not ended, and may make steps; by id. */
  readonly alive = new Map<number, { readonly node: string; readonly kind: string }>();
  /** Every step that was started. */
  readonly steps: {
    readonly node: string;
    readonly kind: string;
    readonly user: number;
    readonly atMs: number;
  }[] = [];
  /** The id of every user that was ever started. */
  readonly ids: number[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Users that run, on one node or on all. */
  users(node?: string): number {
    return [...this.alive.values()].filter((user) => node === undefined || user.node === node)
      .length;
  }

  /** Users of each class that run, in the order of the names. */
  usersOf(names: readonly string[], node?: string): number[] {
    const alive = [...this.alive.values()];
    return names.map((name) =>
      alive.filter((user) => user.kind === name && (node === undefined || user.node === node))
        .length
    );
  }

  /**
   * A class whose users make a step every `waitTime` seconds.
   *
   * @param stepSeconds how long a step of a user takes, by its id.
   */
  userClass(
    name: string,
    weight = 1,
    waitTime = 1,
    stepSeconds: (id: number) => number = () => 0,
  ): UserClass {
    const { alive, ids, steps } = this;
    const clock = this.#clock;
    const userClass = class extends User {
      static override weight = weight;
      static override waitTime = waitTime;

      override onStart(): void {
        ids.push(this.id);
        alive.set(this.id, { node: this.run.node, kind: name });
      }

      override onStop(): void {
        alive.delete(this.id);
      }

      async testStep(): Promise<void> {
        // If the lease of its node has expired, the step does not start, and the user only waits for its end.
        alive.delete(this.id);
        await this.measure(`step of ${name}`, () => {
          alive.set(this.id, { node: this.run.node, kind: name });
          steps.push({ node: this.run.node, kind: name, user: this.id, atMs: clock.now() });
          const seconds = stepSeconds(this.id);
          return seconds > 0 ? this.sleep(seconds) : undefined;
        });
      }
    };
    Object.defineProperty(userClass, "name", { value: name });
    return userClass;
  }
}

/** A master in the cluster. */
export interface VirtualMaster {
  readonly run: MasterRun;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly seconds: Snapshot[];
  readonly infos: string[];
  readonly warnings: string[];
  /** The result of the run; `null` until it ends. */
  result: Snapshot | null;
  error: unknown;
  /** Ends it as `kill -9` does. */
  kill(): void;
  /** Suspends it as SIGSTOP does. */
  suspend(): void;
  /** Lets it run again, as SIGCONT does. */
  continue(): void;
}

/** A worker in the cluster. */
export interface VirtualWorker {
  readonly name: string;
  readonly run: WorkerRun;
  readonly line: MemoryLine;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly infos: string[];
  readonly warnings: string[];
  /** The messages of other test files, as `KIND from NODE`. */
  readonly messages: string[];
  /** Sends a message as its test file could. */
  send(kind: string, to: string): void;
  ended: boolean;
  error: unknown;
  /** Stops it as SIGTERM does. */
  leave(): void;
  /** Ends it as `kill -9` does. */
  kill(): void;
  /** Suspends it as SIGSTOP does. */
  suspend(): void;
  /** Lets it run again, as SIGCONT does. */
  continue(): void;
}

/** What a test may change about a worker. */
export interface VirtualWorkerOptions {
  readonly classes?: readonly UserClass[];
  readonly setUp?: WorkerRunOptions["setUp"];
  readonly timeoutMs?: number;
  readonly openFileLimit?: number;
  readonly incarnation?: string;
  readonly testfileHash?: string;
  /** How long its messages take, in either direction. */
  readonly latencyMs?: number;
  /** Options of its connection that differ from the defaults. */
  readonly link?: Partial<MasterConnectionOptions>;
}

/** A master and workers in one process and in virtual time. */
export class VirtualCluster {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly target = new FakeTarget(this.clock);
  readonly workers: VirtualWorker[] = [];
  /** The messages that the masters have got from test files, as `KIND from NODE`. */
  readonly messages: string[] = [];
  /** Sends a message as the master's test file could. */
  send: (kind: string, to: string) => void = () => {};
  /** What the masters have written to their journal. */
  readonly journal: RunRecord[] = [];
  readonly #classes: readonly UserClass[];
  readonly #plan: LoadProfile;
  /** For the next master: what its journal has restored; `null` if it starts empty. */
  #rpc: RpcServer | null = null;

  constructor(plan: ProfileChanges, classes: (target: FakeTarget) => UserClass[] = oneClass) {
    this.#plan = profileOf({ users: 6, rate: 1000, ...plan });
    this.#classes = classes(this.target);
  }

  /** Names of the classes, in their order. */
  get classNames(): string[] {
    return this.#classes.map(({ name }) => name);
  }

  /** How the classes without a load of their own share the users. */
  get mix(): ClassMix {
    return sharedPart(this.parts)!.mix;
  }

  /** The parts of the load, for one run. */
  get parts(): LoadPart[] {
    return loadParts(loadedClasses(this.#classes.map(discovered)), this.#plan);
  }

  /** Starts a master, in place of the one before. */
  master(changes: Partial<MasterRunOptions> = {}): VirtualMaster {
    const clock = new ProcessClock(this.clock);
    const awakeClock = new AwakeClock(changes.clock ?? clock);
    let dead = false;
    const [seconds, infos, warnings]: [Snapshot[], string[], string[]] = [[], [], []];
    const events = changes.events ?? new Events();
    const metrics = new Metrics(clock);
    const journal: RunJournal = {
      append: (...records) => {
        if (!dead) this.journal.push(...records);
      },
      close: () => {},
    };
    const rpc = this.#rpc ?? this.#newRpcServer(awakeClock);
    this.#rpc = null;
    rpc.useJournal(journal);
    this.send = (kind, to) =>
      void rpc.localRpc.call(messageCall({ to, kind, data: "null" }), false, () => {});
    const run = new MasterRun({
      runId: "run-1",
      host: null,
      name: null,
      labels: {},
      testfileHash: MASTER_HASH,
      restored: null,
      journal,
      rpc,
      messagesHandled: () => Promise.resolve(),
      listener: clock.listener(this.network.listen()),
      address: "here:5557",
      token: "secret",
      allowDifferentTestfile: false,
      files: null,
      setup: "{}",
      parts: this.parts,
      classNames: this.classNames,
      expectedWorkers: 2,
      expectSeconds: 0,
      resetStats: false,
      setupTimeout: 30,
      functions: { setup: null, teardown: null },
      places: { placeOf: () => "" },
      waitsForStart: false,
      thresholds: new ThresholdSet([]),
      abortOnThreshold: false,
      abortAfter: 0,
      events,
      metrics,
      clock,
      awakeClock,
      warnings: [],
      onSecond: (snapshot) => seconds.push(snapshot),
      onInfo: (text) => infos.push(text),
      onWarning: (text) => warnings.push(text),
      ...changes,
    });
    if (changes.restored === undefined || changes.restored === null) {
      this.journal.push({
        type: "run",
        runId: "run-1",
        testfileHash: MASTER_HASH,
        version: "0.1.0",
        createdAt: 0,
      });
    }
    const master: VirtualMaster = {
      run,
      events,
      metrics,
      seconds,
      infos,
      warnings,
      result: null,
      error: null,
      kill: () => {
        dead = true;
        clock.kill();
        this.network.listen().close();
        for (const { line } of this.workers) line.cut();
      },
      suspend: () => clock.suspend(),
      continue: () => clock.continue(),
    };
    awakeClock.start();
    run.run().finally(() => awakeClock.stop()).then(
      (result) => master.result = result,
      (error: unknown) => master.error = error,
    );
    return master;
  }

  /** Starts a master that resumes the run of the one before. */
  async nextMaster(changes: Partial<MasterRunOptions> = {}): Promise<VirtualMaster> {
    const rpc = this.#newRpcServer(this.clock);
    this.#rpc = rpc;
    const restored = await restoreRun(
      this.journal,
      "--resume",
      (record) => rpc.replay(record),
    );
    restored.state.epoch++;
    this.journal.push({ type: "epoch", epoch: restored.state.epoch });
    return this.master({ restored, ...changes });
  }

  /** Starts a worker. */
  worker(name: string, options: VirtualWorkerOptions = {}): VirtualWorker {
    const clock = new ProcessClock(this.clock);
    const { latencyMs = 0 } = options;
    const later = (deliver: () => void): void => {
      if (latencyMs === 0) deliver();
      else this.clock.setTimer(deliver, latencyMs);
    };
    const line = this.network.line(`10.0.0.${this.workers.length + 1}`, Infinity, later);
    const [infos, warnings]: [string[], string[]] = [[], []];
    const events = new Events();
    const metrics = new Metrics(clock);
    const { classes = this.#classes, incarnation = `${name}'s first`, ...rest } = options;
    const messages: string[] = [];
    const cluster = new RemoteRpc(
      name,
      ({ from, kind }) => void messages.push(`${kind} from ${from}`),
    );
    const limited = this.parts.find(({ profile }) => profile.iterations !== null);
    const load: WorkerLoad = {
      classes: classes.map(discovered),
      host: null,
      connections: DEFAULT_CONNECTIONS,
      observers: NO_OBSERVERS,
      setupTimeout: 30,
      iterations: limited === undefined
        ? null
        : { source: new RemoteIterationQuota(cluster, clock), classes: limited.classes },
    };
    const run = new WorkerRun({
      newLogLines: () => [],
      rpc: cluster,
      connection: {
        master: "here:5557",
        connect: async () => clock.stream(await line.connect()),
        identity: identity({
          workerId: name,
          incarnation,
          testfileHash: rest.testfileHash ?? MASTER_HASH,
        }),
        token: "secret",
        timeoutMs: rest.timeoutMs ?? 60_000,
        clock,
        random: () => 0.5,
        info: (text) => infos.push(text),
        warn: (text) => warnings.push(text),
        ...rest.link,
      },
      openFileLimit: rest.openFileLimit ?? null,
      sockets: "epoll",
      events,
      metrics,
      cpuSeconds: () => 0,
      env: () => undefined,
      activity: new Int32Array(1),
      places: { placeOf: () => "" },
      setUp: rest.setUp ?? (() => Promise.resolve(load)),
    });
    const forgetUsers = (): void => {
      for (const [id, { node }] of this.target.alive) {
        if (node === name) this.target.alive.delete(id);
      }
    };
    const worker: VirtualWorker = {
      name,
      run,
      line,
      events,
      metrics,
      infos,
      warnings,
      messages,
      send: (kind, to) =>
        void cluster.call(messageCall({ to, kind, data: "null" }), false, () => {}),
      ended: false,
      error: null,
      leave: () => void clock.running().then(() => run.leave()),
      kill: () => {
        clock.kill();
        line.break();
        forgetUsers();
      },
      suspend: () => {
        clock.suspend();
        // They make no steps. Those that still may are there again with their next step.
        forgetUsers();
      },
      continue: () => clock.continue(),
    };
    run.run().then(
      () => worker.ended = true,
      (error: unknown) => {
        worker.ended = true;
        worker.error = error;
      },
    );
    this.workers.push(worker);
    return worker;
  }

  #newRpcServer(clock: Clock): RpcServer {
    return rpcServerWith(clock, [], {
      iterations: this.#plan.iterations,
      deliver: ({ kind, from }) => void this.messages.push(`${kind} from ${from}`),
    });
  }

  /** Advances the time, and calls `look` every `everyMs` milliseconds. */
  async advance(ms: number, look: () => void = () => {}, everyMs = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += everyMs) {
      await this.clock.advance(Math.min(everyMs, ms - passed));
      look();
    }
  }
}

function oneClass(target: FakeTarget): UserClass[] {
  return [target.userClass("StepTest")];
}

/** A user class with a load of its own. */
export function withLoad(userClass: UserClass, load: Curve): UserClass {
  Object.defineProperty(userClass, "load", { value: load });
  return userClass;
}

/** Requests in the result of a run. */
export function requests({ result }: VirtualMaster): number {
  return result!.statistics.totals.requests;
}

/** Requests of a run that were cut off with their users. */
export function unfinished({ result }: VirtualMaster): number {
  return result!.statistics.totals.unfinished.count;
}

/** How each worker's part in the run has ended, as `name state complete`. */
export function workerStates({ result }: VirtualMaster): string[] {
  return result!.workers.map(({ id, state, complete }) => `${id} ${state} ${complete}`);
}

/**
 * Iterations in the result of a run: scheduled, started, completed, dropped. If no counts are missing, each
 * that started was completed or interrupted.
 */
export function iterationCounts({ result }: VirtualMaster): number[] {
  const { scheduled, started, completed, interrupted, dropped } = result!.statistics.iterations!;
  if (result!.complete) {
    assert.deepEqual([completed + interrupted, started + dropped], [started, scheduled]);
  }
  return [scheduled, started, completed, dropped];
}
