/**
 * The transport of users who open WebSockets: it carries the requests that ask for one (RFC 6455, section 4),
 * each on a connection of its own, and leaves all others to the transport below it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { ConnectAttempt } from "../http/connect_attempt.ts";
import type { Expiring } from "../http/connection_timers.ts";
import { headersOf, HeadReader, latin1Text } from "../http/head_parser.ts";
import { encodeRequest, type RequestTarget } from "../http/request_encoder.ts";
import { RequestError, type RequestErrorCode, WireError } from "../http/request_error.ts";
import { ResponseParser, type WireMessage } from "../http/response_parser.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import { socketFailure } from "../http/socket_errors.ts";
import { SocketResponse, type TransportSettings } from "../http/socket_transport.ts";
import type { HeaderPairs, Transport, WireRequest } from "../http/transport.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import { DEFLATE_OFFER, type DeflateTerms, deflateTerms } from "./deflate.ts";

/** What a request offers to the server, and who takes the connection if it agrees. */
export interface UpgradeOffer {
  /** Application protocols, the preferred one first. */
  readonly protocols: readonly string[];
  readonly deflate: boolean;
  /**
   * The server has agreed. The socket delivers to another handler from now on.
   *
   * @param early what has arrived after the response; valid during this call.
   */
  onOpen(opened: OpenedWebSocket, early: Uint8Array<ArrayBuffer>): void;
}

/** A connection on which client and server have agreed to use WebSocket. */
export interface OpenedWebSocket {
  readonly socket: Socket;
  /** Empty if none was chosen. */
  readonly protocol: string;
  readonly deflate: DeflateTerms | null;
}

const KEY = "sec-websocket-key";
const VERSION = "13";
/** Every server appends this to the key (RFC 6455, section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_INTERIM = 100;

/** Carries requests for WebSockets, and all others with the transport below. */
export class UpgradeTransport implements Transport {
  readonly #below: Transport;
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: TransportSettings;
  /** By the key of the request: what observes requests hands on others with the same headers. */
  readonly #offers = new Map<string, UpgradeOffer>();
  readonly #pending = new Set<{ fail(failure: WireError): void }>();

  constructor(
    below: Transport,
    clock: Clock,
    shared: SharedHttpState,
    settings: TransportSettings,
  ) {
    this.#below = below;
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = { ...settings, tunnelsPlain: true };
  }

  /** The headers of a request with an offer. {@link withdraw} must be called when the request has ended. */
  offer(offer: UpgradeOffer): HeaderPairs {
    const key = crypto.getRandomValues(new Uint8Array(16)).toBase64();
    this.#offers.set(key, offer);
    const headers: [string, string][] = [
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-version", VERSION],
      [KEY, key],
    ];
    if (offer.protocols.length > 0) {
      headers.push(["sec-websocket-protocol", offer.protocols.join(", ")]);
    }
    if (offer.deflate) headers.push(["sec-websocket-extensions", DEFLATE_OFFER]);
    return headers;
  }

  /** Forgets an offer. @param headers as {@link offer} has returned them. */
  withdraw(headers: HeaderPairs): void {
    this.#offers.delete(keyOf(headers)!);
  }

  exchange(request: WireRequest): void {
    const key = keyOf(request.headers);
    const offer = key === null ? undefined : this.#offers.get(key);
    if (offer === undefined) this.#below.exchange(request);
    else void this.#upgrade(request, key!, offer);
  }

  abort(): void {
    this.#below.abort();
    this.#failAll("the user was stopped");
  }

  close(): void {
    this.#failAll("the user has ended");
    this.#below.close();
  }

