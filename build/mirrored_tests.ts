import type { SourceFile, Violation } from "./source_file.ts";

/** Folders whose tests are of the whole, and mirror no file. */
const FREE = ["support", "e2e", "build", "examples"];

/**
 * Tests that are not where a reader of the source looks for them: `tests/stats/table_test.ts` tests
 * `src/stats/table.ts`, and `tests/mod_test.ts` tests `mod.ts`.
 */
export function checkMirroredTests(files: readonly SourceFile[]): Violation[] {
  const paths = new Set(files.map((file) => file.path));
  return files.flatMap(({ path }) => {
    const match = /^tests\/(?:(.+)\/)?([^/]+)_test\.ts$/.exec(path);
    if (match === null) return [];
    const [, folder, name] = match;
    if (folder !== undefined && FREE.includes(folder.split("/")[0]!)) return [];
    const source = folder === undefined ? name! : `src/${folder}/${name}`;
    if (paths.has(`${source}.ts`) || paths.has(`${source}.js`)) return [];
    return [{ file: path, reason: `tests no file: no ${source}.ts` }];
  });
}
