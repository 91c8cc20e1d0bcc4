/**
 * HTTP clients against the same nginx on loopback: nginx on core 0, the client on core 1, taking
 * turns, medians of the runs. `deno task bench http [--runs N] [--seconds S] [--connections N]
 * [--only NAME,NAME]`; writes bench/results/http.json as well.
 *
 * Rates are counted by nginx within a window of `--seconds` in the middle of each run; `own` is what
 * the client says of its whole run. A client stops with requests under way, which nginx has served and
 * the client does not count: up to one a connection is no error. `core` is how much of its core the
 * client had: a client that could use all of it and did not was kept from it by something else that ran.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { denoHost } from "../src/core/host.ts";
import { type Row, share, tableOf, toRow } from "./support/comparison.ts";
import { type Contender, CONTENDERS } from "./support/contender.ts";
import { measure, type Measurement } from "./support/measurement.ts";
import { startNginx } from "./support/nginx.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;
const RESULT = "bench/results/http.json";

/** What HttpUser should reach of a bare `fetch` loop. */
const GOAL = 0.85;

interface Options {
  readonly runs: number;
  readonly seconds: number;
  readonly connections: number;
  readonly only: readonly string[];
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      connections: { type: "string", default: "64" },
      only: { type: "string", default: "" },
    },
  });
  const count = (name: "runs" | "seconds" | "connections"): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name} ${values[name]}: it takes a whole number above 0`);
  };
  return {
    runs: count("runs"),
    seconds: count("seconds"),
    connections: count("connections"),
    only: values.only.split(",").filter((name) => name !== ""),
  };
}

async function isInstalled(program: string): Promise<boolean> {
  const found = await new Deno.Command("which", { args: [program], stdout: "null" }).output();
  return found.success;
}

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

async function choose(only: readonly string[]): Promise<Contender[]> {
  const unknown = only.find((name) => !CONTENDERS.some((contender) => contender.name === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such contender`);
  const chosen: Contender[] = [];
  for (const contender of CONTENDERS) {
    const { name, program, onRequest = false } = contender;
    if (only.length > 0 ? !only.includes(name) : onRequest) say(`${name}: not asked for`);
    else if (!await isInstalled(program)) say(`${name}: skipped, there is no ${program} here`);
    else chosen.push(contender);
  }
  return chosen;
}

async function compare(contenders: readonly Contender[], options: Options): Promise<Row[]> {
  const folder = await Deno.makeTempDir();
  const nginx = await startNginx(folder, TARGET_CORE);
  const runs = new Map<string, Measurement[]>();
  try {
    for (let run = 1; run <= options.runs; run++) {
      for (const contender of contenders) {
        try {
          const measured = await measure(contender, nginx, { ...options, core: CLIENT_CORE });
          runs.set(contender.name, [...runs.get(contender.name) ?? [], measured]);
          say(`run ${run}  ${contender.name}: ${measured.rate.toFixed(0)} requests/s`);
        } catch (error) {
          say(`run ${run}  ${contender.name}: failed, ${(error as Error).message}`);
        }
      }
    }
  } finally {
    await nginx.stop();
    await Deno.remove(folder, { recursive: true });
  }
  return [...runs].map(([name, measurements]) => toRow(name, measurements));
}

if (import.meta.main) {
  const options = readOptions(args);
  for (const program of ["nginx", "taskset"]) {
    if (!await isInstalled(program)) throw new Error(`there is no ${program} here`);
  }
  const rows = await compare(await choose(options.only), options);
  say(`\n${tableOf(rows, "wrk")}`);
  const ofFetch = share(rows, "aiotest HttpUser", "bare fetch");
  if (ofFetch !== null) {
    const { rate, cpu } = ofFetch;
    say(`\naiotest HttpUser has ${rate.toFixed(3)} of bare fetch's rate; the goal is ${GOAL}`);
    say(`By processor time for a request it would be ${cpu.toFixed(3)}`);
  }
  await Deno.mkdir(RESULT.slice(0, RESULT.lastIndexOf("/")), { recursive: true });
  const result = { ...options, cores: navigator.hardwareConcurrency, rows, ofFetch };
  await Deno.writeTextFile(RESULT, `${JSON.stringify(result, null, 2)}\n`);
  say(`Written to ${RESULT}`);
}
