/**
 * This same program, started once more: how a machine gets a process for each of its cores.
 *
 * A child holds the reading end of a pipe whose other end only its parent has. However the parent goes,
 * the system closes that end, and the child sees it.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { systemClock } from "./clock.ts";

/** Another process of this program. */
export interface Child {
  readonly pid: number;
  /** Resolves with its exit code, when its last line has been read; a signal n counts as 128 + n. */
  readonly ended: Promise<number>;
  /** Sends it a signal; one that has ended is left alone. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** How a child is started. */
export interface ChildOptions {
  /** Added to this process's environment, of which the child gets no `AIOTEST_…` variable. */
  readonly env: Readonly<Record<string, string>>;
  /** Gets each line that the child prints, on whichever stream; must not throw. */
  readonly onLine: (text: string) => void;
}

/** The process that a child is started from. */
export interface ParentProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The variable that tells a child that its standard input is the pipe to its parent. No flag of a test
 * file has a variable of such a name.
 */
export const CHILD_VARIABLE = "AIOTEST__CHILD";

/** Starts this program with other arguments. */
export function spawnSelf(
  parent: ParentProcess,
  args: readonly string[],
  { env, onLine }: ChildOptions,
): Child {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ownArguments(parent.args.length), ...args],
    clearEnv: true,
    env: { ...withoutOurs(parent.env), ...env, [CHILD_VARIABLE]: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Nothing is ever written to it, but it must stay open as long as this process lives.
  const { pid, stdin } = child;
  const outputs = [new LineReader(child.stdout, onLine), new LineReader(child.stderr, onLine)];
  const end = async (): Promise<number> => {
    const { code } = await child.status;
    await Promise.all([stdin.close().catch(() => {}), ...outputs.map((output) => output.end())]);
    return code;
  };
  return {
    pid,
    ended: end(),
    kill(signal): void {
      try {
        child.kill(signal);
      } catch {
        // It has ended, and nobody minds.
      }
    },
  };
}

/**
 * In a child: calls `handler` when the parent is gone, until the function returned is called. It sees
 * nothing while the child's own code blocks the process.
 */
export function onStdinEnd(handler: () => void): () => void {
  let watched = true;
  const watch = async (): Promise<void> => {
    const bytes = new Uint8Array(64);
    try {
      while (await Deno.stdin.read(bytes) !== null);
    } catch {
      // A pipe that cannot be read has nobody at its other end.
    }
    if (watched) handler();
  };
  void watch();
  return () => {
    watched = false;
  };
}

/** What stands between the runtime's name and the arguments of the program. */
function ownArguments(argumentCount: number): readonly string[] {
  if (Deno.build.standalone) return [];
  const main = Deno.mainModule.startsWith("file:")
    ? fileURLToPath(Deno.mainModule)
    : Deno.mainModule;
  return [...runtimeArguments(argumentCount), main];
}

/** Permissions, V8's flags, certificates and whatever else this process has been started with. */
function runtimeArguments(argumentCount: number): readonly string[] {
  // Elsewhere nobody tells; then V8's flags are missing, which only save memory.
  if (Deno.build.os !== "linux") return ["run", "-A"];
  // Each argument ends with a zero byte. Behind the runtime's arguments come the script and its own.
  const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  return words.slice(1, words.length - argumentCount - 1);
}

function withoutOurs(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("AIOTEST_")));
}

/** A line that is longer comes in pieces: nobody reads it, and it must not fill the memory. */
const LONGEST_LINE = 65_536;

/** A process that the child has left behind may hold its output open for ever. */
const LEFT_OPEN_MS = 500;

/** Text that comes in over a stream, line by line. */
class LineReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #onLine: (text: string) => void;
  readonly #done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, onLine: (text: string) => void) {
    this.#reader = stream.getReader();
    this.#onLine = onLine;
    this.#done = this.#read();
  }

  /** Resolves when all has been read that the process has written, which has ended. */
  async end(): Promise<void> {
    const timer = systemClock.setTimer(() => void this.#reader.cancel(), LEFT_OPEN_MS);
    await this.#done;
    systemClock.clearTimer(timer);
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { value, done } = await this.#reader.read();
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#onLine(line.replace(/\r$/, ""));
      if (rest.length > LONGEST_LINE || (done && rest !== "")) {
        this.#onLine(rest);
        rest = "";
      }
      if (done) return;
    }
  }
}
