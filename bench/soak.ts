/**
 * Checks that memory does not grow. FastHttpUser runs at full speed against nginx, and its resident memory is
 * read every second. Of 10 minutes, the second is compared with the last. `deno task bench soak
 * [--minutes N] [--users N]`
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

/** The share of the run that is compared at its start and at its end. */
const PART = 0.1;

/** The allowed growth, as a share. */
const GOAL = 0.05;

/** Seconds that the users continue to run after the last sample. */
const MARGIN_SECONDS = 2;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** The resident memory in bytes, second by second. */
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
      // Until the next full second, as taking a sample needs time as well.
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
