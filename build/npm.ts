/**
 * `deno task npm` makes the npm packages of a release from its executables: `aiotest` with a launcher, and
 * one package with the executable of each platform, of which npm installs only the right one.
 *
 * @module
 */

import { dirname, resolve } from "node:path";
import process from "node:process";
import firstFiles from "../src/cli/first_files.json" with { type: "json" };
import {
  type ExecutableTarget,
  findTarget,
  HEADER_BYTES,
  targetOfProgram,
  TARGETS,
} from "./compile.ts";
import { complain, runCommand, runScript } from "./project.ts";

/** What npm installs a package for. */
interface Platform {
  readonly os: string;
  readonly cpu: string;
  /** The C library; only on Linux. */
  readonly libc: string | null;
}

/** The platform of a target, in the names of Node.js: `darwin` is macOS. */
function platformOf({ name }: ExecutableTarget): Platform {
  const [system, cpu] = name.split("-") as [string, string];
  const os = { macos: "darwin", windows: "win32" }[system] ?? system;
  return { os, cpu, libc: os === "linux" ? "glibc" : null };
}

/** The name of the package with the executable for a target, such as `@aiotest/darwin-arm64`. */
export function platformPackage(target: ExecutableTarget): string {
  const { os, cpu } = platformOf(target);
  return `@aiotest/${os}-${cpu}`;
}

/** An executable to pack. */
export interface Executable {
  readonly target: ExecutableTarget;
  readonly path: string;
}

/** What is the same in all packages. */
export interface Release {
  readonly version: string;
  readonly license: string;
  /** The address of the repository, as `https://…`; null if it is not known. */
  readonly repository: string | null;
}

/** A file of a package. */
interface PackedFile {
  readonly path: string;
  /** Its text, or the file to copy. */
  readonly content: string | { readonly copyOf: string };
  readonly isProgram?: boolean;
}

type Manifest = Readonly<Record<string, unknown>>;

function manifestOf(name: string, release: Release, rest: Manifest): Manifest {
  const { version, license, repository } = release;
  return {
    name,
    version,
    ...rest,
    license,
    ...(repository === null ? {} : { repository: { type: "git", url: `git+${repository}.git` } }),
    engines: { node: ">=18" },
    // npm would take packages with a scope as private ones.
    publishConfig: { access: "public" },
  };
}

/** The `package.json` of the package with the executable for a target. */
function platformManifest(target: ExecutableTarget, release: Release): Manifest {
  const { os, cpu, libc } = platformOf(target);
  return manifestOf(platformPackage(target), release, {
    description: `The executable of aiotest for ${target.name}.`,
    os: [os],
    cpu: [cpu],
    ...(libc === null ? {} : { libc: [libc] }),
    files: ["bin"],
    // Yarn would keep the executable in an archive otherwise.
    preferUnplugged: true,
  });
}

/**
 * The `package.json` of `aiotest`. It depends on the packages that are made with it, and on no others: anyone
 * could publish a package under a name that has not been published yet.
 */
function mainManifest(targets: readonly ExecutableTarget[], release: Release): Manifest {
  return manifestOf("aiotest", release, {
    description: "A scriptable, distributed load generator. Tests are written in TypeScript.",
    keywords: ["load testing", "performance", "benchmark", "http", "grpc", "websocket"],
    bin: { aiotest: "bin/aiotest" },
    main: "index.js",
    types: "index.d.ts",
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./package.json": "./package.json",
    },
    files: ["bin", "index.js", "index.d.ts"],
    optionalDependencies: Object.fromEntries(
      targets.map((target) => [platformPackage(target), release.version]),
    ),
  });
}

/**
 * The module that Node.js loads for `import … from "aiotest"`: it throws an error that says what to do.
 *
 * @param names the exported names. Node.js reads them from the text, and would otherwise complain that the
 * first one is missing.
 */
function nodeModule(names: readonly string[]): string {
  return `"use strict";
throw new Error(
  "Node.js cannot run a test file of aiotest. To run it: npx aiotest -f FILE",
);
0 && (module.exports = { ${names.join(", ")} });
`;
}

