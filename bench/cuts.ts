/**
 * A million requests over connections that the target cuts at random: what it counted has to be what
 * was sent and sent again, exactly. `deno task bench cuts`
 *
 * @module
 */

import { denoHost } from "../src/core/host.ts";
import { runCuts } from "../tests/support/cutting_target.ts";

const REQUESTS = 1_000_000;

const { stdout } = denoHost();
const { summary, counts, seed } = await runCuts(REQUESTS);
const { requests, retries, failures } = summary.totals;
const counted = [...counts.values()].reduce((sum, count) => sum + count, 0);
stdout.write(
  `${requests} requests, ${failures} of them failed, ${retries} retries (seed ${seed})\n` +
    `The target counted ${counted}: ${
      counted === requests + retries ? "exactly as many" : `off by ${counted - requests - retries}`
    }\n`,
);
Deno.exit(0);
