import type { Clock } from "../../src/core/clock.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadProfile } from "../../src/load/load_profile.ts";
import { LoadDriver } from "../../src/runner/load_driver.ts";

/** A driver that has not begun: nobody runs by it, and all that it tells is what the load is to be. */
export function standingDriver(
  clock: Clock,
  plan: LoadProfile,
  onLoad: (load: ResolvedLoad) => void,
): LoadDriver {
  return new LoadDriver(clock, plan, new ClassMix([{ name: "ATest", weight: 1, fixedCount: 0 }]), {
    setUsers: () => {},
    setArrivals: () => {},
    view: () => ({ crossed: null }),
    onLoad,
    onStarted: () => {},
    onSecond: () => {},
  });
}
