/**
 * `deno task compile` makes the executable `dist/aiotest`, or those of a release.
 *
 * `deno compile` appends the program to Deno's runtime stub, which it downloads into its cache. The variable
 * DENORT_BIN names a stub to use instead, for the target of that stub. A stub must be of the compiler's own
 * version; DENO_COMPILER names a compiler other than the Deno that runs this script.
 *
 * @module
 */

import { basename, dirname, resolve } from "node:path";
import process from "node:process";
import { stripVTControlCharacters } from "node:util";
import { cachedPackages, type LockFile, lockOf, projectPackages } from "./packages.ts";
import {
  type CommandResult,
  complain,
  copyPath,
  gitCommit,
  runCommand,
  runScript,
  RUNTIME_FLAGS,
} from "./project.ts";

/** A platform that an executable is made for. */
export interface ExecutableTarget {
  /** Its name in the name of the executable: `linux-x64`. */
  readonly name: string;
  /** Its name for `deno compile --target`. */
  readonly triple: string;
  /** The file name extension of executables. */
  readonly suffix: "" | ".exe";
}

/** All platforms that aiotest is released for. */
export const TARGETS: readonly ExecutableTarget[] = [
  { name: "linux-x64", triple: "x86_64-unknown-linux-gnu", suffix: "" },
  { name: "linux-arm64", triple: "aarch64-unknown-linux-gnu", suffix: "" },
  { name: "macos-x64", triple: "x86_64-apple-darwin", suffix: "" },
  { name: "macos-arm64", triple: "aarch64-apple-darwin", suffix: "" },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", suffix: ".exe" },
];

/** The target of a name or a triple, or null. */
export function findTarget(nameOrTriple: string): ExecutableTarget | null {
  return TARGETS.find(({ name, triple }) => [name, triple].includes(nameOrTriple)) ?? null;
}

/** The magic numbers of Mach-O and ELF files, and their numbers of processor architectures. */
const MACH_O = 0xfeedfacf;
const MACH_O_ARCHITECTURES: Readonly<Record<number, string>> = {
  0x01000007: "x64",
  0x0100000c: "arm64",
};
const ELF = 0x7f454c46;
const ELF_ARCHITECTURES: Readonly<Record<number, string>> = { 0x3e: "x64", 0xb7: "arm64" };

/** How many of a program's first bytes {@link targetOfProgram} needs. */
export const HEADER_BYTES = 64;

/** The target that a program runs on, by its first bytes; null if it is none of {@link TARGETS}. */
export function targetOfProgram(header: Uint8Array): ExecutableTarget | null {
  if (header.length < HEADER_BYTES) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  // "MZ"; there is only one target for Windows.
  if (view.getUint16(0) === 0x4d5a) return findTarget("windows-x64");
  if (view.getUint32(0) === ELF) {
    return findTarget(`linux-${ELF_ARCHITECTURES[view.getUint16(18, true)]}`);
  }
  if (view.getUint32(0, true) === MACH_O) {
    return findTarget(`macos-${MACH_O_ARCHITECTURES[view.getUint32(4, true)]}`);
  }
  return null;
}

/** What to make. */
export interface CompileOptions {
  readonly targets: readonly ExecutableTarget[];
  /** The path of the only executable; null if each gets its own name in `dist/`. */
  readonly output: string | null;
  /** Whether this is a release: all targets, and their checksums. */
  readonly all: boolean;
}

const USAGE = `Usage: deno task compile                  dist/aiotest, for this machine
       deno task compile --output FILE    the same, with another path
       deno task compile --target NAME    dist/aiotest-VERSION-NAME, for another machine
       deno task compile --all            one for each target, and dist/SHA256SUMS
Targets: ${TARGETS.map(({ name }) => name).join(", ")}`;

/**
 * Parses the arguments.
 *
 * @param own the target of this machine.
 * @returns the options, or an error message.
 */
export function parseArguments(
  args: readonly string[],
  own: ExecutableTarget,
): CompileOptions | string {
  const [flag, value, ...rest] = args.flatMap((arg) => {
    const at = arg.startsWith("--") ? arg.indexOf("=") : -1;
    return at < 0 ? [arg] : [arg.slice(0, at), arg.slice(at + 1)];
  });
  const needsValue = flag === "--target" || flag === "--output";
  if (needsValue && value === undefined) return `${flag} needs a value\n${USAGE}`;
  const extra = needsValue ? rest[0] : value;
  if (extra !== undefined) return `${extra}: unexpected argument\n${USAGE}`;
  switch (flag) {
    case undefined:
      return { targets: [own], output: `dist/aiotest${own.suffix}`, all: false };
    case "--output":
      // Windows runs no program without the suffix, and the compiler would add it anyway.
      return { targets: [own], output: withSuffix(value!, own.suffix), all: false };
    case "--all":
      return { targets: TARGETS, output: null, all: true };
    case "--target": {
      const target = findTarget(value!);
      if (target === null) return `--target ${value}: unknown target\n${USAGE}`;
      return { targets: [target], output: null, all: false };
    }
    default:
      return `${flag}: unknown option\n${USAGE}`;
  }
}

