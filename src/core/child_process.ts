/**
 * Starts this program again as a child process, so that a machine can run one process per core.
 *
 * The standard input of a child is a pipe whose other end only the parent holds. However the parent ends,
 * the system closes that end and the child notices.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { systemClock } from "./clock.ts";
import { aboutThisProcess } from "./files.ts";

/** How a child has ended. */
export interface ChildEnd {
  /** The exit code. For signal n, it is 128 + n. */
  readonly code: number;
  /** The name of the signal that ended it, such as `SIGKILL`; `null` if it has exited. */
  readonly signal: string | null;
  /** Whether the system has killed a process for lack of memory, this one or another, while this one ran. */
  readonly memoryRanOut: boolean;
}

/** A child process that runs this program. */
export interface Child {
  readonly pid: number;
  /** Resolves once the last line has been read. */
  readonly ended: Promise<ChildEnd>;
  /** Sends a signal; does nothing if the child has ended. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** How to start a child. */
export interface ChildOptions {
  /** Added to this process's environment. The child inherits no other `AIOTEST_…` variable. */
  readonly env: Readonly<Record<string, string>>;
  /** Receives each line that the child prints on either stream; must not throw. */
  readonly onLine: (text: string) => void;
}

/** Arguments and environment of the process that starts a child. */
export interface ParentProcess {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Tells a child that its standard input is the pipe to its parent. The two underscores keep the name
 * apart from the variables of test files' own flags.
 */
export const CHILD_VARIABLE = "AIOTEST__CHILD";

/** Starts this program with other arguments and the same runtime flags. */
export function spawnSelf(
  parent: ParentProcess,
  args: readonly string[],
  { env, onLine }: ChildOptions,
): Child {
  const killsBefore = outOfMemoryKills();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ownArguments(parent.args.length), ...args],
    clearEnv: true,
    env: { ...withoutOwnVariables(parent.env), ...env, [CHILD_VARIABLE]: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Nothing is written to it, but it must stay open as long as this process lives.
  const { pid, stdin } = child;
  const outputs = [new LineReader(child.stdout, onLine), new LineReader(child.stderr, onLine)];
  const end = async (): Promise<ChildEnd> => {
    const { code, signal } = await child.status;
    const memoryRanOut = outOfMemoryKills() > killsBefore;
    await Promise.all([stdin.close().catch(() => {}), ...outputs.map((output) => output.end())]);
    return { code, signal, memoryRanOut };
  };
  return {
    pid,
    ended: end(),
    kill(signal): void {
      try {
        child.kill(signal);
      } catch {
        // The child has ended.
      }
    },
  };
}

/** How many processes the system has killed for lack of memory since it was started; 0 if that is unknown. */
function outOfMemoryKills(): number {
  if (Deno.build.os !== "linux") return 0;
  try {
    return Number(/^oom_kill (\d+)$/m.exec(Deno.readTextFileSync("/proc/vmstat"))?.[1] ?? 0);
  } catch {
    // Without permission, or where the file is hidden.
    return 0;
  }
}

/**
 * In a child: calls `handler` when the parent has ended. Call the returned function to stop watching.
 * While code blocks the event loop of the child, nothing is noticed.
 */
export function onStdinEnd(handler: () => void): () => void {
  let watched = true;
  const watch = async (): Promise<void> => {
    const bytes = new Uint8Array(64);
    try {
      while (await Deno.stdin.read(bytes) !== null);
    } catch {
      // If the pipe cannot be read, its other end is closed.
    }
    if (watched) handler();
  };
  void watch();
  return () => {
    watched = false;
  };
}

/** The arguments between the runtime's name and those of the program. */
function ownArguments(argumentCount: number): readonly string[] {
  if (Deno.build.standalone) return [];
  const main = Deno.mainModule.startsWith("file:")
    ? fileURLToPath(Deno.mainModule)
    : Deno.mainModule;
  return [...runtimeArguments(argumentCount), main];
}

/** The runtime's own arguments: permissions, V8 flags, certificates. */
function runtimeArguments(argumentCount: number): readonly string[] {
  const line = aboutThisProcess("cmdline");
  if (line === null) {
    // If it is not known, V8's flags are missing, which only save memory.
    const mayCallLibraries = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
    return ["run", "-A", ...(mayCallLibraries ? [] : ["--deny-ffi"])];
  }
  // Each argument ends with a zero byte. The script and its arguments follow those of the runtime.
  const words = line.split("\0").slice(0, -1);
  return words.slice(1, words.length - argumentCount - 1);
}

function withoutOwnVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("AIOTEST_")));
}

/** Longer lines are reported in pieces, so that they do not fill the memory. */
const MAX_LINE = 65_536;

/** A process that the child left behind can hold its output open forever. */
const LEFT_OPEN_MS = 500;

/** Reports the text of a stream line by line. */
class LineReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #onLine: (text: string) => void;
  readonly #done: Promise<void>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, onLine: (text: string) => void) {
    this.#reader = stream.getReader();
    this.#onLine = onLine;
    this.#done = this.#read();
  }

  /** Call this when the process has ended; resolves once all of its output has been read. */
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
      if (rest.length > MAX_LINE || (done && rest !== "")) {
        this.#onLine(rest);
        rest = "";
      }
      if (done) return;
    }
  }
}
