import type { SourceFile, Violation } from "./source_file.ts";

/** What makes `deno check` look at JavaScript as it looks at TypeScript. */
const CHECKED = "// @ts-check\n";

/** Files of JavaScript that the type checker would pass over without a word. */
export function checkScripts(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path, text }) => path.endsWith(".js") && !text.startsWith(CHECKED))
    .map(({ path }) => ({ file: path, reason: `does not begin with ${CHECKED.trim()}` }));
}