function withSuffix(path: string, suffix: string): string {
  return path.toLowerCase().endsWith(suffix) ? path : `${path}${suffix}`;
}

/** A Deno that compiles. */
export interface Compiler {
  readonly program: string;
  readonly version: string;
  /** Its cache folder. */
  readonly cache: string;
}

/** Asks a Deno for its version and its cache. */
export async function askCompiler(program: string): Promise<Compiler> {
  const { code, stdout, stderr } = await runCommand(program, ["info", "--json", "--no-config"]);
  if (code !== 0) throw new Error(`${program} info failed:\n${stderr}`);
  const { denoDir, denoVersion } = JSON.parse(stdout);
  return { program, version: denoVersion, cache: denoDir };
}

/** A runtime stub that DENORT_BIN names. */
export interface Stub {
  readonly path: string;
  readonly target: ExecutableTarget;
}

/**
 * Reads which target a stub is for.
 *
 * @returns the stub, or an error message.
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

/** The compiler's environment for a target. It names the stub only if the stub is for this target. */
export function compileEnvironment(
  env: Readonly<Record<string, string>>,
  stub: Stub | null,
  target: ExecutableTarget,
): Record<string, string> {
  const { DENORT_BIN: _, ...others } = env;
  return stub?.target === target ? { ...others, DENORT_BIN: stub.path } : others;
}

/** Says why the compiler made no executable, and what you can do. */
export function compileProblem(
  { stdout, stderr }: Pick<CommandResult, "stdout" | "stderr">,
  target: ExecutableTarget,
  { version, cache }: Compiler,
): string {
  const lines = stripVTControlCharacters(`${stderr}\n${stdout}`).split("\n");
  const archive = `denort-${target.triple}.zip`;
  const failed = `The executable for ${target.name} could not be made`;
  if (lines.some((line) => line.includes("Setting up base binary"))) {
    return `${failed}: Deno's runtime stub could not be downloaded. Get ${archive} from Deno's release ` +
      `v${version} and put it into ${cache}/dl/release/v${version}/, or unpack it and set DENORT_BIN ` +
      `to the file in it.`;
  }
  const error = lines.find((line) => line.startsWith("error: ")) ??
    lines.find((line) => line !== "");
  return `${failed}: ${error?.replace("error: ", "") ?? "the compiler printed no reason"}`;
}

/** The text of a file that `sha256sum --check` reads, with a line for each path in the order given. */
export async function checksums(paths: readonly string[]): Promise<string> {
  const lines = await Promise.all(paths.map(async (path) => {
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
    return `${new Uint8Array(digest).toHex()}  ${basename(path)}\n`;
  }));
  return lines.join("");
}

/** Files of packages that only editors, debuggers and browsers read. */
const UNREAD = [
  /\.map$/,
  /\.d\.[cm]?ts$/,
  // Whole programs for a browser's script tag.
  /\/(?:iife|umd)\//,
  /\.umd(?:\.min)?\.js$/,
];

/**
 * Paths of the files below a folder that the executable does not need. They are more than half of the
 * packages, and the executable reads everything that is embedded whenever it starts.
 */
export async function unreadFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) paths.push(...await unreadFiles(path));
    else if (UNREAD.some((pattern) => pattern.test(path))) paths.push(path);
  }
  return paths;
}

/** A folder from which the executables are compiled. */
interface Staging {
  readonly folder: string;
  /** The packages that are embedded. */
  readonly lock: LockFile;
  /** Files and folders to embed although `cli.ts` does not import them. */
  readonly included: readonly string[];
}

/** Sources that are copied. */
const COPIED = ["cli.ts", "mod.ts", "src", "examples"];

/** A module that imports every package that is shipped. It is never run. */
const PACKAGES_MODULE = "packages.ts";

/**
 * Copies what goes into the executable to a temporary folder. `deno compile` embeds every package that
 * `deno.json` names, so it cannot work on the project itself, whose `deno.json` names those of tests too.
 */
