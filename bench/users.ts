/**
 * Measures how exactly users start, and how many one core can run: a ramp of 1,000 users at 100 per second,
 * and 10,000 users that wait one second each. `deno task bench users`
 *
 * @module
 */

import { RUNTIME_FLAGS } from "../build/project.ts";
import { denoHost } from "../src/core/host.ts";
import type { Summary } from "../src/report/summary.ts";

const RAMP = { users: 1000, rate: 100, seconds: 12 };
const CROWD = { users: 10_000, rate: 10_000, seconds: 15 };

/** Seconds at the start and at the end that are left out. */
const UNSTEADY = 2;

async function run(load: { users: number; rate: number; seconds: number }): Promise<Summary> {
  const json = await Deno.makeTempFile();
  const file = "bench/support/idle_user_test.ts";
  const { users, rate, seconds } = load;
  await new Deno.Command("taskset", {
    args: ["-c", "1", Deno.execPath(), "run", "-A", ...RUNTIME_FLAGS, "cli.ts", "-f", file].concat(
      ["--no-web", "--no-history", "--json", json, "-u", users, "-r", rate, "-t", seconds].map(
        String,
      ),
    ),
    stdout: "null",
  }).output();
  const summary: Summary = JSON.parse(await Deno.readTextFile(json));
  await Deno.remove(json);
  return summary;
}

function worst(values: readonly number[]): string {
  return `${(Math.max(...values.map(Math.abs)) * 100).toFixed(2)} %`;
}

const { stdout } = denoHost();

const ramp = await run(RAMP);
const offLine = ramp.timeline.slice(0, RAMP.users / RAMP.rate).map(({ second, users }) =>
  users / ((second + 1) * RAMP.rate) - 1
);
stdout.write(
  `${RAMP.users} users at ${RAMP.rate}/s: at the end of each second off the line by at most ` +
    `${worst(offLine)} (goal: 2 %)\n`,
);

const crowd = await run(CROWD);
const steady = crowd.timeline.slice(UNSTEADY, -UNSTEADY);
const offPace = steady.map(({ requests }) => requests / CROWD.users - 1);
const mean = steady.reduce((sum, { requests }) => sum + requests, 0) / steady.length;
const [worker] = crowd.workers;
stdout.write(
  `${CROWD.users} users that wait 1 s: ${
    mean.toFixed(0)
  } iterations per second on average, no second off ` +
    `by more than ${worst(offPace)} (goal: 2 %), ${
      (worker!.cpuPeak * 100).toFixed(0)
    } % of a core at most\n`,
);
Deno.exit(0);
