/**
 * Checks that users that meet at a rendezvous all send their request, and how close together: 5,000 users
 * meet, and then send one request each. In the first run, each opens its connection for it; in the second,
 * the connections are open before. The times are those of nginx, which notes each request.
 * `deno task bench rendezvous [--users N] [--runs N]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { RUNTIME_FLAGS } from "../build/project.ts";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";
import { positive } from "./support/arguments.ts";
import { type Finding, finding, findingText, msText, note } from "./support/finding.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";
import { sleep, startPinned } from "./support/process.ts";
import { percentile } from "./support/user_figures.ts";

const CORES = { target: 0, client: 1 } as const;

/** Users started per second. */
const START_RATE = 2000;

/** Seconds after the start of the last user in which all must have met and got their answer. */
const MEETING_SECONDS = 10;

/** Seconds until nginx has written its notes. */
const NOTED_SECONDS = 0.5;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

async function meet(nginx: Nginx, users: number, opensBefore: boolean): Promise<Finding[]> {
  const folder = await Deno.makeTempDir();
  try {
    const seconds = Math.ceil(users / START_RATE) + MEETING_SECONDS;
    const notedBefore = (await nginx.notes()).length;
    const { code, printed } = await startPinned(CORES.client, Deno.execPath(), [
      ...["run", "-A", ...RUNTIME_FLAGS, "cli.ts", "-f", "bench/support/rendezvous_user_test.ts"],
      ...["-H", nginx.url("get", false), "-u", String(users), "-r", String(START_RATE)],
      ...["-t", `${seconds}s`, "--no-history", "--json", `${folder}/out.json`],
      ...(opensBefore ? ["--open-before"] : []),
    ]).ended;
    if (code > 1) throw new Error(`aiotest exited with ${code}: ${printed.stderr}`);
    const summary: Summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
    await sleep(NOTED_SECONDS);
    return findingsOf(summary, (await nginx.notes()).slice(notedBefore), users);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function findingsOf(summary: Summary, atMs: readonly number[], users: number): Finding[] {
  const met = summary.requests.find(({ name }) => name === "met");
  const errors = summary.failures.map(({ error, count }) => `${count} ${error}`);
  const sorted = atMs.toSorted((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const after = (share: number): string => msText((percentile(sorted, share) ?? 0) - first);
  const counts = `${met?.requests ?? 0} requests, ${atMs.length} at the target`;
  return [
    finding(
      "requests after the meeting",
      counts,
      `${users} of each`,
      met?.requests === users && atMs.length === users,
    ),
    finding(
      "failures",
      errors.length === 0 ? "none" : errors.join(", "),
      "none",
      errors.length === 0,
    ),
    note(
      "at the target after the first request",
      `half after ${after(0.5)}, 90 % after ${after(0.9)}, the last after ${after(1)}`,
    ),
    note(
      "latency that the users saw",
      `p50 ${msText(met?.latencyMs.p50 ?? NaN)}, max ${msText(met?.latencyMs.max ?? NaN)}`,
    ),
  ];
}

const { values } = parseArgs({
  args: [...args],
  options: {
    users: { type: "string", default: "5000" },
    runs: { type: "string", default: "1" },
  },
});
const users = Math.ceil(positive("users", values.users));
const runs = Math.ceil(positive("runs", values.runs));
const folder = await Deno.makeTempDir();
const nginx = await startNginx(folder, CORES.target);
try {
  for (let run = 1; run <= runs; run++) {
    for (const opensBefore of [false, true]) {
      say(`${users} users, connections opened ${opensBefore ? "before" : "after"} the meeting`);
      say((await meet(nginx, users, opensBefore)).map(findingText).join("\n"));
    }
  }
} finally {
  await nginx.stop();
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(0);
