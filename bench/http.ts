/**
 * Compares HTTP clients against the same nginx on the loopback interface, with nginx on core 0 and the
 * client on core 1, and judges the goals of aiotest. Clients run in turns; figures are medians.
 *
 * `deno task bench http [--runs N] [--seconds S] [--scenario NAME,NAME] [--only NAME,NAME]` runs everything,
 * or some scenarios or contenders, and writes the result: everything to bench/results/http.json, which
 * README.md shows after `deno task generate`, and a part to bench/results/http-part.json. Contenders that are not in a scenario by default run if `--only` names them.
 *
 * `--base DIR` compares FastHttpUser (or the users that `--only` names) of this checkout with another
 * checkout instead, in pairs of runs. A ratio of 0.9 means 0.9 times what the other checkout has.
 *
 * nginx counts the requests in a window of `--seconds` in the middle of each run. Columns:
 *
 * - `own`: the client's own rate for its whole run. When a client stops, nginx may have served requests that
 *   the client does not count, up to one per connection: `uncounted`.
 * - `share`: of the first client's rate.
 * - `core`: the share of its core that the client used, and `nginx` that of nginx. If that of nginx is near
 *   100 %, the rate is limited by nginx and not by the client.
 * - `mean±`, `p50±`: how far reported latencies are from Little's law, users ÷ rate. It holds for the mean.
 * - `fair`: p10 divided by p90 of the requests of each user.
 * - `disturbed`: runs during which other programs used more than 4 % of a core. They are repeated, and do
 *   not count unless most runs were disturbed.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { chosen, positive } from "./support/arguments.ts";
import { ratioOf, ratioText, runPairs } from "./support/checkouts.ts";
import { isDisturbed, median, type Row, tableOf, textTable, toRow } from "./support/comparison.ts";
import { canRun, CONTENDERS } from "./support/contender.ts";
import { goalTable, judge, type Verdict } from "./support/goals.ts";
import {
  machine,
  resultRow,
  resultText,
  type ScenarioResult,
  versions,
} from "./support/http_result.ts";
import { measure, type Measurement } from "./support/measurement.ts";
import { type Nginx, startNginx } from "./support/nginx.ts";
import { isInstalled } from "./support/process.ts";
import { type ContenderName, type Scenario, SCENARIOS } from "./support/scenario.ts";

const CORES = { target: 0, client: 1 } as const;
const RESULT = "bench/results/http.json";
const PART_RESULT = "bench/results/http-part.json";

/** Contenders that `--base` can compare. */
const USERS: readonly ContenderName[] = ["quick", "HttpUser", "FastHttpUser-node", "FastHttpUser"];

interface Options {
  readonly runs: number;
  readonly seconds: number;
  readonly scenarios: readonly Scenario[];
  /** `null` for the contenders of each scenario. */
  readonly only: readonly ContenderName[] | null;
  /** The folder of another checkout; empty if there is none to compare with. */
  readonly base: string;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "5" },
      seconds: { type: "string", default: "3" },
      scenario: { type: "string", default: "" },
      only: { type: "string", default: "" },
      base: { type: "string", default: "" },
    },
  });
  const names = chosen("scenario", values.scenario, SCENARIOS.map(({ name }) => name));
  const known = values.base === "" ? Object.keys(CONTENDERS) as ContenderName[] : USERS;
  return {
    runs: Math.ceil(positive("runs", values.runs)),
    seconds: positive("seconds", values.seconds),
    scenarios: SCENARIOS.filter(({ name }) => names.includes(name)),
    only: values.only === "" ? null : chosen("only", values.only, known),
    base: values.base === "" ? "" : Deno.realPathSync(values.base),
  };
}

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

/** The contenders that are installed; says which are not. */
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
  const measured = new Map(contenders.map((name) => [name, [] as Measurement[]]));
  const isComplete = (done: readonly Measurement[]): boolean =>
    done.filter((run) => !isDisturbed(run)).length >= runs;
  // Disturbed and failed runs are repeated. It is in vain on a machine that is always disturbed.
  let isInVain = false;
  for (let round = 1; round <= runs || (round <= 2 * runs && !isInVain); round++) {
    isInVain = true;
    for (const [name, done] of measured) {
      if (isComplete(done)) continue;
      const label = `${scenario.name}  run ${round}  ${name}`;
      try {
        const run = await measure(CONTENDERS[name], nginx, scenario, { seconds, cores: CORES });
        done.push(run);
        isInVain &&= isDisturbed(run);
        const disturbed = isDisturbed(run)
          ? `, disturbed: others used ${(run.disturbed * 100).toFixed(0)} % of a core`
          : "";
        say(`${label}: ${run.rate.toFixed(0)} requests/s${disturbed}`);
      } catch (error) {
        say(`${label}: failed, ${(error as Error).message}`);
      }
    }
  }
  const { connections: users } = scenario;
  return [...measured].filter(([, done]) => done.length > 0)
    .map(([name, done]) => toRow(name, done, { users, planned: runs }));
}

