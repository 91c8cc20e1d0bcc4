/**
 * Compares the cost of a request with another revision: FastHttpUser against nginx, in turns.
 *
 * @module
 */

import { ratioOf, ratioText, runPairs } from "./checkouts.ts";
import { median } from "./comparison.ts";
import { CONTENDERS } from "./contender.ts";
import { type Finding, finding, note } from "./finding.ts";
import { startNginx } from "./nginx.ts";
import type { Cores } from "./pace.ts";
import { SCENARIOS } from "./scenario.ts";

/** What to compare. */
export interface OverheadOptions {
  readonly cores: Cores;
  /** A revision of git. */
  readonly before: string;
  readonly pairs: number;
  /** Seconds of each run in which requests are counted. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

/** The allowed increase in cost, as a share. */
const GOAL = 0.03;

/** Compares the processor time per request, and the rate. */
export async function overheadFindings(options: OverheadOptions): Promise<Finding[]> {
  const { cores, before, pairs, seconds, say } = options;
  const scenario = SCENARIOS.find(({ name }) => name === "get-64")!;
  const folder = await Deno.makeTempDir();
  const then = `${folder}/tree`;
  await unpack(before, then);
  const nginx = await startNginx(folder, cores.target);
  try {
    const runs = await runPairs(CONTENDERS.FastHttpUser, nginx, scenario, {
      ...{ base: then, pairs, seconds, cores },
      onPair: ({ base, now }, number) =>
        say(
          `      pair ${number}: ${base.cpuMicroseconds.toFixed(2)} µs at ${before}, ` +
            `${now.cpuMicroseconds.toFixed(2)} µs now`,
        ),
    });
    const ratio = ratioOf(runs, (run) => run.cpuMicroseconds);
    return [
      finding(
        `processor time for a request, beside ${before}`,
        `${ratioText(ratio)} times as much`,
        `${1 + GOAL} times at most`,
        ratio.median <= 1 + GOAL,
      ),
      note(
        "requests per second",
        `${median(runs.map(({ now }) => now.rate)).toFixed(0)}, ` +
          `${median(runs.map(({ base }) => base.rate)).toFixed(0)} then`,
      ),
    ];
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Checks out a revision into a folder. */
async function unpack(revision: string, folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const archive = `${folder}.tar`;
  await done("git", ["archive", "-o", archive, revision]);
  await done("tar", ["-xf", archive, "-C", folder]);
}

async function done(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
