/**
 * `aiotest init`: creates a first test file, and what an editor needs to check it.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { commandFlags, parseAll } from "../flag_parser.ts";
import { alreadyExists, quoted, write } from "./init_files.ts";
import { runInitFrom, sourceOption } from "./init_from.ts";

/** The files, and what each is for. */
const FILES = {
  "aiotestfile.ts": "a first test, including a small service to test",
  "aiotest.d.ts": "types of everything that test files can import",
  "deno.json": "points your editor to these types",
} as const;

const HELP = "aiotest init --help";

/**
 * Creates the files of a first test in the directory that the command line names, or in the working
 * directory; or a test file from what an option names. Resolves with the exit code.
 *
 * @throws UsageError if one of the files exists or cannot be written, or if there is nothing to convert.
 */
export async function runInit(host: Host): Promise<number> {
  const { flags, operands: [, folder = ".", stray] } = parseAll(
    host.args,
    commandFlags("init"),
    HELP,
  );
  if (stray !== undefined) {
    throw new UsageError(`init: expected one directory, but there is a second one: ${stray}`);
  }
  if (folder === "") throw new UsageError("init: the directory name is empty");
  const source = sourceOption(flags);
  if (source !== null) return await runInitFrom(host, source, flags, folder);
  const fullPath = resolve(host.cwd, folder);
  if (await host.isFile(fullPath)) throw new UsageError(`${fullPath} is a file, not a directory`);
  for (const name of Object.keys(FILES)) {
    if (await host.isFile(join(fullPath, name))) throw alreadyExists(join(fullPath, name));
  }
  const { default: texts } = await import("../first_files.json", { with: { type: "json" } });
  const created: string[] = [];
  try {
    for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
      const path = join(fullPath, name);
      await write(host, path, `${texts[name].join("\n")}\n`);
      created.push(path);
    }
  } catch (error) {
    // Otherwise, they would prevent the next attempt.
    for (const path of created) host.outputFile(path).clear();
    throw error;
  }
  host.stdout.write(report(folder, fullPath));
  return ExitCode.passed;
}

function report(folder: string, fullPath: string): string {
  const width = Math.max(...Object.keys(FILES).map((name) => name.length));
  const lines = Object.entries(FILES).map(([name, use]) => `  ${name.padEnd(width)}  ${use}`);
  const enter = folder === "." ? [] : [`  cd ${quoted(folder)}`];
  return [
    `Created in ${fullPath}:`,
    ...lines,
    "",
    "Run it with 10 users for 10 seconds:",
    ...enter,
    "  aiotest -u 10 -r 10 -t 10s",
    "",
  ].join("\n");
}
