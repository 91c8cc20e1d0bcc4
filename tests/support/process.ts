import { projectPath } from "./paths.ts";

/** The result of a command. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How aiotest is started. */
export interface StartOptions {
  readonly cwd?: string;
  /**
   * Without `AIOTEST_NO_WEB`, it serves no dashboard: tests run at once, and there is one port. Without
   * `AIOTEST_NO_HISTORY`, it keeps no summaries: many run in the directory of the project.
   */
  readonly env?: Record<string, string>;
  /** An executable to start instead of the sources; it gets nothing of this process's environment. */
  readonly executable?: string;
  /** Whether it leads its own process group, like a command in a terminal. */
  readonly detached?: boolean;
  /** Flags of the runtime, such as `--deny-ffi`. Only from the sources. */
  readonly denoFlags?: readonly string[];
  /** Whether the runtime says nothing of its own, which is the default. Only from the sources. */
  readonly isQuiet?: boolean;
  /** The limit of open files; by default, that of this process. Not on Windows. */
  readonly openFiles?: number;
}

/** A running command. */
export interface Started {
  readonly finished: Promise<Finished>;
  readonly pid: number;
  kill(signal: Deno.Signal): void;
  /** Resolves when the text is on stdout or stderr; rejects if the command ends before, or after a minute. */
  says(text: string): Promise<void>;
  /** Like {@link says}, for a pattern; resolves with the text of its first group. */
  tells(pattern: RegExp): Promise<string>;
}

const CLI = projectPath("cli.ts");

/** Waiting for an output takes no longer than this. */
const LIMIT_MS = 60_000;

/** Starts the real command line in a separate process. */
export function startAiotest(args: readonly string[], options: StartOptions = {}): Started {
  const { executable, denoFlags = [], isQuiet = true, openFiles } = options;
  const quiet = isQuiet ? ["--quiet"] : [];
  const command = executable === undefined
    ? [Deno.execPath(), "run", "-A", ...quiet, ...denoFlags, CLI, ...args]
    : [executable, ...args];
  const [program, ...words] = openFiles === undefined
    ? command
    : ["sh", "-c", 'ulimit -n "$0"; exec "$@"', String(openFiles), ...command];
  const child = new Deno.Command(program!, {
    args: words,
    cwd: options.cwd,
    clearEnv: executable !== undefined,
    env: { NO_COLOR: "1", AIOTEST_NO_WEB: "1", AIOTEST_NO_HISTORY: "1", ...options.env },
    detached: options.detached ?? false,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const watchers = new Set<() => void>();
  const collected = { stdout: "", stderr: "", ended: false };
  const collect = async (name: "stdout" | "stderr"): Promise<void> => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      collected[name] += text;
      for (const watcher of watchers) watcher();
    }
  };
  const finished = (async (): Promise<Finished> => {
    const [{ code }] = await Promise.all([child.status, collect("stdout"), collect("stderr")]);
    collected.ended = true;
    for (const watcher of watchers) watcher();
    return { code, stdout: collected.stdout, stderr: collected.stderr };
  })();
  const wait = <T>(wanted: string, find: (all: string) => T | null): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = (isLate: boolean): void => {
        const all = collected.stdout + collected.stderr;
        const found = find(all);
        if (found !== null) resolve(found);
        else if (collected.ended) reject(new Error(`ended without saying "${wanted}":\n${all}`));
        else if (isLate) reject(new Error(`did not say "${wanted}" in time:\n${all}`));
        else return;
        clearTimeout(timer);
        watchers.delete(watch);
      };
      const watch = (): void => look(false);
      const timer = setTimeout(() => look(true), LIMIT_MS);
      watchers.add(watch);
      watch();
    });
  return {
    finished,
    pid: child.pid,
    kill: (signal) => child.kill(signal),
    says: async (text) => void await wait(text, (all) => all.includes(text) || null),
    tells: (pattern) => wait(pattern.source, (all) => pattern.exec(all)?.[1] ?? null),
  };
}

/** Runs the real command line to its end. */
export function runAiotest(
  args: readonly string[],
  options: StartOptions = {},
): Promise<Finished> {
  return startAiotest(args, options).finished;
}
