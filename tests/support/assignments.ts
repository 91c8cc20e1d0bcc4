import type { Assignment } from "../../src/cluster/protocol.ts";

/** The first assignment of a worker, in the closed model; it has no users unless `changes` adds some. */
export function assignment(changes: Partial<Assignment> = {}): Assignment {
  return {
    type: "TARGET",
    revision: 1,
    classes: {},
    rate: 1,
    stopTimeout: 2,
    arrivals: [],
    ...changes,
  };
}
