/**
 * What a run may share: so that no node can fill the master's memory.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Characters of a name. */
export const MAX_NAME = 256;

/** Bytes of one value, as JSON. */
export const MAX_VALUE = 64 * 1024;

/** Counters, and queues, that a run may have. */
export const MAX_NAMES = 100_000;

/** Why there is no further one. @param what in the plural. */
export function tooManyNames(what: string): string {
  return `a run may have ${MAX_NAMES} ${what}, and has them`;
}

/**
 * A value as JSON.
 *
 * ```ts
 * import { valueText } from "./shared_limits.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(valueText({ a: [1] }, "queue ids"), '{"a":[1]}');
 * assert.throws(() => valueText(() => 1, "queue ids"), /^TypeError: queue ids: a function is no JSON/);
 * ```
 *
 * @param whose names what the value is for.
 * @throws TypeError where it is none, or too long.
 */
export function valueText(value: unknown, whose: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`${whose}: a value that is no JSON`, { cause: error });
  }
  if (json === undefined) throw new TypeError(`${whose}: a ${typeof value} is no JSON`);
  const bytes = Buffer.byteLength(json);
  if (bytes <= MAX_VALUE) return json;
  throw new TypeError(`${whose}: a value of ${bytes} bytes of JSON, ${MAX_VALUE} are allowed`);
}
