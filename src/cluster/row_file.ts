import type { RowFile } from "../core/cluster.ts";

/**
 * A CSV file as the rows of a feeder: its first line names the columns, and each row is an object of
 * texts.
 *
 * @param path relative to the working directory, or absolute.
 */
export function csv(path: string): RowFile {
  return { format: "csv", path };
}

/**
 * A file with one JSON value a line as the rows of a feeder. Empty lines are left out.
 *
 * @param path relative to the working directory, or absolute.
 */
export function jsonl(path: string): RowFile {
  return { format: "jsonl", path };
}
