import { isPermissive } from "./licence.ts";
import type { PackageId } from "./lock_file.ts";

/** A package, and the licence that it names. */
export interface LicensedPackage extends PackageId {
  readonly licence: string | null;
}

/** What there is to say of all packages. */
export interface LicenceReport {
  readonly text: string;
  /** Whether a package is shipped that must not be. */
  readonly failed: boolean;
}

/**
 * Lists the packages and their licences.
 *
 * @param shipped what is in the executable.
 * @param others what only tests and benchmarks use: nobody is given it, so its licence may be any.
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
    "Only to test and to measure with:\n",
    ...others.map((package_) => line(package_)),
    ...bad.map((package_) =>
      `${title(package_)} must not be in the executable: ${
        package_.licence ?? "it names no licence"
      }; build/licence.ts says what may be.\n`
    ),
  ];
  return { text: text.join(""), failed: bad.length > 0 };
}

function title({ name, version }: PackageId): string {
  return `${name} ${version}`;
}
