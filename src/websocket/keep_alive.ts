/**
 * Keeps a WebSocket open on which nothing happens, and notices when its server is gone.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { DeadlineSweep, Expiring } from "../http/connection_timers.ts";
import type { SocketHandler } from "../net/socket.ts";

/** The connection that is kept open. */
interface KeptConnection extends SocketHandler {
  ping(): void;
  /** A ping that was sent at this time, in milliseconds on the clock, has not been answered. */
  unanswered(sentAt: number): void;
}

/**
 * Sends a ping after a time in which nothing has arrived. It stands between the socket and the connection, so that
 * connections without it need no clock for what arrives.
 */
export class KeepAlive implements SocketHandler, Expiring {
  deadline: number;
  readonly #connection: KeptConnection;
  readonly #clock: Clock;
  readonly #deadlines: DeadlineSweep;
  readonly #intervalMs: number;
  #heardAt: number;
  /** When the ping was sent that has no pong; -1 without one. */
  #pingedAt = -1;

  /** @param intervalMs without data until a ping is sent, and then until its pong must have arrived. */
  constructor(
    connection: KeptConnection,
    clock: Clock,
    deadlines: DeadlineSweep,
    intervalMs: number,
  ) {
    this.#connection = connection;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#intervalMs = intervalMs;
    this.#heardAt = clock.now();
    this.deadline = this.#heardAt + intervalMs;
    deadlines.add(this);
    deadlines.schedule(this.deadline);
  }

  /** A pong has arrived. */
  answered(): void {
    this.#pingedAt = -1;
  }

  /** Sends no further pings. */
  stop(): void {
    this.deadline = Infinity;
    this.#deadlines.delete(this);
  }

  onOpen(): void {
    this.#connection.onOpen();
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#heardAt = this.#clock.now();
    this.#connection.onData(bytes, length);
  }

  onEnd(): void {
    this.#connection.onEnd();
  }

  onError(error: unknown): void {
    this.#connection.onError(error);
  }

  onDrain(): void {
    this.#connection.onDrain();
  }

  expire(): void {
    const now = this.#clock.now();
    const pingedAt = this.#pingedAt;
    const due = (pingedAt < 0 ? this.#heardAt : pingedAt) + this.#intervalMs;
    if (now < due) {
      this.deadline = due;
    } else if (pingedAt < 0) {
      this.#pingedAt = now;
      this.deadline = now + this.#intervalMs;
      this.#connection.ping();
    } else {
      this.stop();
      this.#connection.unanswered(pingedAt);
    }
  }
}
