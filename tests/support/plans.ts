import type { Plan } from "../../src/load/plan.ts";

/** A plan for one user of the closed model, without an end. */
export function planOf(changes: Partial<Plan> = {}): Plan {
  return {
    users: 1,
    rate: 1,
    runTime: null,
    stopTimeout: 2,
    shape: null,
    arrivals: null,
    spacing: "constant",
    onBusy: "queue",
    iterations: null,
    ...changes,
  };
}
