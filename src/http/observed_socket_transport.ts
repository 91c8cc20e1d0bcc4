/**
 * The transport over aiotest's own engine, for users whose exchanges are observed.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Socket, SocketFacts } from "../net/socket.ts";
import type { Connection } from "./connection.ts";
import { latin1Text } from "./head_parser.ts";
import { encodeRequest } from "./request_encoder.ts";
import type { WireError } from "./request_error.ts";
import type { WireMessage } from "./response_parser.ts";
import type { SharedHttpState } from "./shared_http_state.ts";
import { SocketTransport, type TransportSettings } from "./socket_transport.ts";
import type { WireRequest } from "./transport.ts";

/** What is known about a connection that tells nothing. */
export const UNKNOWN_FACTS: SocketFacts = { remote: null, tls: null };

/**
 * Tells the witnesses of exchanges how they go over the wire. The methods of {@link SocketTransport} through which
 * every request goes are as they are without it.
 */
export class ObservedSocketTransport extends SocketTransport {
  readonly #shared: SharedHttpState;
  readonly #keepAlive: boolean;
  /** What is known about open connections: one that has ended can no longer be asked. */
  readonly #facts = new WeakMap<Connection, SocketFacts>();
  /** Connections that have carried a request. */
  readonly #used = new WeakSet<Connection>();

  constructor(clock: Clock, shared: SharedHttpState, settings: TransportSettings) {
    super(clock, shared, settings);
    this.#shared = shared;
    this.#keepAlive = settings.keepAlive;
  }

  protected override opened(connection: Connection, socket: Socket): void {
    this.#facts.set(connection, socket.facts?.() ?? UNKNOWN_FACTS);
  }

  override received(connection: Connection, request: WireRequest, message: WireMessage): void {
    this.#carried(connection, request, null);
    super.received(connection, request, message);
  }

  override failed(connection: Connection, request: WireRequest, failure: WireError): void {
    this.#carried(connection, request, failure.message);
    super.failed(connection, request, failure);
  }

  #carried(connection: Connection, request: WireRequest, failure: string | null): void {
    const isReused = this.#used.has(connection);
    this.#used.add(connection);
    const witness = request.counter.exchanges?.at(-1);
    if (witness === undefined) return;
    // The same request has the same head, and was encoded before without an error.
    const target = this.#shared.target(request.url);
    const { bytes, bodyInBytes } = encodeRequest(request, target, this.#keepAlive);
    witness.carried({
      head: latin1Text(bytes.subarray(0, bytes.length - bodyInBytes)).trimEnd(),
      connection: this.#facts.get(connection) ?? UNKNOWN_FACTS,
      isReused,
      failure,
    });
  }
}
