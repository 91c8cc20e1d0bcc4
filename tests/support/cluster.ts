import assert from "node:assert/strict";
import type { Summary } from "../../src/report/summary.ts";
import { FrameProxy } from "./frame_proxy.ts";
import { fromFileUrl } from "./paths.ts";
import { type Finished, startAiotest, type Started } from "./process.ts";

/** What a cluster is started with. */
export interface ClusterOptions {
  /** Name of the test file in tests/e2e/fixtures/. */
  readonly fixture: string;
  /** Workers that are started with it; they are called w1, w2 and so on. */
  readonly workers: number;
  /** Flags of the master, beside those of its role. */
  readonly args: readonly string[];
  /** Whether workers reach the master through a {@link FrameProxy}. */
  readonly proxied?: boolean;
}

/** What a cluster came to. */
export interface ClusterResult extends Finished {
  /** What `--json` wrote. */
  readonly summary: Summary;
}

const WAITING = /Waiting for workers at \S+:(\d+)\./;

/** A master and its workers, each a process of its own. Whatever still runs at its end is killed. */
export class Cluster implements AsyncDisposable {
  readonly master: Started;
  /** Between the workers and the master; null where they are connected straight. */
  readonly proxy: FrameProxy | null;
  readonly #workers = new Map<string, Started>();
  readonly #file: string;
  readonly #port: number;
  readonly #json: string;

  private constructor(
    master: Started,
    { file, port, json, proxied }: {
      readonly file: string;
      readonly port: number;
      readonly json: string;
      readonly proxied: boolean;
    },
  ) {
    this.master = master;
    this.#file = file;
    this.#json = json;
    this.proxy = proxied ? new FrameProxy(port) : null;
    this.#port = this.proxy?.port ?? port;
  }

  /** Resolves when the master listens and the workers are on their way. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { fixture, workers, args, proxied = false } = options;
    const file = fromFileUrl(`../e2e/fixtures/${fixture}`);
    const json = await Deno.makeTempFile({ suffix: ".json" });
    const bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"];
    const expected = args.includes("--expect-workers")
      ? []
      : ["--expect-workers", String(Math.max(1, workers))];
    const master = startAiotest(
      ["-f", file, "--master", ...bind, ...expected, "--json", json, ...args],
    );
    const port = Number(await master.tells(WAITING));
    const cluster = new Cluster(master, { file, port, json, proxied });
    for (let number = 1; number <= workers; number++) cluster.join(`w${number}`);
    return cluster;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.master, ...this.#workers.values()];
    for (const process of all) kill(process, "SIGKILL");
    await Promise.all(all.map(({ finished }) => finished));
    await this.proxy?.[Symbol.asyncDispose]();
    await Deno.remove(this.#json);
  }

  /** Starts one more worker. */
  join(name: string, args: readonly string[] = []): Started {
    const worker = startAiotest([
      ...["-f", this.#file, "--worker", "--worker-name", name],
      ...["--master-host", "127.0.0.1", "--master-port", String(this.#port), ...args],
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

  /** Interrupts the master, and resolves as {@link ended}. */
  async stop(): Promise<ClusterResult> {
    kill(this.master, "SIGINT");
    return await this.ended();
  }

  /** Resolves when the master has ended by itself. */
  async ended(): Promise<ClusterResult> {
    const finished = await this.master.finished;
    const text = await Deno.readTextFile(this.#json);
    assert.notEqual(text, "", finished.stderr);
    return { ...finished, summary: JSON.parse(text) };
  }
}

function kill(process: Started, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // It has ended.
  }
}
