/**
 * Packages of npm as Deno keeps them: `<cache>/npm/<registry>/<name>/<version>/`.
 *
 * @module
 */

import { type LockFile, type PackageId, packageId } from "./lock_file.ts";

/** A package, and where it lies. */
export interface CachedPackage extends PackageId {
  readonly folder: string;
}

/**
 * Finds every package of a lock file, in the order of their names. One that is for another system may
 * well be missing.
 *
 * @param cache Deno's own folder.
 * @throws {Error} where one is missing, which `deno install` fetches.
 */
export async function cachedPackages(cache: string, lock: LockFile): Promise<CachedPackage[]> {
  const registries: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${cache}/npm`)) {
    if (isDirectory) registries.push(`${cache}/npm/${name}`);
  }
  const packages = new Map<string, CachedPackage>();
  for (const [key, { os }] of Object.entries(lock.npm).sort(([a], [b]) => a < b ? -1 : 1)) {
    const id = packageId(key);
    const place = `${id.name}/${id.version}`;
    const folders = registries.map((registry) => `${registry}/${place}`);
    const there = await Promise.all(folders.map(exists));
    const folder = folders[there.indexOf(true)];
    if (folder === undefined && os !== undefined) continue;
    if (folder === undefined) throw new Error(`${place} is not in ${cache}: run deno install`);
    packages.set(place, { ...id, folder });
  }
  return [...packages.values()];
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
