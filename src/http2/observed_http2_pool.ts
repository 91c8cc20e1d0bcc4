/**
 * Connections of HTTP/2 for users whose exchanges are observed.
 *
 * @module
 */

import { UNKNOWN_FACTS } from "../http/observed_socket_transport.ts";
import type { WireError } from "../http/request_error.ts";
import type { Socket, SocketFacts } from "../net/socket.ts";
import type { FailureReason, Http2Connection } from "./http2_connection.ts";
import { Http2Pool } from "./http2_pool.ts";
import type { Http2Stream, StreamOwner } from "./http2_stream.ts";
import { http2Head } from "./request_head.ts";

/** Tells the witnesses of exchanges how they go over the wire. */
export class ObservedHttp2Pool extends Http2Pool {
  /** What is known about open connections: one that has ended can no longer be asked. */
  readonly #facts = new WeakMap<StreamOwner, SocketFacts>();
  /** Connections that have carried a request. */
  readonly #used = new WeakSet<StreamOwner>();

  protected override opened(connection: Http2Connection, socket: Socket): void {
    this.#facts.set(connection, socket.facts?.() ?? UNKNOWN_FACTS);
  }

  override received(stream: Http2Stream, endedAt: number): void {
    this.#carried(stream, null);
    super.received(stream, endedAt);
  }

  override failed(stream: Http2Stream, failure: WireError, reason: FailureReason): void {
    this.#carried(stream, failure.message);
    super.failed(stream, failure, reason);
  }

  #carried({ item, owner }: Http2Stream, failure: string | null): void {
    const { request, target } = item;
    const isReused = this.#used.has(owner);
    this.#used.add(owner);
    const witness = request.counter.exchanges?.at(-1);
    if (witness === undefined) return;
    // The same request has the same head, and was encoded before without an error.
    const { headers } = http2Head(request, target);
    const lines = headers
      .filter(([name]) => name !== ":method" && name !== ":path")
      .map(([name, value]) => `${name}: ${value}`);
    witness.carried({
      head: [`${request.method} ${target.requestTarget} HTTP/2`, ...lines].join("\r\n"),
      connection: this.#facts.get(owner) ?? UNKNOWN_FACTS,
      isReused,
      failure,
    });
  }
}
