/**
 * Feeders: their definitions in a test file, the rows that they read, and how the master hands these out.
 *
 * @module
 */

import { CsvError, parse } from "csv-parse/sync";
import { resolve } from "node:path";
import type { SharedCall } from "../cluster/protocol.ts";
import type { Random } from "../core/clock.ts";
import type { FeederMode, FeederOptions, RowFile, WhenEmpty } from "../core/cluster.ts";
import { systemReason, UsageError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { LINE_END } from "../core/text_files.ts";
import {
  type Cancel,
  type Done,
  NOTHING_TO_CANCEL,
  refused,
  type SharedService,
  valueText,
} from "./calls.ts";
import type { DryFeeder } from "./shortages.ts";

/** A feeder whose rows have been read. */
export interface LoadedFeeder {
  readonly name: string;
  /** JSON texts, at least one. */
  readonly rows: readonly string[];
  readonly mode: FeederMode;
  readonly onEmpty: WhenEmpty;
}

/** The feeders of a run. A row that was handed out and never received is handed out next. */
export class FeederStore implements SharedService {
  readonly #stocks: ReadonlyMap<string, FeederStock>;

  constructor(feeders: readonly LoadedFeeder[], random: Random) {
    this.#stocks = new Map(feeders.map((one) => [one.name, new FeederStock(one, random)]));
  }

  /** The feeders that were asked for a row when they had none left. */
  get dry(): DryFeeder[] {
    return [...this.#stocks.values()].flatMap((stock) => stock.dry ?? []);
  }

  perform({ name, operation }: SharedCall, _: readonly unknown[], done: Done): Cancel {
    const stock = this.#stocks.get(name);
    if (operation === "next" && stock !== undefined) return stock.next(done);
    done(refused(
      stock === undefined
        ? `the master has no feeder ${name}: create feeders at the top of the test file`
        : `feeder ${name} cannot ${operation}`,
    ));
    return NOTHING_TO_CANCEL;
  }
}

/** The rows of one feeder. */
class FeederStock {
  readonly #feeder: LoadedFeeder;
  readonly #random: Random;
  readonly #returned: number[] = [];
  readonly #waiting = new Set<Done>();
  #next = 0;
  #refusals = 0;

  constructor(feeder: LoadedFeeder, random: Random) {
    this.#feeder = feeder;
    this.#random = random;
  }

  /** What was asked for in vain; `null` if there has always been a row. */
  get dry(): DryFeeder | null {
    const { name, rows, onEmpty } = this.#feeder;
    const [refusals, waiting] = [this.#refusals, this.#waiting.size];
    if (refusals === 0 && waiting === 0) return null;
    return { kind: "feeder", name, rows: rows.length, onEmpty, refusals, waiting };
  }

  next(done: Done): Cancel {
    const { name, rows, mode, onEmpty } = this.#feeder;
    if (mode === "random") {
      const value = rows[Math.floor(this.#random() * rows.length)]!;
      done({ result: "ok", value, changed: false, giveBack: null });
    } else if (mode === "circular") {
      const value = rows[this.#next]!;
      this.#next = (this.#next + 1) % rows.length;
      done({ result: "ok", value, changed: true, giveBack: null });
    } else if (this.#returned.length > 0) this.#handOut(this.#returned.shift()!, done);
    else if (this.#next < rows.length) this.#handOut(this.#next++, done);
    else if (onEmpty === "wait") return this.#wait(done);
    else {
      this.#refusals++;
      const why = `feeder ${name}: all ${rows.length} rows have been used`;
      done(onEmpty === "throw" ? refused(why) : { ...refused(why), result: "end" });
    }
    return NOTHING_TO_CANCEL;
  }

  #handOut(row: number, done: Done): void {
    const giveBack = (): void => {
      const [next] = this.#waiting;
      if (next === undefined) return void this.#returned.push(row);
      this.#waiting.delete(next);
      this.#handOut(row, next);
    };
    done({ result: "ok", value: this.#feeder.rows[row]!, changed: true, giveBack });
  }

  #wait(done: Done): Cancel {
    // A new function, because the same one may wait twice.
    const entry: Done = (performed) => done(performed);
    this.#waiting.add(entry);
    return () => void this.#waiting.delete(entry);
  }
}

/** A feeder as the test file defines it. */
export interface FeederDefinition {
  readonly name: string;
  readonly rows: readonly unknown[] | RowFile;
  readonly mode: FeederMode;
  readonly onEmpty: WhenEmpty;
}

const MODES: readonly unknown[] = ["unique", "circular", "random"] satisfies FeederMode[];
const WHEN_EMPTY: readonly unknown[] = ["stop", "wait", "throw"] satisfies WhenEmpty[];

/**
 * Validates the definition of a feeder and fills in its defaults.
 *
 * @throws TypeError if an argument is invalid.
 */
export function feederDefinition(
  name: string,
  rows: readonly unknown[] | RowFile,
  { mode = "unique", onEmpty }: FeederOptions,
): FeederDefinition {
  const fail = (why: string): never => {
    throw new TypeError(`feeder ${name}: ${why}`);
  };
  if (!MODES.includes(mode)) fail(`mode must be one of ${MODES.join(", ")}`);
  if (onEmpty !== undefined) {
    if (!WHEN_EMPTY.includes(onEmpty)) fail(`onEmpty must be one of ${WHEN_EMPTY.join(", ")}`);
    if (mode !== "unique") fail("onEmpty requires the mode unique");
  }
  if (!Array.isArray(rows) && !isRowFile(rows)) fail("rows must be an array, csv(…) or jsonl(…)");
  return { name, rows, mode, onEmpty: onEmpty ?? "stop" };
}

function isRowFile(rows: unknown): boolean {
  const { format, path } = Object(rows);
  return (format === "csv" || format === "jsonl") && typeof path === "string";
}

/**
 * Reads the rows of a feeder, each as JSON.
 *
 * @param folders where a relative path may lead, in this order.
 * @throws UsageError if a file is missing, has an invalid line, or has no rows.
 */
export async function readRows(
  files: Pick<Host, "readTextFile">,
  folders: readonly string[],
  { name, rows }: FeederDefinition,
): Promise<string[]> {
  const what = `feeder ${name}`;
  const texts = isFile(rows)
    ? linesOf(rows, await textOf(files, folders, rows.path, what), what)
    : rows.map((row, index) => rowText(row, `${what}: row ${index + 1}`));
  if (texts.length > 0) return texts;
  throw new UsageError(`${what}: ${isFile(rows) ? `${rows.path} has` : "there are"} no rows`);
}

function isFile(rows: FeederDefinition["rows"]): rows is RowFile {
  return !Array.isArray(rows);
}

async function textOf(
  files: Pick<Host, "readTextFile">,
  folders: readonly string[],
  path: string,
  what: string,
): Promise<string> {
  const places = [...new Set(folders.map((folder) => resolve(folder, path)))];
  for (const place of places) {
    try {
      return await files.readTextFile(place);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      const why = `cannot read the file: ${systemReason(error)}`;
      throw new UsageError(`${what}: ${place}: ${why}`, PATHS);
    }
  }
  const where = places.length === 1 ? `: ${places}` : `, neither ${places.join(" nor ")}`;
  throw new UsageError(`${what}: ${path}: there is no such file${where}`, PATHS);
}

const PATHS =
  "Paths are relative to the test file or, if there is no such file, to the working directory.";

function linesOf(
  { format, path }: RowFile,
  text: string,
  what: string,
): string[] {
  const at = (line: number): string => `${what}: ${path}, line ${line}`;
  return format === "csv" ? csvRows(text, at) : jsonRows(text, at);
}

/** What a spreadsheet may write before the header, to say what separates the columns. */
const SEPARATOR_LINE = /^sep=(.)(?:\r\n|\n|\r)/i;

/**
 * What separates the columns: a comma, unless the header has none, but what spreadsheets write instead where
 * numbers have decimal commas.
 */
function separatorOf(text: string): string {
  // A quoted name can contain a line break.
  const [header] = /^(?:[^"\r\n]+|"[^"]*")*/.exec(text.trimStart())!;
  const unquoted = header.replaceAll(/"[^"]*"/g, "");
  return [",", ";", "\t"].find((one) => unquoted.includes(one)) ?? ",";
}

function csvRows(text: string, at: (line: number) => string): string[] {
  const separatorLine = SEPARATOR_LINE.exec(text);
  const skipped = separatorLine === null ? 0 : 1;
  const rows = text.slice(separatorLine?.[0].length ?? 0);
  const lineOf = (line: number): string => at(line + skipped);
  try {
    return parse(rows, {
      delimiter: separatorLine?.[1] ?? separatorOf(rows),
      record_delimiter: ["\r\n", "\n", "\r"],
      skip_empty_lines: true,
      columns: (cells: string[]) => {
        const names = cells.map((cell) => cell.trim());
        const unnamed = names.indexOf("");
        if (unnamed >= 0) throw new UsageError(`${lineOf(1)}: column ${unnamed + 1} has no name`);
        const twice = names.find((column, index) => names.indexOf(column) !== index);
        if (twice === undefined) return names;
        throw new UsageError(`${lineOf(1)}: there are two columns named ${twice}`);
      },
      onRecord: (row: Readonly<Record<string, string>>, { lines }: { lines: number }) =>
        rowText(row, lineOf(lines)),
      // The types of the parser do not cover `onRecord` returning something else.
    }) as unknown as string[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { readonly lines?: number };
    throw new UsageError(`${lineOf(lines ?? 1)}: ${error.message.replace(/ on line \d+$/, "")}`);
  }
}

function jsonRows(text: string, at: (line: number) => string): string[] {
  return text.split(LINE_END).flatMap((line, index) => {
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

/**
 * Takes the rows of a feeder from a CSV file. The first line names the columns; each row is an object with
 * strings. If the file is missing, has an invalid line or no rows, the run ends before it starts, with code 2.
 *
 * @param path absolute, or relative to the test file or, if there is no such file, to the working directory.
 */
export function csv(path: string): RowFile {
  return { format: "csv", path };
}

/**
 * Takes the rows of a feeder from a file with one JSON value per line. Empty lines are skipped.
 * If the file is missing, has an invalid line or no rows, the run ends before it starts, with code 2.
 *
 * @param path absolute, or relative to the test file or, if there is no such file, to the working directory.
 */
export function jsonl(path: string): RowFile {
  return { format: "jsonl", path };
}
