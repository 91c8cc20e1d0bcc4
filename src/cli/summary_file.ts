/**
 * Finds and reads the summary of a run, for the commands that take one: a file, or a run of the history.
 *
 * @module
 */

import { resolve } from "node:path";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { KeptRun, RunHistory } from "../report/run_history.ts";
import { parseSummary, SUMMARY_HINT } from "../report/summary_reader.ts";
import { historyIn } from "./history.ts";

/**
 * The path of the summary that an argument means. `last` and `last~1` are runs of the history. Anything else is a
 * file, or the start of an id if there is no such file.
 *
 * @param directory that of the history; `null`: the default.
 * @throws UsageError if there is neither, or if several runs begin so.
 */
export async function summaryPath(
  host: Host,
  argument: string,
  directory: string | null,
): Promise<string> {
  const history = historyIn(host, directory);
  if (!/^last(~\d+)?$/.test(argument)) {
    if (await host.isFile(resolve(host.cwd, argument))) return argument;
    // What can be no id is the name of a file, which reading it names as missing.
    if (!/^[\da-z-]+$/i.test(argument)) return argument;
  }
  return history.fileOf((await findRun(history, argument)).id);
}

/**
 * The run of a history that a text means, as {@link RunHistory.find}.
 *
 * @throws UsageError also if its summary cannot be read.
 */
export async function findRun(history: RunHistory, text: string): Promise<KeptRun> {
  const run = await history.find(text);
  if (run.problem !== null) throw new UsageError(run.problem);
  return run;
}

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
  return parseSummary(await readText(host, path), path);
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
