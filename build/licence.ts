/**
 * Which licences a package in the executable may have.
 *
 * @module
 */

/**
 * Licences that ask for no more than that their text goes along. A licence that has rules for the sources
 * of what contains it (GPL, LGPL, AGPL, MPL, EPL and others) is not among them: the executable is one
 * file, in which nobody can exchange a part, and whoever gives it on would have to follow those rules.
 * One that nobody has looked at yet is not among them either.
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

/** The licence that a `package.json` names, as an SPDX expression; null where it names none. */
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
 * Whether a package with such a licence may be shipped: one of several that one may choose from is enough,
 * of several that hold together all must be.
 *
 * @param expression in SPDX's manner: `(MIT AND Zlib) OR Apache-2.0`.
 */
export function isPermissive(expression: string): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  // An expression that breaks the grammar is no licence that anybody knows.
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
