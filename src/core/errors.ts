/**
 * Errors that end a run, each with an exit code and a hint.
 *
 * They are thrown where the mistake is detected. One place, the top of the command line, turns them into
 * a message and an exit code.
 *
 * @module
 */

/** Exit codes of the process. Scripts and CI depend on these numbers. */
export const ExitCode = {
  passed: 0,
  /** Requests or users failed; `--exit-code-on-error` replaces it. */
  failures: 1,
  /** Invalid usage, configuration or test file. */
  usage: 2,
  /** A threshold was crossed. */
  threshold: 3,
  /** Workers were missing, or counts are incomplete. */
  cluster: 4,
  /** Interrupted twice. */
  interrupted: 130,
} as const;

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

/** The first line of a thrown value, at most 200 characters: what tables and logs show. */
export function errorText(thrown: unknown): string {
  const text = thrown instanceof Error ? describe(thrown) : String(thrown);
  const line = text.split("\n", 1)[0]!.trim();
  return line.length > MAX_ERROR_TEXT ? `${line.slice(0, MAX_ERROR_TEXT - 1)}…` : line;
}

/** Longer strings make tables unreadable and reports with many errors huge. */
const MAX_ERROR_TEXT = 200;

function describe(error: Error): string {
  if (error.message === "") return error.name;
  return error.name === "Error" || error.name === "AssertionError"
    ? error.message
    : `${error.name}: ${error.message}`;
}
