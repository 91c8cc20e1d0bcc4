/**
 * `deno task bun` checks that the parts which need no Deno also work under bun: their types with bun's
 * types instead of Deno's, and their tests with `bun test`. Both run in a copy of the project, as bun
 * expects the packages in a `node_modules` folder.
 *
 * @module
 */

import process from "node:process";
import { copyPath, runCommand } from "./project.ts";

/** Folders of tests, and single tests, that run under bun. */
const TESTS: readonly string[] = [
  "tests/stats",
  "tests/load",
  "tests/http/response_parser_test.ts",
  "tests/cluster/codec_test.ts",
  "tests/cluster/frames_test.ts",
  "tests/cluster/outbox_test.ts",
  "tests/cluster/protocol_test.ts",
  "tests/cluster/report_test.ts",
  "tests/cluster/run_state_test.ts",
  "tests/cluster/schema_test.ts",
];

const COPIED = ["deno.json", "deno.lock", "src", "tests"];

/** Milliseconds for one test. Property tests take longer than bun's default. */
const TIMEOUT_MS = 120_000;

async function testFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const path of TESTS) {
    if (path.endsWith(".ts")) {
      files.push(path);
      continue;
    }
    for await (const { name } of Deno.readDir(`${root}/${path}`)) files.push(`${path}/${name}`);
  }
  return files.filter((path) => path.endsWith("_test.ts")).sort();
}

/** Writes a project file for the compiler, with the tests and what they may use of Deno. */
async function writeProject(folder: string, files: readonly string[]): Promise<void> {
  const preload = "tests/bun/preload.ts";
  await Deno.writeTextFile(
    `${folder}/deno.d.ts`,
    `declare const Deno: typeof import("./${preload}").neutral;\n`,
  );
  const project = { extends: "./tests/bun/tsconfig.json", files: ["deno.d.ts", preload, ...files] };
  await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify(project));
}

async function main(): Promise<number> {
  if (!await hasBun()) {
    process.stderr.write("bun is not installed: npm install --global bun\n");
    return 1;
  }
  const folder = await Deno.makeTempDir({ prefix: "aiotest-bun-" });
  try {
    for (const name of COPIED) await copyPath(name, `${folder}/${name}`);
    const files = await testFiles(folder);
    await writeProject(folder, files);
    const timeout = `--timeout=${TIMEOUT_MS}`;
    return await run(folder, Deno.execPath(), "install", "--node-modules-dir=auto", "--frozen") ||
      await run(
        folder,
        Deno.execPath(),
        "run",
        "-A",
        "npm:typescript/tsc",
        "--project",
        ".",
      ) ||
      await run(folder, "bun", "test", timeout, "--preload", "./tests/bun/preload.ts", ...files);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function hasBun(): Promise<boolean> {
  try {
    return (await runCommand("bun", ["--version"])).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a step. Shows its output if it fails, or else the number of tests. */
async function run(cwd: string, program: string, ...args: string[]): Promise<number> {
  const { code, stdout, stderr } = await runCommand(program, args, { cwd });
  const passed = /^\(pass\) .*\n/gm;
  if (code !== 0) process.stdout.write(`${stdout}${stderr.replaceAll(passed, "")}\n`);
  else if (program === "bun") process.stdout.write(`${/^Ran .+$/m.exec(stderr)?.[0]}\n`);
  return code;
}

Deno.exit(await main());
