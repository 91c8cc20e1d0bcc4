/**
 * Detects whether other programs used the cores during a measurement.
 *
 * @module
 */

import { waitedSeconds } from "../../tests/support/machine.ts";
import type { Cores } from "./pace.ts";

/** What the system has counted until a moment, in seconds. */
export interface CoreTimes {
  /** For each core, the time that programs used, without interrupts. */
  readonly programs: readonly number[];
  /** For each core, the time that the hypervisor gave to other machines. */
  readonly stolen: readonly number[];
}

/** What is known at the start of a measurement and at its end. */
export interface MachineState extends CoreTimes {
  /** In seconds, on any clock. */
  readonly at: number;
  /** How long the target was ready to run and had no core. It has one thread, so others had its core. */
  readonly targetWaited: number;
  /** Processor time of the client. */
  readonly client: number;
}

/** The share of a core that others may use in a measurement that counts as undisturbed. */
export const TOLERATED = 0.04;

/** Ticks per second in /proc/stat. */
const TICKS = 100;

/** Parses /proc/stat. */
export function coreTimes(text: string): CoreTimes {
  const programs: number[] = [];
  const stolen: number[] = [];
  for (const [, core, fields] of text.matchAll(/^cpu(\d+) +(.*)$/gm)) {
    const [user = 0, nice = 0, system = 0, _idle, _io, _irq, _soft, steal = 0] = fields!.split(" ")
      .map(Number);
    programs[Number(core)] = (user + nice + system) / TICKS;
    stolen[Number(core)] = steal / TICKS;
  }
  return { programs, stolen };
}

/** The state of the machine now. @param client processor time of the client in seconds. */
export async function machineState(targetPid: number, client: number): Promise<MachineState> {
  return {
    ...coreTimes(await Deno.readTextFile("/proc/stat")),
    at: performance.now() / 1000,
    targetWaited: waitedSeconds(targetPid),
    client,
  };
}

/**
 * The share of a core that others used: the largest of what the target had to wait for its core, of what
 * programs other than the client used of the client's core, and of the stolen time.
 */
export function disturbance(
  before: MachineState,
  after: MachineState,
  cores: Cores,
): number {
  const elapsed = after.at - before.at;
  const since = (value: (state: MachineState) => number): number => value(after) - value(before);
  const shares = [
    since(({ targetWaited }) => targetWaited),
    since(({ programs }) => programs[cores.client]!) - since(({ client }) => client),
    since(({ stolen }) => stolen[cores.target]!),
    since(({ stolen }) => stolen[cores.client]!),
  ].map((seconds) => seconds / elapsed);
  return Math.max(0, ...shares);
}
