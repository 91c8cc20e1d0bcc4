/**
 * `deno task licences`: lists the licences of all packages; exits with 1 where one is in the executable
 * that must not be.
 *
 * @module
 */

import { resolve } from "node:path";
import process from "node:process";
import { runCommand } from "./command.ts";
import { askCompiler } from "./compiler.ts";
import { licenceOf } from "./licence.ts";
import { licenceReport, type LicensedPackage } from "./licence_report.ts";
import { type LockFile, lockOf } from "./lock_file.ts";
import { cachedPackages } from "./npm_cache.ts";
import { projectPackages } from "./shipped_packages.ts";

/** The licences of a lock file's packages, in the order of their names. */
async function licensed(cache: string, lock: LockFile): Promise<LicensedPackage[]> {
  return await Promise.all(
    (await cachedPackages(cache, lock)).map(async ({ name, version, folder }) => {
      const manifest = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
      return { name, version, licence: licenceOf(manifest) };
    }),
  );
}

const root = resolve(import.meta.dirname!, "..");
// Only what is in Deno's cache can be read.
const install = await runCommand(Deno.execPath(), ["install", "--frozen"], { cwd: root });
if (install.code !== 0) throw new Error(`The packages could not be fetched:\n${install.stderr}`);
const lock: LockFile = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
const packages = await projectPackages(root);
const { cache } = await askCompiler(Deno.execPath());
const shippedLock = lockOf(lock, Object.values(packages.shipped));
const otherLock = lockOf(lock, Object.values(packages.others));
const onlyOthers = Object.entries(otherLock.npm).filter(([key]) => !(key in shippedLock.npm));
const { text, failed } = licenceReport(
  await licensed(cache, shippedLock),
  await licensed(cache, { ...otherLock, npm: Object.fromEntries(onlyOthers) }),
);
process.stdout.write(text);
Deno.exit(failed ? 1 : 0);
