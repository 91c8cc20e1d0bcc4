/**
 * Splits command lines into words, as a POSIX shell and Windows' command prompt do.
 *
 * @module
 */

import { UsageError } from "../core/errors.ts";

/** The words of each command of a text: commands end with a line, `;`, `&` or `|`. */
export function shellCommands(text: string): string[][] {
  return isWindowsText(text) ? windowsCommands(text) : new PosixWords(text).commands();
}

/** What follows a caret at the end of a line belongs to the same command, and so does a quote after one. */
function isWindowsText(text: string): boolean {
  return /\^(?:\r?\n|")/.test(text);
}

class PosixWords {
  readonly #text: string;
  readonly #commands: string[][] = [[]];
  #at = 0;
  /** `null` between two words. */
  #word: string | null = null;

  constructor(text: string) {
    this.#text = text.replaceAll("\r\n", "\n");
  }

  commands(): string[][] {
    while (this.#at < this.#text.length) this.#next();
    this.#endWord();
    return this.#commands.filter((words) => words.length > 0);
  }

  #next(): void {
    const character = this.#text[this.#at]!;
    switch (character) {
      case "'":
        return this.#add(this.#until("'"));
      case '"':
        return this.#doubleQuoted();
      case "\\":
        return this.#escape();
      case "$":
        if (this.#text[this.#at + 1] === "'") return this.#ansiQuoted();
        if (this.#text[this.#at + 1] === '"') {
          this.#at++;
          return this.#doubleQuoted();
        }
        break;
      case " ":
      case "\t":
        this.#at++;
        return this.#endWord();
      case "#":
        if (this.#word === null) {
          const end = this.#text.indexOf("\n", this.#at);
          this.#at = end < 0 ? this.#text.length : end;
          return;
        }
        break;
      case "\n":
      case ";":
      case "&":
      case "|":
        this.#at++;
        this.#endWord();
        if (this.#commands.at(-1)!.length > 0) this.#commands.push([]);
        return;
    }
    this.#at++;
    this.#add(character);
  }

  #add(text: string): void {
    this.#word = (this.#word ?? "") + text;
  }

  #endWord(): void {
    if (this.#word !== null) this.#commands.at(-1)!.push(this.#word);
    this.#word = null;
  }

  /** The text from after this character up to the next quote, and skips both. */
  #until(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw missingQuote(quote, this.#text.slice(this.#at));
    const text = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #escape(): void {
    const next = this.#text[this.#at + 1];
    this.#at += 2;
    // At the end of a line, the command continues.
    if (next === "\n") return;
    this.#add(next ?? "\\");
  }

  #doubleQuoted(): void {
    const start = this.#at++;
    this.#add("");
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw missingQuote('"', this.#text.slice(start));
      if (character === '"') return;
      const next = this.#text[this.#at];
      if (character === "\\" && next !== undefined && '$`"\\\n'.includes(next)) {
        this.#at++;
        if (next !== "\n") this.#add(next);
      } else this.#add(character);
    }
  }

  /** `$'…'`, with escapes as in C. */
  #ansiQuoted(): void {
    const start = this.#at;
    this.#at += 2;
    this.#add("");
    for (;;) {
      const character = this.#text[this.#at++];
      if (character === undefined) throw missingQuote("'", this.#text.slice(start));
      if (character === "'") return;
      if (character !== "\\") this.#add(character);
      else this.#add(this.#ansiEscape());
    }
  }

  #ansiEscape(): string {
    ANSI_ESCAPE.lastIndex = this.#at;
    const match = ANSI_ESCAPE.exec(this.#text);
    if (match === null) return "\\";
    this.#at = ANSI_ESCAPE.lastIndex;
    const [code, byte, short, long, octal] = match;
    const hex = byte ?? short ?? long;
    if (hex !== undefined) {
      const point = parseInt(hex, 16);
      return point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point);
    }
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
    return ANSI_CHARACTERS.get(code) ?? code;
  }
}

/** Chrome writes `\u` with four digits for each half of a character beyond the first 65,536. */
const ANSI_ESCAPE =
  /(?:x([\da-fA-F]{1,2})|u([\da-fA-F]{1,4})|U([\da-fA-F]{1,8})|([0-7]{1,3})|[^])/y;

const ANSI_CHARACTERS: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["e", "\x1b"],
  ["E", "\x1b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);

function missingQuote(quote: string, from: string): UsageError {
  const start = from.slice(0, 30).split("\n", 1)[0]!;
  return new UsageError(`--curl: the closing ${quote} is missing after ${start}`);
}

/** Commands that a browser has copied for the Windows command prompt. */
function windowsCommands(text: string): string[][] {
  // What the command prompt makes of carets, outside of quotes.
  const commands = [""];
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "^" && !isQuoted) {
      if (text[at + 1] === "\r") at++;
      at++;
      // After a caret, a line break continues the line, and a second one is the character itself.
      if (text[at] === "\n") {
        const rest = /^\r?\n/.exec(text.slice(at + 1))?.[0];
        if (rest === undefined) continue;
        at += rest.length;
        commands[commands.length - 1] += "\n";
      } else commands[commands.length - 1] += text[at] ?? "";
      continue;
    }
    if (character === '"') isQuoted = !isQuoted;
    if (!isQuoted && "\n&|".includes(character)) commands.push("");
    else if (isQuoted || character !== "\r") commands[commands.length - 1] += character;
  }
  return commands.map(windowsWords).filter((words) => words.length > 0);
}

/** The arguments that a Windows program sees: `\"` is a quote, and backslashes count only before one. */
function windowsWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const slashes: string = /^\\*(?=")/.exec(line.slice(at, at + 100))?.[0] ?? "";
    if (slashes !== "") {
      word = (word ?? "") + "\\".repeat(Math.floor(slashes.length / 2));
      at += slashes.length;
      if (slashes.length % 2 === 1) word += '"';
      else isQuoted = !isQuoted;
      continue;
    }
    const character = line[at]!;
    if (character === '"') {
      word ??= "";
      // Two quotes inside quotes are one.
      if (isQuoted && line[at + 1] === '"') {
        word += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (!isQuoted && /[ \t]/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + character;
  }
  if (isQuoted) throw missingQuote('"', line);
  if (word !== null) words.push(word);
  return words;
}
