/**
 * Finds the places at which the code of users threw its errors.
 *
 * @module
 */

import { posix } from "node:path";
import { pathToFileURL } from "node:url";
import { clippedText } from "../core/clipped_text.ts";
import { errorFields, isError } from "../core/errors.ts";
import { userFrame } from "../core/user_code.ts";
import { MAX_PLACE } from "../stats/user_errors.ts";

/**
 * The most stacks that are read in a second. Reading one takes about 0.1 ms: the runtime formats it only then,
 * and looks up the lines of a TypeScript file.
 */
const MAX_READ_PER_SECOND = 100;

/** The most errors whose place is remembered. */
const MAX_KNOWN = 1_000;

/** The same error was thrown at more than one place. */
const SEVERAL = "";

/**
 * Says where errors were thrown. If there are too many to read every stack, an error that was thrown at one
 * place so far is taken to be from there, and one that was thrown at several places has none.
 */
export class ErrorPlaces {
  readonly #folder: string;
  /** The place of each text, or {@link SEVERAL}. */
  readonly #known = new Map<string, string>();
  #readInSecond = 0;
  #second = -Infinity;

  /** @param folder of the test file, to which places are relative, because it is not the same on all nodes. */
  constructor(folder: string) {
    this.#folder = pathToFileURL(folder).pathname;
  }

  /**
   * The place of an error as `file:line:column`; empty if it is unknown.
   *
   * @param text of the error.
   * @param atMs when it was thrown.
   */
  placeOf(thrown: unknown, text: string, atMs: number): string {
    if (!isError(thrown)) return "";
    if (!this.#mayRead(atMs)) return this.#known.get(text) ?? "";
    const place = this.#placeIn(errorFields(thrown).stack);
    const known = this.#known.get(text);
    if (known === undefined) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(text, place);
    } else if (known !== place) this.#known.set(text, SEVERAL);
    return place;
  }

  #mayRead(atMs: number): boolean {
    const second = Math.floor(atMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#readInSecond = 0;
    }
    return this.#readInSecond++ < MAX_READ_PER_SECOND;
  }

  #placeIn(stack: string): string {
    const frame = userFrame(stack);
    const parts = frame === null ? null : /^(.*):(\d+):(\d+)$/.exec(frame);
    if (parts === null) return "";
    const [, url = "", line, column] = parts;
    // Code can set the stack of an error.
    const file = URL.parse(url);
    if (file === null) return "";
    const path = posix.relative(this.#folder, file.pathname);
    return clippedText(`${decoded(path)}:${line}:${column}`, MAX_PLACE);
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
