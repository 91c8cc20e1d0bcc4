/**
 * Sends a million requests to a target that cuts connections at random. Its count must be exactly that of
 * requests and retries. `deno task bench cuts`
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
