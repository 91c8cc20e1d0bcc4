import { Events } from "../../src/core/events.ts";
import { Lease } from "../../src/core/lease.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { LoadGenerator, type LoadGeneratorOptions } from "../../src/runner/load_generator.ts";
import { Metrics } from "../../src/user/metrics.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import type { UserClass } from "../../src/user/user.ts";
import type { FakeClock } from "./fake_clock.ts";
import { discovered } from "./users.ts";

/** What one node of a cluster has that runs users of these classes. */
export function loadGenerator(
  clock: FakeClock,
  classes: readonly UserClass[],
  changes: Partial<LoadGeneratorOptions> = {},
): LoadGenerator {
  return new LoadGenerator({
    runId: "run",
    node: "w1",
    classes: classes.map(discovered),
    host: null,
    connections: DEFAULT_CONNECTIONS,
    firstUserId: 1,
    lease: Lease.endless(),
    events: new Events(),
    metrics: new Metrics(clock),
    clock,
    random: () => 0.5,
    openFileLimit: null,
    cpuSeconds: () => 0,
    env: () => undefined,
    activity: new Int32Array(1),
    observers: NO_OBSERVERS,
    places: { placeOf: () => "" },
    data: () => null,
    onRunEnd: () => {},
    onIterationsOver: () => {},
    onUsersGone: () => {},
    onUnprepared: () => {},
    onWarning: () => {},
    ...changes,
  });
}
