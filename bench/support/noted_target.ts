/**
 * The target that notes when each request came, as a process of its own.
 *
 * @module
 */

import { sleep } from "./process.ts";

/** What a target has noted. */
export interface Notes {
  /** Different paths, in the order in which they were first asked for. */
  readonly paths: readonly string[];
  /** When each request was read, in milliseconds since 1970, in that order. */
  readonly atMs: readonly number[];
  /** What it asked for, by its place among the {@link paths}. */
  readonly pathIndices: readonly number[];
}

/** Seconds between two looks at how many requests there were. */
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
   * Starts one that keeps to a core.
   *
   * @throws where it does not start.
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
    if (value === undefined) throw new Error("the target does not start");
    return new NotedTarget(child, lines, value.trim());
  }

  /** Requests since the notes were last taken. */
  async count(): Promise<number> {
    return Number(await this.#ask("count"));
  }

  /** Resolves when the first request has come; rejects where none comes within a minute. */
  async untilAsked(): Promise<void> {
    for (let waited = 0; await this.count() === 0; waited += LOOK_SECONDS) {
      if (waited > START_LIMIT_SECONDS) throw new Error("no request has come");
      await sleep(LOOK_SECONDS);
    }
  }

  /** Answers nobody for so long; says from when to when, in milliseconds since 1970. */
  async stall(ms: number): Promise<readonly [from: number, to: number]> {
    return JSON.parse(await this.#ask(`stall ${ms}`));
  }

  /** What it has noted since this was asked last. */
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
