import { EventLoopMonitor } from "../../src/core/clock.ts";
import { Events } from "../../src/core/events.ts";
import { PauseGate } from "../../src/core/pause_gate.ts";
import { Lease } from "../../src/core/lease.ts";
import type { LocalFailureCode } from "../../src/core/local_failures.ts";
import type { RunInfo } from "../../src/core/run_info.ts";
import { DEFAULT_CONNECTIONS } from "../../src/http/shared_http_state.ts";
import type { EndedGroup } from "../../src/stats/group_stats.ts";
import type { Sample } from "../../src/stats/request_stats.ts";
import { errorAndPlace } from "../../src/stats/user_errors.ts";
import { nodeContext, type UserContext } from "../../src/user/context.ts";
import { discover, type DiscoveredClass } from "../../src/user/discovery.ts";
import { NO_OBSERVERS } from "../../src/user/observers.ts";
import { Recorder } from "../../src/user/recorder.ts";
import { TestStarts } from "../../src/user/test_starts.ts";
import type { UserClass } from "../../src/user/user.ts";
import { UserRequests } from "../../src/user/user_requests.ts";
import { testSockets } from "./sockets.ts";
import { FakeClock } from "./fake_clock.ts";

/** A run that has started, for tests of single users. */
export const RUN: RunInfo = {
  id: "run",
  node: "local",
  host: null,
  userCount: 1,
  runTime: 0,
  data: null,
  stop: () => {},
  fail: () => {},
  annotate: () => {},
};

/** What users have recorded, in order. */
export interface Recorded {
  readonly samples: Sample[];
  /** Requests that were cut off; the age is in milliseconds. */
  readonly unfinished: {
    readonly method: string;
    readonly name: string;
    readonly ageMs: number;
    readonly retries: number;
  }[];
  readonly userErrors: { readonly user: string; readonly error: string; readonly atMs: number }[];
  readonly groups: EndedGroup[];
  readonly unfinishedGroups: { readonly name: string; readonly ageMs: number }[];
  readonly checks: { readonly name: string; readonly passed: boolean }[];
  readonly traced: { readonly name: string; readonly traceId: string }[];
  /** Iterations. */
  readonly completed: { count: number };
}

/** Nothing yet. */
export const NOTHING_RECORDED: Recorded = {
  samples: [],
  unfinished: [],
  userErrors: [],
  groups: [],
  unfinishedGroups: [],
  checks: [],
  traced: [],
  completed: { count: 0 },
};

/** A context for users, and what they have recorded in it. */
export interface TestContext {
  readonly clock: FakeClock;
  readonly events: Events;
  readonly recorded: Recorded;
  readonly context: Omit<UserContext, "signal">;
}

/** Creates a context with virtual time; fields can be replaced. */
export function testContext(
  fields: Partial<UserContext> = {},
  onLocalFailure: (code: LocalFailureCode) => void = () => {},
): TestContext {
  const clock = new FakeClock();
  const events = new Events();
  const recorded = structuredClone(NOTHING_RECORDED);
  const recorder = new Recorder(
    {
      record: (sample) => void recorded.samples.push({ ...sample }),
      unfinished: ({ method, name, startedAt }, retries, atMs) =>
        void recorded.unfinished.push({ method, name, ageMs: atMs - startedAt, retries }),
      userError: (user, text, atMs) =>
        void recorded.userErrors.push({ user, error: errorAndPlace(text).error, atMs }),
      group: (group) => void recorded.groups.push(group),
      unfinishedGroup: (name, ageMs) => void recorded.unfinishedGroups.push({ name, ageMs }),
      check: (name, passed) => void recorded.checks.push({ name, passed }),
      traced: ({ name }, traceId) => void recorded.traced.push({ name, traceId }),
      completions: recorded.completed,
    },
    "ShopTest",
    {
      events,
      run: RUN,
      clock,
      places: { placeOf: () => "" },
      observers: fields.observers?.requests ?? [],
      onLocalFailure,
      onUnprepared: () => {},
    },
  );
  const progress = { iterations: 0, isStopping: false };
  return {
    clock,
    events,
    recorded,
    context: {
      ...nodeContext({
        env: () => undefined,
        sockets: testSockets(),
        host: null,
        connections: DEFAULT_CONNECTIONS,
        run: RUN,
        clock,
        eventLoop: new EventLoopMonitor(),
        lease: Lease.endless(),
        pauseGate: new PauseGate(),
        activity: new Int32Array(1),
        testStarts: new TestStarts([]),
        random: () => 0.5,
        recorder,
        observers: NO_OBSERVERS,
      }),
      id: 1,
      iterationSlot: null,
      progress,
      requests: new UserRequests(recorder, 1, progress),
      ...fields,
    },
  };
}

/** A user class as {@link discover} finds it. */
export function discovered(userClass: UserClass): DiscoveredClass {
  const { context } = testContext();
  const { signal } = new AbortController();
  return discover(
    { [userClass.name]: userClass },
    (one) => new one({ ...context, signal }),
    () => {},
  )[0]!;
}
