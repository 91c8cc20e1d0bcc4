import type { MessageHandler } from "../core/cluster.ts";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import { logger } from "../core/logger.ts";
import { currentStay } from "../core/user_stay.ts";
import type { Letter } from "./mailbox.ts";

/** Messages that are kept for a node that is not ready; as many as may wait for it at the master. */
const MAX_EARLY = 1_000;

/** What a test file does with messages from other nodes. */
export class MessageHandlers {
  readonly #clock: Clock;
  readonly #handlers = new Map<string, MessageHandler<never>[]>();
  /** Messages that came before the node was ready; null once it is. */
  #early: Letter[] | null = [];

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
  deliver(letter: Letter): void {
    if (this.#early !== null) {
      if (this.#early.length < MAX_EARLY) this.#early.push(letter);
      return;
    }
    // Whoever has sent it may be a user; those who get it are none.
    void currentStay.run(undefined, async () => {
      await this.#clock.nextTurn();
      for (const handler of this.#of(letter.kind)) void this.#call(handler, letter);
    });
  }

  async #call(handler: MessageHandler<never>, { kind, data, from }: Letter): Promise<void> {
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
