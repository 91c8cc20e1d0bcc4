/**
 * Whether memory grows: FastHttpUser at full speed against nginx, its resident memory read every
 * second. `deno task bench soak [--minutes N] [--users N]`; of 10 minutes, it is the second that is
 * compared with the last.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { memoryOf } from "../tests/support/machine.ts";
import { positive } from "./support/arguments.ts";
import { aiotestArgs } from "./support/contender.ts";
import { startNginx } from "./support/nginx.ts";
import { sleep, startPinned } from "./support/process.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;

/** What is compared at the start and at the end, as a share of the run. */
const PART = 0.1;

/** By how much the end may differ from the start. */
const GOAL = 0.05;

/** Seconds that the users still run when the last sample has been taken. */
const MARGIN_SECONDS = 2;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** Bytes that are resident, second by second. */
async function soak(users: number, seconds: number): Promise<number[]> {
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, TARGET_CORE);
  const samples: number[] = [];
  try {
    const url = nginx.url("get", false);
    const told = seconds + MARGIN_SECONDS;
    const load = { url, exchange: "get", connections: users, seconds: told, folder } as const;
    const child = startPinned(
      CLIENT_CORE,
      Deno.execPath(),
      aiotestArgs("fast_http_user_test.ts", load),
    );
    const start = performance.now();
    while (child.running && samples.length < seconds) {
      // By the clock, since a sample takes time as well.
      await sleep(Math.max(0, samples.length + 1 - (performance.now() - start) / 1000));
      if (child.running) samples.push((await memoryOf(child.pid)).resident);
    }
    const { code, printed } = await child.ended;
    if (code !== 0) throw new Error(`aiotest exited with ${code}: ${printed.stderr}`);
    say(`${await nginx.served()} requests`);
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  return samples;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const { values } = parseArgs({
  args: [...args],
  options: {
    minutes: { type: "string", default: "10" },
    users: { type: "string", default: "64" },
  },
});
const users = Math.ceil(positive("users", values.users));
const samples = await soak(users, Math.ceil(positive("minutes", values.minutes) * 60));
const part = Math.ceil(samples.length * PART);
const early = mean(samples.slice(part, 2 * part));
const late = mean(samples.slice(-part));
const growth = late / early - 1;
say(
  `${users} users for ${samples.length} s: ${(early / 1e6).toFixed(1)} MB in the second tenth, ` +
    `${(late / 1e6).toFixed(1)} MB in the last one: ${(growth * 100).toFixed(1)} % ` +
    `(goal: within ${GOAL * 100} %: ${Math.abs(growth) <= GOAL ? "met" : "MISSED"})`,
);
Deno.exit(0);
