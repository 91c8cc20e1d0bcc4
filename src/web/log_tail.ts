import type { LogEntry } from "../core/logger.ts";
import type { LogLine } from "./live_view.ts";

/** Lines that are kept. */
const KEPT = 200;

/** The last lines of the log, for those who come to look. */
export class LogTail {
  #lines: LogLine[] = [];
  #count = 0;

  /** Lines that have come so far, those that are forgotten as well. */
  get count(): number {
    return this.#count;
  }

  /** Adds a line. */
  add({ at, level, text }: LogEntry): void {
    this.#count++;
    this.#lines.push({ at: new Date(at).toISOString(), level, text });
    // Not at each line: moving them all would cost a chatty log more than its lines do.
    if (this.#lines.length >= 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
  }

  /** The lines that came after the first `count`, as far as they are kept; oldest first. */
  since(count: number): readonly LogLine[] {
    const lines = Math.min(this.#count - count, KEPT);
    return lines <= 0 ? [] : this.#lines.slice(-lines);
  }
}
