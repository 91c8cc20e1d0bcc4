/** Files that a process has open beside its users' connections. */
const OTHER_OPEN_FILES = 50;

/**
 * Why so many users cannot all have a connection, or null where they can.
 *
 * ```ts
 * import { openFilesProblem } from "./open_files.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(openFilesProblem(100, 1024), null);
 * assert.match(openFilesProblem(1000, 1024)!, /limit of open files is 1024/);
 * ```
 *
 * @param limit files that this process may have open; null where nobody knows.
 */
export function openFilesProblem(users: number, limit: number | null): string | null {
  if (limit === null || users + OTHER_OPEN_FILES <= limit) return null;
  return `The limit of open files is ${limit}, too low for ${users} users with a connection ` +
    "each: raise it (ulimit -n) before the test.";
}
