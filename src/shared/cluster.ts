/**
 * The `cluster` object of test files: shared state and messages, as seen from one node.
 *
 * @module
 */

import { MAX_SHARED_NAME } from "../cluster/protocol.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type {
  Cluster,
  Counter,
  Feeder,
  FeederOptions,
  Meeting,
  MessageHandler,
  Queue,
  RendezvousOptions,
  RowFile,
  SendOptions,
} from "../core/cluster.ts";
import { errorText } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { RepeatedLog } from "../core/repeated_log.ts";
import { currentUser } from "../core/user_lifetime.ts";
import { type RpcTransport, valueText } from "./calls.ts";
import { type FeederDefinition, feederDefinition } from "./feeders.ts";
import { type BroadcastMessage, messageCall, MessageHandlers } from "./messages.ts";
import { RpcClient } from "./rpc_client.ts";

/** The maximum number of messages that wait to be sent to the master. */
const MAX_SENDING = 1_000;

/** The maximum length of the values that are pushed with one call, in UTF-16 units. */
const MAX_PUSH = 128 * 1024;

const DEFAULT_TIMEOUT = 60;

/** The cluster object of one node. Its calls go to the {@link RpcTransport} that it is attached to. */
export class NodeCluster implements Cluster {
  readonly #client: RpcClient;
  readonly #handlers: MessageHandlers;
  readonly #feeders = new Map<string, FeederDefinition>();
  readonly #log: RepeatedLog;
  #sending = 0;
  /** Messages on their way to the master, and handlers of messages that have not ended. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor(clock: Clock) {
    this.#client = new RpcClient(clock);
    this.#handlers = new MessageHandlers(clock);
    this.#log = new RepeatedLog((line) => logger.warn(line), clock);
  }

  /** The feeders that the test file has created so far. */
  get feeders(): readonly FeederDefinition[] {
    return [...this.#feeders.values()];
  }

  /** Runs the preparation of the test file, which cannot use shared state yet. */
  async init<Result>(work: () => Promise<Result>): Promise<Result> {
    return await this.#client.duringInit(work);
  }

  /** Sends calls from now on. */
  attach(rpc: RpcTransport): void {
    this.#client.open(rpc);
    this.#handlers.open();
  }

  /** Passes a message of another node to the test file. */
  deliver(message: BroadcastMessage): void {
    this.#track(this.#handlers.deliver(message));
  }

  /**
   * Resolves when the messages that this node has sent have reached the master, and the handlers of those that
   * it has got have ended, also of those that come in the meantime.
   */
  async messagesHandled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** @param work never rejects. */
  #track(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work.then(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  feeder<Row = Record<string, string>>(
    name: string,
    rows: readonly Row[] | RowFile,
    options: FeederOptions = {},
  ): Feeder<Row> {
    checkName("feeder", name);
    const definition = this.#feeders.get(name) ?? feederDefinition(name, rows, options);
    if (this.#client.isOpen && !this.#feeders.has(name)) {
      throw new TypeError(`feeder ${name}: feeders must be created before the test starts`);
    }
    this.#feeders.set(name, definition);
    const mayBlock = definition.mode === "unique" && definition.onEmpty === "wait";
    const next = (): Promise<unknown> => this.#call("feeder", name, "next", "[]", mayBlock);
    return { name, next: () => next() as Promise<Row> };
  }

  counter(name: string): Counter {
    checkName("counter", name);
    const call = (operation: string, args: string): Promise<number> =>
      this.#call("counter", name, operation, args) as Promise<number>;
    return {
      add: (amount = 1) => call("add", `[${valueText(amount, `counter ${name}`)}]`),
      value: () => call("value", "[]"),
    };
  }

  queue<Value = unknown>(name: string): Queue<Value> {
    checkName("queue", name);
    const call = (operation: string, args = "[]"): Promise<unknown> =>
      this.#call("queue", name, operation, args);
    return {
      push: async (...values) => {
        const texts = values.map((value) => valueText(value, `queue ${name}`));
        await Promise.all(batches(texts).map((batch) => call("push", `[${batch.join(",")}]`)));
      },
      pop: () => call("pop") as Promise<Value | undefined>,
      size: () => call("size") as Promise<number>,
    };
  }

  async rendezvous(name: string, options: RendezvousOptions): Promise<Meeting> {
    checkName("rendezvous", name);
    const { users, timeout = DEFAULT_TIMEOUT } = options;
    const args = JSON.stringify([users, timeout]);
    return await this.#call("rendezvous", name, "arrive", args, true) as Meeting;
  }

  send(kind: string, data: unknown = null, { to = "all" }: SendOptions = {}): void {
    checkName("message", kind);
    checkName("receiver", to);
    const call = messageCall({ to, kind, data: valueText(data, `message ${kind}`) });
    if (currentUser.getStore()?.ended) return;
    if (this.#sending >= MAX_SENDING) {
      throw new Error(
        `message ${kind}: ${MAX_SENDING} messages are already waiting for the master`,
      );
    }
    this.#sending++;
    // It does not belong to the user: one that ends before the answer would never let go of it.
    const sent = currentUser.run(undefined, () => this.#client.call(call, false))
      .catch((error) => this.#log.add(`The message ${kind} was not sent: ${errorText(error)}`))
      .finally(() => this.#sending--);
    this.#track(sent);
  }

  on<Data = unknown>(kind: string, handler: MessageHandler<Data>): void {
    checkName("message", kind);
    this.#handlers.on(kind, handler);
  }

  off<Data = unknown>(kind: string, handler: MessageHandler<Data>): void {
    this.#handlers.off(kind, handler);
  }

  #call(
    service: string,
    name: string,
    operation: string,
    args: string,
    mayBlock = false,
  ): Promise<unknown> {
    return this.#client.call({ service, name, operation, args }, mayBlock);
  }
}

/** @throws TypeError if the name is invalid. */
function checkName(what: string, name: unknown): void {
  if (typeof name !== "string") throw new TypeError(`${what}: the name must be a string`);
  if (name === "" || name.length > MAX_SHARED_NAME) {
    throw new TypeError(
      `${what}: a name must have 1 to ${MAX_SHARED_NAME} characters, not ${name.length}`,
    );
  }
  // UTF-8 would change it, so it would be another name on the other side of a connection.
  if (!name.isWellFormed() || name.startsWith("\ufeff")) {
    throw new TypeError(`${what}: the name has characters that cannot be sent`);
  }
}

function batches(texts: readonly string[]): string[][] {
  const all: string[][] = [];
  let length = Infinity;
  for (const text of texts) {
    if (length + text.length > MAX_PUSH) {
      all.push([]);
      length = 0;
    }
    all.at(-1)!.push(text);
    length += text.length + 1;
  }
  return all;
}

/** The cluster object with the methods that only the command line uses. */
export const nodeCluster: NodeCluster = new NodeCluster(systemClock);

/**
 * What all users of the test share, on whatever node they run: feeders, counters, queues, rendezvous and
 * messages.
 */
export const cluster: Cluster = nodeCluster;
