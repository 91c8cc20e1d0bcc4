/**
 * Counts the false alarms of `aiotest compare` in pairs of equal runs, and how often it finds a target that
 * is 10 % slower. `deno task bench compare [--pairs N] [--seconds S]`
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { positive } from "./support/arguments.ts";
import { comparePairs } from "../tests/support/compared_pairs.ts";

const host = denoHost();
const { values } = parseArgs({
  args: [...host.args],
  options: {
    pairs: { type: "string", default: "20" },
    seconds: { type: "string", default: "10" },
  },
});
const { pairs, falseAlarms, found } = await comparePairs({
  pairs: positive("pairs", values.pairs),
  seconds: positive("seconds", values.seconds),
  onPair: (line) => host.stdout.write(`${line}\n`),
});
const alarmsAllowed = Math.floor(pairs / 20);
host.stdout.write(
  `equal runs: ${falseAlarms} of ${pairs} pairs reported as different (goal: ${alarmsAllowed} at most: ` +
    `${falseAlarms <= alarmsAllowed ? "met" : "MISSED"})\n` +
    `a target that is 10 % slower: found in ${found} of ${pairs} (goal: all: ` +
    `${found === pairs ? "met" : "MISSED"})\n`,
);
Deno.exit(0);
