/**
 * Checks that the load is as configured, and that its figures are right. `deno task bench load
 * [--scenario NAME,NAME] [--runs N] [--before REVISION] [--picture]` also writes bench/results/load.json.
 *
 * - `stall`: 2,000 iterations per second for 30 s, with a target that stops answering for 1.4 s; with 20
 *   users, with 5,000, and in the closed model. `--picture` draws the figure of docs/load-models.md.
 * - `rate`: 5,000 and 20,000 iterations per second for 20 s, counted by the target.
 * - `poisson`: chi-square tests of the arrival times at the target.
 * - `interleave`: two workers share a schedule.
 * - `overhead`: the cost of a request compared with another revision; only with `--before`.
 * - `compare`: `aiotest compare` with pairs of equal runs, and with a slower target.
 *
 * The target is a process on core 0, and the client runs on core 1. Other load on the machine delays
 * iterations, so each scenario prints the load average before and after it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { comparePairs } from "../tests/support/compared_pairs.ts";
import { chosen, positive } from "./support/arguments.ts";
import { type Finding, finding, findingText } from "./support/finding.ts";
import { overheadFindings } from "./support/overhead.ts";
import { interleavingFindings, poissonFindings, rateFindings } from "./support/pace.ts";
import { isInstalled } from "./support/process.ts";
import { runStalls, stallFindings } from "./support/stall.ts";
import { stallPicture } from "./support/stall_picture.ts";
import { withStallTable } from "./support/stall_table.ts";

const CORES = { target: 0, client: 1 } as const;
const RESULT = "bench/results/load.json";
const PAGE = "docs/load-models.md";
const PICTURE = "docs/images/coordinated-omission.svg";

/** The number of pairs, each of runs that are long enough to compare. */
const PAIRS = 20;
const PAIR_SECONDS = 6;

/** The number of pairs of runs of `overhead`, and the seconds of each run. */
const OVERHEAD = { pairs: 5, seconds: 4 } as const;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

const { values } = parseArgs({
  args: [...args],
  options: {
    scenario: { type: "string", default: "" },
    runs: { type: "string", default: "1" },
    before: { type: "string", default: "" },
    picture: { type: "boolean", default: false },
  },
});

const SCENARIOS = {
  stall: async () => {
    const runs = await runStalls(CORES.target, CORES.client);
    if (values.picture) {
      await Deno.writeTextFile(PICTURE, stallPicture(runs));
      await Deno.writeTextFile(PAGE, withStallTable(await Deno.readTextFile(PAGE), runs));
      say(`      written: ${PICTURE}, and the figures in ${PAGE}`);
    }
    return stallFindings(runs);
  },
  rate: () => rateFindings(CORES),
  poisson: () => poissonFindings(CORES),
  interleave: () => interleavingFindings(CORES),
  overhead: async () => {
    if (values.before === "") {
      say("      skipped: --before names no revision to compare with");
      return [];
    }
    return await overheadFindings({ cores: CORES, before: values.before, ...OVERHEAD, say });
  },
  compare: compareFindings,
} as const satisfies Record<string, () => Promise<Finding[]>>;

async function compareFindings(): Promise<Finding[]> {
  const onPair = (line: string): void => say(`      ${line}`);
  const { pairs, falseAlarms, found } = await comparePairs({
    pairs: PAIRS,
    seconds: PAIR_SECONDS,
    onPair,
  });
  return [
    finding(
      "equal runs of which a regression is said",
      `${falseAlarms} of ${pairs}`,
      "1 at most",
      falseAlarms <= 1,
    ),
    finding(
      "a target that is 10 % slower is found",
      `${found} of ${pairs}`,
      "all",
      found === pairs,
    ),
  ];
}

const runs = Math.ceil(positive("runs", values.runs));
const names = chosen(
  "scenario",
  values.scenario,
  Object.keys(SCENARIOS) as (keyof typeof SCENARIOS)[],
);
if (!await isInstalled("taskset")) throw new Error("taskset is not installed");

const results: unknown[] = [];
let missed = 0;
for (const scenario of names) {
  for (let run = 1; run <= runs; run++) {
    say(`${scenario}${runs > 1 ? `, run ${run}` : ""}`);
    const loadBefore = Deno.loadavg()[0]!;
    const findings = await SCENARIOS[scenario]();
    const loadAfter = Deno.loadavg()[0]!;
    say(findings.map(findingText).join("\n"));
    say(
      `      load of the machine: ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after\n`,
    );
    missed += findings.filter(({ met }) => !met).length;
    results.push({ scenario, run, loadBefore, loadAfter, findings });
  }
}
await Deno.mkdir(RESULT.slice(0, RESULT.lastIndexOf("/")), { recursive: true });
const result = { date: new Date().toISOString(), cores: navigator.hardwareConcurrency, results };
await Deno.writeTextFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
say(`${missed === 0 ? "All goals met" : `${missed} goals missed`}. Written to ${RESULT}`);
Deno.exit(0);
