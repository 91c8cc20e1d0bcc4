/**
 * The machine that the tests run on: its tools and ports, and what Linux knows about processes.
 *
 * @module
 */

import assert from "node:assert/strict";

/**
 * Whether a test must be skipped because a program is not installed. With `AIOTEST_REQUIRE=all`, as in CI,
 * no test is skipped, so it fails instead. `AIOTEST_REQUIRE=tools` is the same, except for tests of the
 * executable, which cannot be made on every machine.
 */
export function isMissing(program: string): boolean {
  if (["all", "tools"].includes(Deno.env.get("AIOTEST_REQUIRE") ?? "")) return false;
  const { success } = new Deno.Command("which", { args: [program], stdout: "null" }).outputSync();
  return !success;
}

/** Below the ephemeral ports of Linux, macOS and Windows. */
const FIRST = 20_000;
const LAST = 29_999;

/**
 * A free port that is not ephemeral. A server can close it and open it again later; the system could
 * meanwhile use an ephemeral port, as port 0 gives it, for a connection.
 */
export function steadyPort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`none of 100 ports from ${FIRST} to ${LAST} is free`);
}

/** Ticks per second of the clock in /proc, on every Linux that Deno runs on. */
const TICKS = 100;

/** Seconds of processor time that a process has used. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name in brackets may contain spaces. utime and stime are the 12th and 13th fields after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The memory of a process, in bytes. */
export interface Memory {
  readonly resident: number;
  /** The maximum so far. */
  readonly peak: number;
}

/** The memory that a process uses now. */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)![1]) * 1024;
  return { resident: bytes("VmRSS"), peak: bytes("VmHWM") };
}

/**
 * How long the main thread of a process was ready to run but had no core, in seconds: the delay that other
 * processes have caused.
 *
 * @param pid null for the calling thread.
 */
export function waitedSeconds(pid: number | null): number {
  // Synchronously, as an asynchronous read would run on another thread.
  const text = Deno.readTextFileSync(`/proc/${pid ?? "thread-self"}/schedstat`);
  return Number(text.split(" ")[1]) / 1e9;
}

/** The running child processes of a process. */
export function childrenOf(pid: number): number[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return text.trim() === "" ? [] : text.trim().split(" ").map(Number);
}

/** Resolves when none of these processes runs any more; rejects if one still does after `withinMs`. */
export async function allGone(pids: readonly number[], withinMs: number): Promise<void> {
  for (const end = Date.now() + withinMs;;) {
    const left = pids.filter(isAlive);
    if (left.length === 0) return;
    assert.ok(Date.now() < end, `${left} still running after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended remains a zombie until its parent waits for it.
    return !/^State:\s+[ZX]/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
