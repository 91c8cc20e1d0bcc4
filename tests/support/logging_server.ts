import assert from "node:assert/strict";

/** Waiting for a line takes no longer than this. */
const LIMIT_MS = 30_000;

/** What {@link LoggingServer} starts. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The signal that ends it. Default: `SIGTERM`. */
  readonly stopSignal?: Deno.Signal;
}

/** A server of another project, as a child process, that logs what it does on standard error. */
export class LoggingServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stopSignal: Deno.Signal;
  readonly #collected: Promise<void>;
  readonly #watchers = new Set<() => void>();
  #log = "";
  #hasEnded = false;

  private constructor({ program, args, env = {}, stopSignal = "SIGTERM" }: ServerCommand) {
    this.#stopSignal = stopSignal;
    this.#child = new Deno.Command(program, {
      args: [...args],
      env: { ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#collected = this.#collect();
  }

  /** Resolves when its log contains a text, which says that it is ready. */
  static async start(command: ServerCommand, ready: string): Promise<LoggingServer> {
    const server = new LoggingServer(command);
    try {
      await server.#says(ready);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Ends it, and resolves with all that it has logged. */
  async stop(): Promise<string> {
    try {
      this.#child.kill(this.#stopSignal);
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#collected;
    return this.#log;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #collect(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#log += text;
      for (const watcher of this.#watchers) watcher();
    }
    this.#hasEnded = true;
    for (const watcher of this.#watchers) watcher();
  }

  async #says(text: string): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LIMIT_MS);
    const said = Promise.withResolvers<void>();
    const look = (): void => {
      if (this.#log.includes(text) || this.#hasEnded) said.resolve();
    };
    this.#watchers.add(look);
    look();
    await Promise.race([said.promise, late.promise]);
    clearTimeout(timer);
    this.#watchers.delete(look);
    assert.ok(this.#log.includes(text), `it did not log "${text}":\n${this.#log}`);
  }
}
