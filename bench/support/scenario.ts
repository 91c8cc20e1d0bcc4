/**
 * The scenarios of the HTTP benchmark: loads, contenders and goals.
 *
 * @module
 */

/**
 * The contenders: other load generators, users of aiotest, and bare loops, which only send and receive.
 *
 * - `quick`: `aiotest quick`.
 * - `FastHttpUser-node`: without access to libc, so that it falls back to `node:net`.
 * - `FastHttpUser-exe`: the executable, `dist/aiotest`.
 * - `FastHttpUser-features`: with default headers, and a group, tags and a check for each request.
 * - `epoll-loop`, `sockets-loop`, `node-loop`, `tcp-loop`, `tls-loop`, `fetch`: bare loops over epoll,
 *   aiotest's own sockets, `node:net`, `Deno.connect`, `Deno.connectTls`, and native `fetch`.
 */
export type ContenderName =
  | "wrk"
  | "hey"
  | "oha"
  | "k6"
  | "locust"
  | "epoll-loop"
  | "sockets-loop"
  | "node-loop"
  | "tcp-loop"
  | "tls-loop"
  | "fetch"
  | "quick"
  | "HttpUser"
  | "FastHttpUser-node"
  | "FastHttpUser-exe"
  | "FastHttpUser-features"
  | "FastHttpUser";

/** The kind of request: `connect` is a GET over a connection of its own. */
export type Exchange = "get" | "post" | "connect";

/** What a contender must reach in a scenario. Every field is a goal of its own. */
export interface Goal {
  readonly contender: ContenderName;
  /** At least this share of another contender's rate. */
  readonly rate?: { readonly of: ContenderName; readonly share: number };
  /** At most this many times another contender's processor time per request. */
  readonly cost?: { readonly of: ContenderName; readonly times: number };
  /** p10 divided by p90 of the requests of each user. */
  readonly fairness?: number;
  /** Peak of the resident memory. */
  readonly megabytes?: number;
  /** Whether the reported mean and median must agree with Little's law. */
  readonly latency?: true;
  /** How many requests may fail. */
  readonly failures?: number;
}

/** A load that its contenders run in turns. */
export interface Scenario {
  readonly name: string;
  readonly exchange: Exchange;
  readonly isTls: boolean;
  /** The number of connections, each with its own user. */
  readonly connections: number;
  /** The contenders that run if none are chosen. */
  readonly contenders: readonly ContenderName[];
  readonly goals: readonly Goal[];
}

const FAIR = 0.9;

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "get-64",
    exchange: "get",
    isTls: false,
    connections: 64,
    contenders: [
      "wrk",
      "hey",
      "oha",
      "k6",
      "locust",
      "fetch",
      "HttpUser",
      "FastHttpUser-node",
      "FastHttpUser",
    ],
    goals: [
      {
        contender: "FastHttpUser",
        rate: { of: "wrk", share: 0.72 },
        fairness: FAIR,
        megabytes: 110,
        latency: true,
        failures: 0,
      },
      {
        contender: "FastHttpUser-node",
        rate: { of: "wrk", share: 0.55 },
        failures: 0,
      },
      { contender: "HttpUser", rate: { of: "fetch", share: 0.85 }, failures: 0 },
    ],
  },
  {
    name: "get-1000",
    exchange: "get",
    isTls: false,
    connections: 1000,
    contenders: ["wrk", "fetch", "HttpUser", "FastHttpUser"],
    goals: [
      {
        contender: "FastHttpUser",
        rate: { of: "wrk", share: 0.75 },
        fairness: FAIR,
        megabytes: 130,
        latency: true,
        failures: 0,
      },
      { contender: "HttpUser", rate: { of: "fetch", share: 0.85 }, failures: 0 },
    ],
  },
  {
    name: "get-5000",
    exchange: "get",
    isTls: false,
    connections: 5000,
    contenders: ["wrk", "FastHttpUser-node", "FastHttpUser"],
    goals: [
      {
        contender: "FastHttpUser",
        rate: { of: "wrk", share: 1 },
        fairness: FAIR,
        megabytes: 180,
        latency: true,
        failures: 0,
      },
      { contender: "FastHttpUser-node", fairness: FAIR, failures: 0 },
    ],
  },
  {
    name: "tls-64",
    exchange: "get",
    isTls: true,
    connections: 64,
    contenders: ["wrk", "tls-loop", "FastHttpUser"],
    goals: [
      {
        contender: "FastHttpUser",
        rate: { of: "wrk", share: 0.8 },
        fairness: FAIR,
        megabytes: 130,
        failures: 0,
      },
    ],
  },
  {
    name: "tls-3000",
    exchange: "get",
    isTls: true,
    connections: 3000,
    contenders: ["tls-loop", "FastHttpUser"],
    goals: [
      {
        contender: "FastHttpUser",
        rate: { of: "tls-loop", share: 0.8 },
        fairness: 0.8,
        megabytes: 350,
        failures: 0,
      },
    ],
  },
  {
    name: "post-64",
    exchange: "post",
    isTls: false,
    connections: 64,
    contenders: ["wrk", "sockets-loop", "FastHttpUser"],
    goals: [
      { contender: "FastHttpUser", cost: { of: "sockets-loop", times: 1.5 }, failures: 0 },
    ],
  },
  {
    name: "connect-64",
    exchange: "connect",
    isTls: false,
    connections: 64,
    contenders: ["wrk", "FastHttpUser"],
    goals: [{ contender: "FastHttpUser", failures: 0 }],
  },
];
