/**
 * One wait for a message of a WebSocket, or for a pong.
 *
 * @module
 */

import type { DeadlineSweep, Expiring } from "../http/connection_timers.ts";
import type { WebSocketMessage } from "../websocket/frames.ts";
import type {
  MessageWaiter,
  WebSocketClosure,
  WebSocketConnection,
} from "../websocket/websocket_connection.ts";

/** Why no message came: the connection has ended, or the time limit has passed. */
export type NoMessage = WebSocketClosure | "TIMEOUT";

/** Is told how a wait has ended; exactly one method is called, once. */
export interface WaitOutcome {
  /** @param wireBytes the size of the message as it was sent. */
  took(message: WebSocketMessage, wireBytes: number): void;
  missed(why: NoMessage): void;
  /** The function that compares messages has thrown. */
  threw(error: unknown): void;
  /** The user must stop. */
  cut(reason: unknown): void;
}

/** Waits on a connection until a message matches, the time limit passes, the connection ends, or the user must stop. */
export class PendingMessage implements MessageWaiter, Expiring {
  deadline: number;
  ping = 0;
  readonly #connection: WebSocketConnection;
  readonly #deadlines: DeadlineSweep;
  readonly #all: Set<PendingMessage>;
  readonly #match: ((message: WebSocketMessage) => boolean) | null;
  readonly #outcome: WaitOutcome;

  /**
   * Waits from now on.
   *
   * @param deadline in milliseconds on the clock; `Infinity` for none.
   * @param all the waits of the user, which this one is part of until it ends.
   */
  constructor(
    connection: WebSocketConnection,
    deadlines: DeadlineSweep,
    all: Set<PendingMessage>,
    match: ((message: WebSocketMessage) => boolean) | null,
    deadline: number,
    outcome: WaitOutcome,
  ) {
    this.deadline = deadline;
    this.#connection = connection;
    this.#deadlines = deadlines;
    this.#all = all;
    this.#match = match;
    this.#outcome = outcome;
    all.add(this);
    connection.wait(this);
    if (deadline === Infinity) return;
    deadlines.add(this);
    deadlines.schedule(deadline);
  }

  get takesAny(): boolean {
    return this.#match === null;
  }

  matches(message: WebSocketMessage): boolean {
    return this.#match === null || this.#match(message);
  }

  take(message: WebSocketMessage, wireBytes: number): void {
    this.#end();
    this.#outcome.took(message, wireBytes);
  }

  fail(closure: WebSocketClosure): void {
    this.#end();
    this.#outcome.missed(closure);
  }

  threw(error: unknown): void {
    this.#end();
    this.#outcome.threw(error);
  }

  expire(): void {
    this.#end();
    this.#outcome.missed("TIMEOUT");
  }

  /** Ends the wait, because the user must stop. */
  cut(reason: unknown): void {
    this.#end();
    this.#outcome.cut(reason);
  }

  #end(): void {
    this.#all.delete(this);
    this.#connection.stopWaiting(this);
    if (this.deadline === Infinity) return;
    this.deadline = Infinity;
    this.#deadlines.delete(this);
  }
}
