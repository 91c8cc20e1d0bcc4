/**
 * `aiotest init`: a folder with a first test file.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { errorText, ExitCode, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { commandOptions, parseAll } from "../flag_parser.ts";

/** What is written, and what it is for. */
const FILES = {
  "aiotestfile.ts": "a first test, with a small service inside to practise on",
  "aiotest.d.ts": "what test files can import, for your editor",
  "deno.json": "tells the editor so",
} as const;

const HELP = "aiotest init --help";

/**
 * Writes the files of a first test into the folder that the command line names, or into the working
 * directory. Resolves with the exit code.
 *
 * @throws UsageError where one of the files is there already, or cannot be written.
 */
export async function runInit(host: Host): Promise<number> {
  const folder = readFolder(host.args);
  const fullPath = resolve(host.cwd, folder);
  if (await host.isFile(fullPath)) throw new UsageError(`${fullPath} is a file, and no folder`);
  for (const name of Object.keys(FILES)) {
    if (await host.isFile(join(fullPath, name))) throw thereAlready(join(fullPath, name));
  }
  const { default: texts } = await import("../first_files.json", { with: { type: "json" } });
  for (const name of Object.keys(FILES) as (keyof typeof FILES)[]) {
    await write(host, join(fullPath, name), `${texts[name].join("\n")}\n`);
  }
  host.stdout.write(report(folder, fullPath));
  return ExitCode.passed;
}

function readFolder(args: readonly string[]): string {
  const { operands: [, folder = ".", stray] } = parseAll(args, commandOptions(), HELP);
  if (stray !== undefined) {
    throw new UsageError(`init: one folder is needed, and ${stray} is a second one`);
  }
  if (folder === "") throw new UsageError("init: the folder's name is empty");
  return folder;
}

/** Even where a file has come in the meantime, it is not overwritten. */
async function write(host: Host, path: string, text: string): Promise<void> {
  try {
    await host.createTextFile(path, text);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw thereAlready(path);
    throw new UsageError(`${path} cannot be written: ${errorText(error)}`, "", error);
  }
}

function thereAlready(path: string): UsageError {
  return new UsageError(
    `${path} is there already, and init overwrites nothing`,
    "Another folder can be named: aiotest init my-test",
  );
}

function report(folder: string, fullPath: string): string {
  const width = Math.max(...Object.keys(FILES).map((name) => name.length));
  const lines = Object.entries(FILES).map(([name, use]) => `  ${name.padEnd(width)}  ${use}`);
  const enter = folder === "." ? [] : [`  cd ${quoted(folder)}`];
  return [
    `Written to ${fullPath}:`,
    ...lines,
    "",
    "Try it, with ten users for ten seconds:",
    ...enter,
    "  aiotest -u 10 -r 10 -t 10s",
    "",
  ].join("\n");
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `"${path}"`;
}