async function stage(root: string, commit: string | null): Promise<Staging> {
  const { shipped } = await projectPackages(root);
  const config = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const fullLock: LockFile = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
  const lock = lockOf(fullLock, Object.values(shipped));
  const { name, version, exports, imports, compilerOptions, nodeModulesDir } = config;
  const own = Object.entries<string>(imports).filter(([, target]) => target.startsWith("./"));

  const folder = await Deno.makeTempDir({ prefix: "aiotest-compile-" });
  const write = (path: string, content: unknown): Promise<void> =>
    Deno.writeTextFile(`${folder}/${path}`, JSON.stringify(content, null, 2));
  for (const path of COPIED) await copyPath(`${root}/${path}`, `${folder}/${path}`);
  await write("deno.json", {
    ...{ name, version, exports, compilerOptions, nodeModulesDir },
    imports: { ...Object.fromEntries(own), ...shipped },
  });
  await write("deno.lock", lock);
  const build = `export const COMMIT = ${JSON.stringify(commit)};\n`;
  await Deno.writeTextFile(`${folder}/src/core/build.ts`, build);
  const lines = Object.keys(shipped).map((package_) => `import ${JSON.stringify(package_)};\n`);
  await Deno.writeTextFile(`${folder}/${PACKAGES_MODULE}`, lines.join(""));
  // A test file on disk imports "aiotest", which the embedded import map resolves to mod.ts.
  return { folder, lock, included: ["mod.ts", "src", PACKAGES_MODULE] };
}

/** What all executables of one call have in common. */
interface Inputs {
  readonly compiler: Compiler;
  readonly stub: Stub | null;
  readonly staging: Staging;
  /** Files of packages that are left out. */
  readonly excluded: readonly string[];
}

async function main(args: readonly string[]): Promise<number> {
  const own = findTarget(Deno.build.target);
  if (own === null) return complain(`aiotest is not made for ${Deno.build.target}`, 1);
  const options = parseArguments(args, own);
  if (typeof options === "string") return complain(options, 2);
  const stubPath = Deno.env.get("DENORT_BIN");
  const stub = stubPath === undefined ? null : await readStub(resolve(stubPath));
  if (typeof stub === "string") return complain(stub, 1);
  const program = Deno.env.get("DENO_COMPILER") ?? Deno.execPath();
  // The compiler is started in another folder; a name without a slash is looked up on the PATH.
  const compiler = await askCompiler(program.includes("/") ? resolve(program) : program);

  const root = resolve(import.meta.dirname!, "..");
  const staging = await stage(root, await gitCommit(root));
  try {
    const excluded = await excludedFiles(compiler, staging);
    return await compileAll(options, root, { compiler, stub, staging, excluded });
  } finally {
    await Deno.remove(staging.folder, { recursive: true });
  }
}

/** Fetches missing packages, and finds the files in them that are left out. */
async function excludedFiles(compiler: Compiler, { folder, lock }: Staging): Promise<string[]> {
  const args = ["cache", "--quiet", "--frozen", "cli.ts", PACKAGES_MODULE];
  const { code, stderr } = await runCommand(compiler.program, args, { cwd: folder });
  if (code !== 0) throw new Error(`The packages could not be fetched: ${stderr.trim()}`);
  // The list would exceed the length of a command line on Windows.
  if (Deno.build.os === "windows") return [];
  const packages = await cachedPackages(compiler.cache, lock);
  return (await Promise.all(packages.map((cached) => unreadFiles(cached.folder)))).flat();
}

/** Makes each executable, and continues if one of them fails. */
async function compileAll(options: CompileOptions, root: string, inputs: Inputs): Promise<number> {
  const { version } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const made: string[] = [];
  for (const target of options.targets) {
    const name = options.output ?? `dist/aiotest-${version}-${target.name}${target.suffix}`;
    const path = resolve(root, name);
    const problem = await compileOne(target, path, inputs);
    if (problem !== null) {
      complain(problem, 1);
      continue;
    }
    const { size } = await Deno.stat(path);
    process.stdout.write(`${name}  ${(size / 1e6).toFixed(1)} MB\n`);
    made.push(path);
  }
  if (options.all && made.length > 0) {
    await Deno.writeTextFile(resolve(root, "dist/SHA256SUMS"), await checksums(made));
  }
  return made.length === options.targets.length ? 0 : 1;
}

/** Makes one executable; returns an error message if it cannot. */
async function compileOne(
  target: ExecutableTarget,
  path: string,
  { compiler, stub, staging, excluded }: Inputs,
): Promise<string | null> {
  await Deno.mkdir(dirname(path), { recursive: true });
  // Not --quiet, which would apply to the executable as well.
  const result = await runCommand(compiler.program, [
    ...["compile", "--frozen", "--target", target.triple, "--output", path],
    ...RUNTIME_FLAGS,
    "--allow-all",
    // `deno task ok` has checked the types, and another compiler may bring other types.
    "--no-check",
    // The dashboard's page is imported as text, for which some compilers still need this flag.
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

if (import.meta.main) await runScript(main);
