import type { Clock } from "../../src/core/clock.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadPart } from "../../src/load/load_parts.ts";
import { LoadDriver } from "../../src/runner/load_driver.ts";

/** A driver that has not started, and only reports the load. */
export function standingDriver(
  clock: Clock,
  parts: readonly LoadPart[],
  onLoad: (load: ResolvedLoad) => void,
): LoadDriver {
  return new LoadDriver(
    clock,
    parts,
    {
      setUsers: () => {},
      setArrivals: () => {},
      view: () => ({ crossed: null }),
      onLoad,
      onOver: () => {},
      onStarted: () => {},
      onSecond: () => {},
    },
  );
}
