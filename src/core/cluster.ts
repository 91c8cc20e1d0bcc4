/**
 * The interfaces of data that the users of a whole test share.
 *
 * @module
 */

/** How a feeder hands out its rows. */
export type FeederMode =
  /** Each row once in the whole cluster. */
  | "unique"
  /** In order, starting over after the last row. */
  | "circular"
  /** A random row each time. */
  | "random";

/** What happens when a user asks for a row and all rows have been handed out. */
export type WhenEmpty =
  /** The user ends: `onStop` runs, nothing counts as an error, and no other user replaces it. */
  | "stop"
  /** The user waits. Rows become available again if the worker that fetched them is lost. */
  | "wait"
  /** `next()` rejects. */
  | "throw";

/** Options of a feeder. */
export interface FeederOptions {
  /** How rows are handed out. Default: `unique`. */
  readonly mode?: FeederMode;
  /** What happens after the last row; only with `unique`. Default: `stop`. */
  readonly onEmpty?: WhenEmpty;
}

/** A file with rows. Only the master reads it. */
export interface RowFile {
  /** The format of the file. */
  readonly format: "csv" | "jsonl";
  /** Absolute, or relative to the test file or, if there is no such file, to the working directory. */
  readonly path: string;
}

/** Hands out rows to users on all nodes. */
export interface Feeder<Row> {
  /** The name of the feeder on all nodes. */
  readonly name: string;
  /**
   * The next row. Each call returns a new copy.
   *
   * @throws Error if all rows have been handed out and `onEmpty` is `throw`.
   */
  next(): Promise<Row>;
}

/** One number for the whole cluster. It starts at 0. */
export interface Counter {
  /**
   * Adds an amount, by default 1; resolves with the new value.
   *
   * @param amount a finite number; it may be negative.
   * @throws Error if it is not finite, or if the sum would not be.
   */
  add(amount?: number): Promise<number>;
  /** The current value. */
  value(): Promise<number>;
}

/** A first-in, first-out queue for the whole cluster. */
export interface Queue<Value> {
  /**
   * Appends values; resolves when the master has stored them.
   *
   * @param values each is JSON of at most 64 KiB.
   * @throws TypeError if a value is not JSON, or too large.
   */
  push(...values: readonly Value[]): Promise<void>;
  /** Removes and returns the first value; `undefined` if the queue is empty. */
  pop(): Promise<Value | undefined>;
  /** The number of values. */
  size(): Promise<number>;
}

/** Options of a rendezvous. */
export interface RendezvousOptions {
  /** The number of users to wait for: a whole number of 1 or more. */
  readonly users: number;
  /** Seconds from the first arrival until the users that have arrived continue anyway. Default: 60. */
  readonly timeout?: number;
}

/** The outcome of a rendezvous. */
export interface Meeting {
  /** The number of users that continue together. */
  readonly arrived: number;
  /** Whether all expected users arrived. */
  readonly complete: boolean;
}

/** Options of a message. */
export interface SendOptions {
  /** The receivers: `workers`, `master`, `all` (including the sender) or a worker's name. Default: `all`. */
  readonly to?: string;
}

/** Receives a message's data and the name of the node that sent it. */
export type MessageHandler<Data = unknown> = (data: Data, from: string) => void | Promise<void>;

/**
 * Data that the users of a whole test share. It works the same in a local run and on many machines. The
 * master keeps the data, so promises settle only while a test is running.
 */
export interface Cluster {
  /**
   * Creates a feeder of rows. Call it before the test starts, at the top of the test file. The rows of
   * the master's test file apply to all nodes; of several feeders with the same name, the first.
   *
   * ```ts
   * import { cluster, csv, FastHttpUser } from "aiotest";
   *
   * const accounts = cluster.feeder("accounts", csv("accounts.csv"), { mode: "circular" });
   *
   * export class LoginTest extends FastHttpUser {
   *   async testLogin(): Promise<void> {
   *     const { name, password } = await accounts.next();
   *     await this.session.post("/login", { json: { name, password } });
   *   }
   * }
   * ```
   *
   * @param name 1 to 256 characters, like all names here.
   * @param rows a list of values that can be JSON, or a file.
   * @throws TypeError if an argument is invalid.
   */
  feeder<Row = Record<string, string>>(
    name: string,
    rows: readonly Row[] | RowFile,
    options?: FeederOptions,
  ): Feeder<Row>;
  /**
   * The counter with this name.
   *
   * @throws TypeError if the name is invalid.
   */
  counter(name: string): Counter;
  /**
   * The queue with this name.
   *
   * ```ts
   * import { cluster, FastHttpUser } from "aiotest";
   *
   * const orders = cluster.queue<number>("orders");
   *
   * export class BuyerTest extends FastHttpUser {
   *   async testOrder(): Promise<void> {
   *     const res = await this.session.post("/orders", { json: { item: 17 } });
   *     await orders.push((await res.json()).id);
   *   }
   * }
   *
   * export class PackerTest extends FastHttpUser {
   *   async testPack(): Promise<void> {
   *     const id = await orders.pop();
   *     if (id !== undefined) await this.session.post(`/orders/${id}/pack`, { name: "pack" });
   *   }
   * }
   * ```
   *
   * @throws TypeError if the name is invalid.
   */
  queue<Value = unknown>(name: string): Queue<Value>;
  /**
   * Holds users until a number of them from the whole cluster have arrived, then releases all at once.
   * Users that arrive later start the next round. If the user is being stopped, this rejects with an
   * error that ends the test and is not counted.
   *
   * @throws TypeError if the name is invalid, and Error if an option is.
   */
  rendezvous(name: string, options: RendezvousOptions): Promise<Meeting>;
  /**
   * Sends a message to other nodes and does not wait for them. Each node that is part of the cluster at
   * that moment receives the message once, in the order of sending.
   *
   * ```ts
   * import { cluster, logger } from "aiotest";
   *
   * cluster.on<{ stock: number }>("sold", ({ stock }, from) => logger.info(`${from}: ${stock} left`));
   *
   * export function setup(): void {
   *   cluster.send("sold", { stock: 5 }, { to: "workers" });
   * }
   * ```
   *
   * @param type a name of your choice.
   * @param data JSON of at most 64 KiB.
   * @throws TypeError if the type is invalid, or if the data is not JSON or too large. Error if too many messages
   *   wait for the master.
   */
  send(type: string, data?: unknown, options?: SendOptions): void;
  /** Calls the handler for each message of this type. Errors of the handler are logged. */
  on<Data = unknown>(type: string, handler: MessageHandler<Data>): void;
  /** Removes a handler; does nothing if it was not added. */
  off<Data = unknown>(type: string, handler: MessageHandler<Data>): void;
}
