/**
 * What is to be said where there is no token.
 *
 * ```ts
 * import { openPortWarning } from "./open_port_warning.ts";
 * import assert from "node:assert/strict";
 *
 * assert.match(openPortWarning("10.0.0.1:5557"), /anyone who can reach 10\.0\.0\.1:5557 can join/);
 * ```
 */
export function openPortWarning(where: string): string {
  return `There is no token: anyone who can reach ${where} can join this run. ` +
    "Set --token or AIOTEST_TOKEN on both sides.";
}
