/**
 * `deno task ok` checks everything that must hold before a change is committed. All steps run, even after
 * one has failed; only those that fail show their output. `--fast` leaves out the tests.
 *
 * @module
 */

import process from "node:process";
import { codeFolders, runCommand } from "./project.ts";

interface Step {
  readonly name: string;
  /** Arguments of `deno`. */
  readonly args: readonly string[];
}

function staticSteps(folders: readonly string[]): Step[] {
  return [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    // Frozen: a package that the lock file lacks would otherwise be noticed only on a fresh clone.
    { name: "types", args: ["check", "--quiet", "--frozen", ...folders] },
    { name: "layers", args: ["run", "-A", "build/check_layers.ts"] },
    { name: "generated", args: ["run", "-A", "build/generate.ts", "--check"] },
    { name: "docs", args: ["doc", "--lint", "mod.ts"] },
    {
      name: "doc examples",
      args: ["test", "--quiet", "--doc", "-A", "src", "mod.ts"],
    },
  ];
}

/** The tests that need no installed tool; `.ci/run` runs all tests. */
const TESTS: Step = { name: "tests", args: ["task", "test"] };

async function run({ name, args }: Step): Promise<boolean> {
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
const folders = await codeFolders(Deno.cwd());
let failures = 0;
for (const step of [...staticSteps(folders), ...(fast ? [] : [TESTS])]) {
  if (!await run(step)) failures++;
}
Deno.exit(failures > 0 ? 1 : 0);
