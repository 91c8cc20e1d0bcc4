/**
 * Tags of requests as text: how reports show them, and how thresholds select by them.
 *
 * @module
 */

/** The longest key, in UTF-16 units. */
const MAX_KEY = 50;

/** The key by which thresholds select a user class, so that no tag can have it. */
export const CLASS_KEY = "class";

/** One tag as reports show it, and as {@link readTags} reads it. */
export function tagText(key: string, value: string): string {
  return `${key}=${quoted(value)}`;
}

const KEY = new RegExp(`^[a-z_][\\w.-]{0,${MAX_KEY - 1}}$`, "i");

function quoted(value: string): string {
  return NEEDS_QUOTES.test(value) ? `"${value.replaceAll(/["\\]/g, "\\$&")}"` : value;
}

const NEEDS_QUOTES = /^$|^\s|\s$|[,"{}\\]/;

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
