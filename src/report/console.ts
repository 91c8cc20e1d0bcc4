/**
 * Shows a run while it is running: as a panel that is redrawn in place, or as progress lines.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { formatDuration } from "../core/duration.ts";
import type { Output } from "../core/output.ts";
import { sanitizeTerminal } from "../core/text.ts";
import { isPaused } from "../stats/run_pauses.ts";
import type { RequestTotals, Snapshot } from "../stats/snapshot.ts";
import { type PanelSize, render } from "./live_panel.ts";
import { formatAge, formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { RecentIterations, recentSeconds } from "./recent.ts";
import { columnsOf } from "./terminal.ts";
import { formatAskedRate } from "./verdict.ts";
import { awaited, workerCounts } from "./worker_counts.ts";

/** The seconds that the rate and the percentiles of a progress line cover. */
const WINDOW_SECONDS = 5;

/**
 * A run as one line, for outputs without a panel. Rate and latencies are those of the last five
 * seconds, and counts those of the whole run. A master that waits for workers says so instead.
 *
 * @param startRate iterations that started per second recently; `null` if that is not known yet.
 */
export function progressLine(snapshot: Snapshot, startRate: number | null = null): string {
  const { users, mode, workers } = snapshot;
  const state = isPaused(snapshot) ? "paused" : snapshot.state;
  const head = [formatDuration(snapshot.elapsedSeconds).padStart(6), state.padEnd(8)];
  const waiting = awaited(snapshot);
  if (waiting !== null) return [...head, waiting].join("  ");
  const { totals, timeline } = snapshot.statistics;
  const { rate, p50, p95, p99 } = recentSeconds(timeline, WINDOW_SECONDS, snapshot.pauses);
  const share = totals.failures === 0 ? "" : ` (${formatShare(totals.errorRate)})`;
  return [
    ...head,
    `${users.current}/${users.target} users`,
    ...(mode === "distributed" ? [`workers ${workerCounts(workers)}`] : []),
    ...iterations(snapshot, startRate),
    `${formatRate(rate)} req/s`,
    `${formatCount(totals.requests)} reqs`,
    `${formatCount(totals.failures)} failed${share}`,
    ...unanswered(totals),
    `p50 ${formatLatency(p50)} p95 ${formatLatency(p95)} p99 ${formatLatency(p99)} ms`,
    ...crossed(snapshot),
  ].join("  ");
}

/** The requests without an answer, if they are worth a remark. */
function unanswered({ inProgress, unfinished }: RequestTotals): string[] {
  return [
    ...(inProgress.oldestMs === null ? [] : [
      `${formatCount(inProgress.count)} in progress (oldest ${formatAge(inProgress.oldestMs)})`,
    ]),
    ...(unfinished.count === 0 ? [] : [`${formatCount(unfinished.count)} unfinished`]),
  ];
}

/** The counts of iterations in the open model. */
function iterations({ arrivalRate, statistics }: Snapshot, startRate: number | null): string[] {
  if (arrivalRate === null) return [];
  const { scheduled = 0, started = 0, dropped = 0 } = statistics.iterations ?? {};
  const queued = Math.max(0, scheduled - started - dropped);
  return [
    `${formatRate(startRate)}/${formatAskedRate(arrivalRate)} iterations/s`,
    `${formatCount(queued)} queued`,
    `${formatCount(dropped)} dropped`,
  ];
}

function crossed({ thresholds }: Snapshot): string[] {
  const { length } = thresholds.filter(({ passed }) => passed === false);
  return length === 0 ? [] : [`${length} of ${thresholds.length} thresholds crossed`];
}

/** The abilities of the terminal behind an output. */
export interface ConsoleAbilities {
  readonly color: boolean;
  /** Whether lines can be overwritten. */
  readonly panel: boolean;
}

/** The options of a console. */
export interface ConsoleOptions extends ConsoleAbilities {
  /** Where log lines go. */
  readonly log: Output;
}

/**
 * Determines what an output can show, respecting `TERM=dumb`, `NO_COLOR` and `FORCE_COLOR`. The last one
 * takes precedence, and colors also what is not a terminal, such as the log of a CI job.
 */
