/**
 * What `--samples` and `--samples-only` accept, and which files they lead to. It is apart from the lines, so that it
 * costs nothing if there are none.
 *
 * @module
 */

import { posix, win32 } from "node:path";
import type { Sample } from "../stats/request_stats.ts";

/** The endings of a file of samples; completes "expected …". */
export const SAMPLE_FILE_FORMS = "a file name that ends in .jsonl, .csv, .jsonl.gz or .csv.gz";

const ENDING = /\.(jsonl|csv)(\.gz)?$/i;

/** What the name of a file says about its contents. */
export interface SampleFileKind {
  readonly isCsv: boolean;
  readonly gzip: boolean;
}

/** What a file of samples contains; `null` if its name does not say it. */
export function sampleFileKind(path: string): SampleFileKind | null {
  const [, format, gz] = ENDING.exec(path) ?? [];
  // A name that is an ending only would be hidden, and have no place for that of a node.
  if (format === undefined || /(^|[/\\])\.[^/\\]*$/.test(path)) return null;
  return { isCsv: format.toLowerCase() === "csv", gzip: gz !== undefined };
}

/**
 * The file of one node of several: `run.jsonl.gz` becomes `run.NODE.jsonl.gz`. What a file name cannot contain is
 * escaped, so that different nodes have different files.
 */
export function fileOfNode(path: string, node: string): string {
  const name = encodeURIComponent(node).replaceAll("*", "%2A");
  return path.replace(ENDING, (ending) => `.${name}${ending}`);
}

/** The files of all nodes, as a pattern. */
export function filesOfNodes(path: string): string {
  return path.replace(ENDING, (ending) => `.*${ending}`);
}

/** Whether a path stays below the working directory of the process that uses it, on any system. */
export function isBelow(path: string): boolean {
  return !posix.isAbsolute(path) && !win32.isAbsolute(path) && !/^[a-z]:/i.test(path) &&
    !path.split(/[/\\]/).includes("..");
}

/** What selects samples; completes "expected …". */
export const SAMPLE_SELECTIONS =
  "failed, slow:500ms (took at least 500 ms; slow:2s), or both as failed,slow:500ms";

/** Whether a sample is wanted. */
export type SampleFilter = (sample: Pick<Sample, "error" | "latencyMs">) => boolean;

/** Whether a sample is selected by one of the conditions in a text; `null` if the text is invalid. */
export function sampleFilter(text: string): SampleFilter | null {
  let failed = false;
  let slowMs = Infinity;
  for (const part of text.split(",")) {
    const [, number, unit] = /^slow:(\d+(?:\.\d+)?)(ms|s)$/i.exec(part.trim()) ?? [];
    if (number !== undefined) {
      slowMs = Math.min(slowMs, Number(number) * (unit!.toLowerCase() === "s" ? 1000 : 1));
    } else if (/^failed$/i.test(part.trim())) failed = true;
    else return null;
  }
  return ({ error, latencyMs }) => failed && error !== null || latencyMs >= slowMs;
}
