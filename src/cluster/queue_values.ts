import { Buffer } from "node:buffer";
import { MAX_VALUE } from "./shared_limits.ts";

/**
 * What is pushed into a queue, as JSON texts; or why nothing of it can be.
 *
 * ```ts
 * import { queueTexts } from "./queue_values.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(queueTexts("ids", ["a", { b: 1 }]), ['"a"', '{"b":1}']);
 * assert.equal(queueTexts("ids", ["x".repeat(65_536)]), "queue ids: a value of over 65536 bytes of JSON");
 * ```
 */
export function queueTexts(name: string, values: readonly unknown[]): string[] | string {
  let texts: string[];
  try {
    texts = values.map((value) => JSON.stringify(value));
  } catch {
    // Whatever was read can be written, unless there is not enough room on the stack.
    return `queue ${name}: a value that is nested too deep`;
  }
  return texts.some((text) => Buffer.byteLength(text) > MAX_VALUE)
    ? `queue ${name}: a value of over ${MAX_VALUE} bytes of JSON`
    : texts;
}
