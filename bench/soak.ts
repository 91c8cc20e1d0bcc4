/**
 * Checks that nothing leaks and nothing is lost: FastHttpUser runs at full speed against nginx, and its
 * resident memory and its file descriptors are counted every second. The second tenth of the run is compared
 * with the last, and its count of requests with that of nginx.
 * `deno task bench soak [--minutes N] [--users N]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { memoryOf } from "../tests/support/machine.ts";
import { positive } from "./support/arguments.ts";
import { aiotestArgs } from "./support/contender.ts";
import { type Finding, finding, findingText, note, percentText } from "./support/finding.ts";
import { type Growth, growthOf } from "./support/growth.ts";
import { startNginx } from "./support/nginx.ts";
import { sleep, startPinned } from "./support/process.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;

/** The allowed growth of memory, as a share. */
const GOAL = 0.05;

/** Seconds that the users continue to run after the last sample. */
const MARGIN_SECONDS = 2;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

interface Soak {
  /** The resident memory in bytes, second by second. */
  readonly memory: readonly number[];
  /** The number of open file descriptors, second by second. */
  readonly descriptors: readonly number[];
  readonly totals: Summary["totals"];
  /** Requests that nginx has read. */
  readonly served: number;
}

async function soak(users: number, seconds: number): Promise<Soak> {
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, TARGET_CORE);
  const memory: number[] = [];
  const descriptors: number[] = [];
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
    while (child.running && memory.length < seconds) {
      // Until the next full second, as taking a sample needs time as well.
      await sleep(Math.max(0, memory.length + 1 - (performance.now() - start) / 1000));
      if (!child.running) break;
      memory.push((await memoryOf(child.pid)).resident);
      descriptors.push([...Deno.readDirSync(`/proc/${child.pid}/fd`)].length);
    }
    const { code, printed } = await child.ended;
    if (code > 1) throw new Error(`aiotest exited with ${code}: ${printed.stderr}`);
    const { totals }: Summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
    return { memory, descriptors, totals, served: await nginx.served() };
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

function findingsOf({ memory, descriptors, totals, served }: Soak): Finding[] {
  const { requests, retries, unfinished, failures, rate } = totals;
  const counted = requests + retries + unfinished.count;
  const bytes = growthOf(memory);
  const open = growthOf(descriptors);
  const growth = bytes.late / bytes.early - 1;
  return [
    finding(
      "resident memory",
      `${growthText(bytes, 1e6, " MB")}, ${percentText(growth)} more`,
      `at most ${percentText(GOAL)} more`,
      growth <= GOAL,
    ),
    finding(
      "file descriptors",
      growthText(open, 1, ""),
      "not more",
      Math.round(open.late) <= Math.round(open.early),
    ),
    finding(
      "requests, retries and unfinished requests",
      `${counted}, ${served} at the target`,
      "the same",
      counted === served,
    ),
    finding("failed requests", String(failures), "0", failures === 0),
    note("requests per second", rate.toFixed(0)),
  ];
}

function growthText({ early, late, perMinute }: Growth, size: number, unit: string): string {
  const [from, to, slope] = [early, late, perMinute].map((value) =>
    `${(value / size).toFixed(1)}${unit}`
  );
  return `${from} in the second tenth, ${to} in the last, ${slope} more per minute`;
}

const { values } = parseArgs({
  args: [...args],
  options: {
    minutes: { type: "string", default: "10" },
    users: { type: "string", default: "1000" },
  },
});
const users = Math.ceil(positive("users", values.users));
const result = await soak(users, Math.ceil(positive("minutes", values.minutes) * 60));
say(`${users} users for ${result.memory.length} s`);
say(findingsOf(result).map(findingText).join("\n"));
Deno.exit(0);
