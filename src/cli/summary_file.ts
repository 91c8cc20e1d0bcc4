/**
 * Reads the file of a summary, for the commands that take one.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { SUMMARY_HINT } from "../report/summary_reader.ts";

/**
 * The parsed content of a file, which is still to be checked.
 *
 * @param path relative to the working directory.
 * @throws UsageError if the file is missing, or not JSON.
 */
export async function parsedSummary(
  host: Pick<Host, "cwd" | "readTextFile">,
  path: string,
): Promise<unknown> {
  return parse(path, await readText(host, path));
}

async function readText(
  host: Pick<Host, "cwd" | "readTextFile">,
  path: string,
): Promise<string> {
  const fullPath = resolve(host.cwd, path);
  try {
    return await host.readTextFile(fullPath);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new UsageError(`file not found: ${fullPath}`, SUMMARY_HINT);
    }
    throw new UsageError(`cannot read ${path}: ${systemReason(error)}`, "", error);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser quotes the text around the error, including line breaks.
    const reason = (error as SyntaxError).message.replaceAll(/\s+/g, " ");
    throw new UsageError(`${path} is not valid JSON: ${reason}`, SUMMARY_HINT, error);
  }
}
