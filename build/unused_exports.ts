/**
 * Exports that nobody imports: either dead, or a detail that should not have been exported.
 *
 * @module
 */

import type { ImportedName, SourceFile, Violation } from "./source_file.ts";

/**
 * Symbols that `src/` exports and nothing but a test uses. A symbol is used where a file outside
 * `tests/` imports it, and where the signature of a used symbol mentions it: who calls a function may
 * well want a name for what it returns. What `mod.ts` exports is used by test files everywhere.
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
      .filter((symbol) => symbol.exported && !used.has(key(file.path, symbol.name)))
      .map(({ name }) => ({
        file: file.path,
        reason: `exports ${name}, which ${
          inTests.has(key(file.path, name)) ? "only tests use" : "nothing uses"
        }`,
      }))
  );
}

type Origin = Pick<ImportedName, "from" | "name">;

/** What a file imports; an import that gives no names (`import()`, `export *`) may use them all. */
function importsOf(file: SourceFile, byPath: ReadonlyMap<string, SourceFile>): Origin[] {
  const named = new Set(file.importedNames.map(({ from }) => from));
  const nameless = file.imports.filter((from) => !named.has(from));
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
