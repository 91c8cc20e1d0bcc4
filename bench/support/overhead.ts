/**
 * Compares the cost of a request with another revision: FastHttpUser against nginx, in turns.
 *
 * @module
 */

import { median } from "./comparison.ts";
import { type Contender, CONTENDERS } from "./contender.ts";
import { type Finding, finding, note } from "./finding.ts";
import { measure } from "./measurement.ts";
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
  const costs = { then: [] as number[], now: [] as number[] };
  const rates = { then: [] as number[], now: [] as number[] };
  try {
    for (let pair = 1; pair <= pairs; pair++) {
      // The order alternates, so that a slow drift of the machine affects both.
      const order = pair % 2 === 0 ? ["now", "then"] as const : ["then", "now"] as const;
      for (const which of order) {
        const contender = which === "then" ? inTree(then) : CONTENDERS.FastHttpUser;
        const measured = await measure(contender, nginx, scenario, { seconds, core: cores.client });
        costs[which].push(measured.cpuMicroseconds);
        rates[which].push(measured.rate);
      }
      say(
        `      pair ${pair}: ${costs.then.at(-1)!.toFixed(2)} µs at ${before}, ` +
          `${costs.now.at(-1)!.toFixed(2)} µs now`,
      );
    }
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  const ratio = median(costs.now.map((cost, at) => cost / costs.then[at]!));
  return [
    finding(
      `processor time for a request, beside ${before}`,
      `${median(costs.now).toFixed(2)} µs, ${median(costs.then).toFixed(2)} µs then; ` +
        `${ratio.toFixed(3)} times as much in the median pair`,
      `${1 + GOAL} times at most`,
      ratio <= 1 + GOAL,
    ),
    note(
      "requests per second",
      `${median(rates.now).toFixed(0)}, ${median(rates.then).toFixed(0)} then`,
    ),
  ];
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

/** FastHttpUser of another checkout. */
function inTree(root: string): Contender {
  const { FastHttpUser } = CONTENDERS;
  return {
    ...FastHttpUser,
    args: (load) =>
      FastHttpUser.args(load).map((arg) =>
        arg === "cli.ts" || arg.startsWith("bench/support/") ? `${root}/${arg}` : arg
      ),
  };
}
