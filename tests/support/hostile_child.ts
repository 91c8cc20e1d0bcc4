// A process that attacks its own master or worker: hostile_child.ts master|worker SEED FRAMES. It prints the
// outcome as JSON.
import { denoHost } from "../../src/core/host.ts";
import { AttackedMaster, AttackedWorker, HostileFrames, ofTheRun } from "./hostile.ts";

/** The outcome of an attack. */
export interface Outcome {
  /** The maximum growth of resident memory, in bytes. */
  readonly grownBytes: number;
  readonly connections: number;
  /** The duration. */
  readonly seconds: number;
  /** Whether a well-behaved peer is still served. */
  readonly isWell: boolean;
}

declare function gc(): void;

/** Frames per round. The first round warms up the process, and is not measured. */
const ROUND = 50_000;

async function outcome(part: string, seed: number, frames: number): Promise<Outcome> {
  const attacked = part === "master" ? new AttackedMaster() : new AttackedWorker();
  const hostile = new HostileFrames(seed, ofTheRun);
  const round = async (): Promise<number> => {
    for (const joins of [false, true]) {
      await attacked.attack({ frames: ROUND / 2, joins, hostile });
    }
    return memory();
  };
  const before = await round();
  const from = performance.now();
  let most = before;
  for (let left = frames; left > 0; left -= ROUND) most = Math.max(most, await round());
  const seconds = (performance.now() - from) / 1000;
  const { connections } = attacked;
  return { grownBytes: most - before, connections, seconds, isWell: await attacked.isWell() };
}

/** The resident memory after a garbage collection, which needs `--expose-gc`. */
function memory(): number {
  gc();
  return Deno.memoryUsage().rss;
}

if (import.meta.main) {
  const host = denoHost();
  const [part, seed, frames] = host.args;
  host.stdout.write(JSON.stringify(await outcome(part!, Number(seed), Number(frames))));
  host.exit(0);
}
