/**
 * One pass through a test as text: what each user does, in order, and a summary.
 *
 * @module
 */

import type { ExchangeRecord } from "../stats/exchange_record.ts";
import type { EndedGroup } from "../stats/group_stats.ts";
import type { Snapshot } from "../stats/snapshot.ts";
import { exchangeLines, type LineSize, type Mark, markedLines } from "./exchange_text.ts";
import { formatAmount, formatLatency } from "./quantity.ts";
import { number, tableLines } from "./report_tables.ts";
import { renderLine, span, wrap, wrappedText } from "./terminal.ts";
import { textTable } from "./text_table.ts";
import { verdict } from "./verdict.ts";

/** A request or step that was counted. */
export interface PassRequest {
  readonly method: string;
  readonly name: string;
  /** 0 without one. */
  readonly status: number;
  readonly latencyMs: number;
  /** `null` if it has succeeded. */
  readonly error: string | null;
  /** How many exchanges it took; 0 for a step. */
  readonly exchanges: number;
  readonly retries: number;
}

/** The most requests that the summary lists. */
const MAX_ROWS = 200;

/** Writes a pass while it goes on. */
export class PassText {
  readonly #write: (text: string) => void;
  readonly #size: Omit<LineSize, "indent">;
  readonly #requests: PassRequest[] = [];
  #count = 0;
  #depth = 0;

  /** @param size Lines are wrapped at its columns, unless they are infinite. */
  constructor(write: (text: string) => void, size: Omit<LineSize, "indent">) {
    this.#write = write;
    this.#size = size;
  }

  /** Begins what is shown below a title, such as a user, a test or a group. */
  begin(title: string): void {
    const left = " ".repeat(2 * this.#depth);
    const gap = this.#depth === 0 ? "\n" : "";
    const line = renderLine([span(left), span(title, "strong")], Infinity, this.#size.color);
    this.#write(`${gap}${line}\n`);
    this.#depth++;
  }

  /** Ends what has begun last. */
  end(): void {
    this.#depth = Math.max(0, this.#depth - 1);
  }

  /** Ends a group. */
  endGroup({ name, durationMs, requestsMs, failed }: EndedGroup): void {
    const took = `${formatLatency(durationMs)} ms, ${
      formatLatency(requestsMs)
    } ms of it in requests`;
    this.end();
    this.line(failed ? "✗" : "✓", `group ${name}${failed ? " failed" : ""}: ${took}`);
  }

  /** Ends a user, and whatever it has left open. */
  endUser(): void {
    this.#depth = 0;
  }

  /** Shows an exchange. @param reason why it follows another one of the same request; may be empty. */
  exchange(record: ExchangeRecord, reason: string): void {
    const left = " ".repeat(2 * this.#depth);
    const title = span(`${record.method} ${record.url}${reason && ` (${reason})`}`, "strong");
    const { color } = this.#size;
    this.#lines([
      "",
      renderLine([span(left), title], Infinity, color),
      ...exchangeLines(record, this.#lineSize),
    ]);
  }

  /** Shows a line, or several. */
  line(mark: Mark, text: string): void {
    this.#lines(markedLines(mark, text, this.#lineSize));
  }

  /** Shows how a request or step was counted. */
  counted(request: PassRequest): void {
    this.#count++;
    if (this.#requests.length < MAX_ROWS) this.#requests.push(request);
    const { method, name, status, error, exchanges, retries, latencyMs } = request;
    const more = [
      ...(exchanges > 1 ? [`${exchanges} exchanges`] : []),
      ...(retries > 0 ? [formatAmount(retries, "retry", "retries")] : []),
    ].map((text) => `, ${text}`).join("");
    const outcome = error === null ? status === 0 ? "" : `${status}, ` : `${error}, `;
    const what = error === null ? "" : "failed: ";
    this.line(
      error === null ? "✓" : "✗",
      `${method} ${name}: ${what}${outcome}${formatLatency(latencyMs)} ms${more}`,
    );
  }

  /** The summary of a pass that has ended: a line for each request, the warnings, and the verdict. */
  summary(snapshot: Snapshot, exitCode: number, columns: number): string {
    const size = { columns, color: this.#size.color };
    const { word, facts } = verdict(snapshot, exitCode);
    const sections = [
      this.#table(size),
      snapshot.warnings.flatMap((text) => wrappedText(span("!", "warning"), text, size)),
      wrappedText(span(`${word.text} `, word.tone), facts, size),
    ];
    const text = sections.filter(({ length }) => length > 0).map((lines) => lines.join("\n"));
    return `\n${text.join("\n\n")}\n`;
  }

  #table(size: { readonly columns: number; readonly color: boolean }): string[] {
    if (this.#requests.length === 0) return [];
    const rows = this.#requests.map(({ method, name, status, latencyMs, error }) => [
      span(method),
      span(name),
      span(status === 0 ? "–" : String(status), error === null ? "plain" : "bad"),
      span(formatLatency(latencyMs)),
      span(error ?? "", "bad"),
    ]);
    const columns = [
      { title: "Type", align: "left" },
      { title: "Name", align: "left", elastic: true },
      number("Status", 0),
      number("ms", 0),
      { title: "Error", align: "left", elastic: true, wraps: true },
    ] as const;
    const more = this.#count - this.#requests.length;
    return [
      renderLine(
        [span("Requests", "strong"), span(", in order", "quiet")],
        size.columns,
        size.color,
      ),
      ...tableLines(textTable(columns, rows, size), size).map((line) => line.trimEnd()),
      ...(more > 0 ? wrap(`and ${formatAmount(more, "more request")}`, size.columns) : []),
    ];
  }

  #lines(lines: readonly string[]): void {
    this.#write(lines.map((line) => `${line}\n`).join(""));
  }

  get #lineSize(): LineSize {
    return { ...this.#size, indent: 2 * this.#depth };
  }
}
