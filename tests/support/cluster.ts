import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import type { CountingTarget } from "./counting_target.ts";
import { FrameProxy } from "./frame_proxy.ts";
import { steadyPort } from "./machine.ts";
import { projectPath } from "./paths.ts";
import { type Finished, startAiotest, type Started } from "./process.ts";

/** The options of a cluster. */
export interface ClusterOptions {
  /** Name of the test file in tests/e2e/fixtures/. */
  readonly fixture: string;
  /** Workers that are started with it; they are called w1, w2 and so on. */
  readonly workers: number;
  /** Flags of the master, in addition to those of its role. */
  readonly args: readonly string[];
  /** Whether workers reach the master through a {@link FrameProxy}. */
  readonly proxied?: boolean;
  /** The master's journal, from which the run can be {@link Cluster.resume}d. */
  readonly journal?: string;
}

/** The options of {@link Cluster.visiting}. */
export interface VisitOptions extends Pick<ClusterOptions, "workers" | "proxied"> {
  /** All of them are started at once. */
  readonly users: number;
}

/** The results of a cluster. */
export interface ClusterResult extends Finished {
  /** What `--json` wrote. */
  readonly summary: Summary;
}

/** The limit for everything that is awaited. */
const LIMIT_MS = 60_000;

const WAITING = /Waiting for workers at \S+:(\d+)\./;

/** What a cluster remembers of its start. */
interface Origin {
  readonly file: string;
  /** Flags of any master of it, but for its port. */
  readonly masterArgs: readonly string[];
  /** The port of the master. */
  readonly port: number;
  readonly json: string;
  readonly proxied: boolean;
}

/** A master and its workers, in separate processes. Those that still run at the end are killed. */
export class Cluster implements AsyncDisposable {
  /** Between the workers and the master; null if they are connected directly. */
  readonly proxy: FrameProxy | null;
  /** The newest one last. */
  readonly #masters: Started[];
  readonly #workers = new Map<string, Started>();
  readonly #origin: Origin;

  private constructor(master: Started, origin: Origin) {
    this.#masters = [master];
    this.#origin = origin;
    this.proxy = origin.proxied ? new FrameProxy(origin.port) : null;
  }

  /** Resolves when the master listens and the workers have been started. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { fixture, workers, args, proxied = false, journal } = options;
    const file = projectPath(`tests/e2e/fixtures/${fixture}`);
    const json = await Deno.makeTempFile({ suffix: ".json" });
    const expected = args.includes("--expect-workers")
      ? []
      : ["--expect-workers", String(Math.max(1, workers))];
    const masterArgs = ["-f", file, "--master", ...expected, "--json", json, ...args];
    const written = journal === undefined ? [] : ["--journal", journal];
    const master = startMaster(steadyPort(), [...masterArgs, ...written]);
    const port = Number(await master.tells(WAITING));
    const cluster = new Cluster(master, { file, masterArgs, port, json, proxied });
    for (let number = 1; number <= workers; number++) cluster.join(`w${number}`);
    return cluster;
  }

  /** As {@link start}, with users of `visits.ts`; resolves when all of them have visited the target. */
  static async visiting(target: CountingTarget, options: VisitOptions): Promise<Cluster> {
    const { workers, users, proxied = false } = options;
    const cluster = await Cluster.start({
      ...{ fixture: "visits.ts", workers, proxied },
      args: ["-H", target.url, "-u", String(users), "-r", String(users)],
    });
    try {
      const nodes = Array.from({ length: workers }, (_, index) => `w${index + 1}`);
      await cluster.alongside(
        target.until(() => target.visitsOf("/start", nodes) === users, 20_000),
      );
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The master that was started last. */
  get master(): Started {
    return this.#masters.at(-1)!;
  }

  /** Starts a master on the same port that resumes the run of one that has died. */
  resume(journal: string): Started {
    const { masterArgs, port } = this.#origin;
    const master = startMaster(port, [...masterArgs, "--resume", journal]);
    this.#masters.push(master);
    return master;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#masters, ...this.#workers.values()];
    for (const process of all) kill(process, "SIGKILL");
    await Promise.all(all.map(({ finished }) => finished));
    await this.proxy?.[Symbol.asyncDispose]();
    // A master that did not get as far has written none.
    await Deno.remove(this.#origin.json).catch(() => {});
  }

  /** Starts one more worker. */
  join(name: string, args: readonly string[] = []): Started {
    const { file, port } = this.#origin;
    const worker = startAiotest([
      ...["-f", file, "--worker", "--worker-name", name, "--master-host", "127.0.0.1"],
      ...["--master-port", String(this.proxy?.port ?? port), ...args],
    ]);
    this.#workers.set(name, worker);
    return worker;
  }

  /** A worker that was started. */
  worker(name: string): Started {
    const worker = this.#workers.get(name);
    assert.ok(worker !== undefined, `there is no worker ${name}`);
    return worker;
  }

  /** Waits for something that needs the master; rejects at once if the master ends before. */
  async alongside<T>(waiting: Promise<T>): Promise<T> {
    const end = this.master.finished.then(({ code, stderr }) => {
      throw new Error(`the master has ended with ${code}:\n${stderr}`);
    });
    // The other promise is no longer awaited, but may still reject.
    void Promise.allSettled([waiting, end]);
    return await Promise.race([waiting, end]);
  }

  /** Interrupts the master, and resolves as {@link ended}. */
  async stop(): Promise<ClusterResult> {
    kill(this.master, "SIGINT");
    return await this.ended();
  }

  /** Resolves when the master has ended by itself. */
  async ended(): Promise<ClusterResult> {
    const finished = await endOf(this.master);
    const text = await Deno.readTextFile(this.#origin.json);
    assert.notEqual(text, "", finished.stderr);
    return { ...finished, summary: JSON.parse(text) };
  }
}

function startMaster(port: number, args: readonly string[]): Started {
  const bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", String(port)];
  return startAiotest([...args, ...bind]);
}

/** Resolves when a process has ended; rejects after a minute. */
export async function endOf({ finished, pid }: Started): Promise<Finished> {
  const tooLong = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => tooLong.reject(new Error(`process ${pid} has not ended within ${LIMIT_MS / 1000} s`)),
    LIMIT_MS,
  );
  try {
    return await Promise.race([finished, tooLong.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Kills a process, unless it has ended. */
export function kill(process: Started, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended.
  }
}