  #failAll(detail: string): void {
    if (this.#pending.size === 0) return;
    const failure = new WireError("ABORTED", detail);
    for (const one of [...this.#pending]) one.fail(failure);
  }

  async #upgrade(request: WireRequest, key: string, offer: UpgradeOffer): Promise<void> {
    const clock = this.#clock;
    const shared = this.#shared;
    const settings = this.#settings;
    const attempt = new ConnectAttempt(clock, shared, settings, request.deadline);
    this.#pending.add(attempt);
    try {
      const target = withoutProxy(shared.target(request.url));
      const { bytes } = encodeRequest(request, target, true);
      await attempt.open(target.origin, request.counter, ({ socket }) => {
        const exchange = new PendingUpgrade(request, socket, offer, {
          clock,
          shared,
          settings,
          key,
          onEnd: () => this.#pending.delete(exchange),
        });
        this.#pending.add(exchange);
        exchange.send(bytes);
      });
    } catch (error) {
      request.failed(asRequestError(error, request));
    } finally {
      this.#pending.delete(attempt);
    }
  }
}

/** What a {@link PendingUpgrade} needs. */
interface UpgradeContext {
  readonly clock: Clock;
  readonly shared: SharedHttpState;
  readonly settings: TransportSettings;
  readonly key: string;
  readonly onEnd: () => void;
}

/** One request for a WebSocket, from its sending to its response. */
class PendingUpgrade implements SocketHandler, Expiring {
  deadline: number;
  readonly #request: WireRequest;
  readonly #socket: Socket;
  readonly #offer: UpgradeOffer;
  readonly #context: UpgradeContext;
  readonly #reader = new HeadReader();
  /** Reads a response other than 101; `null` until there is one. */
  #refusal: ResponseParser | null = null;
  #limit: RequestErrorCode = "TIMEOUT";
  #sentAt = 0;
  #firstByteAt = 0;
  #interim = 0;
  #head = "";
  #isOver = false;

  constructor(
    request: WireRequest,
    socket: Socket,
    offer: UpgradeOffer,
    context: UpgradeContext,
  ) {
    this.#request = request;
    this.#socket = socket;
    this.#offer = offer;
    this.#context = context;
    this.deadline = request.deadline;
    socket.handler = this;
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    const { clock, shared: { deadlines }, settings } = this.#context;
    this.#sentAt = clock.now();
    this.#head = latin1Text(bytes).trimEnd();
    if (this.#sentAt + settings.headersMs < this.deadline) {
      this.deadline = this.#sentAt + settings.headersMs;
      this.#limit = "HEADERS_TIMEOUT";
    }
    deadlines.add(this);
    deadlines.schedule(this.deadline);
    this.#reader.begin();
    this.#socket.write(bytes);
  }

