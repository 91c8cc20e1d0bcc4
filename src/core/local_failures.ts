/**
 * Failures because this machine lacks a resource: a file descriptor, a local port, memory. The load
 * generator has caused them, so they are never counted as failures of the target.
 *
 * @module
 */

import { closeSync, openSync } from "node:fs";
import process from "node:process";

/** What was missing: a file descriptor, a local port, memory for a connection. */
export type LocalFailureCode = "EMFILE" | "EADDRNOTAVAIL" | "ENOBUFS";

/** The system's error codes. A connection that would block (`EAGAIN`) finds no entry in the system's tables. */
const CODES: ReadonlyMap<string, LocalFailureCode> = new Map<string, LocalFailureCode>([
  ["EMFILE", "EMFILE"],
  ["ENFILE", "EMFILE"],
  ["EADDRNOTAVAIL", "EADDRNOTAVAIL"],
  ["ENOBUFS", "ENOBUFS"],
  ["ENOMEM", "ENOBUFS"],
  ["EAGAIN", "ENOBUFS"],
]);

/** Error numbers of Linux, macOS and Windows, for errors that mention only these. They do not overlap. */
const NUMBERS: ReadonlyMap<number, LocalFailureCode> = new Map<number, LocalFailureCode>([
  ...numbersOf("EMFILE", 24, 23, 10024),
  ...numbersOf("EADDRNOTAVAIL", 99, 49, 10049),
  ...numbersOf("ENOBUFS", 105, 55, 10055, 12, 11, 35),
]);

/** Entries of a map from error numbers of the system to codes. */
export function numbersOf<Code extends string>(code: Code, ...numbers: number[]): [number, Code][] {
  return numbers.map((number) => [number, code]);
}

/** The code for the error number that a message of the runtime mentions, if there is one. */
export function codeByNumber<Code>(
  message: string,
  codes: ReadonlyMap<number, Code>,
): Code | undefined {
  const number = /\(os error (\d+)\)/.exec(message)?.[1];
  return number === undefined ? undefined : codes.get(Number(number));
}

/** Causes of an error that are looked at. */
const MAX_DEPTH = 4;

/** Which resource was missing, if that is what an error or one of its causes says; otherwise `null`. */
export function localFailureOf(thrown: unknown): LocalFailureCode | null {
  try {
    let error = thrown;
    for (let depth = 0; depth < MAX_DEPTH && error instanceof Error; depth++) {
      const code = codeOf(error);
      if (code === "EMFILE") lastShortageAt = performance.now();
      if (code !== undefined) return code;
      error = error.cause;
    }
  } catch {
    // Users can throw objects whose properties throw.
  }
  return null;
}

function codeOf(error: Error): LocalFailureCode | undefined {
  const code = "code" in error ? CODES.get(String(error.code)) : undefined;
  if (code !== undefined) return code;
  if (error.name === "AddrNotAvailable") return "EADDRNOTAVAIL";
  return codeByNumber(error.message, NUMBERS);
}

/** A look-up needs a few. More of them can have become free since it failed. */
const FEW = 8;

/** How long a shortage is remembered. */
const SHORTAGE_MS = 5_000;

/** When this process last lacked a descriptor. A process has one table of them, so all parts share this. */
let lastShortageAt = -Infinity;

/**
 * Whether this process can open few files or none, or could not within the last seconds. Without a
 * descriptor, the system's resolver reports that a name does not exist, so this tells the two apart.
 */
export function lacksDescriptors(): boolean {
  // Windows does not limit them.
  if (process.platform === "win32") return false;
  if (performance.now() - lastShortageAt < SHORTAGE_MS) return true;
  const files: number[] = [];
  try {
    while (files.length < FEW) files.push(openSync("/dev/null", "r"));
    return false;
  } catch (error) {
    return localFailureOf(error) === "EMFILE";
  } finally {
    for (const file of files) closeSync(file);
  }
}
