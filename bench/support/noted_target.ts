/**
 * Starts the target that records the time of each request, as a process.
 *
 * @module
 */

import { sleep } from "./process.ts";

/** The record of a target. */
export interface Notes {
  /** The distinct paths, in the order of their first requests. */
  readonly paths: readonly string[];
  /** When each request was read, in milliseconds since 1970, in that order. */
  readonly atMs: readonly number[];
  /** The index of its path in {@link paths}. */
  readonly pathIndices: readonly number[];
}

/** Seconds between two queries of the number of requests. */
const LOOK_SECONDS = 0.05;
const START_LIMIT_SECONDS = 60;

/** A running target. */
export class NotedTarget implements AsyncDisposable {
  /** Without a slash at its end. */
  readonly url: string;
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  #rest = "";

  private constructor(
    child: Deno.ChildProcess,
    lines: ReadableStreamDefaultReader<string>,
    url: string,
  ) {
    this.#child = child;
    this.#lines = lines;
    this.#commands = child.stdin.getWriter();
    this.pid = child.pid;
    this.url = url;
  }

  /**
   * Starts a target on a core.
   *
   * @throws if it does not start.
   */
  static async start(core: number): Promise<NotedTarget> {
    const script = "bench/support/noting_target.ts";
    const child = new Deno.Command("taskset", {
      args: ["-c", String(core), Deno.execPath(), "run", "-A", "--quiet", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await lines.read();
    if (value === undefined) throw new Error("the target did not start");
    return new NotedTarget(child, lines, value.trim());
  }

  /** Requests since the record was last read. */
  async count(): Promise<number> {
    return Number(await this.#ask("count"));
  }

  /** Resolves when the first request has arrived; rejects if none arrives within a minute. */
  async untilAsked(): Promise<void> {
    for (let waited = 0; await this.count() === 0; waited += LOOK_SECONDS) {
      if (waited > START_LIMIT_SECONDS) throw new Error("no request has arrived");
      await sleep(LOOK_SECONDS);
    }
  }

  /** Stops answering for a time. Returns start and end, in milliseconds since 1970. */
  async stall(ms: number): Promise<readonly [from: number, to: number]> {
    return JSON.parse(await this.#ask(`stall ${ms}`));
  }

  /** The record since it was last read. */
  async takeNotes(): Promise<Notes> {
    const file = await Deno.makeTempFile();
    try {
      return JSON.parse(await Deno.readTextFile(await this.#ask(`notes ${file}`)));
    } finally {
      await Deno.remove(file);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#commands.close().catch(() => {});
    await this.#lines.cancel();
    await this.#child.status;
  }

  async #ask(command: string): Promise<string> {
    await this.#commands.write(new TextEncoder().encode(`${command}\n`));
    while (!this.#rest.includes("\n")) {
      const { value } = await this.#lines.read();
      if (value === undefined) throw new Error("the target has ended");
      this.#rest += value;
    }
    const [line, ...others] = this.#rest.split("\n");
    this.#rest = others.join("\n");
    return line!;
  }
}
