/**
 * What is seen of a run while it runs: a panel that is drawn over itself, or a line now and then.
 *
 * @module
 */

import { stripVTControlCharacters } from "node:util";
import { formatDuration } from "../core/duration.ts";
import type { Output } from "../core/host.ts";
import { sanitizeTerminal } from "../core/text.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { type PanelSize, RecentIterations, recentSeconds, render } from "./live_panel.ts";
import { formatCount, formatLatency, formatRate, formatShare } from "./quantity.ts";
import { columnsOf } from "./terminal.ts";
import { formatAskedRate } from "./verdict.ts";
import { awaited, workerCounts } from "./worker_counts.ts";

/** Seconds that the rate and the percentiles of the line are taken from. */
const WINDOW_SECONDS = 5;

/**
 * A run in one line, for where no panel can be drawn: rate and latencies are those of the last five
 * seconds, the counts those of the whole run. Of a run that waits for its workers, it says so.
 *
 * @param startRate passes that have started a second of late; null where nobody knows.
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
    `p50 ${formatLatency(p50)} p95 ${formatLatency(p95)} p99 ${formatLatency(p99)} ms`,
    ...crossed(snapshot),
  ].join("  ");
}

/** In the open model, what became of the schedule. */
function iterations({ arrivalRate, statistics }: Snapshot, startRate: number | null): string[] {
  if (arrivalRate === null) return [];
  const { scheduled = 0, started = 0, dropped = 0 } = statistics.iterations ?? {};
  const queued = Math.max(0, scheduled - started - dropped);
  return [
    `${formatRate(startRate)}/${formatAskedRate(arrivalRate)} passes/s`,
    `${formatCount(queued)} queued`,
    `${formatCount(dropped)} dropped`,
  ];
}

function crossed({ thresholds }: Snapshot): string[] {
  const { length } = thresholds.filter(({ passed }) => !passed);
  return length === 0 ? [] : [`${length} of ${thresholds.length} thresholds crossed`];
}

/** What the reader's end of an output can show. */
export interface ConsoleAbilities {
  readonly color: boolean;
  /** Whether lines can be drawn over. */
  readonly panel: boolean;
}

/** What a console needs beside the output that it shows the run on. */
export interface ConsoleOptions extends ConsoleAbilities {
  /** Where log lines go. */
  readonly log: Output;
}

/** Finds out what an output can show; `NO_COLOR` and `TERM=dumb` are obeyed. */
export function consoleAbilities(
  output: Output,
  env: (name: string) => string | undefined,
): ConsoleAbilities {
  const panel = output.isTerminal && env("TERM") !== "dumb";
  return { panel, color: panel && (env("NO_COLOR") ?? "") === "" };
}

/**
 * Shows a run on an output. It owns no clock: whoever does calls {@link ConsoleOutput.update} once a second,
 * and {@link ConsoleOutput.close} before anything else writes to the output.
 */
export class ConsoleOutput {
  readonly #output: Output;
  readonly #log: Output;
  readonly #color: boolean;
  readonly #panel: boolean;
  readonly #iterations = new RecentIterations();
  /** The panel that is on the screen, line by line; empty where there is none. */
  #drawn: readonly string[] = [];
  #cursorHidden = false;
  /** How many intervals of the run have had their progress line. */
  #intervals = 0;
  /** What the run was last said to wait for; null where it was not. */
  #awaited: string | null = null;
  #closed = false;

  constructor(output: Output, options: ConsoleOptions) {
    this.#output = output;
    this.#log = options.log;
    this.#color = options.color;
    this.#panel = options.panel;
  }

