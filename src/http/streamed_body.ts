/**
 * A response of HTTP/1.1 that is read while it arrives.
 *
 * @module
 */

import type { ResponseParser, WireMessage } from "./response_parser.ts";
import type { BodyFlow, BodyReader } from "./transport.ts";

/** What a {@link StreamedBody} needs of its connection. */
export interface StreamedBodyHooks {
  /** The head has arrived. Returns whether the body is to be handed over. */
  begun(head: WireMessage, flow: BodyFlow): boolean;
  pause(): void;
  resume(): void;
  /** Ends the exchange. */
  cancel(): void;
}

/** Hands the body of one response over while it arrives, if its reader wants that. */
export class StreamedBody implements BodyFlow {
  isPaused = false;
  /** Whether the exchange has ended without a complete response. */
  isOver = false;
  readonly #reader: BodyReader;
  readonly #parser: ResponseParser;
  readonly #hooks: StreamedBodyHooks;
  #isBegun = false;
  #isHandedOver = false;
  /** Whether all of the complete response is handed over. */
  #isComplete = false;

  /** @param parser has begun with this response. */
  constructor(reader: BodyReader, parser: ResponseParser, hooks: StreamedBodyHooks) {
    this.#reader = reader;
    this.#parser = parser;
    this.#hooks = hooks;
    parser.allowAnySize();
  }

  pause(): void {
    if (this.isPaused || this.isOver) return;
    this.isPaused = true;
    this.#hooks.pause();
  }

  resume(): void {
    if (!this.isPaused || this.isOver) return;
    this.isPaused = false;
    this.#hooks.resume();
  }

  cancel(): void {
    if (!this.isOver) this.#hooks.cancel();
  }

  /**
   * Hands over what the parser has.
   *
   * @throws WireError `TOO_LARGE` if the body is kept, and is too large.
   */
  handOver(): void {
    if (!this.#isBegun) {
      if (!this.#parser.hasHead) return;
      this.#isBegun = true;
      this.#isHandedOver = this.#hooks.begun(this.#parser.headOnly, this);
      if (!this.#isHandedOver) {
        this.#parser.limitSize();
        this.#parser.checkSize();
      }
    }
    if (!this.#isHandedOver || this.#isComplete) return;
    this.#isComplete = this.#parser.isComplete;
    const pieces = this.#isComplete ? this.#parser.message.body : this.#parser.takePieces();
    for (const piece of pieces) {
      if (this.isOver) return;
      this.#reader.piece(piece);
    }
  }

  /** The response is complete. Returns it, without what was handed over. */
  complete(message: WireMessage): WireMessage {
    this.resume();
    this.end();
    if (!this.#isHandedOver) return message;
    const { status, head, bodyLength, setsCookies, isEncoded, reusable } = message;
    return { status, head, body: [], bodyView: null, bodyLength, setsCookies, isEncoded, reusable };
  }

  /** The exchange has ended. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#parser.limitSize();
  }
}