  onOpen(): void {}
  onDrain(): void {}

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const { clock, shared: { deadlines } } = this.#context;
    if (this.#firstByteAt === 0) {
      this.#firstByteAt = clock.now();
      this.#limit = "TIMEOUT";
      this.deadline = this.#request.deadline;
      deadlines.schedule(this.deadline);
    }
    try {
      if (this.#refusal === null) this.#readHead(bytes, length);
      else if (this.#refusal.feed(bytes, length)) this.#refused(this.#refusal);
    } catch (error) {
      this.fail(socketFailure(error, "exchange"));
    }
  }

  onEnd(): void {
    try {
      if (this.#refusal?.end()) return this.#refused(this.#refusal);
      throw new WireError("ECONNRESET", "the server closed the connection before it answered");
    } catch (error) {
      this.fail(socketFailure(error, "exchange"));
    }
  }

  onError(error: unknown): void {
    this.fail(socketFailure(error, "exchange"));
  }

  expire(): void {
    this.fail(new WireError(this.#limit, "no response in time"));
  }

  fail(failure: WireError): void {
    if (this.#isOver) return;
    this.#end(failure.message);
    this.#socket.close();
    this.#request.failed(asRequestError(failure, this.#request));
  }

  #readHead(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const reader = this.#reader;
    for (let from = 0;;) {
      const end = reader.read(bytes, from, length);
      if (end < 0) return;
      const { status, setsCookies } = reader.framing;
      const { start } = reader;
      const head = (reader.gathered ?? bytes).slice(start, start + reader.length);
      if (status === 101) return this.#agreed(head, setsCookies, bytes.subarray(end, length));
      if (status >= 200) return this.#startRefusal(head, bytes.subarray(end, length));
      if (++this.#interim > MAX_INTERIM) {
        throw new WireError("BAD_RESPONSE", `over ${MAX_INTERIM} interim responses`);
      }
      reader.begin();
      from = end;
    }
  }

  #agreed(
    head: Uint8Array<ArrayBuffer>,
    setsCookies: boolean,
    early: Uint8Array<ArrayBuffer>,
  ): void {
    const socket = this.#socket;
    const terms = agreement(headersOf(head), this.#context.key, this.#offer);
    if (typeof terms === "string") throw new WireError("BAD_RESPONSE", terms);
    const message: WireMessage = {
      status: 101,
      head,
      body: [],
      bodyView: null,
      bodyLength: 0,
      setsCookies,
      isEncoded: false,
      reusable: false,
    };
    this.#end(null);
    this.#offer.onOpen({ socket, ...terms }, early);
    this.#received(message);
  }

  #startRefusal(head: Uint8Array<ArrayBuffer>, more: Uint8Array<ArrayBuffer>): void {
    const { settings: { maxBodySize }, shared: { slab } } = this.#context;
    const refusal = this.#refusal = new ResponseParser(maxBodySize, slab);
    refusal.begin("GET");
    if (refusal.feed(head, head.length) || refusal.feed(more, more.length)) {
      this.#refused(refusal);
    }
  }

  #refused({ message }: ResponseParser): void {
    if (this.#isOver) return;
    this.#end(null);
    this.#socket.close();
    this.#received(message);
  }

  #received(message: WireMessage): void {
    const { clock, settings: { maxBodySize } } = this.#context;
    const request = this.#request;
    request.received(new SocketResponse(message, request, 0, clock.now(), maxBodySize));
  }

  /** @param failure `null` if there is a response. */
  #end(failure: string | null): void {
    const { clock, shared: { deadlines }, onEnd } = this.#context;
    const { counter } = this.#request;
    this.#isOver = true;
    this.deadline = Infinity;
    deadlines.delete(this);
    onEnd();
    if (this.#firstByteAt > 0) {
      const ttfbMs = this.#firstByteAt - this.#sentAt;
      counter.phases?.addResponse(ttfbMs, clock.now() - this.#firstByteAt);
    }
    counter.exchanges?.at(-1)?.carried({
      head: this.#head,
      connection: this.#socket.facts?.() ?? { remote: null, tls: null },
      isReused: false,
      failure,
    });
  }
}

/** What a response 101 agrees to; a sentence if it is not an answer to the request. */
function agreement(
  headers: Headers,
  key: string,
  { protocols, deflate }: UpgradeOffer,
): Pick<OpenedWebSocket, "protocol" | "deflate"> | string {
  if (!hasToken(headers.get("upgrade"), "websocket")) {
    return "the server switched to another protocol than WebSocket";
  }
  if (!hasToken(headers.get("connection"), "upgrade")) {
    return "the response has no Connection: Upgrade";
  }
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  if (headers.get("sec-websocket-accept") !== accept) {
    return "Sec-WebSocket-Accept is not the answer to the key of the request";
  }
  const protocol = headers.get("sec-websocket-protocol") ?? "";
  if (protocol !== "" && !protocols.includes(protocol)) {
    return `the server chose a protocol that was not offered: ${protocol}`;
  }
  const extensions = headers.get("sec-websocket-extensions");
  const terms = deflateTerms(extensions);
  if (typeof terms === "string") return terms;
  if (terms !== null && !deflate) return "the server compresses, which was not offered";
  return { protocol, deflate: terms };
}

function hasToken(value: string | null, token: string): boolean {
  return value !== null && value.toLowerCase().split(",").some((one) => one.trim() === token);
}

function keyOf(headers: HeaderPairs): string | null {
  return headers.find(([name]) => name === KEY)?.[1] ?? null;
}

/** A WebSocket always goes through a tunnel, never as a request to a proxy (RFC 6455, section 4.1). */
function withoutProxy(target: RequestTarget): RequestTarget {
  if (!target.isForwarded) return target;
  return {
    ...target,
    requestTarget: new URL(target.requestTarget).pathname + new URL(target.requestTarget).search,
    isForwarded: false,
    proxyAuthorization: null,
    plainGet: null,
    lastHead: null,
  };
}

function asRequestError(error: unknown, { url, counter }: WireRequest): RequestError {
  if (!(error instanceof WireError)) throw error;
  const { code, message, cause } = error;
  const shown = url.href.replace(/^http/, "ws");
  return new RequestError(code, "WS", shown, message, cause, counter.retries);
}
