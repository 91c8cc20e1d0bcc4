import type { Letter } from "./mailbox.ts";
import type { SharedCall } from "./shared_call.ts";
import { MAX_NAME, valueText } from "./shared_limits.ts";

/** A message, and where it goes. */
export interface AddressedLetter extends Letter {
  readonly to: string;
}

const SERVICE = "message";
const OPERATION = "send";

/** A message as the call that sends it. */
export function letterCall({ to, kind, data }: Omit<AddressedLetter, "from">): SharedCall {
  return {
    service: SERVICE,
    name: kind,
    operation: OPERATION,
    args: `[${JSON.stringify(to)},${data}]`,
  };
}

/**
 * The message that a call sends; null where it sends none that makes sense, undefined where it is
 * another call.
 *
 * ```ts
 * import { letterCall, letterOf } from "./letter_call.ts";
 * import assert from "node:assert/strict";
 *
 * const call = letterCall({ to: "workers", kind: "flush", data: '{"all":true}' });
 * assert.deepEqual(
 *   letterOf(call, "w1"),
 *   { to: "workers", from: "w1", kind: "flush", data: '{"all":true}' },
 * );
 * assert.equal(letterOf({ ...call, service: "queue" }, "w1"), undefined);
 * assert.equal(letterOf({ ...call, args: "[1]" }, "w1"), null);
 * ```
 */
export function letterOf(call: SharedCall, from: string): AddressedLetter | null | undefined {
  const { service, name: kind, operation, args } = call;
  if (service !== SERVICE) return undefined;
  try {
    const [to, data] = JSON.parse(args);
    if (operation !== OPERATION || data === undefined) return null;
    if (typeof to !== "string" || to.length > MAX_NAME) return null;
    return { to, from, kind, data: valueText(data, kind) };
  } catch {
    return null;
  }
}
