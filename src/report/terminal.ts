/**
 * Text for a terminal: measured in columns, shortened, wrapped and colored.
 *
 * @module
 */

import { sanitizeTerminal } from "../core/text.ts";

/** The side of its column that a string is aligned to. Numbers are aligned to the right. */
export type Alignment = "left" | "right";

/**
 * The columns that a terminal needs for a string without control characters. For emoji that combine
 * several, the result may be too high, but never too low.
 */
export function columnsOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += columnsOfCharacter(character);
  return columns;
}

/**
 * Shortens a string to at most `columns` columns by replacing its middle with `…`, because paths tend to
 * differ at their ends.
 */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return "";
  const characters = graphemes(text);
  const head = leading(characters, Math.ceil((columns - 1) / 2));
  const tail = leading(characters.reverse(), columns - 1 - columnsOf(head.join("")));
  return `${head.join("")}…${tail.reverse().join("")}`;
}

/** Shortens or pads a string to exactly `columns` columns. */
export function fit(text: string, columns: number, align: Alignment): string {
  const short = shorten(text, columns);
  const spaces = " ".repeat(Math.max(0, columns - columnsOf(short)));
  return align === "left" ? short + spaces : spaces + short;
}

/** Breaks a string into lines of at most `columns` columns, and longer words, too. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ").flatMap((word) => broken(word, columns))) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && columnsOf(longer) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

function broken(word: string, columns: number): string[] {
  if (columnsOf(word) <= columns || columns < 2) return [word];
  const parts: string[] = [];
  let rest = graphemes(word);
  while (rest.length > 0) {
    const part = leading(rest, columns);
    // A character may be wider than the line.
    const length = Math.max(1, part.length);
    parts.push(rest.slice(0, length).join(""));
    rest = rest.slice(length);
  }
  return parts;
}

function graphemes(text: string): string[] {
  return Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
}

const PRINTABLE_ASCII = /^[ -~]*$/;

const COMBINING = /[\p{Mn}\p{Me}]/u;

const EMOJI_STYLE = "\ufe0f";

/** East Asian characters and emoji, which take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

const INVISIBLE = /(?!\u00ad)\p{Default_Ignorable_Code_Point}/u;

function columnsOfCharacter(character: string): number {
  // It turns a narrow symbol into an emoji, which takes one more column.
  if (character === EMOJI_STYLE) return 1;
  if (COMBINING.test(character)) return 0;
  if (WIDE.test(character)) return 2;
  return INVISIBLE.test(character) ? 0 : 1;
}

function leading(characters: readonly string[], columns: number): string[] {
  let left = columns;
  const end = characters.findIndex((character) => (left -= columnsOf(character)) < 0);
  return characters.slice(0, end < 0 ? characters.length : end);
}

/** The meaning of a piece of text, which is shown as a color. */
export type Tone = "plain" | "strong" | "quiet" | "good" | "busy" | "warning" | "bad";

/** A piece of a line with one tone. */
export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** Creates a {@link Span}. */
export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

/** A line of at most `columns` columns, without control characters other than those for colors. */
export function renderLine(spans: readonly Span[], columns: number, color: boolean): string {
  let left = columns;
  let line = "";
  for (const { text, tone } of spans) {
    const short = shorten(sanitizeTerminal(text), left);
    left -= columnsOf(short);
    line += color && tone !== "plain" && short.trim() !== "" ? paint(short, tone) : short;
  }
  return line;
}

/** Of the 16 standard colors, so that the theme of the user applies. */
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

/** Spans as one line, or as several if it would be too long. Lines break after spaces. */
export function wrapSpans(
  spans: readonly Span[],
  { columns, color }: { readonly columns: number; readonly color: boolean },
): string[] {
  const lines: Span[][] = [[]];
  let left = columns;
  for (const { text, tone } of spans) {
    for (const word of text.split(/(?<= )/)) {
      if (columnsOf(word.trimEnd()) > left && left < columns) {
        lines.push([]);
        left = columns;
      }
      append(lines.at(-1)!, word, tone);
      left -= columnsOf(word);
    }
  }
  return lines.map((line) => {
    const last = line.pop()!;
    return renderLine([...line, span(last.text.trimEnd(), last.tone)], columns, color);
  });
}

/** Appends text to a line: to its last span, if that has the same tone. */
export function append(line: Span[], text: string, tone: Tone): void {
  const last = line.at(-1);
  if (last?.tone === tone) line[line.length - 1] = span(last.text + text, tone);
  else line.push(span(text, tone));
}

/** A text after a mark, wrapped rather than shortened. */
export function wrappedText(
  mark: Span,
  text: string,
  { columns, color }: { readonly columns: number; readonly color: boolean },
): string[] {
  const indent = " ".repeat(mark.text.length + 1);
  return wrap(sanitizeTerminal(text), columns - indent.length).map((part, index) => {
    const start = index === 0 ? [mark, span(" ")] : [span(indent)];
    return renderLine([...start, span(part)], columns, color);
  });
}
