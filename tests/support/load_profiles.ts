import type { LoadProfile } from "../../src/load/load_profile.ts";

/** What is to differ from one user that starts at once. */
export interface ProfileChanges extends Partial<Omit<LoadProfile, "load">> {
  readonly users?: number;
  readonly rate?: number;
  /** Given for the open model only. */
  readonly arrivalRate?: number;
  readonly maxUsers?: number;
}

/** The load profile of one user in the closed model, without an end. */
export function profileOf(
  { users = 1, rate = 1, arrivalRate, maxUsers = 1, ...changes }: ProfileChanges = {},
): LoadProfile {
  return {
    load: arrivalRate === undefined ? { users, rate } : { arrivalRate, maxUsers },
    runTime: null,
    stopTimeout: 2,
    shape: null,
    spacing: "constant",
    onBusy: "queue",
    iterations: null,
    ...changes,
  };
}
