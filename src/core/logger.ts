/**
 * The log of aiotest itself and of test files, which import {@link logger}.
 *
 * @module
 */

import { configure, getLogger, type LogLevel, type LogRecord } from "@logtape/logtape";

/** The levels as the command line takes them, from the most detailed to the least. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

/** A log level as the command line takes it. */
export type LogLevelName = (typeof LOG_LEVELS)[number];

/** Writes text to the log, one record per call. */
export interface Logger {
  /** Logs details that help to find a mistake. */
  debug(text: string, properties?: Record<string, unknown>): void;
  /** Logs something that is good to know. */
  info(text: string, properties?: Record<string, unknown>): void;
  /** Logs something that can distort the results. */
  warn(text: string, properties?: Record<string, unknown>): void;
  /** Logs a failure. */
  error(text: string, properties?: Record<string, unknown>): void;
  /** Logs a failure that makes it pointless to continue. The level is called CRITICAL. */
  fatal(text: string, properties?: Record<string, unknown>): void;
}

/** One record of the log. */
export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: LogLevelName;
  readonly text: string;
}

const log = getLogger(["aiotest"]);

/**
 * The log of test files and of aiotest itself.
 *
 * Text is logged as it is, braces included, so it can hold JSON or an error message. Only a `{name}`
 * that `properties` has a value for is replaced with that value.
 *
 * ```ts
 * import { logger } from "aiotest";
 *
 * const body = '{"code":500}';
 * logger.warn(`The shop answered ${body}`); // The shop answered {"code":500}
 * logger.warn("{name} took {ms} ms", { name: "search", ms: 1200 }); // search took 1200 ms
 * ```
 */
export const logger: Logger = {
  debug: (text, properties) => write("debug", text, properties),
  info: (text, properties) => write("info", text, properties),
  warn: (text, properties) => write("warning", text, properties),
  error: (text, properties) => write("error", text, properties),
  fatal: (text, properties) => write("fatal", text, properties),
};

/** Whether records of this level are logged. */
export function isLogged(level: LogLevelName): boolean {
  return log.isEnabledFor(TO_LOGTAPE[level]);
}

/**
 * Sends every record of `level` or above to `writeLine`, as a line and as the entry that the line shows.
 * A second call replaces the first.
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

/** LogTape's own methods would read every `{…}` in a string as a placeholder. */
function write(level: LogLevel, text: string, properties: Record<string, unknown> = {}): void {
  if (!log.isEnabledFor(level)) return;
  const message = [fillIn(text, properties)];
  log.emit({ level, timestamp: Date.now(), message, rawMessage: text, properties });
}

function fillIn(text: string, properties: Record<string, unknown>): string {
  return text.replace(/\{([^{}]+)\}/g, (placeholder, name: string) => {
    return Object.hasOwn(properties, name) ? shown(properties[name]) : placeholder;
  });
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : Deno.inspect(value);
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
  return { at: timestamp, level: FROM_LOGTAPE[level], text: message.map(shown).join("") };
}

function formatEntry({ at, level, text }: LogEntry): string {
  const time = new Date(at).toISOString().slice(0, 23).replace("T", " ");
  return `${time} ${level.padEnd(LEVEL_WIDTH)} ${text}`;
}
