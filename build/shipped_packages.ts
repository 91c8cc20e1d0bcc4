/**
 * Which packages go into the executable, and which are only there to test and to measure with.
 *
 * @module
 */

import { runCommand } from "./command.ts";
import { packageSpecifier } from "./lock_file.ts";

/** What test files may import beside aiotest itself, whether aiotest needs it or not. */
export const OFFERED: readonly string[] = ["csv-parse", "redis"];

/** What aiotest imports only where an option asks for it, so that other starts need not even look at it. */
const LATE: readonly string[] = ["@opentelemetry/exporter-metrics-otlp-http"];

/** The names of an import map's packages, each with its specifier, such as `npm:redis@6.3.1`. */
export type Packages = Readonly<Record<string, string>>;

/** The import map's packages of npm: what is shipped, and all else. */
export interface SortedPackages {
  readonly shipped: Packages;
  readonly others: Packages;
}

/**
 * Sorts the packages of an import map by what the product imports.
 *
 * @param imports the import map of `deno.json`.
 * @param imported specifiers that the product's modules import, as `deno info` gives them:
 * `npm:/csv-parse@7.0.3/sync`.
 */
export function sortPackages(
  imports: Readonly<Record<string, string>>,
  imported: readonly string[],
): SortedPackages {
  const shipped: Record<string, string> = {};
  const others: Record<string, string> = {};
  const used = new Set(imported.map(packageSpecifier));
  for (const [name, specifier] of Object.entries(imports)) {
    if (!specifier.startsWith("npm:")) continue;
    const isShipped = [...OFFERED, ...LATE].includes(name) || used.has(packageSpecifier(specifier));
    (isShipped ? shipped : others)[name] = specifier;
  }
  return { shipped, others };
}

/** Sorts the packages of the project in a folder. */
export async function projectPackages(root: string): Promise<SortedPackages> {
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
