/**
 * Errors that end a run, each with the exit code it ends with and a hint on what to do.
 *
 * They are thrown where the mistake is seen and turned into a message and an exit code in one place,
 * the top of the command line.
 *
 * @module
 */

/** What the process exits with; scripts and CI depend on these numbers. */
export const ExitCode = {
  passed: 0,
  /** Requests or users failed; `--exit-code-on-error` replaces it. */
  failures: 1,
  /** Bad usage, configuration or test file. */
  usage: 2,
  /** A threshold was crossed. */
  threshold: 3,
  /** Workers were missing, or counts are incomplete. */
  cluster: 4,
  /** Interrupted twice. */
  interrupted: 130,
} as const;

/** An error whose message is meant for the person at the command line. */
export class AiotestError extends Error {
  override readonly name: string = "AiotestError";
  /** What the process exits with. */
  readonly exitCode: number;
  /** What the reader can do about it, as a sentence; empty where the message says it all. */
  readonly hint: string;

  constructor(message: string, exitCode: number, hint = "", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Bad usage, configuration or test file: exit code 2, and nothing has been started. */
export class UsageError extends AiotestError {
  override readonly name = "UsageError";

  constructor(message: string, hint = "", cause?: unknown) {
    super(message, ExitCode.usage, hint, cause);
  }
}

/**
 * The first line of what was thrown, whatever it was: what tables and logs show of it.
 */
export function errorText(thrown: unknown): string {
  const text = thrown instanceof Error ? describe(thrown) : String(thrown);
  const line = text.split("\n", 1)[0]!.trim();
  return line.length > MAX_ERROR_TEXT ? `${line.slice(0, MAX_ERROR_TEXT - 1)}…` : line;
}

/** Longer texts would make a table of errors unreadable, and a report of many of them huge. */
const MAX_ERROR_TEXT = 200;

function describe(error: Error): string {
  if (error.message === "") return error.name;
  return error.name === "Error" || error.name === "AssertionError"
    ? error.message
    : `${error.name}: ${error.message}`;
}
