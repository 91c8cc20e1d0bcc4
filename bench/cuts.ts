/**
 * Sends a million requests to a target that cuts connections at random. Its count must be exactly that of
 * requests, retries and unfinished requests. `deno task bench cuts`
 *
 * @module
 */

import { denoHost } from "../src/core/host.ts";
import { sentIn } from "../tests/support/counting_target.ts";
import { runCuts } from "../tests/support/cutting_target.ts";

const REQUESTS = 1_000_000;

const { stdout } = denoHost();
const { summary, counts, seed } = await runCuts(REQUESTS);
const { requests, retries, failures, unfinished } = summary.totals;
const sent = sentIn(summary.totals);
const counted = [...counts.values()].reduce((sum, count) => sum + count, 0);
stdout.write(
  `${requests} requests, ${failures} of them failed, ${retries} retries, ${unfinished.count} unfinished ` +
    `(seed ${seed})\n` +
    `The target counted ${counted}: ${
      counted === sent ? "exactly as many" : `off by ${counted - sent}`
    }\n`,
);
Deno.exit(0);
