import type { Sample } from "../../src/stats/request_stats.ts";
import { sample } from "./samples.ts";

/** One request for each iteration of a load, at a target that takes 2 ms for each. */
export function samplesOf(load: number): Sample[] {
  return Array.from({ length: load }, () => sample({ latencyMs: 2 * load }));
}
