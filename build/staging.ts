/**
 * A folder with what goes into the executable, and nothing else: `deno compile` embeds every package that
 * `deno.json` names, those of the tests as well. Nothing is written into the work tree.
 *
 * @module
 */

import { type LockFile, lockOf } from "./lock_file.ts";
import { projectPackages } from "./shipped_packages.ts";

/** What `deno compile` starts from, beside the product itself. */
export interface Staging {
  readonly folder: string;
  /** The packages that are embedded. */
  readonly lock: LockFile;
  /** Files and folders that it must embed though `cli.ts` does not import them. */
  readonly included: readonly string[];
  /** Removes the folder. */
  remove(): Promise<void>;
}

/** Sources that are copied, as they lie in the project. */
const COPIED = ["cli.ts", "mod.ts", "src", "examples"];

/** Imports every package that is shipped, and is never run. */
const PACKAGES_MODULE = "packages.ts";

/** Copies a project's product into a folder of its own. */
export async function stage(root: string, commit: string | null): Promise<Staging> {
  const { shipped } = await projectPackages(root);
  const config = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const fullLock: LockFile = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
  const lock = lockOf(fullLock, Object.values(shipped));
  const { name, version, exports, imports, compilerOptions, nodeModulesDir } = config;
  const own = Object.entries<string>(imports).filter(([, target]) => target.startsWith("./"));

  const folder = await Deno.makeTempDir({ prefix: "aiotest-compile-" });
  const write = (path: string, content: unknown): Promise<void> =>
    Deno.writeTextFile(`${folder}/${path}`, JSON.stringify(content, null, 2));
  for (const path of COPIED) await copy(`${root}/${path}`, `${folder}/${path}`);
  await write("deno.json", {
    ...{ name, version, exports, compilerOptions, nodeModulesDir },
    imports: { ...Object.fromEntries(own), ...shipped },
  });
  await write("deno.lock", lock);
  const build = `export const COMMIT = ${JSON.stringify(commit)};\n`;
  await Deno.writeTextFile(`${folder}/src/core/build.ts`, build);
  const lines = Object.keys(shipped).map((package_) => `import ${JSON.stringify(package_)};\n`);
  await Deno.writeTextFile(`${folder}/${PACKAGES_MODULE}`, lines.join(""));
  return {
    folder,
    lock,
    // A test file on disk imports "aiotest", which leads to mod.ts by the import map that is embedded.
    included: ["mod.ts", "src", PACKAGES_MODULE],
    remove: () => Deno.remove(folder, { recursive: true }),
  };
}

async function copy(from: string, to: string): Promise<void> {
  if ((await Deno.stat(from)).isFile) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}
