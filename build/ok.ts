/**
 * `deno task ok`: everything that must hold before a change is committed, in one command. All steps run,
 * whatever the ones before said; only those that failed show their output. `--fast` leaves the tests out.
 *
 * @module
 */

import process from "node:process";
import { runCommand } from "./command.ts";
import { projectPlaces } from "./project_files.ts";

interface Step {
  readonly name: string;
  /** Arguments of `deno`. */
  readonly args: readonly string[];
}

function staticSteps(places: readonly string[]): Step[] {
  return [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    // Frozen, so that a lock file which lacks a package is seen here and not on somebody's fresh clone.
    { name: "types", args: ["check", "--quiet", "--frozen", ...places] },
    { name: "layers", args: ["run", "-A", "build/check_layers.ts"] },
    { name: "generated", args: ["run", "-A", "build/generate.ts", "--check"] },
    { name: "docs", args: ["doc", "--lint", "mod.ts"] },
    {
      name: "doc examples",
      args: ["test", "--quiet", "--doc", "-A", "src", "mod.ts"],
    },
  ];
}

/** Only those that need no installed tool; `.ci/run` runs all. */
const TESTS: Step = { name: "tests", args: ["task", "test"] };

async function passes({ name, args }: Step): Promise<boolean> {
  const { code, stdout, stderr, seconds } = await runCommand(Deno.execPath(), args);
  const passed = code === 0;
  const verdict = passed ? "ok  " : "FAIL";
  process.stdout.write(`${verdict} ${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s\n`);
  if (!passed) process.stdout.write(`${stdout}${stderr}\n`);
  return passed;
}

const unknown = Deno.args.filter((arg) => arg !== "--fast");
if (unknown.length > 0) {
  process.stderr.write(`ok: unknown argument ${unknown[0]}; it takes --fast, or nothing\n`);
  Deno.exit(2);
}
const fast = Deno.args.includes("--fast");
const places = await projectPlaces(Deno.cwd());
let failures = 0;
for (const step of [...staticSteps(places), ...(fast ? [] : [TESTS])]) {
  if (!await passes(step)) failures++;
}
Deno.exit(failures > 0 ? 1 : 0);
