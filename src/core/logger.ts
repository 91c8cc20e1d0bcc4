/**
 * The log: of aiotest itself, and of test files, which import {@link logger}.
 *
 * @module
 */

import { configure, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";

/** The levels as they are written on the command line, from the chattiest to the quietest. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

/** A level as it is written on the command line. */
export type LogLevelName = (typeof LOG_LEVELS)[number];

/** What a log takes. A text may have `{names}` in it, which the properties fill in. */
export interface Logger {
  /** What only helps to find a mistake. */
  debug(text: string, properties?: Record<string, unknown>): void;
  /** What is good to know. */
  info(text: string, properties?: Record<string, unknown>): void;
  /** What may make the results worth less. */
  warn(text: string, properties?: Record<string, unknown>): void;
  /** What went wrong. */
  error(text: string, properties?: Record<string, unknown>): void;
  /** What makes going on useless; its level is called CRITICAL. */
  fatal(text: string, properties?: Record<string, unknown>): void;
}

/** One record of the log. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: LogLevelName;
  readonly text: string;
}

/** The log that test files and aiotest write to. */
export const logger: Logger = getLogger(["aiotest"]);

/**
 * Sends every record of `level` or above to `writeLine`, a line each and what the line is made of, until
 * it is called again.
 */
export async function configureLog(
  level: LogLevelName,
  writeLine: (line: string, entry: LogEntry) => void,
): Promise<void> {
  await configure({
    reset: true,
    sinks: {
      lines: (record) => {
        const entry = entryOf(record);
        writeLine(formatEntry(entry), entry);
      },
    },
    loggers: [
      { category: ["aiotest"], lowestLevel: TO_LOGTAPE[level], sinks: ["lines"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["lines"] },
    ],
  });
}

const TO_LOGTAPE: Readonly<Record<LogLevelName, LogLevel>> = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warning",
  ERROR: "error",
  CRITICAL: "fatal",
};

const FROM_LOGTAPE: Readonly<Record<LogLevel, LogLevelName>> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

const LEVEL_WIDTH = 8;

function entryOf({ timestamp, level, message }: LogRecord): LogEntry {
  const text = message
    .map((part) => typeof part === "string" ? part : Deno.inspect(part))
    .join("");
  return { at: timestamp, level: FROM_LOGTAPE[level], text };
}

function formatEntry({ at, level, text }: LogEntry): string {
  const time = new Date(at).toISOString().slice(0, 23).replace("T", " ");
  return `${time} ${level.padEnd(LEVEL_WIDTH)} ${text}`;
}
