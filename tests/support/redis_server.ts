import assert from "node:assert/strict";
import { sleep } from "./timing.ts";
import { steadyPort } from "./machine.ts";

/** How long a server may take until it answers. */
const START_LIMIT_MS = 10_000;

/** A Redis of its own for a test, with a password and nothing in it, at 127.0.0.1. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** The password, as `redis-cli` and the example look for it. */
  readonly env = { REDISCLI_AUTH: "123456", REDIS_PASSWORD: "123456" };
  readonly #folder: string;
  #process: Deno.ChildProcess;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.#process = this.#spawn();
  }

  /** Resolves when it takes commands. */
  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await Deno.makeTempDir(), steadyPort());
    await server.#answers();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Sends it one command; resolves with the answer, as `redis-cli` prints it. */
  async command(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-e", "-p", String(this.port), ...words],
      env: this.env,
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    return decoder.decode(stdout).trim();
  }

  /** Ends it at once; what was in it is gone. */
  async kill(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
  }

  /** Starts it again where it was, with nothing in it. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.#answers();
  }

  /** From now on it keeps its connections, takes new ones, and answers nobody. */
  freeze(): void {
    this.#process.kill("SIGSTOP");
  }

  /** Ends a {@link freeze}. */
  thaw(): void {
    this.#process.kill("SIGCONT");
  }

  #spawn(): Deno.ChildProcess {
    return new Deno.Command("redis-server", {
      args: ["--bind", "127.0.0.1", "--port", String(this.port), "--dir", this.#folder]
        .concat("--requirepass", this.env.REDIS_PASSWORD, "--save", ""),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (true) {
      try {
        await this.command("PING");
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }
}
