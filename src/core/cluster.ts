/**
 * What the users of a whole test share, as test files see it.
 *
 * @module
 */

/** How a feeder hands out its rows. */
export type FeederMode =
  /** Each row once in the whole cluster. */
  | "unique"
  /** In their order, and again from the first. */
  | "circular"
  /** Any of them, each time. */
  | "random";

/** What becomes of a user that asks for a row when each has been handed out. */
export type WhenEmpty =
  /** The user is stopped: `onStop` runs, nothing counts as an error, and nobody takes its place. */
  | "stop"
  /** It waits: rows come back when a worker that had just fetched them is lost. */
  | "wait"
  /** `next()` rejects. */
  | "throw";

/** How a feeder behaves. */
export interface FeederOptions {
  /** Default `unique`. */
  readonly mode?: FeederMode;
  /** Only with `unique`; default `stop`. */
  readonly onEmpty?: WhenEmpty;
}

/** Rows that are read from a file, on the master only. */
export interface RowFile {
  /** How rows are written in it. */
  readonly format: "csv" | "jsonl";
  /** Relative to the working directory, or absolute. */
  readonly path: string;
}

/** Hands out rows to users, wherever they run. */
export interface Feeder<Row> {
  /** What it is called on all nodes. */
  readonly name: string;
  /** The next row; a copy of its own for each caller. */
  next(): Promise<Row>;
}

/** One number for the whole cluster; it begins at 0. */
export interface Counter {
  /** Adds an amount, 1 by default; resolves with what the counter is then. */
  add(amount?: number): Promise<number>;
  /** What the counter is. */
  value(): Promise<number>;
}

/** Values that some users put in and others take out, first in, first out. */
export interface Queue<Value> {
  /** Adds JSON values at the end, of at most 64 KiB each; resolves when the master has them. */
  push(...values: readonly Value[]): Promise<void>;
  /** Takes the first value out; undefined where there is none. */
  pop(): Promise<Value | undefined>;
  /** How many values there are. */
  size(): Promise<number>;
}

/** Who meets whom. */
export interface RendezvousOptions {
  /** All go on when so many users are there, a whole number of 1 or more. */
  readonly users: number;
  /** Seconds, from the first arrival on, after which those who are there go on; default 60. */
  readonly timeout?: number;
}

/** How a rendezvous went. */
export interface Meeting {
  /** Users who go on together. */
  readonly arrived: number;
  /** Whether all came who were waited for. */
  readonly complete: boolean;
}

/** Where a message goes. */
export interface SendOptions {
  /** `workers`, `master`, `all` (the default; the sender as well), or the name of one worker. */
  readonly to?: string;
}

/** Gets what was sent, and the name of the node that has sent it. */
export type MessageHandler<Data = unknown> = (data: Data, from: string) => void | Promise<void>;

/**
 * What the users of a whole test share, in a local run just as on many machines. All of it is kept by
 * the master; what is awaited is there once the test begins.
 */
export interface Cluster {
  /**
   * Rows for users; to be made before the test begins, at the top of the test file. What the master's
   * test file gives counts for all nodes; of several feeders of one name, the first.
   *
   * @param name of at most 256 characters, and so for all names here.
   * @throws TypeError where an argument makes no sense.
   */
  feeder<Row = Record<string, string>>(
    name: string,
    rows: readonly Row[] | RowFile,
    options?: FeederOptions,
  ): Feeder<Row>;
  /** The counter of this name. */
  counter(name: string): Counter;
  /** The queue of this name. */
  queue<Value = unknown>(name: string): Queue<Value>;
  /**
   * Holds until so many users of the whole cluster have arrived, then all go on at once. Those who come
   * later meet anew. In a user that is to stop it rejects, which ends the test and counts nowhere.
   */
  rendezvous(name: string, options: RendezvousOptions): Promise<Meeting>;
  /**
   * Sends a message to other nodes. It is on its way when this returns, and every node that takes part
   * at that moment gets it once, in the order of sending.
   *
   * @param data JSON of at most 64 KiB.
   * @throws TypeError where it is not.
   */
  send(type: string, data?: unknown, options?: SendOptions): void;
  /** Calls the handler with every message of this type; what it throws is logged. */
  on<Data = unknown>(type: string, handler: MessageHandler<Data>): void;
  /** Takes a handler back; one that is not there is ignored. */
  off<Data = unknown>(type: string, handler: MessageHandler<Data>): void;
}