  /** Draws the panel anew; without one, writes the progress line if it is time for it. */
  update(snapshot: Snapshot): void {
    if (this.#closed) return;
    this.#iterations.note(snapshot);
    if (this.#panel) {
      this.#draw(render(snapshot, this.#size, { starts: this.#iterations.startRate }));
    } else this.#writeProgress(snapshot);
  }

  /** Writes a log entry of one or more lines to the log, and leaves the panel whole below it. */
  printAbove(text: string): void {
    const lines = text.split("\n").map((line) => line.split("\t").map(sanitizeTerminal).join("\t"));
    const panel = this.#drawn;
    // A log that goes to a file leaves the screen alone.
    const onScreen = panel.length > 0 && this.#log.isTerminal;
    if (onScreen) this.#output.write(this.#erasure());
    this.#log.write(`${lines.join("\n")}\n`);
    if (onScreen) this.#draw(panel);
  }

  /** Takes the panel off the screen and gives the cursor back; may be called more than once. */
  close(): void {
    this.#closed = true;
    const shown = this.#cursorHidden ? SHOW_CURSOR : "";
    const text = `${this.#erasure()}${shown}`;
    this.#cursorHidden = false;
    if (text !== "") this.#output.write(text);
  }

  /** Asked for at each frame, as a terminal may have been made wider or narrower since. */
  get #size(): PanelSize {
    return { columns: this.#columns, rows: this.#rows, color: this.#color };
  }

  // Some pseudo-terminals say that they have neither columns nor rows.
  get #columns(): number {
    return this.#output.columns > 0 ? this.#output.columns : FALLBACK_COLUMNS;
  }

  get #rows(): number {
    return this.#output.rows > 0 ? this.#output.rows : FALLBACK_ROWS;
  }

  #draw(panel: readonly string[]): void {
    // What is taller than the screen cannot be drawn over: its first lines would scroll away.
    const lines = panel.slice(0, Math.max(1, this.#rows - 1));
    const columns = this.#columns;
    const hide = this.#cursorHidden ? "" : HIDE_CURSOR;
    const body = lines.map((line) => `${overwritten(line, columns)}\n`).join("");
    // One write a frame, shown at once where the terminal can: what is drawn in two is seen to flicker.
    this.#output.write(
      `${BEGIN_FRAME}${hide}${NO_WRAP}${this.#wayUp()}${body}${ERASE_BELOW}${WRAP}${END_FRAME}`,
    );
    this.#cursorHidden = true;
    this.#drawn = lines;
  }

  /** Removes the panel from the screen, and from memory. */
  #erasure(): string {
    if (this.#drawn.length === 0) return "";
    const text = `${this.#wayUp()}${ERASE_BELOW}`;
    this.#drawn = [];
    return text;
  }

  /** Moves the cursor to the first line of the panel. */
  #wayUp(): string {
    const columns = this.#columns;
    // A terminal that has been made narrower since has broken lines in two.
    const rows = this.#drawn.reduce(
      (sum, line) => sum + rowsOf(stripVTControlCharacters(line), columns),
      0,
    );
    return rows === 0 ? "" : `\r\x1b[${rows}A`;
  }

  #writeProgress(snapshot: Snapshot): void {
    const waiting = awaited(snapshot);
    // The time of a run that waits stands still, so its lines come when there is something new.
    if (waiting !== null && waiting !== this.#awaited) this.#writeLine(snapshot);
    this.#awaited = waiting;
    const intervals = Math.floor(snapshot.elapsedSeconds / PROGRESS_SECONDS);
    if (intervals === this.#intervals) return;
    this.#intervals = intervals;
    // None where a run has only just begun, or has begun again.
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

/** A terminal that measures some character otherwise than we do must not break the line for it. */
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

/** Terminals that know these show all between them at once; the others ignore them. */
const BEGIN_FRAME = "\x1b[?2026h";
const END_FRAME = "\x1b[?2026l";

/** A line that leaves nothing of what was there before it. */
function overwritten(line: string, columns: number): string {
  // Behind the last column there is no rest to erase: terminals would erase what is in that column.
  const full = columnsOf(stripVTControlCharacters(line)) >= columns;
  return full ? `${ERASE_LINE}${line}` : `${line}${ERASE_REST}`;
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(columnsOf(line) / columns));
}
