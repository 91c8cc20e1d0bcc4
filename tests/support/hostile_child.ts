// A process that is attacked: hostile_child.ts master|worker SEED FRAMES; says what came of it as JSON.
import { denoHost } from "../../src/core/host.ts";
import { HostileFrames } from "./hostile_frames.ts";
import { AttackedMaster, AttackedWorker, ofTheRun } from "./hostile_peers.ts";

/** What an attacked process says at its end. */
export interface Outcome {
  /** Bytes in memory before the attack and at its end, when it had been attacked a little. */
  readonly memory: readonly [before: number, after: number];
  readonly connections: number;
  /** Seconds that it took. */
  readonly seconds: number;
  /** Whether a peer that is as it should be is served as ever. */
  readonly isWell: boolean;
}

declare function gc(): void;

/** Memory that any process takes is taken after so many. */
const FIRST_FRAMES = 20_000;

async function outcome(part: string, seed: number, frames: number): Promise<Outcome> {
  const attacked = part === "master" ? new AttackedMaster() : new AttackedWorker();
  const hostile = new HostileFrames(seed, ofTheRun);
  await attacked.attack({ frames: FIRST_FRAMES, greeted: true, hostile });
  const before = memory();
  const from = performance.now();
  for (const greeted of [false, true]) {
    await attacked.attack({ frames: frames / 2, greeted, hostile });
  }
  const seconds = (performance.now() - from) / 1000;
  const after = memory();
  const { connections } = attacked;
  return { memory: [before, after], connections, seconds, isWell: await attacked.isWell() };
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
}
