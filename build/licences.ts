/**
 * `deno task licences` lists the licences of all packages. It exits with 1 if a package in the executable
 * has a licence that is not allowed there.
 *
 * @module
 */

import { resolve } from "node:path";
import process from "node:process";
import { askCompiler } from "./compile.ts";
import {
  cachedPackages,
  type LockFile,
  lockOf,
  type PackageId,
  projectPackages,
} from "./packages.ts";
import { runCommand } from "./project.ts";

/**
 * Licences that ask for no more than that their text is included. Licences with rules for the program that
 * contains the package (GPL, LGPL, AGPL, MPL, EPL and others) are not allowed: the executable is a single
 * file, in which a user cannot replace a library. Licences that were not reviewed yet are not allowed either.
 */
const PERMISSIVE: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Unlicense",
  "Zlib",
];

/** A package, and the licence that it names. */
export interface LicensedPackage extends PackageId {
  readonly licence: string | null;
}

/** The licences of all packages. */
export interface LicenceReport {
  readonly text: string;
  /** Whether a package is shipped that must not be. */
  readonly failed: boolean;
}

/**
 * Lists the packages and their licences.
 *
 * @param shipped packages in the executable.
 * @param others packages that only tests and benchmarks use. They are not distributed, so any licence will do.
 */
export function licenceReport(
  shipped: readonly LicensedPackage[],
  others: readonly LicensedPackage[],
): LicenceReport {
  const width = Math.max(...[...shipped, ...others].map((package_) => title(package_).length));
  const line = (package_: LicensedPackage, note = ""): string =>
    `  ${title(package_).padEnd(width)}  ${package_.licence ?? "no licence"}${note}\n`;
  const bad = shipped.filter(({ licence }) => licence === null || !isPermissive(licence));
  const text = [
    "In the executable:\n",
    ...shipped.map((package_) => line(package_, bad.includes(package_) ? "  <- not allowed" : "")),
    "Only for tests and benchmarks:\n",
    ...others.map((package_) => line(package_)),
    ...bad.map((package_) =>
      `${title(package_)} must not be in the executable: ${
        package_.licence ?? "it names no licence"
      }; build/licences.ts lists what is allowed.\n`
    ),
  ];
  return { text: text.join(""), failed: bad.length > 0 };
}

function title({ name, version }: PackageId): string {
  return `${name} ${version}`;
}

/** The licence that a `package.json` names, as an SPDX expression; null if it names none. */
export function licenceOf(manifest: Readonly<Record<string, unknown>>): string | null {
  const { license, licenses } = manifest;
  if (Array.isArray(licenses) && license === undefined) {
    const names = licenses.map(nameOf).filter((name) => name !== null);
    return names.length === 0 ? null : names.join(" OR ");
  }
  return nameOf(license);
}

/** Old packages have an object with the name. */
function nameOf(licence: unknown): string | null {
  if (typeof licence === "string") return licence.trim() || null;
  if (typeof licence !== "object" || licence === null) return null;
  return nameOf((licence as { type?: unknown }).type);
}

/**
 * Whether a package with such a licence may be shipped. Of alternatives (OR), one must be permissive; of
 * licences that apply together (AND), all must be.
 *
 * @param expression an SPDX expression, such as `(MIT AND Zlib) OR Apache-2.0`; a malformed one is not
 * permissive.
 */
export function isPermissive(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const any = (): boolean => {
    let good = all();
    while (words[at] === "OR") {
      at++;
      good = all() || good;
    }
    return good;
  };
  const all = (): boolean => {
    let good = one();
    while (words[at] === "AND") {
      at++;
      good = one() && good;
    }
    return good;
  };
  const one = (): boolean => {
    const word = words[at++];
    if (word !== "(") return PERMISSIVE.includes(word ?? "");
    const good = any();
    return words[at++] === ")" && good;
  };
  const good = any();
  return at === words.length && good;
}

/** The licences of a lock file's packages, in alphabetical order. */
async function licensed(cache: string, lock: LockFile): Promise<LicensedPackage[]> {
  return await Promise.all(
    (await cachedPackages(cache, lock)).map(async ({ name, version, folder }) => {
      const manifest = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
      return { name, version, licence: licenceOf(manifest) };
    }),
  );
}

async function reportProject(root: string): Promise<LicenceReport> {
  // Licences are read from Deno's cache, so every package must be there.
  const install = await runCommand(Deno.execPath(), ["install", "--frozen"], { cwd: root });
  if (install.code !== 0) throw new Error(`The packages could not be fetched:\n${install.stderr}`);
  const lock: LockFile = JSON.parse(await Deno.readTextFile(`${root}/deno.lock`));
  const packages = await projectPackages(root);
  const { cache } = await askCompiler(Deno.execPath());
  const shippedLock = lockOf(lock, Object.values(packages.shipped));
  const otherLock = lockOf(lock, Object.values(packages.others));
  const onlyOthers = Object.entries(otherLock.npm).filter(([key]) => !(key in shippedLock.npm));
  return licenceReport(
    await licensed(cache, shippedLock),
    await licensed(cache, { ...otherLock, npm: Object.fromEntries(onlyOthers) }),
  );
}

if (import.meta.main) {
  const { text, failed } = await reportProject(resolve(import.meta.dirname!, ".."));
  process.stdout.write(text);
  Deno.exit(failed ? 1 : 0);
}
