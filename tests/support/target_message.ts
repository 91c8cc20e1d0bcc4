import type { TargetMessage } from "../../src/cluster/protocol.ts";

/** The first target of a worker, in the closed model; without a change it has no users. */
export function targetMessage(changes: Partial<TargetMessage> = {}): TargetMessage {
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
