/**
 * Errors that end a run, each with an exit code and a hint.
 *
 * They are thrown where the mistake is detected. One place, the top of the command line, turns them into
 * a message and an exit code.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { asText } from "./text.ts";

/** Exit codes of the process. Scripts and CI depend on these numbers. */
export const ExitCode = {
  passed: 0,
  /** Requests or users failed; `--exit-code-on-error` replaces it. Also if no request was answered. */
  failures: 1,
  /** Invalid usage, configuration or test file. */
  usage: 2,
  /** A threshold was crossed. */
  threshold: 3,
  /** Workers were missing, or counts are incomplete. */
  cluster: 4,
  /** Interrupted twice, or before the test started. */
  interrupted: 130,
} as const;

/** The exit code of a command that cannot have passed, as an output is missing: its own, but at least 1. */
export function atLeastFailed(exitCode: number): number {
  return Math.max(exitCode, ExitCode.failures);
}

/** Says that a run which was interrupted has measured nothing. */
export const INTERRUPTED_EARLY = "Interrupted before the test started";

/** An error whose message is shown on the command line. */
export class AiotestError extends Error {
  override readonly name: string = "AiotestError";
  readonly exitCode: number;
  /** A sentence that says what to do about it; empty if the message says it all. */
  readonly hint: string;

