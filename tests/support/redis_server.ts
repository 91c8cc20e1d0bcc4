import assert from "node:assert/strict";
import { sleep } from "./timing.ts";
import { steadyPort } from "./machine.ts";

/** How long a server may take to answer. */
const START_LIMIT_MS = 10_000;

/** An empty Redis with a password for a test, on 127.0.0.1. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** The password, in the variables that `redis-cli` and the example read. */
  readonly env = { REDISCLI_AUTH: "123456", REDIS_PASSWORD: "123456" };
  readonly #folder: string;
  #process: Deno.ChildProcess;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    this.#process = this.#spawn();
  }

  /** Resolves when it accepts commands. */
  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await Deno.makeTempDir(), steadyPort());
    await server.#answers();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  /** Sends a command; resolves with the answer as `redis-cli` prints it. */
  async command(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-e", "-p", String(this.port), ...words],
      env: this.env,
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    return decoder.decode(stdout).trim();
  }

  /** Kills it; its data is lost. */
  async kill(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
  }

  /** Starts it again on the same port, without data. */
  async restart(): Promise<void> {
    this.#process = this.#spawn();
    await this.#answers();
  }

  /** Suspends it: it keeps and accepts connections, but does not answer. */
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
