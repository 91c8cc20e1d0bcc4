/**
 * Shows a run while it is running: as a panel that is redrawn in place, or as progress lines.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { formatDuration } from "../core/duration.ts";
import type { Output } from "../core/output.ts";
import { sanitizeTerminal } from "../core/text.ts";
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
  const { users, state, elapsedSeconds, mode, workers } = snapshot;
  const head = [formatDuration(elapsedSeconds).padStart(6), state.padEnd(8)];
  const waiting = awaited(snapshot);
  if (waiting !== null) return [...head, waiting].join("  ");
  const { totals, timeline } = snapshot.statistics;
  const { rate, p50, p95, p99 } = recentSeconds(timeline, WINDOW_SECONDS);
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
  const { length } = thresholds.filter(({ passed }) => !passed);
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

/** Determines what an output can show, respecting `NO_COLOR` and `TERM=dumb`. */
export function consoleAbilities(
  output: Output,
  env: (name: string) => string | undefined,
): ConsoleAbilities {
  const panel = output.isTerminal && env("TERM") !== "dumb";
  return { panel, color: panel && (env("NO_COLOR") ?? "") === "" };
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
    const columns = this.#columns;
    const hide = this.#cursorHidden ? "" : HIDE_CURSOR;
    const body = lines.map((line) => `${overwritten(line, columns)}\n`).join("");
    // One write per frame, because a frame in two writes would flicker.
    this.#output.write(
      `${BEGIN_FRAME}${hide}${NO_WRAP}${this.#wayUp()}${body}${ERASE_BELOW}${WRAP}${END_FRAME}`,
    );
    this.#cursorHidden = true;
    this.#drawn = lines;
  }

  /** The text that removes the panel from the screen. */
  #erasure(): string {
    if (this.#drawn.length === 0) return "";
    const text = `${this.#wayUp()}${ERASE_BELOW}`;
    this.#drawn = [];
    return text;
  }

  /** The text that moves the cursor to the first line of the panel. */
  #wayUp(): string {
    const columns = this.#columns;
    // A terminal that was made narrower has wrapped the lines.
    const rows = this.#drawn.reduce(
      (sum, line) => sum + rowsOf(stripVTControlCharacters(line), columns),
      0,
    );
    return rows === 0 ? "" : `\r\x1b[${rows}A`;
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

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(columnsOf(line) / columns));
}
