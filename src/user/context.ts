/**
 * What the runner hands to each user.
 *
 * @module
 */

import type { Clock, EventLoopMonitor, Random } from "../core/clock.ts";
import type { Lease } from "../core/lease.ts";
import type { PauseGate } from "../core/pause_gate.ts";
import type { RunInfo } from "../core/run_info.ts";
import { Proxies } from "../http/proxies.ts";
import { type ConnectionOptions, SharedHttpState } from "../http/shared_http_state.ts";
import type { Sockets } from "../net/socket.ts";
import { chooseSockets } from "../net/choose_sockets.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { Observers } from "./observers.ts";
import type { Recorder } from "./recorder.ts";
import type { TestStarts } from "./test_starts.ts";
import type { UserProgress, UserRequests } from "./user_requests.ts";

/** The argument of a user's constructor. A user class with its own constructor passes it to `super`. */
export interface UserContext {
  /** Unique in the whole run. The first user is 1. */
  readonly id: number;
  /** The value of `--host`, which replaces the class's own host; `null` if it was not given. */
  readonly host: string | null;
  /** Whether to accept any TLS certificate of the target. */
  readonly insecure: boolean;
  /** Aborted when the user must stop immediately. */
  readonly signal: AbortSignal;
  /** The run that this user is part of. */
  readonly run: RunInfo;
  /** @internal Where the user waits for its iterations; `null` if it may always start the next one. */
  readonly iterationSlot: IterationSlot | null;
  /** @internal */
  readonly clock: Clock;
  /** @internal */
  readonly http: SharedHttpState;
  /** @internal Without a valid lease, no request can start. */
  readonly lease: Lease;
  /** @internal While it is closed, users start no iterations. */
  readonly pauseGate: PauseGate;
  /** @internal */
  readonly eventLoop: EventLoopMonitor;
  /** @internal Its first element is the id of the test that was started last, on any user of the node. */
  readonly activity: Int32Array;
  /** @internal Counts the tests that start on the node. */
  readonly testStarts: TestStarts;
  /** @internal */
  readonly random: Random;
  /** @internal */
  readonly recorder: Recorder;
  /** @internal Those of the node. */
  readonly observers: Observers;
  /** @internal What this user has started and not finished. */
  readonly requests: UserRequests;
  /** @internal */
  readonly progress: UserProgress;
  /** @internal The longest that its `sleep` takes, in seconds; missing for any time. */
  readonly maxSleep?: number;
}

/** The part of the context that all users of a node share. */
export type NodeContext = Omit<
  UserContext,
  "id" | "signal" | "iterationSlot" | "requests" | "progress"
>;

/** What the runner provides for a {@link NodeContext}. */
export interface NodeOptions extends Omit<NodeContext, "http" | "insecure"> {
  readonly connections: ConnectionOptions;
  /** Returns an environment variable, or `undefined`; used for the proxy variables. */
  readonly env: (name: string) => string | undefined;
  /** The system's, unless a test brings others. */
  readonly sockets?: Sockets;
}

/** Creates what the users of a node share. */
export function nodeContext(options: NodeOptions): NodeContext {
  const { env, connections, sockets = chooseSockets(), ...shared } = options;
  const proxies = new Proxies(env);
  const http = new SharedHttpState(shared.clock, {
    ...connections,
    sockets,
    proxies,
    random: shared.random,
  });
  return { ...shared, insecure: connections.tls.insecure, http };
}
