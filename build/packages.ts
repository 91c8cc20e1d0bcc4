/**
 * The npm packages of the project: what `deno.lock` says of them, which of them are shipped in the
 * executable, and where Deno caches them.
 *
 * @module
 */

import { runCommand } from "./project.ts";

/** What the scripts read of `deno.lock`. */
export interface LockFile {
  /** The version that a specifier such as `npm:redis@6.3.1` resolves to. */
  readonly specifiers: Readonly<Record<string, string>>;
  /** By `name@version`, which may be followed by the versions of peer dependencies. */
  readonly npm: Readonly<Record<string, LockedPackage>>;
  readonly workspace?: { readonly dependencies?: readonly string[] };
}

/** A package in the lock file. */
export interface LockedPackage {
  readonly integrity?: string;
  /** By name alone if the lock file has only one version of it. */
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
  /** The systems that it supports; without it, all. */
  readonly os?: readonly string[];
}

/** A package's name and version. */
export interface PackageId {
  readonly name: string;
  readonly version: string;
}

/** The package of a key in the lock file: `@redis/json@6.3.1_@redis+client@6.3.1` is version 6.3.1. */
export function packageId(key: string): PackageId {
  const match = /^(@?[^@]+)@([^_]+)/.exec(key);
  if (match === null) throw new Error(`deno.lock: ${key} is no package`);
  return { name: match[1]!, version: match[2]! };
}

/** A specifier without the file in the package: `npm:csv-parse@7.0.3/sync` gives `npm:csv-parse@7.0.3`. */
export function packageSpecifier(specifier: string): string {
  const name = /^npm:\/?((?:@[^/]+\/)?[^/]+)/.exec(specifier)?.[1];
  return name === undefined ? specifier : `npm:${name}`;
}

/**
 * The part of a lock file that some specifiers need, with all direct and indirect dependencies.
 *
 * @param imported specifiers of packages, or of files in them.
 * @throws {Error} if the lock file lacks one of them.
 */
export function lockOf(lock: LockFile, imported: readonly string[]): LockFile {
  const wanted = [...new Set(imported.map(packageSpecifier))].sort();
  const specifiers: Record<string, string> = {};
  const npm: Record<string, LockedPackage> = {};
  const visit = (key: string): void => {
    const found = lock.npm[key];
    if (found === undefined) throw new Error(`deno.lock has no package ${key}`);
    if (npm[key] !== undefined) return;
    npm[key] = found;
    for (const name of [...found.dependencies ?? [], ...found.optionalDependencies ?? []]) {
      visit(keyOf(lock, name));
    }
  };
  for (const specifier of wanted) {
    const version = lock.specifiers[specifier];
    if (version === undefined) throw new Error(`deno.lock does not have ${specifier}`);
    specifiers[specifier] = version;
    visit(keyOf(lock, `${packageId(specifier.slice("npm:".length)).name}@${version}`));
  }
  return {
    ...lock,
    specifiers,
    npm: Object.fromEntries(byKey(npm)),
    workspace: { dependencies: wanted },
  };
}

function keyOf(lock: LockFile, dependency: string): string {
  // An alias is written as `alias@npm:name@version`.
  const name = dependency.replace(/^.+@npm:/, "");
  if (lock.npm[name] !== undefined) return name;
  const keys = Object.keys(lock.npm).filter((key) => packageId(key).name === name);
  return keys.length === 1 ? keys[0]! : name;
}

function byKey<Value>(record: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
}

/** Packages that test files may import beside aiotest, even if aiotest itself did not need them. */
const OFFERED: readonly string[] = ["csv-parse", "redis"];

/** Packages that aiotest imports by computed names, so that starting it does not load them. */
const DYNAMIC: readonly string[] = ["metrics", "trace"].flatMap((signal) =>
  ["grpc", "http", "proto"].map((end) => `@opentelemetry/exporter-${signal}-otlp-${end}`)
);

/** Packages by their names in the import map, each with its specifier, such as `npm:redis@6.3.1`. */
export type Packages = Readonly<Record<string, string>>;

/** The npm packages of the import map. */
export interface ProjectPackages {
  /** Those in the executable. */
  readonly shipped: Packages;
  /** Those of tests and benchmarks. */
  readonly others: Packages;
}

/**
 * Sorts the packages of an import map by whether the product imports them.
 *
 * @param imports the import map of `deno.json`.
 * @param imported specifiers that the product's modules import, in the form of `deno info`:
 * `npm:/csv-parse@7.0.3/sync`.
 */
export function sortPackages(
  imports: Readonly<Record<string, string>>,
  imported: readonly string[],
): ProjectPackages {
  const shipped: Record<string, string> = {};
  const others: Record<string, string> = {};
  const used = new Set(imported.map(packageSpecifier));
  for (const [name, specifier] of Object.entries(imports)) {
    if (!specifier.startsWith("npm:")) continue;
    const isShipped = [...OFFERED, ...DYNAMIC].includes(name) ||
      used.has(packageSpecifier(specifier));
    (isShipped ? shipped : others)[name] = specifier;
  }
  return { shipped, others };
}

/** Sorts the packages of the project in a folder. */
export async function projectPackages(root: string): Promise<ProjectPackages> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  const imported: string[] = [];
  for (const entry of ["cli.ts", "mod.ts"]) {
    const args = ["info", "--json", entry];
    const { code, stdout, stderr } = await runCommand(Deno.execPath(), args, { cwd: root });
    if (code !== 0) throw new Error(`deno info ${entry} failed:\n${stderr}`);
    const { modules } = JSON.parse(stdout) as { modules: { specifier: string }[] };
    imported.push(...modules.map(({ specifier }) => specifier));
  }
  return sortPackages(imports, imported);
}

/** A package in Deno's cache. */
export interface CachedPackage extends PackageId {
  readonly folder: string;
}

/**
 * Finds the packages of a lock file in Deno's cache, in alphabetical order. Packages for other systems may
 * be missing.
 *
 * @param cache Deno's cache folder; a package is in `<cache>/npm/<registry>/<name>/<version>/`.
 * @throws {Error} if one is missing; `deno install` fetches it.
 */
export async function cachedPackages(cache: string, lock: LockFile): Promise<CachedPackage[]> {
  const registries: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${cache}/npm`)) {
    if (isDirectory) registries.push(`${cache}/npm/${name}`);
  }
  const packages = new Map<string, CachedPackage>();
  for (const [key, { os }] of byKey(lock.npm)) {
    const id = packageId(key);
    const path = `${id.name}/${id.version}`;
    const folders = registries.map((registry) => `${registry}/${path}`);
    const exist = await Promise.all(folders.map(isFolder));
    const folder = folders[exist.indexOf(true)];
    if (folder === undefined && os !== undefined) continue;
    if (folder === undefined) throw new Error(`${path} is not in ${cache}: run deno install`);
    packages.set(path, { ...id, folder });
  }
  return [...packages.values()];
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
