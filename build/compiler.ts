/**
 * `deno compile`, and what it says where it fails.
 *
 * It glues the program onto Deno's runtime stub, which it downloads and keeps below its cache folder,
 * unless the variable DENORT_BIN names a file, which it takes for whatever target it is asked for.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { type CommandResult, runCommand } from "./command.ts";
import { type ExecutableTarget, HEADER_BYTES, targetOfProgram } from "./executable_target.ts";

/** A Deno that compiles. */
export interface Compiler {
  readonly program: string;
  readonly version: string;
  /** Where it keeps what it downloads. */
  readonly cache: string;
}

/** Asks a Deno who it is. */
export async function askCompiler(program: string): Promise<Compiler> {
  const { code, stdout, stderr } = await runCommand(program, ["info", "--json", "--no-config"]);
  if (code !== 0) throw new Error(`${program} info failed:\n${stderr}`);
  const { denoDir, denoVersion } = JSON.parse(stdout);
  return { program, version: denoVersion, cache: denoDir };
}

/** A stub of one's own, and the target that it is for. */
export interface Stub {
  readonly path: string;
  readonly target: ExecutableTarget;
}

/**
 * Looks at the stub of a path.
 *
 * @returns the stub, or what is wrong with it, for a person to read.
 */
export async function readStub(path: string): Promise<Stub | string> {
  const header = new Uint8Array(HEADER_BYTES);
  try {
    using file = await Deno.open(path);
    await file.read(header);
  } catch (error) {
    return `DENORT_BIN=${path} cannot be read: ${(error as Error).message}`;
  }
  const target = targetOfProgram(header);
  return target === null ? `DENORT_BIN=${path} is no runtime stub of Deno` : { path, target };
}

/** The environment to compile for a target in: the stub is only there where it is for this target. */
export function compileEnvironment(
  env: Readonly<Record<string, string>>,
  stub: Stub | null,
  target: ExecutableTarget,
): Record<string, string> {
  const { DENORT_BIN: _, ...others } = env;
  return stub?.target === target ? { ...others, DENORT_BIN: stub.path } : others;
}

/** One sentence or two that say why there is no executable, and what to do. */
export function compileProblem(
  { stdout, stderr }: Pick<CommandResult, "stdout" | "stderr">,
  target: ExecutableTarget,
  { version, cache }: Compiler,
): string {
  const lines = stripVTControlCharacters(`${stderr}\n${stdout}`).split("\n");
  const archive = `denort-${target.triple}.zip`;
  const failed = `The executable for ${target.name} could not be made`;
  if (lines.some((line) => line.includes("Setting up base binary"))) {
    return `${failed}, as Deno's runtime stub could not be downloaded: get ${archive} of Deno's release ` +
      `v${version}, and put it into ${cache}/dl/release/v${version}/, or unpack it and set DENORT_BIN ` +
      `to the file in it.`;
  }
  const error = lines.find((line) => line.startsWith("error: ")) ??
    lines.find((line) => line !== "");
  return `${failed}: ${error?.replace("error: ", "") ?? "nobody says why"}`;
}
