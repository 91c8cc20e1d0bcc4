/**
 * `deno task ok` checks everything that must hold before a change is committed. All steps run, even after
 * one has failed; only those that fail show their output. The checks run two at a time, and the tests
 * after them, because some measure times. `--fast` leaves out the tests.
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

/**
 * They import packages that are not the project's own. In its lock file, everyone who runs aiotest from source
 * would download those as well.
 */
const EXAMPLES = "examples";

/** The longest ones first, so that the last ones are short. */
function staticSteps(folders: readonly string[]): Step[] {
  return [
    {
      name: "doc examples",
      args: ["test", "--quiet", "--doc", "--parallel", "-A", "src", "mod.ts"],
    },
    // Frozen: a package that the lock file lacks would otherwise be noticed only on a fresh clone.
    {
      name: "types",
      args: ["check", "--quiet", "--frozen", ...folders.filter((folder) => folder !== EXAMPLES)],
    },
    { name: "examples", args: ["check", "--quiet", "--no-lock", EXAMPLES] },
    { name: "lint", args: ["lint"] },
    { name: "generated", args: ["run", "-A", "build/generate.ts", "--check"] },
    { name: "layers", args: ["run", "-A", "build/check_layers.ts"] },
    { name: "docs", args: ["doc", "--lint", "mod.ts"] },
    { name: "format", args: ["fmt", "--check"] },
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
let failed = false;
const waiting = staticSteps(folders).values();
const runWaiting = async (): Promise<void> => {
  for (const step of waiting) failed = !await run(step) || failed;
};
await Promise.all([runWaiting(), runWaiting()]);
if (!fast) failed = !await run(TESTS) || failed;
Deno.exit(failed ? 1 : 0);
