/**
 * Lines made of pieces that each have a tone; colour is only what a tone may look like.
 *
 * @module
 */

import { columnsOf, harmless, shorten } from "./terminal_text.ts";

/** What a piece of text is meant to say beyond its words. */
export type Tone = "plain" | "strong" | "quiet" | "good" | "busy" | "warning" | "bad";

/** A piece of a line. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** A piece of a line. */
export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

/**
 * A line in at most so many columns, harmless, in colour where that is wanted.
 *
 * ```ts
 * import { renderLine, span } from "./styled_line.ts";
 * import assert from "node:assert/strict";
 *
 * const line = [span("failures "), span("3", "bad")];
 * assert.equal(renderLine(line, 80, false), "failures 3");
 * assert.equal(renderLine(line, 80, true), "failures \x1b[31m3\x1b[0m");
 * ```
 */
export function renderLine(spans: readonly Span[], columns: number, color: boolean): string {
  let left = columns;
  let line = "";
  for (const { text, tone } of spans) {
    const short = shorten(harmless(text), left);
    left -= columnsOf(short);
    line += color && tone !== "plain" && short.trim() !== "" ? paint(short, tone) : short;
  }
  return line;
}

/** The sixteen colours that every terminal has, so that the theme of the reader applies. */
const ESCAPES: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  strong: "\x1b[1m",
  quiet: "\x1b[2m",
  good: "\x1b[32m",
  busy: "\x1b[36m",
  warning: "\x1b[33m",
  bad: "\x1b[31m",
};

const RESET = "\x1b[0m";

function paint(text: string, tone: Exclude<Tone, "plain">): string {
  return `${ESCAPES[tone]}${text}${RESET}`;
}
