import { ProtocolError } from "./protocol_error.ts";

/** Protocols that one side speaks, from the oldest to the newest. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/**
 * The newest protocol that both speak.
 *
 * @throws ProtocolError where there is none; its text says which each of them speaks.
 *
 * ```ts
 * import { commonProtocol } from "./protocol_range.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(commonProtocol({ min: 1, max: 3 }, { min: 2, max: 5 }), 3);
 * assert.throws(
 *   () => commonProtocol({ min: 2, max: 3 }, { min: 1, max: 1 }),
 *   /the master speaks protocols 2 to 3, the worker protocol 1/,
 * );
 * ```
 */
export function commonProtocol(master: ProtocolRange, worker: ProtocolRange): number {
  const newest = Math.min(master.max, worker.max);
  if (newest >= Math.max(master.min, worker.min)) return newest;
  throw new ProtocolError(
    "version",
    `the master speaks ${named(master)}, the worker ${named(worker)}: ` +
      "give both the same version of aiotest",
  );
}

function named({ min, max }: ProtocolRange): string {
  return min === max ? `protocol ${min}` : `protocols ${min} to ${max}`;
}
