/**
 * Imports that lead back to where they started.
 *
 * @module
 */

import type { SourceFile, Violation } from "./source_file.ts";

/**
 * One violation for each import that closes a circle, found by walking the imports depth first. Files
 * are walked in the order given, so the same files always give the same answer.
 */
export function checkCycles(files: readonly SourceFile[]): Violation[] {
  const imports = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const way: string[] = [];
  const violations: Violation[] = [];
  const walk = (path: string): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      const circle = [...way.slice(at), path].join(" → ");
      violations.push({ file: path, reason: `imports itself: ${circle}` });
      return;
    }
    if (done.has(path)) return;
    way.push(path);
    for (const imported of imports.get(path) ?? []) walk(imported);
    way.pop();
    done.add(path);
  };
  for (const file of files) walk(file.path);
  return violations;
}
