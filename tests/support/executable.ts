/**
 * aiotest as people download it: one file, made by `deno task compile` from the sources as they are.
 *
 * @module
 */

import { tmpdir } from "node:os";
import process from "node:process";
import { gitCommit, runCommand } from "../../build/project.ts";
import { PROJECT_ROOT } from "./paths.ts";

/** What the executable depends on, from the root. */
const SOURCES = ["cli.ts", "mod.ts", "src", "examples", "build", "deno.json", "deno.lock"];

/**
 * The path of the executable. It is made once for all test files that want it at the same time, stays in
 * the folder for temporary files, and is made again only after a source has changed.
 *
 * @returns null where Deno's runtime stub can neither be found nor downloaded; the reason is printed,
 * and the tests are to be skipped.
 * @throws {Error} instead, under `AIOTEST_REQUIRE=all`.
 */
export async function compiledExecutable(): Promise<string | null> {
  const folder = `${tmpdir()}/aiotest-executable-${(await sha256(PROJECT_ROOT)).slice(0, 12)}`;
  const [path, stampPath] = [`${folder}/aiotest`, `${folder}/stamp`];
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  const stamp = await stampOfSources();
  if (await readOr(stampPath, "") === stamp) return path;
  // Another test run may be using the old one: it is replaced, and not written to.
  const fresh = `${path}.new`;
  const args = ["run", "-A", `${PROJECT_ROOT}/build/compile.ts`, "--output", fresh];
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), args);
  if (code !== 0) {
    const problem = `There is no executable to test: ${stderr}${stdout}`;
    if (Deno.env.get("AIOTEST_REQUIRE") === "all") throw new Error(problem);
    process.stderr.write(problem);
    return null;
  }
  await Deno.rename(fresh, path);
  await Deno.writeTextFile(stampPath, stamp);
  return path;
}

/** A text that is another one when the executable would be. */
async function stampOfSources(): Promise<string> {
  const lines = ["DENORT_BIN", "DENO_COMPILER"].map((name) =>
    `${name}=${Deno.env.get(name) ?? ""}`
  );
  const visit = async (path: string): Promise<void> => {
    const { isDirectory, mtime, size } = await Deno.stat(`${PROJECT_ROOT}/${path}`);
    if (!isDirectory) lines.push(`${path} ${mtime?.getTime()} ${size}`);
    else {for await (const { name } of Deno.readDir(`${PROJECT_ROOT}/${path}`)) {
        await visit(`${path}/${name}`);
      }}
  };
  for (const path of SOURCES) await visit(path);
  lines.sort();
  return `${await gitCommit(PROJECT_ROOT)} ${Deno.version.deno} ${await sha256(lines.join("\n"))}`;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return otherwise;
  }
}
