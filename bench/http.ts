/**
 * Compares HTTP clients against the same nginx on the loopback interface, with nginx on core 0 and the
 * client on core 1. Clients run in turns; figures are medians. `deno task bench http [--runs N]
 * [--seconds S] [--scenario NAME,NAME] [--only NAME,NAME]` also writes bench/results/http.json.
 *
 * nginx counts the requests in a window of `--seconds` in the middle of each run. `own` is the client's own
 * figure for its whole run. When a client stops, nginx may have served requests that the client does not
 * count, up to one per connection. `core` is the share of its core that the client used, and `nginx` the
 * share of nginx. If neither is near 100 %, something else was running. If that of nginx is, the rate is
 * limited by nginx and not by the client.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { chosen, positive } from "./support/arguments.ts";
import {
  judge,
  type Row,
  tableOf,
  toRow,
  type Verdict,
  verdictText,
} from "./support/comparison.ts";
import { CONTENDERS } from "./support/contender.ts";
import { measure, type Measurement } from "./support/measurement.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";
import { isInstalled } from "./support/process.ts";
import { type ContenderName, type Scenario, SCENARIOS } from "./support/scenario.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;
const RESULT = "bench/results/http.json";

interface Options {
  readonly runs: number;
  readonly seconds: number;
  readonly scenarios: readonly string[];
  readonly only: readonly ContenderName[];
}

interface ScenarioResult {
  readonly scenario: string;
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "5" },
      seconds: { type: "string", default: "3" },
      scenario: { type: "string", default: "" },
      only: { type: "string", default: "" },
    },
  });
  return {
    runs: Math.ceil(positive("runs", values.runs)),
    seconds: positive("seconds", values.seconds),
    scenarios: chosen("scenario", values.scenario, SCENARIOS.map(({ name }) => name)),
    only: chosen("only", values.only, Object.keys(CONTENDERS) as ContenderName[]),
  };
}

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

async function installed(names: readonly ContenderName[]): Promise<ContenderName[]> {
  const found: ContenderName[] = [];
  for (const name of names) {
    const { program } = CONTENDERS[name];
    if (await isInstalled(program)) found.push(name);
    else say(`${name}: skipped, ${program} is not installed`);
  }
  return found;
}

async function compare(
  scenario: Scenario,
  contenders: readonly ContenderName[],
  nginx: Nginx,
  { runs, seconds }: Options,
): Promise<Row[]> {
  const measurements = new Map<ContenderName, Measurement[]>();
  for (let run = 1; run <= runs; run++) {
    for (const name of contenders) {
      const label = `${scenario.name}  run ${run}  ${name}`;
      try {
        const options = { seconds, core: CLIENT_CORE };
        const measured = await measure(CONTENDERS[name], nginx, scenario, options);
        measurements.set(name, [...measurements.get(name) ?? [], measured]);
        say(`${label}: ${measured.rate.toFixed(0)} requests/s`);
      } catch (error) {
        say(`${label}: failed, ${(error as Error).message}`);
      }
    }
  }
  return [...measurements].map(([name, measured]) => toRow(name, measured));
}

async function compareAll(
  scenarios: readonly Scenario[],
  present: readonly ContenderName[],
  options: Options,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, TARGET_CORE);
  try {
    for (const scenario of scenarios) {
      const contenders = scenario.contenders.filter((name) => present.includes(name));
      const rows = await compare(scenario, contenders, nginx, options);
      const verdicts = judge(rows, scenario.goals);
      results.push({ scenario: scenario.name, rows, verdicts });
      if (rows.length > 0) say(`\n${scenario.name}\n${tableOf(rows)}`);
      say(`${verdicts.map(verdictText).join("\n")}\n`);
    }
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  return results;
}

if (import.meta.main) {
  const options = readOptions(args);
  for (const program of ["nginx", "taskset"]) {
    if (!await isInstalled(program)) throw new Error(`${program} is not installed`);
  }
  const scenarios = SCENARIOS.filter(({ name }) => options.scenarios.includes(name));
  const results = await compareAll(scenarios, await installed(options.only), options);
  await Deno.mkdir(RESULT.slice(0, RESULT.lastIndexOf("/")), { recursive: true });
  const { runs, seconds } = options;
  const result = { runs, seconds, cores: navigator.hardwareConcurrency, results };
  await Deno.writeTextFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
  say(`Written to ${RESULT}`);
  Deno.exit(0);
}