async function compareAll(options: Options, nginx: Nginx): Promise<void> {
  const { scenarios, only, runs, seconds } = options;
  const wanted = new Set(only ?? scenarios.flatMap(({ contenders }) => contenders));
  const present = await installed([...wanted]);
  const results: ScenarioResult[] = [];
  const verdicts: Verdict[] = [];
  for (const scenario of scenarios) {
    const contenders = (only ?? scenario.contenders)
      .filter((name) => present.includes(name) && canRun(name, scenario));
    const rows = await compare(scenario, contenders, nginx, options);
    results.push({ name: scenario.name, rows: rows.map(resultRow) });
    verdicts.push(...judge(scenario, rows));
    if (rows.length > 0) say(`\n${scenario.name}\n${tableOf(rows)}\n`);
  }
  if (verdicts.length > 0) say(`Goals\n${goalTable(verdicts)}\n`);
  const isComplete = only === null && scenarios.length === SCENARIOS.length;
  const file = isComplete ? RESULT : PART_RESULT;
  const result = resultText({
    date: new Date().toISOString().slice(0, "2026-11-30".length),
    machine: await machine(),
    versions: await versions(),
    ...{ runs, seconds, scenarios: results, goals: verdicts },
  });
  await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(file, result);
  say(`Written to ${file}`);
  if (isComplete) say("Run deno task generate to update README.md");
}

async function compareCheckouts(options: Options, nginx: Nginx): Promise<void> {
  const { scenarios, only, runs, seconds, base } = options;
  for (const scenario of scenarios) {
    for (const name of only ?? ["FastHttpUser"] as const) {
      if (!canRun(name, scenario)) continue;
      say(`${scenario.name}, ${name}, base ${base}`);
      const pairs = await runPairs(CONTENDERS[name], nginx, scenario, {
        ...{ base, pairs: runs, seconds, cores: CORES },
        onPair: ({ base, now }, number) =>
          say(
            `pair ${number}: ${base.rate.toFixed(0)} → ${now.rate.toFixed(0)} requests/s, ` +
              `${base.cpuMicroseconds.toFixed(2)} → ${now.cpuMicroseconds.toFixed(2)} µs` +
              (isDisturbed(base) || isDisturbed(now) ? ", disturbed" : ""),
          ),
      });
      const line = (what: string, digits: number, figure: (run: Measurement) => number) => [
        what,
        median(pairs.map(({ base }) => figure(base))).toFixed(digits),
        median(pairs.map(({ now }) => figure(now))).toFixed(digits),
        ratioText(ratioOf(pairs, figure)),
      ];
      say(textTable([
        [`median of ${pairs.length} pairs`, "base", "now", "ratio, median and spread of the pairs"],
        line("requests/s", 0, ({ rate }) => rate),
        line("processor time per request, µs", 2, (run) => run.cpuMicroseconds),
        ...(pairs.every(({ base, now }) => base.instructions !== null && now.instructions !== null)
          ? [line("instructions per request", 0, ({ instructions }) => instructions!)]
          : []),
        line("peak memory, MB", 0, ({ memory }) => memory.peak / 1e6),
        line("p50, ms", 3, ({ own }) => own.p50Ms ?? NaN),
        line(
          "failed requests",
          0,
          ({ own }) => Object.values(own.failures).reduce((sum, count) => sum + count, 0),
        ),
      ]));
      say("");
    }
  }
}

if (import.meta.main) {
  const options = readOptions(args);
  for (const program of ["nginx", "taskset"]) {
    if (!await isInstalled(program)) throw new Error(`${program} is not installed`);
  }
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, CORES.target);
  try {
    if (options.base === "") await compareAll(options, nginx);
    else await compareCheckouts(options, nginx);
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  Deno.exit(0);
}
