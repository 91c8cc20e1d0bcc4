/**
 * Measures the cost of distribution: the same users on the same cores, as two workers of a master and as two
 * separate runs.
 *
 * @module
 */

import { aiotestArgs } from "./contender.ts";
import { untilConnected } from "./measurement.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { type Pinned, sleep, startPinned } from "./process.ts";

/** Requests per second of each run. */
export interface Sharing {
  readonly distributed: readonly number[];
  readonly separate: readonly number[];
}

/** Options of the measurement. */
export interface SharingOptions {
  readonly runs: number;
  /** Seconds in which requests are counted. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

const CORES = [0, 1];
const TARGET_CORE = 0;
const USERS = 64;
const WARM_UP_SECONDS = 1.5;
/** Seconds that both run in addition to the measurement, as they do not start at the same moment. */
const MARGIN_SECONDS = 2;

/** Measures both in turns. */
export async function compareSharing({ runs, seconds, say }: SharingOptions): Promise<Sharing> {
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, TARGET_CORE);
  const distributed: number[] = [];
  const separate: number[] = [];
  try {
    for (let run = 1; run <= runs; run++) {
      separate.push(
        await rateOf(nginx, seconds, await Promise.all([1, 2].map((n) => start(`${n}`, 2, [])))),
      );
      distributed.push(
        await rateOf(nginx, seconds, [await start("all", 1, ["--processes", "2"])]),
      );
      const [one, other] = [separate.at(-1)!, distributed.at(-1)!].map((rate) => rate.toFixed(0));
      say(`run ${run}: two runs ${one} requests/s, two workers of a master ${other}`);
    }
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  return { distributed, separate };

  async function start(name: string, share: number, more: readonly string[]): Promise<Pinned> {
    const own = `${folder}/${name}`;
    await Deno.mkdir(own, { recursive: true });
    const load = {
      url: nginx.url("get", false),
      exchange: "get",
      connections: USERS / share,
      seconds: Math.ceil(WARM_UP_SECONDS + seconds + MARGIN_SECONDS),
      folder: own,
    } as const;
    const args = [...aiotestArgs("fast_http_user_test.ts", load), ...more];
    return startPinned(CORES, Deno.execPath(), args);
  }
}

async function rateOf(nginx: Nginx, seconds: number, processes: Pinned[]): Promise<number> {
  const all = {
    get running(): boolean {
      return processes.every(({ running }) => running);
    },
  };
  try {
    await untilConnected(all, nginx, USERS);
    await sleep(WARM_UP_SECONDS);
    const from = { at: performance.now(), served: await nginx.served() };
    await sleep(seconds);
    const rate = (await nginx.served() - from.served) * 1000 / (performance.now() - from.at);
    if (!all.running) throw new Error("a process ended too early");
    for (const { ended } of processes) {
      const { code, printed } = await ended;
      if (code !== 0) throw new Error(`aiotest exited with ${code}: ${printed.stderr}`);
    }
    return rate;
  } finally {
    for (const one of processes) one.kill();
  }
}
