/**
 * Measures what `--samples` costs: the same number of requests without it and with each format, in turns, against
 * nginx on another core. It compares the number of lines with the number of requests, and prints processor times per
 * request, which other programs on the machine affect less than rates. `deno task bench samples [--runs N]
 * [--requests N]`
 *
 * The goal is that `.jsonl` takes less than 15 % of the rate.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runCommand, RUNTIME_FLAGS } from "../build/project.ts";
import { denoHost } from "../src/core/host.ts";
import { formatExact } from "../src/report/quantity.ts";
import type { Summary } from "../src/report/summary.ts";
import { positive } from "./support/arguments.ts";
import { median, textTable } from "./support/comparison.ts";
import { startNginx } from "./support/nginx.ts";
import { startPinned } from "./support/process.ts";

const TARGET_CORE = 0;
const CLIENT_CORE = 1;
const GOAL = 0.15;

/** What is compared: the ending of the file, or nothing. */
const KINDS = ["", ".jsonl", ".csv", ".jsonl.gz"] as const;

const { args, stdout } = denoHost();
const say = (line: string): void => stdout.write(`${line}\n`);

interface Run {
  readonly rate: number;
  /** Processor time of all threads. */
  readonly seconds: number;
}

/** Runs `aiotest quick`, and checks that there are as many lines as requests. */
async function run(url: string, folder: string, kind: string, requests: number): Promise<Run> {
  const samples = `${folder}/run${kind}`;
  const command = [
    ...[Deno.execPath(), "run", "-A", "--quiet", ...RUNTIME_FLAGS, "cli.ts"],
    ...["quick", url, "-u", "50", "-n", String(requests), "--json", `${folder}/out.json`],
    ...(kind === "" ? [] : ["--samples", samples]),
  ];
  // The shell says how much time its child has used.
  const script = 'TIMEFORMAT="cpu %U %S"; time "$@"';
  const { code, printed } = await startPinned(CLIENT_CORE, "bash", [
    "-c",
    script,
    "bash",
    ...command,
  ])
    .ended;
  if (code !== 0) throw new Error(`aiotest exited with ${code}: ${printed.stderr}`);
  const [, user, system] = /^cpu ([\d.]+) ([\d.]+)$/m.exec(printed.stderr)!;
  const { totals }: Summary = JSON.parse(await Deno.readTextFile(`${folder}/out.json`));
  if (kind !== "") {
    const lines = await lineCount(samples) - (kind === ".csv" ? 1 : 0);
    if (lines !== totals.requests) {
      throw new Error(
        `${kind}: ${lines} lines, but ${totals.requests} requests\n${printed.stdout}`,
      );
    }
  }
  return { rate: totals.rate!, seconds: Number(user) + Number(system) };
}

async function lineCount(path: string): Promise<number> {
  const read = path.endsWith(".gz") ? "zcat" : "cat";
  const { stdout } = await runCommand("sh", ["-c", `${read} "$0" | wc -l`, path]);
  return Number(stdout);
}

const { values } = parseArgs({
  args: [...args],
  options: {
    runs: { type: "string", default: "5" },
    requests: { type: "string", default: "500000" },
  },
});
const runs = Math.ceil(positive("runs", values.runs));
const requests = Math.ceil(positive("requests", values.requests));
const folder = await Deno.makeTempDir();
const nginx = await startNginx(folder, TARGET_CORE);
const url = nginx.url("get", false);
const all = KINDS.map(() => [] as Run[]);
try {
  // Most of it is the start.
  const { seconds: start } = await run(url, folder, "", 1);
  for (let turn = 0; turn < runs; turn++) {
    // Nobody always comes first.
    for (const [index] of KINDS.entries()) {
      const at = (index + turn) % KINDS.length;
      const one = await run(url, folder, KINDS[at]!, requests);
      all[at]!.push({ ...one, seconds: one.seconds - start });
    }
  }
} finally {
  await nginx.stop();
  await Deno.remove(folder, { recursive: true });
}
const rateOf = (kind: number): number => median(all[kind]!.map(({ rate }) => rate));
const microsOf = (kind: number): number =>
  median(all[kind]!.map(({ seconds }) => seconds / requests * 1e6));
say(textTable([
  ["samples", "req/s", "rate to none", "µs of processor time", "to none"],
  ...KINDS.map((kind, index) => [
    kind || "none",
    formatExact(Math.round(rateOf(index))),
    (rateOf(index) / rateOf(0)).toFixed(3),
    microsOf(index).toFixed(2),
    (microsOf(index) / microsOf(0)).toFixed(3),
  ]),
]));
const lost = 1 - rateOf(1) / rateOf(0);
say(
  `.jsonl takes ${(lost * 100).toFixed(1)} % of the rate (goal: under ${GOAL * 100} %: ` +
    `${lost < GOAL ? "met" : "MISSED"}). There are as many lines as requests.`,
);
Deno.exit(0);
