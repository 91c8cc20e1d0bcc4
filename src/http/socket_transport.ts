/**
 * The transport over aiotest's own HTTP/1.1 engine.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { Socket } from "../net/socket.ts";
import { ConnectAttempt, type ConnectSettings } from "./connect_attempt.ts";
import { Connection, type ConnectionOwner, type ConnectionSettings } from "./connection.ts";
import { type LoggedConnection, logRetry } from "./connection_log.ts";
import { decodeResponse, joined, responseText } from "./decoding.ts";
import {
  contentEncodingOf,
  headersOf,
  latin1Text,
  locationsOf,
  setCookiesOf,
  typeWithCharset,
} from "./head_parser.ts";
import { addPhases, asRequestError, IDEMPOTENT } from "./exchange_outcome.ts";
import { type EncodedRequest, encodeRequest, type RequestTarget } from "./request_encoder.ts";
import { WireError } from "./request_error.ts";
import type { WireMessage } from "./response_parser.ts";
import type { SharedHttpState } from "./shared_http_state.ts";
import type { BodyFlow, Transport, WireRequest, WireResponse } from "./transport.ts";

/**
 * The number of origins for which a user keeps idle connections. A target can redirect to any number of
 * them, and each connection is an open file.
 */
const MAX_IDLE_ORIGINS = 32;

/** What a class of users asks of its transports. */
export interface TransportSettings extends ConnectionSettings, ConnectSettings {
  /** Whether connections are used for several exchanges, one after another. */
  readonly keepAlive: boolean;
}

/** The connections of one user, by origin. */
export class SocketTransport implements Transport, ConnectionOwner {
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: TransportSettings;
  readonly #connections = new Set<Connection>();
  /** An idle connection that is checked before the map, because most users have a single one. */
  #spare: Connection | null = null;
  readonly #idle = new Map<string, Connection[]>();
  readonly #attempts = new Set<ConnectAttempt>();

  /** Opens nothing before the first exchange. */
  constructor(clock: Clock, shared: SharedHttpState, settings: TransportSettings) {
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = settings;
  }

