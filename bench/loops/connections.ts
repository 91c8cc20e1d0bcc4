/**
 * What bare loops have in common, whatever they connect with.
 *
 * @module
 */

/** Where to connect to. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly users: number;
}

/** An open connection for each user. */
export interface Connections {
  /** Sends a user's next request. Resolves with whether its response is a success. */
  exchange(user: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** The kinds of connections; `sockets` are aiotest's own. */
export type LoopKind = "epoll" | "sockets" | "node" | "tcp" | "tls" | "fetch";

/** What a loop counts. */
export interface LoopResult {
  readonly failures: number;
  /** The requests of each user. */
  readonly requestsOfUsers: readonly number[];
  /** From the first request to the last response. */
  readonly seconds: number;
  /** Latencies of some of the requests. */
  readonly latenciesMs: readonly number[];
}