export function consoleAbilities(
  output: Output,
  env: (name: string) => string | undefined,
): ConsoleAbilities {
  const panel = output.isTerminal && env("TERM") !== "dumb";
  const forced = env("FORCE_COLOR") ?? "";
  const color = forced === ""
    ? panel && (env("NO_COLOR") ?? "") === ""
    : forced !== "0" && forced !== "false";
  return { panel, color };
}

/** The width of a report where there is no terminal. The viewers of CI logs do not wrap such lines. */
const LOG_COLUMNS = 120;

/** The width for a report on an output. */
export function reportColumns({ isTerminal, columns }: Output): number {
  if (!isTerminal) return LOG_COLUMNS;
  return columns > 0 ? columns : FALLBACK_COLUMNS;
}

/**
 * Shows a run on an output. It has no clock: call {@link ConsoleOutput.update} once per second, and
 * {@link ConsoleOutput.close} before anything else writes to the output.
 */
export class ConsoleOutput {
  readonly #output: Output;
  readonly #log: Output;
  readonly #color: boolean;
  readonly #panel: boolean;
  readonly #iterations = new RecentIterations();
  /** The lines of the panel on the screen. */
  #drawn: readonly string[] = [];
  /** The size of the screen at that moment. */
  #drawnOn = { columns: 0, rows: 0 };
  /**
   * The latest lines above the panel: those of the log, and those of panels that left the screen at its top
   * when it became smaller.
   */
  #above: readonly WrittenLine[] = [];
  #cursorHidden = false;
  /** The number of intervals that have had their progress line. */
  #intervals = 0;
  /** What the last progress line said the run was waiting for; `null` for nothing. */
  #awaited: string | null = null;
  #closed = false;

  constructor(output: Output, options: ConsoleOptions) {
    this.#output = output;
    this.#log = options.log;
    this.#color = options.color;
    this.#panel = options.panel;
  }

  /** Redraws the panel, or writes a progress line if it is time for one. */
  update(snapshot: Snapshot): void {
    if (this.#closed) return;
    this.#iterations.add(snapshot);
    if (this.#panel) {
      this.#draw(render(snapshot, this.#size, { starts: this.#iterations.startRate }));
    } else this.#writeProgress(snapshot);
  }

  /** Writes a log entry of one or more lines above the panel. */
  printAbove(text: string): void {
    const lines = text.split("\n").map((line) => line.split("\t").map(sanitizeTerminal).join("\t"));
    const panel = this.#drawn;
    // A log that goes to a file does not affect the screen.
    const onScreen = panel.length > 0 && this.#log.isTerminal;
    if (onScreen) this.#output.write(this.#erasure());
    this.#log.write(`${lines.join("\n")}\n`);
    if (this.#panel && this.#log.isTerminal) {
      const written = lines.map((text) => ({ text, isLog: true }));
      this.#above = [...this.#above, ...written].slice(-MAX_ABOVE);
    }
    if (onScreen) this.#draw(panel);
  }

  /** Removes the panel and shows the cursor again; may be called more than once. */
  close(): void {
    this.#closed = true;
    const shown = this.#cursorHidden ? SHOW_CURSOR : "";
    const text = `${this.#erasure()}${shown}`;
    this.#cursorHidden = false;
    if (text !== "") this.#output.write(text);
  }

  /** Read for each frame, because a terminal can be resized. */
  get #size(): PanelSize {
    return { columns: this.#columns, rows: this.#rows, color: this.#color };
  }

  // Some pseudo-terminals report 0 columns and rows.
  get #columns(): number {
    return this.#output.columns > 0 ? this.#output.columns : FALLBACK_COLUMNS;
  }

