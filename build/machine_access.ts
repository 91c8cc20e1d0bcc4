/**
 * The machine reaches the code through the Host alone, so that the whole command line runs in a test.
 *
 * @module
 */

import { isShipped, type SourceFile, type Violation } from "./source_file.ts";

/** The files that may touch the machine: the Host itself, and the entry point that builds it. */
const MAY_TOUCH: readonly string[] = ["src/core/host.ts", "cli.ts"];

// Node's names for the same things are a back door to them. The console is known by its methods, because
// something else may well be called a console.
const TOUCH = new RegExp(
  [
    String.raw`\bDeno\.(?:args|env|exit|exitCode)\b`,
    String.raw`\bprocess\.(?:argv|env|exit|exitCode)\b`,
    String.raw`\bconsole\.(?:log|info|debug|warn|error|trace|dir|table|assert|group|time)\b`,
  ].join("|"),
  "g",
);

/** Arguments, environment, exit and console, touched where the Host should have been handed in. */
export function checkMachineAccess(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isShipped(file.path) && !MAY_TOUCH.includes(file.path))
    .flatMap((file) => {
      const touched = new Set(withoutComments(file.text).match(TOUCH));
      return [...touched].map((what) => ({
        file: file.path,
        reason: `touches ${what}; take it from the Host`,
      }));
    });
}

/** The code without its comment lines and blocks, whose examples may well touch the console. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[^]*?\*\//gm, "").replace(/(^|\s)\/\/.*$/gm, "");
}
