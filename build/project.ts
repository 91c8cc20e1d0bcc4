/**
 * The project as its scripts see it: where its code is, its commit, and how they run other programs.
 *
 * @module
 */

import process from "node:process";

/**
 * The V8 flags of the executable and of the tasks that run aiotest. V8 reads them only when it starts.
 *
 * - The limit of each half of the young generation in MB. With less, objects of thousands of requests under
 *   way move to the old generation, which takes more processor time and memory; with more, it is faster still,
 *   and takes more memory (`deno task bench http`).
 * - How much bytecode V8 may inline into one function. A request passes through more small functions than the
 *   default of 920 allows; with 3000, it takes 4 to 10 % less processor time. More brings nothing.
 */
export const RUNTIME_FLAGS: readonly string[] = [
  "--v8-flags=--max-semi-space-size=16,--max-inlined-bytecode-size-cumulative=3000",
];

/** The files and folders with code, relative to the root. */
const CODE = ["mod.ts", "cli.ts", "src", "tests", "bench", "examples", "build"];

/** The files and folders with code that exist in a project. */
export async function codeFolders(root: string): Promise<string[]> {
  const names = new Set<string>();
  for await (const entry of Deno.readDir(root)) names.add(entry.name);
  return CODE.filter((name) => names.has(name));
}

/** Paths of all TypeScript and JavaScript files with code, relative to the root and sorted. */
export async function codeFiles(root: string): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) await walk(path);
      else if (/\.[jt]s$/.test(path)) paths.push(path);
    }
  };
  for (const name of await codeFolders(root)) {
    if (name.endsWith(".ts")) paths.push(name);
    else await walk(name);
  }
  return paths.sort();
}

/** Copies a file, or a folder with all that is in it. */
export async function copyPath(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await copyPath(`${from}/${name}`, `${to}/${name}`);
  }
}

/**
 * The commit of a work tree as a short hash, followed by `+` if files have changed since; null if it is
 * unknown, such as in an unpacked archive.
 */
export async function gitCommit(root: string): Promise<string | null> {
  try {
    const head = await runCommand("git", ["rev-parse", "--short", "HEAD"], { cwd: root });
    const status = await runCommand("git", ["status", "--porcelain"], { cwd: root });
    if (head.code !== 0 || status.code !== 0) return null;
    return `${head.stdout.trim()}${status.stdout === "" ? "" : "+"}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The result of a command. */
export interface CommandResult {
  /** The exit code. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall time. */
  readonly seconds: number;
}

/** The surroundings of a command. */
export interface CommandOptions {
  /** Its working directory; by default that of this process. */
  readonly cwd?: string;
  /** Variables added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether the command gets nothing of this process's environment. */
  readonly clearEnv?: boolean;
}

/**
 * Runs a command to its end and captures its output, without colours.
 *
 * @throws {Deno.errors.NotFound} if there is no such program.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  { cwd, env, clearEnv = false }: CommandOptions = {},
): Promise<CommandResult> {
  const start = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    clearEnv,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
    seconds: (performance.now() - start) / 1000,
  };
}

/** Prints an error message, and returns the exit code. */
export function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}

/** Runs a script to its end, and exits with the code that it resolves with. */
export async function runScript(
  main: (args: readonly string[]) => Promise<number>,
): Promise<never> {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    // For example, a package cannot be fetched: the message helps, a stack trace does not.
    Deno.exit(complain((error as Error).message, 1));
  }
}
