/**
 * Connections of HTTP/2, which one user or many use.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Expiring } from "../http/connection_timers.ts";
import { ConnectAttempt } from "../http/connect_attempt.ts";
import { logClosed, type LoggedConnection, logRetry } from "../http/connection_log.ts";
import { addPhases, asRequestError, IDEMPOTENT } from "../http/exchange_outcome.ts";
import type { RequestTarget } from "../http/request_encoder.ts";
import { WireError } from "../http/request_error.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import { socketFailure } from "../http/socket_errors.ts";
import type { SocketTransport, TransportSettings } from "../http/socket_transport.ts";
import { ExchangePhases, type WireRequest } from "../http/transport.ts";
import type { Socket } from "../net/socket.ts";
import { type FailureReason, Http2Connection, type Http2Owner } from "./http2_connection.ts";
import { Http2Response } from "./http2_response.ts";
import type { Http2Stream, PoolRequest, PoolUser } from "./http2_stream.ts";

/** How often a request is sent again that a server has refused, or whose connection was lost. */
const MAX_ATTEMPTS = 10;

/** A request that waits for a connection, or for room on one. */
class WaitingRequest implements Expiring {
  deadline: number;
  readonly item: PoolRequest;
  readonly #onExpired: (waiting: WaitingRequest) => void;

  constructor(item: PoolRequest, onExpired: (waiting: WaitingRequest) => void) {
    this.deadline = item.request.deadline;
    this.item = item;
    this.#onExpired = onExpired;
  }

  expire(): void {
    this.deadline = Infinity;
    this.#onExpired(this);
  }
}

/** What there is for one origin. */
class OriginState {
  /** Those that can take exchanges, now or later. */
  readonly connections: Http2Connection[] = [];
  attempt: ConnectAttempt | null = null;
  /** In the order in which they came. */
  readonly waiting = new Set<WaitingRequest>();
  /** Whether its server has chosen HTTP/1.1. */
  speaksHttp1 = false;

  /** A connection with room; `null` if there is none. */
  get usable(): Http2Connection | null {
    for (let i = 0; i < this.connections.length; i++) {
      if (this.connections[i]!.room > 0) return this.connections[i]!;
    }
    return null;
  }
}

/** Connections, as many as needed for each origin, or one at a time. */
export class Http2Pool implements Http2Owner {
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: TransportSettings;
  readonly #maxConnections: number;
  readonly #origins = new Map<string, OriginState>();
  /** With those that take no further exchange. */
  readonly #connections = new Set<Http2Connection>();

  /**
   * Opens nothing before the first exchange.
   *
   * @param maxConnections the most for one origin.
   */
  constructor(
    clock: Clock,
    shared: SharedHttpState,
    settings: TransportSettings,
    maxConnections: number,
  ) {
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = settings;
    this.#maxConnections = maxConnections;
  }

  /** Sends a request, now or as soon as there is a connection with room. */
  exchange(user: PoolUser, request: WireRequest, target: RequestTarget): void {
    const origin = this.#originOf(target.key);
    const item: PoolRequest = { user, request, target, attempts: 0 };
    if (user.http1 !== null && origin.speaksHttp1) return user.http1.exchange(request);
    const connection = origin.waiting.size === 0 ? origin.usable : null;
    if (connection === null) this.#wait(origin, item);
    else this.#send(connection, item, request.sentAt);
  }

