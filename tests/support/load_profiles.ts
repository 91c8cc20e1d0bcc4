import { type LoadedClass, type LoadPart, loadParts } from "../../src/load/load_parts.ts";
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

/** The parts of the load of some classes, by default of one. */
export function partsOf(
  profile: LoadProfile = profileOf(),
  classes: readonly LoadedClass[] = [{ name: "ATest", weight: 1, fixedCount: 0, load: null }],
): LoadPart[] {
  return loadParts(classes, profile);
}
