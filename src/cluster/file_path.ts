/** Characters (UTF-16 units) that a path may have. */
export const MAX_PATH = 240;

/** What no system takes, or what has a meaning of its own on some. */
// deno-lint-ignore no-control-regex -- no system takes them in a name
const FORBIDDEN = /[\x00-\x1f\x7f\\:*?"<>|]/;

/** Names that are devices on Windows, whatever comes behind a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Why a path cannot be that of a file inside a folder, on whatever system; null where it can. Such a
 * path has its parts between slashes, and none of them leads anywhere but down.
 *
 * ```ts
 * import { pathProblem } from "./file_path.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(pathProblem("data/accounts.csv"), null);
 * assert.equal(pathProblem("../accounts.csv"), "leads out of its folder");
 * assert.equal(pathProblem("C:accounts.csv"), "has a character that some systems do not take");
 * ```
 */
export function pathProblem(path: string): string | null {
  if (path.length > MAX_PATH) return `has more than ${MAX_PATH} characters`;
  if (!path.isWellFormed() || FORBIDDEN.test(path)) {
    return "has a character that some systems do not take";
  }
  const parts = path.split("/");
  if (parts.includes("..")) return "leads out of its folder";
  if (parts.includes("") || parts.includes(".")) return "is not the path of a file inside a folder";
  // Windows drops a dot or a space at the end: two names would be one.
  if (parts.some((part) => /[. ]$/.test(part) || DEVICE.test(part))) {
    return "has a name that some systems do not take";
  }
  return null;
}
