/**
 * From what a test file calls rows to the rows themselves.
 *
 * @module
 */

import { CsvError, parse } from "csv-parse/sync";
import { resolve } from "node:path";
import type { RowFile } from "../core/cluster.ts";
import { errorText, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { FeederDefinition } from "./feeder_definition.ts";
import { valueText } from "./shared_limits.ts";

/**
 * The rows of a feeder, each as JSON.
 *
 * ```ts
 * import { readRows } from "./row_reader.ts";
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("name,city\nann,Rome\n");
 * const files = { cwd: "/home/me", readFile: () => Promise.resolve(bytes) };
 * const rows = { format: "csv", path: "users.csv" } as const;
 * assert.deepEqual(
 *   await readRows(files, { name: "users", rows, mode: "unique", onEmpty: "stop" }),
 *   ['{"name":"ann","city":"Rome"}'],
 * );
 * ```
 *
 * @throws UsageError where a file is missing, a line of it is wrong, or there is no row at all.
 */
export async function readRows(
  files: Pick<Host, "cwd" | "readFile">,
  { name, rows }: FeederDefinition,
): Promise<string[]> {
  const what = `feeder ${name}`;
  const texts = isFile(rows)
    ? linesOf(rows, await bytesOf(files, rows.path, what), what)
    : rows.map((row, index) => rowText(row, `${what}: row ${index + 1}`));
  if (texts.length > 0) return texts;
  throw new UsageError(`${what}: ${isFile(rows) ? `${rows.path} has` : "there are"} no rows`);
}

function isFile(rows: FeederDefinition["rows"]): rows is RowFile {
  return !Array.isArray(rows);
}

async function bytesOf(
  files: Pick<Host, "cwd" | "readFile">,
  path: string,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await files.readFile(resolve(files.cwd, path));
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : `it cannot be read (${errorText(error)})`;
    throw new UsageError(`${what}: ${path}: ${why}`, "Paths are relative to where aiotest runs.");
  }
}

function linesOf(
  { format, path }: RowFile,
  bytes: Uint8Array<ArrayBuffer>,
  what: string,
): string[] {
  const at = (line: number): string => `${what}: ${path}, line ${line}`;
  return format === "csv" ? csvRows(bytes, at) : jsonRows(new TextDecoder().decode(bytes), at);
}

function csvRows(bytes: Uint8Array<ArrayBuffer>, at: (line: number) => string): string[] {
  try {
    return parse(bytes, {
      bom: true,
      skip_empty_lines: true,
      columns: (names: string[]) => {
        const twice = names.find((column, index) => names.indexOf(column) !== index);
        if (twice === undefined) return names;
        throw new UsageError(`${at(1)}: there are two columns ${twice}`);
      },
      onRecord: (row: Readonly<Record<string, string>>, { lines }: { lines: number }) =>
        rowText(row, at(lines)),
      // The parser's types know nothing of records that are turned into something else.
    }) as unknown as string[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { readonly lines?: number };
    throw new UsageError(`${at(lines ?? 1)}: ${error.message.replace(/ on line \d+$/, "")}`);
  }
}

function jsonRows(text: string, at: (line: number) => string): string[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (error) {
      const why = (error as SyntaxError).message.replace(/ \(line .*$/, "");
      throw new UsageError(`${at(index + 1)}: ${why}`);
    }
    return [rowText(row, at(index + 1))];
  });
}

function rowText(row: unknown, where: string): string {
  try {
    return valueText(row, where);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
