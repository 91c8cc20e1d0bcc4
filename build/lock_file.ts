/**
 * What `deno.lock` says of the packages of npm.
 *
 * @module
 */

/** `deno.lock`, as far as packages go. */
export interface LockFile {
  /** The version that a specifier such as `npm:redis@6.3.1` stands for. */
  readonly specifiers: Readonly<Record<string, string>>;
  /** By `name@version`, to which the versions of peers may be added. */
  readonly npm: Readonly<Record<string, LockedPackage>>;
  readonly workspace?: { readonly dependencies?: readonly string[] };
}

/** One package. */
export interface LockedPackage {
  readonly integrity?: string;
  /** By name alone where the lock file has one version of it. */
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
  /** Systems that it is for; without them it is for all. */
  readonly os?: readonly string[];
}

/** A package's name and version. */
export interface PackageId {
  readonly name: string;
  readonly version: string;
}

/** A key of the lock file without its peers: `@redis/json@6.3.1_@redis+client@6.3.1` is version 6.3.1. */
export function packageId(key: string): PackageId {
  const match = /^(@?[^@]+)@([^_]+)/.exec(key);
  if (match === null) throw new Error(`deno.lock: ${key} is no package`);
  return { name: match[1]!, version: match[2]! };
}

/** A specifier of a package without a file in it: `npm:csv-parse@7.0.3/sync` becomes `npm:csv-parse@7.0.3`. */
export function packageSpecifier(specifier: string): string {
  const name = /^npm:\/?((?:@[^/]+\/)?[^/]+)/.exec(specifier)?.[1];
  return name === undefined ? specifier : `npm:${name}`;
}

/**
 * The part of a lock file that some specifiers need: they themselves, and what they depend on, near
 * and far.
 *
 * @param imported specifiers of packages, or of files in them.
 * @throws {Error} where the lock file lacks one of them.
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
  return { ...lock, specifiers, npm: sorted(npm), workspace: { dependencies: wanted } };
}

function keyOf(lock: LockFile, dependency: string): string {
  // An alias is written as `alias@npm:name@version`.
  const name = dependency.replace(/^.+@npm:/, "");
  if (lock.npm[name] !== undefined) return name;
  const keys = Object.keys(lock.npm).filter((key) => packageId(key).name === name);
  return keys.length === 1 ? keys[0]! : name;
}

function sorted(npm: Record<string, LockedPackage>): Record<string, LockedPackage> {
  return Object.fromEntries(Object.entries(npm).sort(([a], [b]) => a < b ? -1 : 1));
}
