import type { Sample } from "../../src/stats/request_stats.ts";
import { sample } from "./samples.ts";

/** As many requests as a load has passes, of a target that takes 2 ms for each of them. */
export function samplesOf(load: number): Sample[] {
  return Array.from({ length: load }, () => sample({ latencyMs: 2 * load }));
}
