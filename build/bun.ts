/**
 * `deno task bun`: checks that the parts which need no Deno need none. Their types must be right with
 * those of bun in the place of Deno's, and their tests must pass under `bun test`. Both happen in a copy,
 * beside which Deno puts the packages where bun looks for them.
 *
 * @module
 */

import process from "node:process";
import { runCommand } from "./command.ts";

/** Folders of tests, and single tests, that run under bun as they are. */
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

/** Milliseconds for one test: property tests take longer than bun expects. */
const TIMEOUT_MS = 120_000;

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

async function testFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  for (const place of TESTS) {
    if (place.endsWith(".ts")) files.push(place);
    else {for await (const { name } of Deno.readDir(`${root}/${place}`)) {
        files.push(`${place}/${name}`);
      }}
  }
  return files.filter((path) => path.endsWith("_test.ts")).sort();
}

/** Tells the compiler of bun what the tests may use, and which they are. */
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
    for (const name of COPIED) await copy(name, `${folder}/${name}`);
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

/** Runs a step, and shows what it says where it fails, or how many tests there were. */
async function run(cwd: string, program: string, ...args: string[]): Promise<number> {
  const { code, stdout, stderr } = await runCommand(program, args, { cwd });
  const passed = /^\(pass\) .*\n/gm;
  if (code !== 0) process.stdout.write(`${stdout}${stderr.replaceAll(passed, "")}\n`);
  else if (program === "bun") process.stdout.write(`${/^Ran .+$/m.exec(stderr)?.[0]}\n`);
  return code;
}

Deno.exit(await main());
