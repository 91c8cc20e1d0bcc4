import type { Clock } from "../../src/core/clock.ts";
import type { ResolvedLoad } from "../../src/load/load.ts";
import type { LoadPart } from "../../src/load/load_parts.ts";
import { LoadDriver } from "../../src/runner/load_driver.ts";
import { RunPauses } from "../../src/runner/run_pauses.ts";
import { RunTime } from "../../src/runner/run_time.ts";

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

/** The pauses of a run whose users do not matter. */
export function pausesOnly(clock: Clock, time: RunTime = new RunTime(clock)): RunPauses {
  return new RunPauses({ clock, time, onChange: () => {}, onSecond: () => {} });
}
