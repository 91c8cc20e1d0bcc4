import type { Clock } from "../../src/core/clock.ts";
import { ClassMix } from "../../src/load/class_mix.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadProfile } from "../../src/load/load_profile.ts";
import { LoadDriver } from "../../src/runner/load_driver.ts";

/** A driver that has not started, and only reports the load. */
export function standingDriver(
  clock: Clock,
  profile: LoadProfile,
  onLoad: (load: ResolvedLoad) => void,
): LoadDriver {
  return new LoadDriver(
    clock,
    profile,
    new ClassMix([{ name: "ATest", weight: 1, fixedCount: 0 }]),
    {
      setUsers: () => {},
      setArrivals: () => {},
      view: () => ({ crossed: null }),
      onLoad,
      onStarted: () => {},
      onSecond: () => {},
    },
  );
}
