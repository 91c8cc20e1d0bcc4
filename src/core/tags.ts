/**
 * Tags of requests as text: how reports show them, and how thresholds select by them.
 *
 * @module
 */

import { shown } from "./text.ts";

/**
 * What a request is told apart by within its name, such as `{ cache: "hit" }`. Values are turned into text;
 * those that are `undefined` are left out.
 */
export type Tags = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** The most tags of one request. */
const MAX_TAGS = 10;

/** The longest key and the longest value, in UTF-16 units. Longer values are cut. */
const MAX_KEY = 50;
const MAX_VALUE = 100;

/** The longest text that {@link tagsText} returns: each character of a value may need a backslash. */
export const MAX_TAGS_TEXT = MAX_TAGS * (MAX_KEY + 2 * MAX_VALUE + 5);

/** The key by which thresholds select a user class, so that no tag can have it. */
export const CLASS_KEY = "class";

/**
 * Tags as one text, in the order of their keys: `cache=hit, size=large`. It is the same for the same tags, and
 * {@link readTags} reads it. Empty if there are none.
 *
 * @throws TypeError if they are not names and plain values, or too many.
 */
export function tagsText(tags: Tags): string {
  if (typeof tags !== "object" || tags === null || Array.isArray(tags)) {
    throw new TypeError(`tags: ${shown(tags)}, expected an object such as { cache: "hit" }`);
  }
  const keys = Object.keys(tags).filter((key) => tags[key] !== undefined);
  if (keys.length > MAX_TAGS) {
    throw new TypeError(`tags: ${keys.length} tags, expected at most ${MAX_TAGS}`);
  }
  if (keys.length > 1) keys.sort();
  let text = "";
  for (const key of keys) {
    text += `${text === "" ? "" : ", "}${checkedKey(key)}=${quoted(valueText(key, tags[key]))}`;
  }
  return text;
}

/** One tag as {@link tagsText} writes it. */
export function tagText(key: string, value: string): string {
  return `${key}=${quoted(value)}`;
}

function checkedKey(key: string): string {
  if (key === CLASS_KEY) {
    throw new TypeError("tags: class is the name of the user class in thresholds; use another key");
  }
  if (KEY.test(key)) return key;
  throw new TypeError(
    `tags: ${
      shown(key)
    } is not a valid key; expected a letter, then letters, digits, _, - and ., ` +
      `${MAX_KEY} characters at most`,
  );
}

const KEY = new RegExp(`^[a-z_][\\w.-]{0,${MAX_KEY - 1}}$`, "i");

function valueText(key: string, value: unknown): string {
  if (
    typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint" &&
    typeof value !== "boolean"
  ) {
    throw new TypeError(
      `tags: ${key} is ${shown(value)}, expected a string, a number or a boolean`,
    );
  }
  const text = String(value);
  if (PLAIN.test(text)) return text;
  const safe = text.toWellFormed().replaceAll(INVISIBLE, " ");
  return safe.length <= MAX_VALUE ? safe : `${safe.slice(0, MAX_VALUE - 1).toWellFormed()}…`;
}

const PLAIN = new RegExp(`^[\\w./:-]{0,${MAX_VALUE}}$`);

/** Control characters, separators of lines, and what cannot be seen. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/gu;

function quoted(value: string): string {
  return NEEDS_QUOTES.test(value) ? `"${value.replaceAll(/["\\]/g, "\\$&")}"` : value;
}

const NEEDS_QUOTES = /^$|^\s|\s$|[,"{}\\]/;

/** The tags in a text that {@link tagsText} has written. */
export function tagsOf(text: string): Record<string, string> {
  const pairs = text === "" ? [] : readTags(text);
  return typeof pairs === "string" ? {} : Object.fromEntries(pairs);
}

/**
 * The keys and values of a text such as `cache=hit, size="very large"`, or what is wrong with it. Values with
 * a comma, a quotation mark, a brace, or a space at an end are in quotation marks.
 */
export function readTags(text: string): (readonly [key: string, value: string])[] | string {
  const pairs: (readonly [key: string, value: string])[] = [];
  let rest = text.trim();
  for (;;) {
    const [whole, key = "", inQuotes, plain = ""] = PAIR.exec(rest) ?? [];
    if (whole === undefined || !KEY.test(key)) {
      return `${rest === "" ? "nothing" : rest} is not a pair`;
    }
    if (pairs.some(([known]) => known === key)) return `${key} is given twice`;
    const value = inQuotes === undefined ? plain.trim() : inQuotes.replaceAll(/\\(.)/gs, "$1");
    if (inQuotes === undefined && value === "") return `${key} has no value`;
    pairs.push([key, value]);
    rest = rest.slice(whole.length);
    if (rest === "") return pairs;
    if (!rest.startsWith(",")) return `${rest} follows a value`;
    rest = rest.slice(1).trim();
  }
}

const PAIR = /^([^=,"{}\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^,"{}]*))/s;
