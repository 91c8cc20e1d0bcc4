/**
 * The scenarios of the HTTP benchmark: loads, contenders and goals.
 *
 * @module
 */

/** The contenders. */
export type ContenderName = "wrk" | "hey" | "locust" | "fetch" | "HttpUser" | "FastHttpUser";

/** The kind of request. */
export type Exchange = "get" | "post";

/** The goal of a contender in a scenario. */
export interface Goal {
  readonly contender: ContenderName;
  /** The contender whose rate it is compared with. */
  readonly of: ContenderName;
  readonly share: number;
  /** The allowed resident memory in megabytes; `null` without a goal. */
  readonly memory: number | null;
}

/** A load that its contenders run in turns. */
export interface Scenario {
  readonly name: string;
  readonly exchange: Exchange;
  readonly isTls: boolean;
  /** The number of connections, each with its own user. */
  readonly connections: number;
  readonly contenders: readonly ContenderName[];
  readonly goals: readonly Goal[];
}

function fastGoal(share: number, memory: number | null): Goal {
  return { contender: "FastHttpUser", of: "wrk", share, memory };
}

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "get-64",
    exchange: "get",
    isTls: false,
    connections: 64,
    contenders: ["wrk", "hey", "locust", "fetch", "HttpUser", "FastHttpUser"],
    goals: [
      fastGoal(0.7, 120),
      { contender: "HttpUser", of: "fetch", share: 0.85, memory: null },
    ],
  },
  {
    name: "get-1000",
    exchange: "get",
    isTls: false,
    connections: 1000,
    contenders: ["wrk", "HttpUser", "FastHttpUser"],
    goals: [fastGoal(0.65, 170)],
  },
  {
    name: "get-5000",
    exchange: "get",
    isTls: false,
    connections: 5000,
    contenders: ["wrk", "FastHttpUser"],
    goals: [fastGoal(0.65, 260)],
  },
  {
    name: "tls-64",
    exchange: "get",
    isTls: true,
    connections: 64,
    contenders: ["wrk", "HttpUser", "FastHttpUser"],
    goals: [fastGoal(0.6, null)],
  },
  {
    name: "post-64",
    exchange: "post",
    isTls: false,
    connections: 64,
    contenders: ["wrk", "HttpUser", "FastHttpUser"],
    goals: [],
  },
];
