/**
 * Checks of options that tests pass to methods of users.
 *
 * @module
 */

import { nearestWord } from "../core/spelling.ts";
import { shown } from "../core/text.ts";

/** @throws TypeError if these are no options, or one of them has another name. */
export function checkNames(method: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    const hint = typeof options === "function" ? "; a function is the last argument" : "";
    throw new TypeError(`${method}: the options are ${shown(options)}, expected an object${hint}`);
  }
  for (const name in options) {
    if (names.includes(name)) continue;
    const near = nearestWord(name, names);
    const hint = near === null ? `expected ${names.join(", ")}` : `did you mean ${near}?`;
    throw new TypeError(`${method}: the option ${JSON.stringify(name)} is unknown; ${hint}`);
  }
}

/**
 * A time limit in milliseconds.
 *
 * @throws RangeError if it is not more than 0 seconds.
 */
export function timeoutMs(seconds: number): number {
  if (typeof seconds === "number" && seconds > 0) return seconds * 1000;
  throw new RangeError(`timeout: ${shown(seconds)}, expected more than 0 seconds`);
}
