// A process that is attacked: hostile_child.ts master|worker SEED FRAMES; says what came of it as JSON.
import { denoHost } from "../../src/core/host.ts";
import { AttackedMaster, AttackedWorker, HostileFrames, ofTheRun } from "./hostile.ts";

/** What an attacked process says at its end. */
export interface Outcome {
  /** How many bytes more than at its beginning it had in memory, at most. */
  readonly grownBytes: number;
  readonly connections: number;
  /** Seconds that it took. */
  readonly seconds: number;
  /** Whether a peer that is as it should be is served as ever. */
  readonly isWell: boolean;
}

declare function gc(): void;

/** Frames of a round; before the first one that counts there is another, for what any process takes. */
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

/** Without what nobody holds any more; that needs `--expose-gc`. */
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
