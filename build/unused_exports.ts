/**
 * Exports that nobody imports: either dead, or a detail that should not have been exported.
 *
 * @module
 */

import { posix } from "node:path";
import type { ImportedName, SourceFile, Violation } from "./source_file.ts";

/**
 * Symbols that `src/` exports without need. A symbol is used if a file outside `tests/` imports it, or
 * if the signature of a used symbol mentions it: a caller may need the name of the type that a function
 * returns. A test may import a symbol that only its own file uses. A symbol that nothing but tests uses
 * is dead.
 */
export function checkUnusedExports(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const used = new Set<string>();
  const inTests = new Set<string>();
  for (const file of files) {
    for (const { from, name } of importsOf(file, byPath)) {
      if (file.path.startsWith("tests/")) inTests.add(key(from, name));
      else markUsed(byPath, from, name, used);
    }
  }
  return files.filter((file) => file.path.startsWith("src/")).flatMap((file) =>
    file.symbols
      .filter(({ name, exported }) => exported && !used.has(key(file.path, name)))
      .filter(({ name }) => !inTests.has(key(file.path, name)) || !isUsedInside(file, name))
      .map(({ name }) => ({
        file: file.path,
        reason: `exports ${name}, which ${
          inTests.has(key(file.path, name)) ? "only tests use" : "nothing uses"
        }`,
      }))
  );
}

/** Whether the file's code names the symbol again after it declares it. */
function isUsedInside({ text }: SourceFile, name: string): boolean {
  const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
  return (code.match(new RegExp(`\\b${name}\\b`, "g")) ?? []).length > 1;
}

type Origin = Pick<ImportedName, "from" | "name">;

/** Paths of the files that it imports with `import()`. */
function lateImports({ path, text }: SourceFile): string[] {
  return [...text.matchAll(/\bimport\("(\.[^"]+)"/g)].map(([, name]) =>
    posix.join(posix.dirname(path), name!)
  );
}

/** What a file imports; an import that gives no names (`import()`, `export *`) may use them all. */
function importsOf(file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): Origin[] {
  const named = new Set(file.importedNames.map(({ from }) => from));
  const late = new Set(lateImports(file));
  const nameless = file.imports.filter((from) => !named.has(from) || late.has(from));
  const all = nameless.flatMap((from) =>
    (byPath.get(from)?.symbols ?? []).map(({ name }) => ({ from, name }))
  );
  return [...file.importedNames, ...all];
}

function markUsed(
  byPath: ReadonlyMap<string, SourceFile>,
  path: string,
  name: string,
  used: Set<string>,
): void {
  if (used.has(key(path, name))) return;
  used.add(key(path, name));
  const file = byPath.get(path);
  for (const mention of file?.symbols.find((symbol) => symbol.name === name)?.mentions ?? []) {
    const imported = file!.importedNames.find(({ local }) => local === mention);
    if (imported === undefined) markUsed(byPath, path, mention, used);
    else markUsed(byPath, imported.from, imported.name, used);
  }
}

function key(path: string, name: string): string {
  return `${path} ${name}`;
}
