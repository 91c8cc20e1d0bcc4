/**
 * Files that options name: errors name the option and the file.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** The part of the machine that has the files. */
export type FileReader = Pick<Host, "readTextFile" | "cwd">;

/**
 * Reads a text file.
 *
 * @param option the option that names the file, without its dashes.
 * @param path may be relative to the working directory.
 * @throws UsageError that names the option and the file.
 */
export async function readOptionFile(
  host: FileReader,
  option: string,
  path: string,
): Promise<string> {
  try {
    return await host.readTextFile(resolve(host.cwd, path));
  } catch (error) {
    throw new UsageError(
      `--${option} ${path}: cannot read the file: ${systemReason(error)}`,
      "",
      error,
    );
  }
}
