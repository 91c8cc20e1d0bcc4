/**
 * Counts the instructions of a process with `perf stat`, which does not depend on how fast the machine is.
 *
 * @module
 */

import { isInstalled } from "./process.ts";

/** A count that has begun. */
export interface InstructionCount {
  /** Ends it. Resolves with the instructions since its start; `null` if they cannot be counted. */
  stop(): Promise<number | null>;
}

let isCountable: Promise<boolean> | null = null;

/** Starts to count the instructions of a process; `null` if this machine cannot. */
export async function startInstructionCount(pid: number): Promise<InstructionCount | null> {
  isCountable ??= canCount();
  if (!await isCountable) return null;
  const child = perfStat(["-p", String(pid)]).spawn();
  return {
    stop: async () => {
      child.kill("SIGINT");
      return instructionsIn(new TextDecoder().decode((await child.output()).stderr));
    },
  };
}

/** Most virtual machines have no counters. */
async function canCount(): Promise<boolean> {
  if (!await isInstalled("perf")) return false;
  const { stderr } = await perfStat(["true"]).output();
  return instructionsIn(new TextDecoder().decode(stderr)) !== null;
}

function perfStat(args: readonly string[]): Deno.Command {
  return new Deno.Command("perf", {
    args: ["stat", "-x,", "-e", "instructions:u", ...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
}

/** The count in the output of `perf stat -x,`; `null` if the machine cannot count. */
export function instructionsIn(output: string): number | null {
  const count = /^(\d+),[^,]*,instructions/m.exec(output)?.[1];
  return count === undefined ? null : Number(count);
}
