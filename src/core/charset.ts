/**
 * Text for terminals that do not show UTF-8.
 *
 * @module
 */

/** Whether the locale in the environment says that terminals show UTF-8, or says nothing about it. */
export function showsUtf8(env: (name: string) => string | undefined): boolean {
  // The first one that is set counts, as POSIX says.
  const locale = [env("LC_ALL"), env("LC_CTYPE"), env("LANG")].find((value) => value) ?? "";
  if (locale === "C" || locale === "POSIX") return false;
  const charset = /\.([^@]+)/.exec(locale)?.[1];
  return charset === undefined || /^utf-?8$/i.test(charset);
}

/** What stands for the characters of panels and tables. Each has one column, too. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  ...{ "─": "-", "│": "|", "┤": "|", "└": "+", "┴": "+", "┬": "+", "┼": "+" },
  ...{ "█": "#", "░": ".", "▏": "|", "▎": "|", "▍": "|", "▌": "#", "▋": "#", "▊": "#", "▉": "#" },
  ...{ "▁": "_", "▂": "_", "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#" },
  ...{ "✓": "+", "✗": "x", "·": ".", "…": "~", "≥": ">", "≤": "<", "×": "x", "±": "~" },
  ...{ "–": "-", "—": "-", "“": '"', "”": '"', "’": "'", "␛": "^" },
};

// deno-lint-ignore no-control-regex -- ASCII includes them
const NOT_ASCII = /[^\x00-\x7f]/gu;

/** A text with ASCII characters in place of all others. */
export function asciiText(text: string): string {
  return text.replaceAll(NOT_ASCII, (character) => REPLACEMENTS[character] ?? "?");
}
