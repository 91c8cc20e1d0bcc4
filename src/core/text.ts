/**
 * Text and values that others have chosen: made safe for a terminal and for a log line.
 *
 * @module
 */

import { inspect } from "node:util";

/**
 * Replaces every character that a terminal would interpret with a visible one. Names and errors often
 * come from the target of the test or from a peer, and neither must be able to move the cursor, set
 * a title or reverse the direction of a line.
 */
export function sanitizeTerminal(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.toWellFormed().replaceAll(CONTROL_CHARACTERS, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x7f) return "␡";
    return code < 0x20 ? String.fromCharCode(CONTROL_PICTURES + code) : REPLACEMENT;
  });
}

const PRINTABLE_ASCII = /^[ -~]*$/;

/**
 * Control characters, line and paragraph separators, characters that set the direction of text, and those
 * that cannot be seen, apart from the joiners of emoji and of scripts.
 */
const CONTROL_CHARACTERS =
  /[\p{Cc}\p{Noncharacter_Code_Point}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** Where Unicode has the pictures of the first 32 control characters. */
const CONTROL_PICTURES = 0x2400;

const REPLACEMENT = "\ufffd";

/** Whether text can be shown as a name: on one line, not blank, without invisible characters. */
export function isVisible(text: string): boolean {
  return text.trim() !== "" && !INVISIBLE.test(text);
}

/** Text that {@link isVisible}: without what is not, and at most `max` UTF-16 units; `"?"` if none is left. */
export function visiblePart(text: string, max: number): string {
  const visible = text.replaceAll(new RegExp(INVISIBLE, "gu"), "").slice(0, max).toWellFormed();
  return isVisible(visible) ? visible : "?";
}

const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Words as in `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Formats text from a peer for the log: on one line, at most 500 characters, safe for a terminal. */
export function peerText(text: string): string {
  const line = sanitizeTerminal(text);
  return line.length > MAX_PEER_TEXT ? `${line.slice(0, MAX_PEER_TEXT - 1)}…` : line;
}

const MAX_PEER_TEXT = 500;

/**
 * A value as text: as it converts itself, or else as a test file would contain it. Test files in
 * JavaScript can pass any value where a string is expected. It never throws.
 */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  // The text of a function is its source.
  if (typeof value === "function") return shown(value);
  try {
    const text = String(value);
    if (!text.startsWith("[object ")) return text;
  } catch {
    // A null prototype, or a toString that throws.
  }
  return shown(value);
}

/** A value on one line, as a test file would contain it. It never throws, whatever the value is. */
export function shown(value: unknown): string {
  try {
    return inspect(value, SHOWING);
  } catch {
    // A revoked proxy, or a class with its own way to be shown.
    return `(${typeof value} that cannot be shown)`;
  }
}

const SHOWING = { breakLength: Infinity, compact: true, depth: 1, maxStringLength: 200 } as const;

/**
 * Replaces user and password of the URLs in a text by `…`. A text without a scheme is taken for a URL that
 * lacks it. If a URL is not valid, everything that may be a password is replaced.
 *
 * @param most how many URLs are examined; what follows them is taken for an invalid one.
 */
export function hideCredentials(text: string, most = 20): string {
  // With http and https, any number of slashes of either kind is valid.
  const start = /[a-z][a-z\d+.-]*:[\\/]+/i.exec(text) ?? /^(?:\/\/)?/.exec(text)!;
  const from = start.index + start[0].length;
  const rest = text.slice(from);
  const isValid = most > 0 && URL.canParse(`http://${rest}`);
  const authority = isValid ? /^[^/?#]*/.exec(rest)![0] : rest;
  const at = authority.lastIndexOf("@");
  const hidden = text.slice(0, from) + (at < 0 ? authority : `…${authority.slice(at)}`);
  const more = rest.slice(authority.length);
  return start[0] === "" ? hidden + more : hidden + hideCredentials(more, most - 1);
}

/** UTF-16 units that are handled at once: enough to make the number of parts irrelevant. */
const PART_LENGTH = 65_536;

/** The same text as many short ones, in parts of about 64 KiB: a string cannot have any length. */
export function* textParts(
  texts: Iterable<string>,
  length: number = PART_LENGTH,
  isDue: () => boolean = () => false,
): Generator<string> {
  let pending = "";
  for (const text of texts) {
    pending += text;
    if (pending.length < length && !isDue()) continue;
    yield pending;
    pending = "";
  }
  if (pending !== "") yield pending;
}

/**
 * As {@link textParts}, in UTF-8.
 *
 * @param isDue whether a part is to end, however short it is.
 */
export function* encodedParts(
  texts: Iterable<string>,
  isDue?: () => boolean,
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  for (const part of textParts(texts, PART_LENGTH, isDue)) yield encoder.encode(part);
}
