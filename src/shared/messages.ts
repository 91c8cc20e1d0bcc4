import { MAX_SHARED_NAME, type Message, type SharedCall } from "../cluster/protocol.ts";
import type { Clock } from "../core/clock.ts";
import type { MessageHandler } from "../core/cluster.ts";
import { errorText } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { currentUser } from "../core/user_lifetime.ts";
import { valueText } from "./calls.ts";

/** What a message says. */
export type BroadcastMessage = Pick<Message<"CAST">, "from" | "kind" | "data">;

/** Messages that may be under way to a worker: what it does not read must not break its connection. */
const UNDER_WAY = 32;

/** Messages, and characters of them, that may wait for a worker. */
const MAX_LETTERS = 1_000;
const MAX_LENGTH = 8 * 1024 * 1024;

/**
 * Messages for one worker, in their order, until it has said that it has them.
 */
export class Outbox {
  readonly #send: (cast: Message<"CAST">) => void;
  /** Those that the worker is not known to have, oldest first. */
  readonly #casts: Message<"CAST">[] = [];
  #sent = 0;
  #lastSeq = 0;
  #length = 0;

  constructor(send: (cast: Message<"CAST">) => void) {
    this.#send = send;
  }

  /** Sends a letter; returns false, and drops it, where too many wait already. */
  add(letter: BroadcastMessage): boolean {
    if (this.#casts.length >= MAX_LETTERS || this.#length >= MAX_LENGTH) return false;
    this.#casts.push({ type: "CAST", seq: ++this.#lastSeq, ...letter });
    this.#length += letter.data.length;
    this.#pump();
    return true;
  }

  /** The worker has this message, and all before it. */
  acknowledged(seq: number): void {
    while (this.#casts.length > 0 && this.#casts[0]!.seq <= seq) {
      this.#length -= this.#casts.shift()!.data.length;
      this.#sent = Math.max(0, this.#sent - 1);
    }
    this.#pump();
  }

  /** There is a new connection: what was under way may be lost. */
  resend(): void {
    this.#sent = 0;
    this.#pump();
  }

  #pump(): void {
    while (this.#sent < Math.min(UNDER_WAY, this.#casts.length)) {
      this.#send(this.#casts[this.#sent++]!);
    }
  }
}

/** A message, and where it goes. */
export interface AddressedMessage extends BroadcastMessage {
  readonly to: string;
}

const SERVICE = "message";
const OPERATION = "send";

/** A message as the call that sends it. */
export function messageCall({ to, kind, data }: Omit<AddressedMessage, "from">): SharedCall {
  return {
    service: SERVICE,
    name: kind,
    operation: OPERATION,
    args: `[${JSON.stringify(to)},${data}]`,
  };
}

/**
 * The message that a call sends; null where it sends none that makes sense, undefined where it is
 * another call.
 */
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

/** Messages that are kept for a node that is not ready; as many as may wait for it at the master. */
const MAX_EARLY = 1_000;

/** What a test file does with messages from other nodes. */
export class MessageHandlers {
  readonly #clock: Clock;
  readonly #handlers = new Map<string, MessageHandler<never>[]>();
  /** Messages that came before the node was ready; null once it is. */
  #early: BroadcastMessage[] | null = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a handler; the same function added twice is called twice. */
  on(kind: string, handler: MessageHandler<never>): void {
    this.#handlers.set(kind, [...this.#of(kind), handler]);
  }

  /** Takes a handler back; one that is not there is ignored. */
  off(kind: string, handler: MessageHandler<never>): void {
    const handlers = [...this.#of(kind)];
    const at = handlers.lastIndexOf(handler);
    if (at >= 0) handlers.splice(at, 1);
    this.#handlers.set(kind, handlers);
  }

  /** Takes in messages from now on, those that came before first. */
  open(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const letter of early) this.deliver(letter);
  }

  /** Hands a message to its handlers, each a copy of its own, in a turn of its own. */
  deliver(letter: BroadcastMessage): void {
    if (this.#early !== null) {
      if (this.#early.length < MAX_EARLY) this.#early.push(letter);
      return;
    }
    // Whoever has sent it may be a user; those who get it are none.
    void currentUser.run(undefined, async () => {
      await this.#clock.nextTurn();
      for (const handler of this.#of(letter.kind)) void this.#call(handler, letter);
    });
  }

  async #call(
    handler: MessageHandler<never>,
    { kind, data, from }: BroadcastMessage,
  ): Promise<void> {
    try {
      await (handler as MessageHandler)(JSON.parse(data), from);
    } catch (error) {
      logger.error(`A handler of the message ${kind} threw: ${errorText(error)}`);
    }
  }

  #of(kind: string): readonly MessageHandler<never>[] {
    return this.#handlers.get(kind) ?? [];
  }
}
