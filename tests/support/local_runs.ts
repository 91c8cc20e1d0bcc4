import { Events } from "../../src/core/events.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import { loadedClasses } from "../../src/runner/load_generator.ts";
import { LocalRun, type LocalRunOptions } from "../../src/runner/local_run.ts";
import type { Snapshot } from "../../src/stats/snapshot.ts";
import { ThresholdSet } from "../../src/stats/thresholds.ts";
import { Metrics } from "../../src/user/metrics.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import type { UserClass } from "../../src/user/user.ts";
import { FakeClock } from "./fake_clock.ts";
import { partsOf, type ProfileChanges, profileOf } from "./load_profiles.ts";
import { discovered } from "./users.ts";

/** A local run in virtual time. */
export interface RunningLocally {
  readonly clock: FakeClock;
  readonly run: LocalRun;
  readonly seconds: Snapshot[];
  readonly infos: string[];
  readonly warnings: string[];
  readonly events: Events;
  result: Snapshot | null;
}

/** Starts a local run. */
export function beginLocally(
  classes: UserClass[],
  profile: ProfileChanges,
  options: Partial<LocalRunOptions> & { readonly clock?: FakeClock } = {},
): RunningLocally {
  const { clock = new FakeClock() } = options;
  const seconds: Snapshot[] = [];
  const [infos, warnings]: [string[], string[]] = [[], []];
  const events = options.events ?? new Events();
  const run = new LocalRun({
    runId: "run-1",
    name: null,
    labels: {},
    hostname: "here",
    parts: partsOf(profileOf(profile), loadedClasses(classes.map(discovered))),
    classes: classes.map(discovered),
    host: null,
    connections: DEFAULT_CONNECTIONS,
    observers: NO_OBSERVERS,
    resetStats: false,
    setupTimeout: 30,
    functions: { setup: null, teardown: null },
    waitsForStart: false,
    thresholds: new ThresholdSet([]),
    abortOnThreshold: false,
    abortAfter: 0,
    events,
    metrics: options.metrics ?? new Metrics(clock),
    clock,
    random: () => 0.5,
    cpuSeconds: () => 0,
    openFileLimit: null,
    sockets: "epoll",
    warnings: [],
    env: () => undefined,
    activity: new Int32Array(1),
    places: { placeOf: () => "" },
    onSecond: (snapshot) => seconds.push(snapshot),
    onInfo: (text) => infos.push(text),
    onWarning: (text) => warnings.push(text),
    ...options,
  });
  const running: RunningLocally = { clock, run, seconds, infos, warnings, events, result: null };
  void run.run().then((result) => running.result = result);
  return running;
}
