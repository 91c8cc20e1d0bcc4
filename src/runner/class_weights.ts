import type { ClassWeight } from "../load/class_mix.ts";
import type { DiscoveredClass } from "../user/discovery.ts";

/** What decides the share of each user class, in their order. */
export function classWeights(classes: readonly DiscoveredClass[]): ClassWeight[] {
  return classes.map(({ name, userClass: { weight, fixedCount } }) => ({
    name,
    weight,
    fixedCount,
  }));
}