/** Writes the files of a package to a folder. */
async function writePackage(
  folder: string,
  manifest: Manifest,
  files: readonly PackedFile[],
): Promise<void> {
  const all: readonly PackedFile[] = [
    { path: "package.json", content: `${JSON.stringify(manifest, null, 2)}\n` },
    ...files,
  ];
  for (const { path, content, isProgram = false } of all) {
    const to = `${folder}/${path}`;
    await Deno.mkdir(dirname(to), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(to, content);
    else await Deno.copyFile(content.copyOf, to);
    if (Deno.build.os !== "windows") await Deno.chmod(to, isProgram ? 0o755 : 0o644);
  }
}

/**
 * Makes the folders of the packages.
 *
 * @param root the project's folder.
 * @param output the folder to make them in; what is in it is deleted.
 * @returns the folders, those of the platforms first: `aiotest` must not be published before them.
 */
export async function makePackages(
  root: string,
  output: string,
  executables: readonly Executable[],
  release: Release,
): Promise<string[]> {
  await Deno.remove(output, { recursive: true }).catch(() => {});
  const licence: PackedFile = { path: "LICENSE", content: { copyOf: `${root}/LICENSE` } };
  const folders: string[] = [];
  for (const { target, path } of executables) {
    const name = platformPackage(target);
    const folder = `${output}/${name}`;
    await writePackage(folder, platformManifest(target, release), [
      licence,
      {
        path: "README.md",
        content: `# ${name}\n\nThe executable of \`aiotest\` for ${target.name}. ` +
          "Install the package `aiotest`, which depends on this one.\n",
      },
      { path: `bin/aiotest${target.suffix}`, content: { copyOf: path }, isProgram: true },
    ]);
    folders.push(folder);
  }
  const targets = executables.map(({ target }) => target);
  const folder = `${output}/aiotest`;
  await writePackage(folder, mainManifest(targets, release), [
    licence,
    { path: "README.md", content: { copyOf: `${root}/build/npm/README.md` } },
    {
      path: "bin/aiotest",
      content: { copyOf: `${root}/build/npm/launcher.cjs` },
      isProgram: true,
    },
    { path: "index.js", content: nodeModule(Object.keys(await import("../mod.ts")).sort()) },
    { path: "index.d.ts", content: `${firstFiles["aiotest.d.ts"].join("\n")}\n` },
  ]);
  return [...folders, folder];
}

/**
 * Makes a tarball of each folder, as they are published and installed.
 *
 * @returns their paths, in the order of the folders.
 * @throws {Error} if npm is missing, or cannot pack one.
 */
export async function packFolders(folders: readonly string[], output: string): Promise<string[]> {
  const args = ["pack", "--json", "--pack-destination", output, ...folders];
  try {
    const { code, stdout, stderr } = await runCommand("npm", args, { cwd: output });
    if (code !== 0) throw new Error(`npm pack failed: ${stderr.trim()}`);
    const packed = Object.values(JSON.parse(stdout)) as { name: string; version: string }[];
    return packed.map(({ name, version }) =>
      `${output}/${name.replace("@", "").replace("/", "-")}-${version}.tgz`
    );
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("The tarballs need npm, which comes with Node.js. The folders are complete.");
  }
}

/**
 * Looks for the executables that are to be packed.
 *
 * @param local whether only that of this machine is wanted, from `dist/aiotest`.
 * @returns the executables, or an error message that names the command which makes what is missing.
 */
export async function findExecutables(
  root: string,
  version: string,
  local: boolean,
): Promise<Executable[] | string> {
  const own = findTarget(Deno.build.target);
  if (local && own === null) return `aiotest is not made for ${Deno.build.target}`;
  const executables: Executable[] = [];
  for (const target of local ? [own!] : TARGETS) {
    const name = local ? "aiotest" : `aiotest-${version}-${target.name}`;
    const file = `dist/${name}${target.suffix}`;
    const command = `deno task compile${local ? "" : ` --target ${target.name}`}`;
    const header = await readHeader(`${root}/${file}`);
    if (header === null) {
      const all = local ? "" : "; for all of them: deno task compile --all";
      return `${file} is missing. To make it: ${command}${all}`;
    }
    if (targetOfProgram(header) !== target) {
      return `${file} is not an executable for ${target.name}. To make it again: ${command}`;
    }
    executables.push({ target, path: `${root}/${file}` });
  }
  return executables;
}

/** The first bytes of a file; null if there is no such file. */
async function readHeader(path: string): Promise<Uint8Array | null> {
  try {
    using file = await Deno.open(path);
    const header = new Uint8Array(HEADER_BYTES);
    return header.subarray(0, await file.read(header) ?? 0);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return null;
  }
}

const USAGE = `Usage: deno task npm           packages for all targets, from deno task compile --all
       deno task npm --local   only for this machine, from dist/aiotest`;

/** The address of the repository, if a GitHub workflow runs this script. */
function repositoryAddress(): string | null {
  const [server, repository] = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY"].map((name) =>
    Deno.env.get(name)
  );
  return server === undefined || repository === undefined ? null : `${server}/${repository}`;
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--local");
  if (unknown !== undefined) return complain(`${unknown}: unknown argument\n${USAGE}`, 2);
  const root = resolve(import.meta.dirname!, "..");
  const { version, license } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const executables = await findExecutables(root, version, args.includes("--local"));
  if (typeof executables === "string") return complain(executables, 1);
  const output = `${root}/dist/npm`;
  const release = { version, license, repository: repositoryAddress() };
  const folders = await makePackages(root, output, executables, release);
  for (const path of await packFolders(folders, output)) {
    const { size } = await Deno.stat(path);
    process.stdout.write(`${path.slice(root.length + 1)}  ${(size / 1e6).toFixed(1)} MB\n`);
  }
  return 0;
}

if (import.meta.main) await runScript(main);
