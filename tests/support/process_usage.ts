/**
 * What Linux says of a process.
 *
 * @module
 */

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

/**
 * Seconds that the first thread of a process, the one that runs its code, was ready to run and had no
 * core: what it is late by because others were busy. Null: the thread that asks.
 */
export function waitedSeconds(pid: number | null): number {
  // Not by a thread of the runtime that waits for files.
  const text = Deno.readTextFileSync(`/proc/${pid ?? "thread-self"}/schedstat`);
  return Number(text.split(" ")[1]) / 1e9;
}
