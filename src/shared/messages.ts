/**
 * Messages that test files send to each other: the calls that carry them, a worker's queue on the master,
 * and the handlers on the receiving node.
 *
 * @module
 */

import { MAX_SHARED_NAME, type Message, type SharedCall } from "../cluster/protocol.ts";
import type { Clock } from "../core/clock.ts";
import type { MessageHandler } from "../core/cluster.ts";
import { errorText } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { RepeatedLog } from "../core/repeated_log.ts";
import { peerText } from "../core/text.ts";
import { currentUser } from "../core/user_lifetime.ts";
import { valueText } from "./calls.ts";

/** The content of a message, and the node that has sent it. */
export type BroadcastMessage = Pick<Message<"CAST">, "from" | "kind" | "data">;

/** A message and its receivers. */
export interface AddressedMessage extends BroadcastMessage {
  readonly to: string;
}

const SERVICE = "message";
const OPERATION = "send";

/** Converts a message to the call that sends it. */
export function messageCall({ to, kind, data }: Omit<AddressedMessage, "from">): SharedCall {
  return {
    service: SERVICE,
    name: kind,
    operation: OPERATION,
    args: `[${JSON.stringify(to)},${data}]`,
  };
}

/** Returns the message that a call sends; null if it is invalid, undefined if it is another call. */
export function messageIn(call: SharedCall, from: string): AddressedMessage | null | undefined {
  const { service, name: kind, operation, args } = call;
  if (service !== SERVICE) return undefined;
  try {
    const [to, data] = JSON.parse(args);
    if (operation !== OPERATION || data === undefined) return null;
    if (typeof to !== "string" || to.length > MAX_SHARED_NAME) return null;
    return { to, from, kind, data: valueText(data, kind) };
  } catch {
    return null;
  }
}

/** The maximum number of messages in flight to a worker, because what it does not read fills the connection. */
const MAX_IN_FLIGHT = 32;

/** The maximum number of messages for one worker, and their total length in UTF-16 units. */
const MAX_MESSAGES = 1_000;
const MAX_LENGTH = 8 * 1024 * 1024;

/** Broadcast messages for one worker, kept in order until it has acknowledged them. */
export class BroadcastOutbox {
  readonly #send: (cast: Message<"CAST">) => void;
  /** Those that are not acknowledged, oldest first. */
  readonly #casts: Message<"CAST">[] = [];
  #sent = 0;
  #lastSeq = 0;
  #length = 0;

  constructor(send: (cast: Message<"CAST">) => void) {
    this.#send = send;
  }

  /** Sends a message; returns false, and drops it, if too many are waiting. */
  add(message: BroadcastMessage): boolean {
    if (this.#casts.length >= MAX_MESSAGES || this.#length >= MAX_LENGTH) return false;
    this.#casts.push({ type: "CAST", seq: ++this.#lastSeq, ...message });
    this.#length += message.data.length;
    this.#sendNext();
    return true;
  }

  /** The worker has received this message and all before it. */
  acknowledged(seq: number): void {
    while (this.#casts.length > 0 && this.#casts[0]!.seq <= seq) {
      this.#length -= this.#casts.shift()!.data.length;
      this.#sent = Math.max(0, this.#sent - 1);
    }
    this.#sendNext();
  }

  /** Whether all messages are acknowledged. */
  get isEmpty(): boolean {
    return this.#casts.length === 0;
  }

  /** There is a new connection, and what was in flight may be lost. */
  resend(): void {
    this.#sent = 0;
    this.#sendNext();
  }

  #sendNext(): void {
    while (this.#sent < Math.min(MAX_IN_FLIGHT, this.#casts.length)) {
      this.#send(this.#casts[this.#sent++]!);
    }
  }
}

/** The maximum number of messages that are kept for a node that is not ready. */
const MAX_EARLY = 1_000;

/** The handlers of a node's test file for messages from other nodes. */
export class MessageHandlers {
  readonly #clock: Clock;
  readonly #handlers = new Map<string, MessageHandler<never>[]>();
  readonly #log: RepeatedLog;
  /** Messages that arrived before the node was ready; null once it is. */
  #early: BroadcastMessage[] | null = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#log = new RepeatedLog((line) => logger.error(line), clock);
  }

  /** Adds a handler; a function that is added twice is called twice. */
  on(kind: string, handler: MessageHandler<never>): void {
    this.#handlers.set(kind, [...this.#of(kind), handler]);
  }

  /** Removes a handler; one that was not added is ignored. */
  off(kind: string, handler: MessageHandler<never>): void {
    const handlers = [...this.#of(kind)];
    const at = handlers.lastIndexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
    this.#handlers.set(kind, handlers);
  }

  /** Delivers messages from now on, starting with those that arrived before. */
  open(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const message of early) void this.deliver(message);
  }

  /**
   * Calls the handlers of a message in a later turn, each with its own copy of the data. Resolves when they have
   * ended.
   */
  async deliver(message: BroadcastMessage): Promise<void> {
    if (this.#early !== null) {
      if (this.#early.length < MAX_EARLY) this.#early.push(message);
      return;
    }
    // The message may come from a user of this node, but its handlers do not run in that user.
    await currentUser.run(undefined, async () => {
      await this.#clock.nextTurn();
      await Promise.all(this.#of(message.kind).map((handler) => this.#call(handler, message)));
    });
  }

  async #call(
    handler: MessageHandler<never>,
    { kind, data, from }: BroadcastMessage,
  ): Promise<void> {
    try {
      await (handler as MessageHandler)(JSON.parse(data), from);
    } catch (error) {
      this.#log.add(`A handler of the message ${peerText(kind)} threw: ${errorText(error)}`);
    }
  }

  #of(kind: string): readonly MessageHandler<never>[] {
    return this.#handlers.get(kind) ?? [];
  }
}
