/**
 * What the users of a whole test share, on this node.
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
import { currentUser } from "../core/user_lifetime.ts";
import { type Rpc, valueText } from "./calls.ts";
import { type FeederDefinition, feederDefinition } from "./feeders.ts";
import { type BroadcastMessage, messageCall, MessageHandlers } from "./messages.ts";
import { RpcClient } from "./rpc_client.ts";

/** Messages that may wait for the master. */
const MAX_SENDING = 1_000;

/** Characters of the values that are pushed with one call. */
const PUSHED_AT_ONCE = 128 * 1024;

const DEFAULT_TIMEOUT = 60;

/** The cluster of one node: what its test file asks goes to wherever it is {@link attach}ed. */
export class NodeCluster implements Cluster {
  readonly #gate: RpcClient;
  readonly #handlers: MessageHandlers;
  readonly #feeders = new Map<string, FeederDefinition>();
  #sending = 0;

  constructor(clock: Clock) {
    this.#gate = new RpcClient(clock);
    this.#handlers = new MessageHandlers(clock);
  }

  /** What the test file has made by now. */
  get feeders(): readonly FeederDefinition[] {
    return [...this.#feeders.values()];
  }

  /** Tells the test file to get ready, before there is anything to share. */
  async init(work: () => Promise<void>): Promise<void> {
    await this.#gate.duringInit(work);
  }

  /** Calls go to this port from now on. */
  attach(port: Rpc): void {
    this.#gate.open(port);
    this.#handlers.open();
  }

  /** Gives the test file a message of another node. */
  deliver(letter: BroadcastMessage): void {
    this.#handlers.deliver(letter);
  }

  feeder<Row = Record<string, string>>(
    name: string,
    rows: readonly Row[] | RowFile,
    options: FeederOptions = {},
  ): Feeder<Row> {
    checkName("feeder", name);
    const definition = this.#feeders.get(name) ?? feederDefinition(name, rows, options);
    if (this.#gate.isOpen && !this.#feeders.has(name)) {
      throw new TypeError(`feeder ${name}: feeders are made before the test begins`);
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
        await Promise.all(portions(texts).map((portion) => call("push", `[${portion.join(",")}]`)));
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
      throw new Error(`message ${kind}: ${MAX_SENDING} messages wait for the master already`);
    }
    this.#sending++;
    this.#gate.call(call, false)
      .catch((error) => logger.warn(`The message ${kind} was not sent: ${errorText(error)}`))
      .finally(() => this.#sending--);
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
    return this.#gate.call({ service, name, operation, args }, mayBlock);
  }
}

/** @throws TypeError where nothing can be called so. */
function checkName(what: string, name: unknown): void {
  if (typeof name !== "string") throw new TypeError(`${what}: its name must be a text`);
  if (name === "" || name.length > MAX_SHARED_NAME) {
    throw new TypeError(
      `${what}: a name has 1 to ${MAX_SHARED_NAME} characters, not ${name.length}`,
    );
  }
  // It would be another one on the other side of a connection.
  if (!name.isWellFormed() || name.startsWith("\ufeff")) {
    throw new TypeError(`${what}: a name that is no text that can be sent`);
  }
}

function portions(texts: readonly string[]): string[][] {
  const all: string[][] = [];
  let length = Infinity;
  for (const text of texts) {
    if (length + text.length > PUSHED_AT_ONCE) {
      all.push([]);
      length = 0;
    }
    all.at(-1)!.push(text);
    length += text.length + 1;
  }
  return all;
}

/** The cluster as the command line knows it; see {@link cluster}. */
export const nodeCluster: NodeCluster = new NodeCluster(systemClock);

/**
 * What the users of the test share that this module graph is loaded for; shared by module, as the
 * events are.
 */
export const cluster: Cluster = nodeCluster;
