/**
 * `deno task compile`: makes the executable `dist/aiotest`, or those of a release.
 *
 * The variable DENORT_BIN names a runtime stub, so that none is downloaded for its target. A stub must be
 * of the compiler's own version, and DENO_COMPILER names another compiler than the Deno that runs this.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import process from "node:process";
import { checksums } from "./checksums.ts";
import { runCommand } from "./command.ts";
import { type CompileOrder, readArguments } from "./compile_arguments.ts";
import {
  askCompiler,
  compileEnvironment,
  compileProblem,
  type Compiler,
  readStub,
  type Stub,
} from "./compiler.ts";
import { type ExecutableTarget, findTarget } from "./executable_target.ts";
import { gitCommit } from "./git_commit.ts";
import { cachedPackages } from "./npm_cache.ts";
import { RUNTIME_FLAGS } from "./runtime_flags.ts";
import { stage, type Staging } from "./staging.ts";
import { unreadFiles } from "./unread_files.ts";

const MEGABYTE = 1e6;

/** What all executables of one order have in common. */
interface Workshop {
  readonly compiler: Compiler;
  readonly stub: Stub | null;
  readonly staging: Staging;
  /** Files of packages that are left out. */
  readonly excluded: readonly string[];
}

async function main(args: readonly string[]): Promise<number> {
  const own = findTarget(Deno.build.target);
  if (own === null) return complain(`aiotest is not made for ${Deno.build.target}`, 1);
  const order = readArguments(args, own);
  if (typeof order === "string") return complain(order, 2);
  const stubPath = Deno.env.get("DENORT_BIN");
  const stub = stubPath === undefined ? null : await readStub(resolve(stubPath));
  if (typeof stub === "string") return complain(stub, 1);
  const program = Deno.env.get("DENO_COMPILER") ?? Deno.execPath();
  // It is started in another folder than this one; a mere name is looked for on the PATH.
  const compiler = await askCompiler(program.includes("/") ? resolve(program) : program);

  const root = resolve(import.meta.dirname!, "..");
  const staging = await stage(root, await gitCommit(root));
  try {
    const excluded = await excludedFiles(compiler, staging);
    return await make(order, root, { compiler, stub, staging, excluded });
  } finally {
    await staging.remove();
  }
}

/** Fetches the packages, as far as they are not there, and finds out what of them is left out. */
async function excludedFiles(compiler: Compiler, { folder, lock }: Staging): Promise<string[]> {
  const args = ["cache", "--quiet", "--frozen", "cli.ts", "packages.ts"];
  const { code, stderr } = await runCommand(compiler.program, args, { cwd: folder });
  if (code !== 0) throw new Error(`The packages could not be fetched: ${stderr.trim()}`);
  // There a command line must not be as long as this list.
  if (Deno.build.os === "windows") return [];
  const packages = await cachedPackages(compiler.cache, lock);
  return (await Promise.all(packages.map((cached) => unreadFiles(cached.folder)))).flat();
}

/** Makes each executable, also after one has failed. */
async function make(order: CompileOrder, root: string, workshop: Workshop): Promise<number> {
  const { version } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const made: string[] = [];
  for (const target of order.targets) {
    const name = order.output ?? `dist/aiotest-${version}-${target.name}${target.suffix}`;
    const path = resolve(root, name);
    const problem = await makeOne(target, path, workshop);
    if (problem !== null) {
      complain(problem, 1);
      continue;
    }
    const { size } = await Deno.stat(path);
    process.stdout.write(`${name}  ${(size / MEGABYTE).toFixed(1)} MB\n`);
    made.push(path);
  }
  if (order.all && made.length > 0) {
    await Deno.writeTextFile(resolve(root, "dist/SHA256SUMS"), await checksums(made));
  }
  return made.length === order.targets.length ? 0 : 1;
}

/** Makes one executable, or says why there is none. */
async function makeOne(
  target: ExecutableTarget,
  path: string,
  { compiler, stub, staging, excluded }: Workshop,
): Promise<string | null> {
  await Deno.mkdir(dirname(path), { recursive: true });
  // Not --quiet, which would hold for the executable as well.
  const result = await runCommand(compiler.program, [
    ...["compile", "--frozen", "--target", target.triple, "--output", path],
    ...RUNTIME_FLAGS,
    "--allow-all",
    // `deno task ok` has checked the types, and another compiler may bring other types.
    "--no-check",
    // The dashboard's page is imported as text, which some compilers still ask a flag for.
    "--unstable-raw-imports",
    ...staging.included.map((included) => `--include=${included}`),
    ...excluded.map((path) => `--exclude=${path}`),
    "cli.ts",
  ], {
    cwd: staging.folder,
    env: compileEnvironment(Deno.env.toObject(), stub, target),
    clearEnv: true,
  });
  return result.code === 0 ? null : compileProblem(result, target, compiler);
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  // Such as a package that cannot be fetched: what helps is the sentence, and not the way here.
  Deno.exit(complain((error as Error).message, 1));
}