  exchange(request: WireRequest): void {
    let target: RequestTarget;
    let encoded: EncodedRequest;
    try {
      target = this.#shared.target(request.url);
      encoded = encodeRequest(request, target, this.#settings.keepAlive);
    } catch (error) {
      return request.failed(asRequestError(error, request));
    }
    const connection = this.#takeIdle(target.key);
    if (connection === null) void this.#exchangeOnNew(request, encoded, target);
    else connection.exchange(request, encoded, request.sentAt);
  }

  begun(connection: Connection, request: WireRequest, head: WireMessage, flow: BodyFlow): boolean {
    const { maxBodySize } = this.#settings;
    const now = this.#clock.now();
    const response = new SocketResponse(head, request, connection.bodySent, now, maxBodySize);
    return request.reader!.begun(response, flow);
  }

  /** Called by a connection that has received a complete response. */
  received(connection: Connection, request: WireRequest, message: WireMessage): void {
    const endedAt = this.#clock.now();
    addPhases(connection, request, endedAt);
    if (connection.closed) this.#connections.delete(connection);
    else this.#keepIdle(connection);
    request.received(
      new SocketResponse(
        message,
        request,
        connection.bodySent,
        endedAt,
        this.#settings.maxBodySize,
      ),
    );
  }

  /** Called by a connection that has failed. */
  failed(connection: Connection, request: WireRequest, failure: WireError): void {
    this.#connections.delete(connection);
    if (mayRetry(connection, request, failure)) {
      void this.#retry(connection, request, failure);
      return;
    }
    connection.close(failure.message);
    if (connection.answered) addPhases(connection, request, this.#clock.now());
    request.failed(asRequestError(failure, request));
  }

  /** Sends a request again over a new connection, after `lost` has failed. */
  async #retry(lost: Connection, request: WireRequest, failure: WireError): Promise<void> {
    const target = this.#shared.target(request.url);
    const encoded = encodeRequest(request, target, this.#settings.keepAlive);
    let connection: Connection;
    try {
      connection = await this.#open(request, target);
      // Opening a connection has taken at least a round trip.
      const wasSeen = await lost.sawRequest(failure, encoded);
      if (wasSeen) request.counter.retries++;
      logRetry(request, failure, wasSeen);
    } catch (error) {
      return request.failed(asRequestError(error, request));
    } finally {
      lost.close(failure.message);
    }
    connection.exchange(request, encoded, this.#clock.now());
  }

  /** Takes over an open connection, which no exchange has used. */
  adopt(socket: Socket, key: string, logged: LoggedConnection | null): void {
    this.#keepIdle(this.#add(socket, key, logged));
  }

  abort(): void {
    this.#failAll("the user was stopped");
  }

  close(): void {
    this.#failAll("the user has ended");
    for (const connection of this.#connections) connection.close("its user is done with it");
    this.#connections.clear();
    this.#spare = null;
    this.#idle.clear();
  }

  /** Is called for each connection that was opened. */
  protected opened(_connection: Connection, _socket: Socket): void {}

  #failAll(detail: string): void {
    // Most users have nothing under way when they end, and an error takes longer than all the rest.
    let failure: WireError | null = null;
    for (const attempt of this.#attempts) {
      attempt.fail(failure ??= new WireError("ABORTED", detail));
    }
    for (const connection of this.#connections) {
      if (connection.busy) connection.fail(failure ??= new WireError("ABORTED", detail));
    }
  }

  #takeIdle(key: string): Connection | null {
    const spare = this.#spare;
    if (spare !== null && spare.key === key) {
      this.#spare = null;
      if (this.#isUsable(spare)) return spare;
    }
    const idle = this.#idle.get(key);
    if (idle === undefined) return null;
    for (;;) {
      // The server is least likely to have closed the connection that was used last.
      const connection = idle.pop();
      if (connection === undefined) return null;
      if (this.#isUsable(connection)) return connection;
    }
  }

  /** Whether a connection can be reused; if not, it is closed and removed. */
  #isUsable(connection: Connection): boolean {
    const { closed, idleUntil } = connection;
    if (!closed && (idleUntil === Infinity || this.#clock.now() < idleUntil)) return true;
    connection.close("the server keeps it no longer while it is idle");
    this.#connections.delete(connection);
    return false;
  }

  #keepIdle(connection: Connection): void {
    if (this.#spare === null) {
      this.#spare = connection;
      return;
    }
    const idle = this.#idle.get(connection.key);
    if (idle !== undefined) {
      idle.push(connection);
      return;
    }
    if (this.#idle.size >= MAX_IDLE_ORIGINS) this.#dropOldestOrigin();
    this.#idle.set(connection.key, [connection]);
  }

  #dropOldestOrigin(): void {
    for (const [key, connections] of this.#idle) {
      this.#idle.delete(key);
      for (const connection of connections) {
        connection.close("its user has connections to too many other origins");
        this.#connections.delete(connection);
      }
      return;
    }
  }

  async #exchangeOnNew(
    request: WireRequest,
    encoded: EncodedRequest,
    target: RequestTarget,
  ): Promise<void> {
    let connection: Connection;
    try {
      connection = await this.#open(request, target);
    } catch (error) {
      return request.failed(asRequestError(error, request));
    }
    connection.exchange(request, encoded, this.#clock.now());
  }

  /**
   * Opens a connection, reserved for the request. Rejects with a WireError if none can be opened in time.
   */
  async #open({ deadline, counter }: WireRequest, target: RequestTarget): Promise<Connection> {
    const attempt = new ConnectAttempt(this.#clock, this.#shared, this.#settings, deadline);
    this.#attempts.add(attempt);
    try {
      return await attempt.open(target.origin, counter, ({ socket }, logged) => {
        const connection = this.#add(socket, target.key, logged);
        // An abort must reach it from now on.
        connection.reserve();
        return connection;
      });
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  #add(socket: Socket, key: string, logged: LoggedConnection | null): Connection {
    const connection = new Connection(
      this.#clock,
      this.#shared,
      this.#settings,
      this,
      socket,
      key,
    );
    connection.logged = logged;
    this.opened(connection, socket);
    this.#connections.add(connection);
    return connection;
  }
}

/** Whether to send a request again: a reused connection was lost before a byte of the response arrived. */
function mayRetry(connection: Connection, request: WireRequest, failure: WireError): boolean {
  return connection.used && !connection.answered && failure.code === "ECONNRESET" &&
    IDEMPOTENT.has(request.method) && !(request.body instanceof ReadableStream);
}

const NO_COOKIES: readonly string[] = [];

/** A response of the engine. Head and body are evaluated only on demand. */
export class SocketResponse implements WireResponse {
  readonly status: number;
  readonly setCookies: readonly string[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly endedAt: number;
  readonly #message: WireMessage;
  readonly #method: string;
  readonly #url: URL;
  readonly #maxBodySize: number;
  #headers: Headers | null = null;
  #body: Uint8Array<ArrayBuffer> | null = null;

  constructor(
    message: WireMessage,
    request: WireRequest,
    bytesSent: number,
    endedAt: number,
    maxBodySize: number,
  ) {
    this.status = message.status;
    this.setCookies = message.setsCookies ? setCookiesOf(message.head) : NO_COOKIES;
    this.bytesReceived = message.bodyLength;
    this.bytesSent = bytesSent;
    this.endedAt = endedAt;
    this.#message = message;
    this.#method = request.method;
    this.#url = request.url;
    this.#maxBodySize = maxBodySize;
  }

  get headers(): Headers {
    return this.#headers ??= headersOf(this.#message.head);
  }

  head(): string {
    return latin1Text(this.#message.head).trimEnd();
  }

  locations(): readonly string[] {
    return locationsOf(this.#message.head);
  }

  contentCoding(): string | null {
    return this.#message.isEncoded ? contentEncodingOf(this.#message.head) : null;
  }

  text(): string {
    const { isEncoded, bodyView } = this.#message;
    // Most bodies can be read where they are.
    const body = isEncoded || bodyView === null ? this.bytes() : bodyView;
    return responseText(this.#method, this.#url, body, typeWithCharset(this.#message.head));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#body !== null) return this.#body;
    const { body, bodyLength } = this.#message;
    const wire = joined(body, bodyLength);
    const coding = this.contentCoding();
    return this.#body = coding === null
      ? wire
      : decodeResponse(this.#method, this.#url, wire, coding, this.#maxBodySize);
  }
}
