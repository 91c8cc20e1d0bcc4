/**
 * What is compared: under which load, between whom, and how well aiotest should do.
 *
 * @module
 */

/** Who can be compared. */
export type ContenderName = "wrk" | "hey" | "locust" | "fetch" | "HttpUser" | "FastHttpUser";

/** What one request is. */
export type Exchange = "get" | "post";

/** What one contender should reach in a scenario. */
export interface Goal {
  readonly contender: ContenderName;
  /** Whose rate its own is a share of. */
  readonly of: ContenderName;
  readonly share: number;
  /** Megabytes that it may have resident at most; null where none are promised. */
  readonly memory: number | null;
}

/** One load, which all its contenders carry in turn. */
export interface Scenario {
  readonly name: string;
  readonly exchange: Exchange;
  readonly isTls: boolean;
  /** Connections, each of a user of its own. */
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
