/**
 * Writing of the files that `aiotest init` creates.
 *
 * @module
 */

import { systemReason, UsageError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";

/** What an editor needs to check a test file. */
export const TYPE_FILES = ["aiotest.d.ts", "deno.json"] as const;

/**
 * Writes a new file. Does not overwrite a file that was created in the meantime, either.
 *
 * @throws UsageError that says why it cannot be written.
 */
export async function write(host: Host, path: string, text: string): Promise<void> {
  try {
    await host.createTextFile(path, text);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw alreadyExists(path);
    throw new UsageError(`cannot write ${path}: ${systemReason(error)}`, "", error);
  }
}

/** The error for a file that exists. */
export function alreadyExists(path: string): UsageError {
  return new UsageError(
    `${path} already exists, and init does not overwrite files`,
    "Choose another directory: aiotest init my-test",
  );
}

/** A path, quoted for a shell. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `"${path}"`;
}
