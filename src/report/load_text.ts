import type { LoadLevel } from "../stats/snapshot.ts";
import { formatAmount, formatCount, formatRate } from "./quantity.ts";

/**
 * A load in words; of the open model, passes that start a second.
 *
 * ```ts
 * import { loadText } from "./load_text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(loadText({ users: 300, arrivalRate: null }), "300 users");
 * assert.equal(loadText({ users: 50, arrivalRate: 2000 }), "2,000 passes/s");
 * ```
 */
export function loadText({ users, arrivalRate }: LoadLevel): string {
  return arrivalRate === null
    ? formatAmount(users, "user")
    : `${formatAskedRate(arrivalRate)} passes/s`;
}

/** A rate that somebody has asked for, without its unit: a whole number stays one. */
export function formatAskedRate(rate: number): string {
  return Number.isInteger(rate) ? formatCount(rate) : formatRate(rate);
}