  get #rows(): number {
    return this.#output.rows > 0 ? this.#output.rows : FALLBACK_ROWS;
  }

  #draw(panel: readonly string[]): void {
    // A panel taller than the screen cannot be redrawn, because its first lines would scroll away.
    const lines = panel.slice(0, Math.max(1, this.#rows - 1));
    const [columns, rows] = [this.#columns, this.#rows];
    const start = this.#start();
    const hide = this.#cursorHidden ? "" : HIDE_CURSOR;
    const body = lines.map((line) => `${overwritten(line, columns)}\n`).join("");
    // One write per frame, because a frame in two writes would flicker.
    this.#output.write(
      `${BEGIN_FRAME}${hide}${NO_WRAP}${start}${body}${ERASE_BELOW}${WRAP}${END_FRAME}`,
    );
    this.#cursorHidden = true;
    this.#drawn = lines;
    this.#drawnOn = { columns, rows };
  }

  /** The text that removes the panel from the screen. */
  #erasure(): string {
    if (this.#drawn.length === 0) return "";
    const text = `${this.#start()}${ERASE_BELOW}${WRAP}`;
    this.#drawn = [];
    return text;
  }

  /** The text that moves the cursor to the first line of the panel. */
  #start(): string {
    const [columns, rows] = [this.#columns, this.#rows];
    const isResized = columns !== this.#drawnOn.columns || rows !== this.#drawnOn.rows;
    if (this.#drawn.length > 0 && isResized) return this.#cleared();
    return wayUp(this.#drawn.length);
  }

  /**
   * The text that removes all panels from a screen whose size has changed, and leaves the cursor where the
   * next one starts. A screen that becomes smaller loses its first lines, and gets them back when it
   * becomes larger, so the upper part of an old panel may be above the present one. Everything is erased,
   * and the log is written again.
   */
  #cleared(): string {
    const columns = this.#columns;
    const room = this.#rows - 1;
    const own = [...this.#above, ...this.#drawn.map((text) => ({ text, isLog: false }))];
    const shown = lastLines(own, { columns, rows: room });
    const log = shown.filter(({ isLog }) => isLog);
    const rest = own.slice(0, own.length - shown.length);
    this.#above = [...rest, ...log].slice(-MAX_ABOVE);
    // If not all lines are on the screen, there is nothing else on it.
    const up = wayUp(rest.length === 0 ? rowsOf(own, columns) : room);
    return `${WRAP}${up}${ERASE_BELOW}${log.map(({ text }) => `${text}\n`).join("")}${NO_WRAP}`;
  }

  #writeProgress(snapshot: Snapshot): void {
    const waiting = awaited(snapshot);
    // The time of a waiting run does not advance, so it gets a line for each change.
    if (waiting !== null && waiting !== this.#awaited) this.#writeLine(snapshot);
    this.#awaited = waiting;
    const intervals = Math.floor(snapshot.elapsedSeconds / PROGRESS_SECONDS);
    if (intervals === this.#intervals) return;
    this.#intervals = intervals;
    // At the start of a run, and after a reset, there is nothing to show.
    if (intervals > 0) this.#writeLine(snapshot);
  }

  #writeLine(snapshot: Snapshot): void {
    this.#output.write(`${progressLine(snapshot, this.#iterations.startRate)}\n`);
  }
}

/** A line on the screen. */
interface WrittenLine {
  readonly text: string;
  /** Whether it is one of the log, rather than of a panel. */
  readonly isLog: boolean;
}

/** Lines above the panel that are kept. Hardly any screen has more. */
const MAX_ABOVE = 500;

const PROGRESS_SECONDS = 5;
const FALLBACK_COLUMNS = 80;
const FALLBACK_ROWS = 24;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const ERASE_LINE = "\x1b[2K";
const ERASE_REST = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/** Prevents line breaks on terminals that measure a character differently. */
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** Synchronized output: terminals that support it show a frame at once, and others ignore this. */
const BEGIN_FRAME = "\x1b[?2026h";
const END_FRAME = "\x1b[?2026l";

/** A line that also erases the rest of the previous one. */
function overwritten(line: string, columns: number): string {
  // After a full line, erasing the rest would erase its last column.
  const full = columnsOf(stripVTControlCharacters(line)) >= columns;
  return full ? `${ERASE_LINE}${line}` : `${line}${ERASE_REST}`;
}

function wayUp(rows: number): string {
  return rows === 0 ? "" : `\r\x1b[${rows}A`;
}

/** The last lines that fit into some rows. A terminal that was made narrower has wrapped them. */
function lastLines(
  lines: readonly WrittenLine[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): readonly WrittenLine[] {
  let left = rows;
  const cut = lines.findLastIndex((line) => (left -= rowsOf([line], columns)) < 0);
  return lines.slice(cut + 1);
}

/** The rows that lines take. */
function rowsOf(lines: readonly WrittenLine[], columns: number): number {
  return lines.reduce((sum, { text }) => {
    const width = columnsOf(stripVTControlCharacters(text));
    return sum + Math.max(1, Math.ceil(width / columns));
  }, 0);
}