  constructor(message: string, exitCode: number, hint = "", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Invalid usage, configuration or test file. The exit code is 2, and nothing has been started. */
export class UsageError extends AiotestError {
  override readonly name = "UsageError";

  constructor(message: string, hint = "", cause?: unknown) {
    super(message, ExitCode.usage, hint, cause);
  }
}

/** A handler of an event that prepares a run has thrown, so the test cannot start. */
export class PreparationError extends UsageError {}

/**
 * A thrown value on one line, at most 200 characters: what tables and logs show. A message of several lines
 * is joined; of a diff, the values that differ are kept. It never throws, whatever the value is.
 */
export function errorText(thrown: unknown): string {
  const line = oneLine(isError(thrown) ? describe(thrown) : asText(thrown));
  if (line === "") return "(no message)";
  return clip(line, MAX_ERROR_TEXT);
}

/** Longer strings make tables unreadable and reports with many errors huge. */
const MAX_ERROR_TEXT = 200;

/** The part of a message that is read: some are as long as the response that they quote. */
const MAX_READ = 10_000;

/** What makes a text more than one line, or has no place in it. */
// deno-lint-ignore no-control-regex -- colours begin with them
const NOT_ONE_LINE = /[\n\r\u2028\u2029\x1b\x9b]/;

function oneLine(text: string): string {
  const read = text.length > MAX_READ ? text.trimStart().slice(0, MAX_READ) : text;
  if (!NOT_ONE_LINE.test(read)) return read.trim().toWellFormed();
  const lines = stripVTControlCharacters(read).split(/[\n\r\u2028\u2029]+/);
  return (diffText(lines) ?? joined(lines)).toWellFormed();
}

/** The lines as one, without blank ones and those of a stack. */
function joined(lines: readonly string[]): string {
  return lines.filter((line) => !STACK_LINE.test(line)).map((line) => line.trim())
    .filter((line) => line !== "").join(" ");
}

const STACK_LINE = /^\s+at .*:\d+:\d+\)?$/;

/** The lines above a diff, and the mark of the lines of the actual value: of node:assert, and of @std/assert. */
const DIFF_HEADS: ReadonlyMap<string, "+" | "-"> = new Map([
  ["+ actual - expected", "+"],
  ["[Diff] Actual / Expected", "-"],
]);

/** The longest actual or expected value in the text of a diff. */
const MAX_DIFFERENCE = 70;

/** The message of a failed comparison with the values that differ; `null` if the lines are not a diff. */
function diffText(lines: readonly string[]): string | null {
  const head = lines.findIndex((line) => DIFF_HEADS.has(line.trim()));
  if (head < 0) return null;
  const actualMark = DIFF_HEADS.get(lines[head]!.trim());
  const [actual, expected]: [string[], string[]] = [[], []];
  for (const line of lines.slice(head + 1)) {
    const value = line.slice(1).trim();
    if ((line[0] !== "+" && line[0] !== "-") || value === "") continue;
    (line[0] === actualMark ? actual : expected).push(value);
  }
  if (actual.length + expected.length === 0) return null;
  const title = joined(lines.slice(0, head));
  const sides = actual.length === 0
    ? `missing ${sideText(expected)}`
    : expected.length === 0
    ? `not expected ${sideText(actual)}`
    : `actual ${sideText(actual)}, expected ${sideText(expected)}`;
  return `${title.replace(/[.:]$/, "")}: ${sides}`;
}

function sideText(values: readonly string[]): string {
  return clip(values.join(" ").replace(/,$/, ""), MAX_DIFFERENCE);
}

function clip(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).toWellFormed()}…` : text;
}

/** Whether a thrown value is an error. Unlike `instanceof`, it does not throw for a revoked proxy. */
export function isError(thrown: unknown): thrown is Error {
  return isInstance(thrown, Error);
}

/** As `instanceof`, but never throws: a value that user code has thrown may be a revoked proxy. */
export function isInstance<T>(
  value: unknown,
  // deno-lint-ignore no-explicit-any -- any class will do
  type: abstract new (...args: any[]) => T,
): value is T {
  try {
    return value instanceof type;
  } catch {
    return false;
  }
}

/** A thrown value as an error: itself if it is one, otherwise an error with its text. */
export function asError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(errorText(thrown));
}

/** The stack of a thrown value, or its text if it has none. It never throws. */
export function stackText(thrown: unknown): string {
  return (isError(thrown) ? fieldText(thrown, "stack") : "") || errorText(thrown);
}

/**
 * The message of a thrown value, without the name of its class. It never throws, and does not read the
 * stack: the runtime formats it only then, which takes long and reads files.
 */
export function messageText(thrown: unknown): string {
  return isError(thrown) ? fieldText(thrown, "message") : errorText(thrown);
}

/** The name, message and stack of an error as strings, whatever its fields are. It never throws. */
export function errorFields(error: Error): Record<"name" | "message" | "stack", string> {
  return {
    name: fieldText(error, "name"),
    message: fieldText(error, "message"),
    stack: fieldText(error, "stack"),
  };
}

function fieldText(error: Error, field: "name" | "message" | "stack"): string {
  try {
    return asText(error[field] ?? "");
  } catch {
    return "";
  }
}

/** The name and message of an error, whose fields can be anything, or throw when they are read. */
function describe(error: Error): string {
  try {
    const { name, message } = error;
    // These errors are sentences.
    if (error instanceof AiotestError) return message;
    const text = asText(message) + reasonWithin(error);
    if (text === "") return asText(name);
    return name === "Error" || name === "AssertionError" ? text : `${asText(name)}: ${text}`;
  } catch {
    return "an error whose message cannot be read";
  }
}

/** The first of several errors, if the message does not say it already; otherwise empty. */
function reasonWithin(error: Error): string {
  if (!(error instanceof AggregateError)) return "";
  const inner: unknown = error.errors[0];
  if (!isError(inner)) return "";
  const text = asText(inner.message);
  return text === "" || asText(error.message).includes(text) ? "" : ` (${text})`;
}

/** What errors of the system mean, by their code. */
const SYSTEM_REASONS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied"],
  ["EPERM", "operation not permitted"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "no space left on the device"],
  ["EDQUOT", "the disk quota is exceeded"],
  ["EFBIG", "the file is too large"],
  ["EISDIR", "it is a directory"],
  ["ENOTDIR", "a part of the path is not a directory"],
  ["ENOENT", "no such file or directory"],
  ["ENAMETOOLONG", "the name is too long"],
  ["ELOOP", "too many symbolic links"],
  ["EMFILE", "this process has too many open files (ulimit -n)"],
  ["ENFILE", "this machine has too many open files"],
  ["EBUSY", "it is in use"],
  ["ETXTBSY", "it is in use"],
  ["EIO", "input/output error"],
  ["ENXIO", "no such device or address"],
  ["EPIPE", "the reader has closed the pipe"],
]);

/** What an error of the system means, in plain words: other errors as {@link errorText}. */
export function systemReason(error: unknown): string {
  const code = isError(error) && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
  return SYSTEM_REASONS.get(code) ?? errorText(error);
}
