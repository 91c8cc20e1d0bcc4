/**
 * What went wrong while a test file was imported, said in terms of that file: the runtime's own words
 * come with colours, file URLs, and a stack that leads through aiotest.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { errorText, UsageError } from "../core/errors.ts";

/** How the runtime's own parser begins a message. */
const UNPARSABLE = "SyntaxError: ";

/**
 * The error to show instead of what an import was rejected with: where it happened, as
 * `path:line:column`, and what it was.
 *
 * @param path the test file's full path.
 */
export function importError(path: string, thrown: unknown): UsageError {
  if (!(thrown instanceof Error)) return threw(path, errorText(thrown), thrown);
  const { text, place } = splitMessage(thrown.message);
  const at = place ?? path;
  if (text.startsWith(UNPARSABLE)) {
    return syntaxError(at, text.slice(UNPARSABLE.length), thrown);
  }
  // A file that parses JSON may throw a SyntaxError as well, but its message names no place.
  if (thrown.name === "SyntaxError" && place !== null) {
    return text.includes("does not provide an export")
      ? importFailed(at, text, thrown)
      : syntaxError(at, text, thrown);
  }
  if (thrown instanceof TypeError && "code" in thrown && thrown.code === "ERR_MODULE_NOT_FOUND") {
    return importFailed(at, text, thrown);
  }
  const what = text === "" ? thrown.name : `${thrown.name}: ${text}`;
  return threw(placeOfThrow(thrown.stack ?? "") ?? path, what, thrown);
}

function syntaxError(place: string, text: string, cause: Error): UsageError {
  return new UsageError(`${place}: a syntax error: ${text}`, "", cause);
}

function importFailed(place: string, text: string, cause: Error): UsageError {
  const bare = /^Import "([^"]+)" not a dependency/.exec(text)?.[1];
  if (bare === undefined) {
    return new UsageError(`${place}: an import failed: ${withoutDetails(text)}`, "", cause);
  }
  return new UsageError(
    `${place}: an import failed: ${bare} is neither a file nor a package that is known here`,
    `For a package of npm, write "npm:${bare}"; for a file beside this one, "./${bare}".`,
    cause,
  );
}

function threw(place: string, text: string, cause: unknown): UsageError {
  return new UsageError(`${place}: an error while it was imported: ${text}`, "", cause);
}

/** A message without its colours, and the place that it ends with, if it does. */
function splitMessage(message: string): { readonly text: string; readonly place: string | null } {
  const plain = stripVTControlCharacters(message).trimEnd();
  // Where an import map is in use, the runtime names the same place twice.
  const end = /(?:\s+at \w+:\/\/\S+:\d+:\d+)+$/.exec(plain);
  if (end === null) return { text: withPaths(plain), place: null };
  const [, place = ""] = end[0].trim().split(/\s*\bat /);
  return { text: withPaths(plain.slice(0, end.index)), place: withPaths(place.trim()) };
}

/** Drops advice that only fits the runtime's own command line, and causes after the first. */
function withoutDetails(text: string): string {
  return text
    .replaceAll(/\n\s*hint: .*/g, "")
    .replace(/\n\s*0: /, " ")
    .replaceAll(/\n\s*\d+: .*/g, "");
}

/** The innermost place that is in neither aiotest nor a package: the user's own code. */
function placeOfThrow(stack: string): string | null {
  const own = new URL("../", import.meta.url).href;
  for (const line of stripVTControlCharacters(stack).split("\n")) {
    const place = /^\s+at (?:.*[ (])?(file:\/\/\S+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined || place.startsWith(own)) continue;
    if (!/\/(?:node_modules|npm)\//.test(place)) return withPaths(place);
  }
  return null;
}

function withPaths(text: string): string {
  return text.replaceAll(/file:\/\/[^\s"')]+/g, (url) => {
    // The line and column, if any, are not part of the URL but survive the conversion.
    return URL.canParse(url) ? fileURLToPath(url) : url;
  });
}
