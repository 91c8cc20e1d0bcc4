import type { Clock, EventLoopMonitor, Random } from "../core/clock.ts";
import type { Lease } from "../core/lease.ts";
import type { RunInfo } from "../core/run_info.ts";
import { HttpNode } from "../http/http_node.ts";
import { Proxies } from "../http/proxies.ts";
import type { IterationSlot } from "./iteration_slot.ts";
import type { Recorder } from "./recorder.ts";

/** What the runner gives each user; a user class with a constructor of its own hands it to `super`. */
export interface UserContext {
  /** Unique in the whole run; the first user is 1. */
  readonly id: number;
  /** Replaces the class's own host; null where `--host` was not given. */
  readonly host: string | null;
  /** Accept any TLS certificate of the target. */
  readonly insecure: boolean;
  /** Aborted when the user must stop at once, whatever it is doing. */
  readonly signal: AbortSignal;
  /** The run that this user is part of. */
  readonly run: RunInfo;
  /** @internal Where it waits for its passes; null where they follow each other without an end. */
  readonly iterationSlot: IterationSlot | null;
  /** @internal */
  readonly clock: Clock;
  /** @internal */
  readonly http: HttpNode;
  /** @internal Without it, no request may begin. */
  readonly lease: Lease;
  /** @internal */
  readonly eventLoop: EventLoopMonitor;
  /** @internal */
  readonly random: Random;
  /** @internal */
  readonly recorder: Recorder;
}

/** What all users of a node have in common. */
export type NodeContext = Omit<UserContext, "id" | "signal" | "iterationSlot">;

/** What the runner knows of its node. */
export interface NodeOptions extends Omit<NodeContext, "http"> {
  /** An environment variable, or undefined: those that name proxies are looked at. */
  readonly env: (name: string) => string | undefined;
}

/**
 * Makes what the users of a node share.
 *
 * @throws UsageError where a variable names a proxy that is none.
 */
export function nodeContext({ env, ...facts }: NodeOptions): NodeContext {
  const proxies = new Proxies(env);
  const http = new HttpNode(facts.clock, { insecure: facts.insecure, proxies, caCerts: [] });
  return { ...facts, http };
}
