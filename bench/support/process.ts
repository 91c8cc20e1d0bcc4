/**
 * Other processes: pinned to a core, and what the system says of them.
 *
 * @module
 */

import type { Printed } from "./contender.ts";

/** A process under way. */
export interface Pinned {
  readonly pid: number;
  /** Whether it has not ended yet. */
  readonly running: boolean;
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number; readonly printed: Printed }>;
  /** Ends it at once; nothing where it has ended already. */
  kill(): void;
}

/** Starts a program on one core. */
export function startPinned(core: number, program: string, args: readonly string[]): Pinned {
  const child = new Deno.Command("taskset", {
    args: ["-c", String(core), program, ...args],
    env: { NO_COLOR: "1" },
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

/** Ticks of /proc's clock in a second: the same on every Linux that Deno runs on. */
const TICKS = 100;

/** Seconds of processor time that a process has used. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The program's name is in brackets and may hold blanks; utime and stime are the 12th and 13th after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Bytes that a process has in memory. */
export interface Memory {
  readonly resident: number;
  /** The most that it has had so far. */
  readonly peak: number;
}

/** What a process has in memory now. */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)![1]) * 1024;
  return { resident: bytes("VmRSS"), peak: bytes("VmHWM") };
}

/** Whether a program is on PATH, or is a path that can be run. */
export async function isInstalled(program: string): Promise<boolean> {
  const found = await new Deno.Command("which", { args: [program], stdout: "null" }).output();
  return found.success;
}

/** Resolves after so many seconds. */
export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
