import type { Output } from "../../src/core/output.ts";

/**
 * An output that keeps the written texts and emulates a terminal with line feeds, moving up and erasing
 * lines, which is everything that aiotest uses. It has unlimited rows and columns, and no colors.
 */
export class Screen implements Output {
  /** The written texts, one per call. */
  readonly writes: string[] = [];
  readonly isTerminal: boolean;
  columns: number;
  /** The height that it reports. Rows beyond it are kept nevertheless. */
  rows = Infinity;
  cursorVisible = true;
  readonly problem = null;
  #rows: string[] = [""];
  #row = 0;
  #column = 0;

  constructor(columns = 80, isTerminal = true) {
    this.columns = columns;
    this.isTerminal = isTerminal;
  }

  write(text: string): void {
    this.writes.push(text);
    for (const [token] of text.matchAll(TOKEN)) this.#apply(token);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** The rows down to the last one that is not empty. */
  get shown(): readonly string[] {
    const last = this.#rows.findLastIndex((row) => row !== "");
    return this.#rows.slice(0, last + 1);
  }

  #apply(token: string): void {
    if (token === "\n") this.#moveTo(this.#row + 1);
    else if (token === "\r") this.#column = 0;
    else if (token.startsWith(CSI)) this.#obey(token.slice(CSI.length));
    else this.#put(token);
  }

  #obey(sequence: string): void {
    if (sequence === "?25l") this.cursorVisible = false;
    else if (sequence === "?25h") this.cursorVisible = true;
    else if (sequence === "2K") this.#rows[this.#row] = "";
    else if (sequence === "K") this.#eraseRest();
    else if (SILENT.has(sequence)) return;
    else if (sequence === "J") this.#eraseBelow();
    else if (sequence.endsWith("A")) this.#row -= Number(sequence.slice(0, -1));
    else if (!sequence.endsWith("m")) throw new Error(`unknown sequence: ${sequence}`);
    if (this.#row < 0) throw new Error("moved above the first row");
  }

  #eraseRest(): void {
    this.#rows[this.#row] = this.#rows[this.#row]!.slice(0, this.#column);
  }

  #eraseBelow(): void {
    this.#eraseRest();
    this.#rows.length = this.#row + 1;
  }

  #moveTo(row: number): void {
    this.#row = row;
    this.#column = 0;
    this.#rows[row] ??= "";
  }

  #put(text: string): void {
    const row = this.#rows[this.#row]!.padEnd(this.#column);
    const end = this.#column + text.length;
    this.#rows[this.#row] = row.slice(0, this.#column) + text + row.slice(end);
    this.#column = end;
  }
}

const CSI = "\x1b[";

/** The sequences that start and end a frame, and that turn line wrapping off and on. */
const SILENT: ReadonlySet<string> = new Set(["?2026h", "?2026l", "?7l", "?7h"]);

// deno-lint-ignore no-control-regex -- escape sequences are what it is about
const TOKEN = /\x1b\[[?0-9;]*[A-Za-z]|\n|\r|[^\x1b\n\r]+|\x1b/g;
