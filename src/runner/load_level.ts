import { isArrivals, type LoadTarget } from "../load/target.ts";
import type { LoadLevel } from "../stats/snapshot.ts";

/** A load as reports name it. */
export function loadLevel(target: LoadTarget): LoadLevel {
  return isArrivals(target)
    ? { users: target.maxUsers, arrivalRate: target.arrivalRate }
    : { users: target.users, arrivalRate: null };
}
