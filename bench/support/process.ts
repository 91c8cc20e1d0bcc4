/**
 * Processes that are pinned to cores.
 *
 * @module
 */

import type { Printed } from "./contender.ts";

/** A running process. */
export interface Pinned {
  readonly pid: number;
  /** Whether it has not ended yet. */
  readonly running: boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number; readonly printed: Printed }>;
  /** Kills it, unless it has ended. */
  kill(): void;
}

/** Starts a program on one core or several. */
export function startPinned(
  cores: number | readonly number[],
  program: string,
  args: readonly string[],
): Pinned {
  const child = new Deno.Command("taskset", {
    args: ["-c", [cores].flat().join(","), program, ...args],
    // In CI, no history is kept. Earlier versions, which are compared with, do not know --no-history.
    env: { NO_COLOR: "1", AIOTEST_NO_WEB: "1", CI: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let running = true;
  const ended = child.output().then(({ code, stdout, stderr }) => {
    running = false;
    const decoder = new TextDecoder();
    return { code, printed: { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) } };
  });
  return {
    pid: child.pid,
    get running(): boolean {
      return running;
    },
    ended,
    kill(): void {
      if (running) child.kill("SIGKILL");
    },
  };
}

/** Whether a program is on PATH, or is the path of an executable. */
export async function isInstalled(program: string): Promise<boolean> {
  const found = await new Deno.Command("which", { args: [program], stdout: "null" }).output();
  return found.success;
}

/** Pins all threads of a running process to a core. */
export async function pin(pid: number, core: number): Promise<void> {
  const args = ["-a", "-c", "-p", String(core), String(pid)];
  const { success } = await new Deno.Command("taskset", { args, stdout: "null" }).output();
  if (!success) throw new Error(`process ${pid} cannot be pinned to core ${core}`);
}

/** Resolves after this many seconds. */
export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
