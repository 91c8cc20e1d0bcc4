/**
 * How the code of a test ends its run.
 *
 * @module
 */

import { errorText } from "../core/errors.ts";
import type { RunEnd } from "./snapshot.ts";

/** The reason that was given to `run.stop` or `run.fail`, which can be any value, as one bounded line. */
export function reasonText(reason: unknown): string {
  return reason === undefined || reason === "" ? "no reason given" : errorText(reason);
}

/** Which of two calls decides: the first `fail`, or else the first `stop`. @param before `null` if there was none. */
export function decidingEnd(before: RunEnd | null, added: RunEnd): RunEnd {
  return before === null || (before.kind === "stop" && added.kind === "fail") ? added : before;
}

/** How a run was ended, as a part of a sentence: `ended by run.fail on w1: nothing left to sell`. */
export function runEndFact({ kind, reason, node }: RunEnd): string {
  return `ended by run.${kind}${node === "local" ? "" : ` on ${node}`}: ${reason}`;
}