  /** Ends all exchanges of a user. */
  abort(user: PoolUser, detail: string): void {
    // Most users have nothing under way when they end, and an error takes longer than all the rest.
    let failure: WireError | null = null;
    for (const origin of this.#origins.values()) {
      for (const waiting of [...origin.waiting]) {
        if (waiting.item.user !== user) continue;
        this.#failWaiting(origin, waiting, failure ??= new WireError("ABORTED", detail));
      }
      if (origin.waiting.size === 0) {
        origin.attempt?.fail(failure ??= new WireError("ABORTED", detail));
      }
    }
    for (const connection of [...this.#connections]) {
      if (!connection.busy) continue;
      for (const stream of connection.streams) {
        if (stream.item.user !== user) continue;
        connection.cancel(stream, failure ??= new WireError("ABORTED", detail));
      }
    }
  }

  /** Closes all connections. Exchanges under way end without an outcome. */
  close(): void {
    for (const connection of this.#connections) connection.close("its user is done with it");
    this.#connections.clear();
    this.#origins.clear();
  }

  begun(stream: Http2Stream): void {
    const { reader } = stream.item.request;
    const head = new Http2Response(stream, this.#clock.now(), this.#settings.maxBodySize);
    if (reader!.begun(head, stream)) stream.reader = reader;
  }

  received(stream: Http2Stream, endedAt: number): void {
    const { request } = stream.item;
    addPhases(stream, request, endedAt);
    request.received(new Http2Response(stream, endedAt, this.#settings.maxBodySize));
  }

  failed(stream: Http2Stream, failure: WireError, reason: FailureReason): void {
    const { item, head } = stream;
    const { request, target, attempts } = item;
    if (attempts < MAX_ATTEMPTS && mayRetry(stream, reason)) {
      const wasSeen = reason === "lost";
      if (wasSeen) request.counter.retries++;
      logRetry(request, failure, wasSeen);
      return this.#wait(this.#originOf(target.key), { ...item, attempts: attempts + 1 });
    }
    if (head !== null) addPhases(stream, request, this.#clock.now());
    request.failed(asRequestError(failure, request));
  }

  changed(connection: Http2Connection): void {
    const origin = this.#originOf(connection.key);
    if (connection.isClosing) {
      const at = origin.connections.indexOf(connection);
      if (at >= 0) origin.connections.splice(at, 1);
      if (!connection.busy) this.#connections.delete(connection);
    }
    if (origin.waiting.size > 0) this.#serve(origin);
  }

  #originOf(key: string): OriginState {
    const known = this.#origins.get(key);
    if (known !== undefined) return known;
    const made = new OriginState();
    this.#origins.set(key, made);
    return made;
  }

  #wait(origin: OriginState, item: PoolRequest): void {
    const { deadlines } = this.#shared;
    const waiting = new WaitingRequest(item, (expired) => {
      const text = origin.connections.length === 0
        ? "no connection in time"
        : "the server takes no further stream in time";
      this.#failWaiting(origin, expired, new WireError("TIMEOUT", text));
    });
    origin.waiting.add(waiting);
    deadlines.add(waiting);
    deadlines.schedule(waiting.deadline);
    this.#serve(origin);
  }

  #failWaiting(origin: OriginState, waiting: WaitingRequest, failure: WireError): void {
    if (!this.#endWait(origin, waiting)) return;
    const { request } = waiting.item;
    request.failed(asRequestError(failure, request));
  }

  #endWait(origin: OriginState, waiting: WaitingRequest): boolean {
    this.#shared.deadlines.delete(waiting);
    return origin.waiting.delete(waiting);
  }

  /** Sends what waits, as far as there is room, and opens a connection if there is too little. */
  #serve(origin: OriginState): void {
    for (const waiting of origin.waiting) {
      const connection = origin.usable;
      if (connection === null) {
        const isFull = origin.connections.length >= this.#maxConnections;
        if (!isFull && origin.attempt === null) void this.#open(origin, waiting.item);
        return;
      }
      this.#endWait(origin, waiting);
      // The wait is part of the latency, but of no phase.
      waiting.item.request.counter.phases ??= new ExchangePhases();
      this.#send(connection, waiting.item, this.#clock.now());
    }
  }

  #send(connection: Http2Connection, item: PoolRequest, sentAt: number): void {
    try {
      connection.exchange(item, sentAt);
    } catch (error) {
      item.request.failed(asRequestError(error, item.request));
    }
  }

  /** Opens a connection. If that fails, all requests fail that wait for it. */
  async #open(origin: OriginState, { request, target, user }: PoolRequest): Promise<void> {
    const attempt = new ConnectAttempt(this.#clock, this.#shared, this.#settings, Infinity);
    origin.attempt = attempt;
    try {
      await attempt.open(target.origin, request.counter, ({ socket }, logged) => {
        origin.attempt = null;
        this.#opened(origin, target, user, socket, logged);
      });
    } catch (error) {
      origin.attempt = null;
      for (const waiting of [...origin.waiting]) {
        this.#failWaiting(origin, waiting, socketFailure(error, "connect"));
      }
    }
  }

  /** Is called for each connection that was opened. */
  protected opened(_connection: Http2Connection, _socket: Socket): void {}

  #opened(
    origin: OriginState,
    target: RequestTarget,
    { http1 }: PoolUser,
    socket: Socket,
    logged: LoggedConnection | null,
  ): void {
    if (target.origin.secure && socket.protocol !== "h2") {
      if (http1 !== null) return this.#useHttp1(origin, target, http1, socket, logged);
      const failure = new WireError("TLS", "the server does not offer HTTP/2 (ALPN h2)");
      if (logged !== null) logClosed(logged, failure.message, this.#clock.now());
      socket.close();
      throw failure;
    }
    const connection = new Http2Connection(
      this.#clock,
      this.#shared,
      this.#settings,
      this,
      socket,
      target.key,
    );
    connection.logged = logged;
    this.opened(connection, socket);
    this.#connections.add(connection);
    origin.connections.push(connection);
    this.#serve(origin);
  }

  #useHttp1(
    origin: OriginState,
    { key }: RequestTarget,
    http1: SocketTransport,
    socket: Socket,
    logged: LoggedConnection | null,
  ): void {
    origin.speaksHttp1 = true;
    http1.adopt(socket, key, logged);
    for (const waiting of [...origin.waiting]) {
      this.#endWait(origin, waiting);
      waiting.item.user.http1!.exchange(waiting.item.request);
    }
  }
}

/**
 * Whether to send a request again: the server has said that it did nothing with it, or its connection was lost
 * before the response began, and the method allows it.
 */
function mayRetry(
  { item: { request }, head, wasUsed }: Http2Stream,
  reason: FailureReason,
): boolean {
  if (request.body instanceof ReadableStream) return false;
  if (reason === "unprocessed") return true;
  return reason === "lost" && head === null && wasUsed && IDEMPOTENT.has(request.method);
}
