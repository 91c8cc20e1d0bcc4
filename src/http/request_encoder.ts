/**
 * Encodes requests to bytes, and sends bodies that do not fit into the same write as their head.
 *
 * @module
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageText } from "../core/errors.ts";
import { VERSION } from "../core/version.ts";
import type { Socket } from "../net/socket.ts";
import { isAll, TOKEN } from "./head_parser.ts";
import { type Origin, originOf, type Proxies } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import type { HeaderPairs, WireRequest } from "./transport.ts";

/** A request as it goes over the wire. */
export interface EncodedRequest {
  readonly method: string;
  /** The head, followed by the body if it is small. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The number of {@link bytes} that belong to the body. */
  readonly bodyInBytes: number;
  /** A body that is not part of {@link bytes}, or `null`. */
  readonly body: SeparateBody | null;
  /** The length that the head gives for a body that is a stream; -1 if it is sent in chunks. */
  readonly streamLength: number;
  /** Whether to wait for `100 Continue` before the body is sent. */
  readonly expectsContinue: boolean;
  /** Whether its headers end the connection after the response. */
  readonly closes: boolean;
}

/** A body that is sent after its head. */
export type SeparateBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** Where the requests of a URL go, and the parts of their heads that depend on the URL alone. */
export interface RequestTarget {
  readonly origin: Origin;
  /** Equal for all URLs whose requests can share a connection. */
  readonly key: string;
  /** The target in the request line, after the method. */
  readonly requestTarget: string;
  /** Whether requests are addressed to a proxy, which forwards them. */
  readonly isForwarded: boolean;
  /** The Proxy-Authorization header for the proxy, or `null`. */
  readonly proxyAuthorization: string | null;
  /** An encoded GET without headers; `null` until the first one is sent. */
  plainGet: EncodedRequest | null;
  /** The head of the last other request: the next one mostly has the same. */
  lastHead: HeadStart | null;
}

/** The target of a URL's requests. */
export function requestTarget(url: URL, proxies: Proxies): RequestTarget {
  const origin = originOf(url);
  // Requests to secure origins and those through SOCKS go through a tunnel; others are addressed to the proxy.
  const used = proxies.proxyFor(origin);
  const proxy = origin.secure || used?.socks !== null ? null : used;
  const path = `${url.pathname}${url.search}`;
  return {
    origin,
    key: url.origin,
    requestTarget: proxy === null ? path : `${url.origin}${path}`,
    isForwarded: proxy !== null,
    proxyAuthorization: proxy === null ? null : proxy.authorization,
    plainGet: null,
    lastHead: null,
  };
}

/** Larger bodies are sent separately, so that sending can stop if the server does not want them. */
const MAX_BODY_WITH_HEAD = 16_384;

/**
 * Encodes a request.
 *
 * @param keepAlive whether its connection is kept; if not, the server is told so.
 * @throws WireError `BAD_REQUEST` if a part of the request cannot be sent.
 */
export function encodeRequest(
  request: WireRequest,
  target: RequestTarget,
  keepAlive: boolean,
): EncodedRequest {
  const { method, body } = request;
  const headers = keepAlive ? request.headers : closing(request.headers);
  if (method === "GET" && body === null && headers.length === 0) return plainGet(target);
  const start = headStart(method, headers, target);
  const { closes, own } = start;
  if (body === null && own === null) return start.withoutBody ??= encodeBodiless(start);
  const expectsContinue = start.expects && body !== null;
  if (own !== null) {
    const streamLength = streamLengthOf(own, body);
    if (streamLength >= 0 || own.codings !== null || body === null) {
      return encodeFramed(request, start, own, streamLength, expectsContinue);
    }
  }
  const framing = `${framingOf(method, framingOfBody(body))}\r\n`;
  if (
    body === null || body instanceof ReadableStream || expectsContinue ||
    body.length > MAX_BODY_WITH_HEAD
  ) {
    const bytes = withFraming(start.bytes, framing, 0);
    return { method, bytes, bodyInBytes: 0, body, streamLength: -1, expectsContinue, closes };
  }
  const bytes = withFraming(start.bytes, framing, body.length);
  bytes.set(body, bytes.length - body.length);
  const bodyInBytes = body.length;
  return { method, bytes, bodyInBytes, body: null, streamLength: -1, expectsContinue, closes };
}

/** Encodes a request without a body, and without headers about one. */
function encodeBodiless({ method, bytes: start, closes }: HeadStart): EncodedRequest {
  const bytes = withFraming(start, `${framingOf(method, "none")}\r\n`, 0);
  return {
    method,
    bytes,
    bodyInBytes: 0,
    body: null,
    streamLength: -1,
    expectsContinue: false,
    closes,
  };
}

/** Encodes a request whose own headers frame the body. */
function encodeFramed(
  { method, body }: WireRequest,
  { bytes: start, closes }: HeadStart,
  own: OwnFraming,
  streamLength: number,
  expectsContinue: boolean,
): EncodedRequest {
  let separate: SeparateBody | null = body;
  let framing = `Content-Length: ${own.length}\r\n`;
  if (own.codings !== null) {
    framing = body === null ? framingOf(method, "none") : `Transfer-Encoding: ${own.codings}\r\n`;
    if (body instanceof Uint8Array) separate = new Blob([body]).stream();
  }
  const bytes = withFraming(start, `${framing}\r\n`, 0);
  return { method, bytes, bodyInBytes: 0, body: separate, streamLength, expectsContinue, closes };
}

/** What the headers of a request say about the length of its body. */
export interface OwnFraming {
  /** -1 if they do not say it. */
  readonly length: number;
  /** The value of Transfer-Encoding, or `null`. */
  readonly codings: string | null;
}

/**
 * What the headers of a request say about the length of its body; `null` for nothing.
 *
 * @throws WireError `BAD_REQUEST` if a body cannot be sent like that.
 */
export function ownFraming(headers: HeaderPairs): OwnFraming | null {
  let length = -1;
  let codings: string | null = null;
  for (const [name, value] of headers) {
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      const digits = value.trim();
      if (!/^\d{1,15}$/.test(digits) || (length >= 0 && length !== Number(digits))) {
        throw badRequest(`Content-Length is ${JSON.stringify(value)}, expected one number`);
      }
      length = Number(digits);
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") {
      codings = codings === null ? value : `${codings}, ${value}`;
    }
  }
  if (codings !== null) {
    if (length >= 0) throw badRequest("Content-Length and Transfer-Encoding exclude each other");
    if (!/(^|,)\s*chunked\s*$/i.test(codings)) {
      throw badRequest(
        `Transfer-Encoding is ${JSON.stringify(codings)}, but the last coding must be chunked`,
      );
    }
  }
  return length < 0 && codings === null ? null : { length, codings };
}

/**
 * The length that its own headers give a body that is a stream; -1 if it is none, or is sent in chunks.
 *
 * @throws WireError `BAD_REQUEST` if another body has another length.
 */
export function streamLengthOf({ length }: OwnFraming, body: WireRequest["body"]): number {
  if (body instanceof ReadableStream) return length;
  const actual = body?.length ?? 0;
  if (length >= 0 && length !== actual) {
    const has = body === null ? "there is no body" : `the body has ${actual} bytes`;
    throw badRequest(`Content-Length is ${length}, but ${has}`);
  }
  return -1;
}

/** The error of a stream that is shorter or longer than its own Content-Length. */
export function wrongLength(length: number, sent: number): WireError {
  return badRequest(
    sent < length
      ? `the body stream ended after ${sent} of the ${length} bytes of its Content-Length`
      : `the body stream has more than the ${length} bytes of its Content-Length`,
  );
}

/** The part of a head that depends on method and headers only, and for what. */
interface HeadStart {
  readonly method: string;
  readonly headers: HeaderPairs;
  /** Without the headers that frame the body, and without the empty line. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Whether the headers ask for `100 Continue`. */
  readonly expects: boolean;
  /** Whether the headers end the connection after the response. */
  readonly closes: boolean;
  /** What the headers say about the body; mostly nothing. */
  readonly own: OwnFraming | null;
  /** The request without a body; `null` until the first one is sent. */
  withoutBody: EncodedRequest | null;
}

function headStart(method: string, headers: HeaderPairs, target: RequestTarget): HeadStart {
  const last = target.lastHead;
  if (last !== null && last.method === method && areEqual(last.headers, headers)) return last;
  return target.lastHead = {
    method,
    headers,
    bytes: latin1(startOfHead(headOf(method, headers, target))),
    expects: expects(headers),
    closes: closes(headers, target.isForwarded),
    own: ownFraming(headers),
    withoutBody: null,
  };
}

function areEqual(some: HeaderPairs, others: HeaderPairs): boolean {
  if (some === others) return true;
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) {
    if (some[i]![0] !== others[i]![0] || some[i]![1] !== others[i]![1]) return false;
  }
  return true;
}

function framingOfBody(body: WireRequest["body"]): BodyFraming {
  if (body === null) return "none";
  return body instanceof ReadableStream ? "chunked" : body;
}

/** A complete head, followed by `more` bytes. */
function withFraming(
  start: Uint8Array<ArrayBuffer>,
  framing: string,
  more: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(start.length + framing.length + more);
  bytes.set(start);
  writeLatin1(bytes, start.length, framing);
  return bytes;
}

function plainGet(target: RequestTarget): EncodedRequest {
  return target.plainGet ??= {
    method: "GET",
    bytes: encodeHead({ ...headOf("GET", [], target), body: "none" }),
    bodyInBytes: 0,
    body: null,
    streamLength: -1,
    expectsContinue: false,
    closes: false,
  };
}

/** The headers of a request whose connection is not kept, whatever the test says about it. */
function closing(headers: HeaderPairs): HeaderPairs {
  return closes(headers, false) ? headers : [...headers, ["connection", "close"]];
}

/** Whether a `Connection` header lists `close`. Old proxies look at `Proxy-Connection` as well. */
function closes(headers: HeaderPairs, isForwarded: boolean): boolean {
  return headers.some(([name, value]) => {
    const lower = name.toLowerCase();
    return (lower === "connection" || (isForwarded && lower === "proxy-connection")) &&
      value.toLowerCase().split(",").some((option) => option.trim() === "close");
  });
}

function headOf(
  method: string,
  headers: HeaderPairs,
  { requestTarget, proxyAuthorization, origin: { authority } }: RequestTarget,
): Omit<RequestHead, "body"> {
  const sent: HeaderPairs = proxyAuthorization === null
    ? headers
    : [...headers, ["proxy-authorization", proxyAuthorization]];
  return { method, target: requestTarget, headers: sent, authority };
}

function expects(headers: HeaderPairs): boolean {
  return headers.some(([name, value]) =>
    name.toLowerCase() === "expect" && value.trim().toLowerCase() === "100-continue"
  );
}

/** How a request's body is sent. */
type BodyFraming = { readonly length: number } | "chunked" | "none";

/** The contents of a request head. */
export interface RequestHead {
  readonly method: string;
  /** A path with query, an absolute URL for a proxy, or an authority for CONNECT. */
  readonly target: string;
  /** In the order of sending. Content-Length and Transfer-Encoding among them are left out. */
  readonly headers: HeaderPairs;
  /** The value of Host, unless {@link headers} contain one. */
  readonly authority: string;
  readonly body: BodyFraming;
}

export const USER_AGENT: string = `aiotest/${VERSION}`;

/** Without a body, these methods send `Content-Length: 0`. */
export const METHODS_WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];

/**
 * Encodes a head with the headers that every request should have and those that frame the body.
 *
 * @throws WireError `BAD_REQUEST` if a part of the head cannot be sent.
 */
export function encodeHead(request: RequestHead): Uint8Array<ArrayBuffer> {
  return latin1(`${startOfHead(request)}${framingOf(request.method, request.body)}\r\n`);
}

/** All of a head except for the headers that frame the body and the empty line. */
function startOfHead(request: Omit<RequestHead, "body">): string {
  const { method, target, headers, authority } = request;
  checkMethod(method);
  if (!isVisible(target)) throw badRequest(`${JSON.stringify(target)} cannot be requested`);
  let host = true;
  let accept = true;
  let encoding = true;
  let agent = true;
  let isRange = false;
  let fields = "";
  for (const [name, value] of headers) {
    checkField(name, value);
    switch (name.toLowerCase()) {
      case "content-length":
      case "transfer-encoding":
        continue;
      case "host":
        host = false;
        break;
      case "accept":
        accept = false;
        break;
      case "accept-encoding":
        encoding = false;
        break;
      case "user-agent":
        agent = false;
        break;
      case "range":
        isRange = true;
        break;
    }
    fields += `${name}: ${value}\r\n`;
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  if (host) {
    if (!isVisible(authority)) throw badRequest(`${JSON.stringify(authority)} is not a host`);
    head += `Host: ${authority}\r\n`;
  }
  head += fields;
  if (accept) head += "Accept: */*\r\n";
  // A part of a compressed body could not be decoded.
  if (encoding) head += `Accept-Encoding: ${isRange ? "identity" : "gzip, deflate, br"}\r\n`;
  if (agent) head += `User-Agent: ${USER_AGENT}\r\n`;
  return head;
}

function framingOf(method: string, body: BodyFraming): string {
  if (body === "chunked") return "Transfer-Encoding: chunked\r\n";
  if (body !== "none") return `Content-Length: ${body.length}\r\n`;
  return METHODS_WITH_BODY.includes(method) ? "Content-Length: 0\r\n" : "";
}

/** @throws WireError `BAD_REQUEST` if it is no method. */
export function checkMethod(method: string): void {
  if (!isAll(method, TOKEN)) throw badRequest(`${JSON.stringify(method)} is not a method`);
}

/** @throws WireError `BAD_REQUEST` if a header cannot be sent. */
export function checkField(name: string, value: string): void {
  if (!isAll(name, TOKEN)) throw badRequest(`${JSON.stringify(name)} is not a header name`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff || code === 0 || code === 0x0a || code === 0x0d) {
      const character = JSON.stringify(value[i]);
      throw badRequest(`the value of ${name} contains ${character}, which cannot be sent`);
    }
  }
}

/** Whether a string is not empty and consists of printable ASCII characters without spaces. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text !== "";
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  writeLatin1(bytes, 0, text);
  return bytes;
}

function writeLatin1(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function badRequest(detail: string): WireError {
  return new WireError("BAD_REQUEST", detail);
}

/** Callbacks of a {@link BodySender}. */
export interface BodySenderHooks {
  /** Called with the number of bytes of the body that have been sent. */
  onSent(bytes: number): void;
  /** Called if the body's own stream fails. */
  onFailure(failure: WireError): void;
  /** Called after everything has been sent. */
  onDone(): void;
}

/** How long to wait for `100 Continue`, in milliseconds. */
const CONTINUE_MS = 1_000;

/** Larger writes only make it less accurate how much was sent when sending stops. */
const PIECE = 65_536;

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Sends a head and then a body piece by piece, with back-pressure. */
export class BodySender {
  /** Whether everything has been sent. */
  done = false;
  /** Whether the body waits for {@link proceed}. */
  waits = false;
  readonly #clock: Clock;
  readonly #socket: Pick<Socket, "write" | "unsent">;
  readonly #hooks: BodySenderHooks;
  readonly #continue = Promise.withResolvers<void>();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #streamLength = -1;
  #timer: Timer | null = null;
  #stopped = false;
  /** Continues after the socket has taken everything. */
  #onDrained: (() => void) | null = null;
  /** The size of the piece of the body that the socket has not taken completely. */
  #pieceSize = 0;
  #pieceIsLast = false;

  constructor(clock: Clock, socket: Pick<Socket, "write" | "unsent">, hooks: BodySenderHooks) {
    this.#clock = clock;
    this.#socket = socket;
    this.#hooks = hooks;
  }

  /**
   * Starts sending.
   *
   * @param waits whether to wait for {@link proceed} before the body, for at most a second.
   * @param streamLength how long a stream is that is not sent in chunks; otherwise -1.
   */
  start(
    head: Uint8Array<ArrayBuffer>,
    body: SeparateBody,
    waits: boolean,
    streamLength: number = -1,
  ): void {
    this.#streamLength = streamLength;
    if (body instanceof ReadableStream) this.#reader = body.getReader();
    this.waits = waits;
    if (waits) this.#timer = this.#clock.setTimer(() => this.proceed(), CONTINUE_MS);
    else this.#continue.resolve();
    void this.#send(head, body);
  }

  /** Sends the body, because the server wants it. */
  proceed(): void {
    this.waits = false;
    this.#clearTimer();
    this.#continue.resolve();
  }

  /** To be called when the socket has taken everything. */
  drained(): void {
    this.#endPiece(this.#pieceSize);
    if (this.#pieceIsLast) this.done = true;
    this.#onDrained?.();
    this.#onDrained = null;
  }

  /** Stops sending. To be called before the socket is closed. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#clearTimer();
    this.#endPiece(Math.max(this.#pieceSize - this.#socket.unsent, 0));
    this.#continue.resolve();
    this.#onDrained?.();
    // Without this, a stream that yields nothing more would keep its resources forever.
    this.#reader?.cancel().catch(() => {});
  }

  async #send(head: Uint8Array<ArrayBuffer>, body: SeparateBody): Promise<void> {
    try {
      await this.#write(head);
      await this.#continue.promise;
      if (body instanceof Uint8Array) {
        await this.#sendBytes(body, true);
        this.done ||= !this.#stopped;
      } else if (this.#streamLength < 0) await this.#sendStream(this.#reader!);
      else await this.#sendSized(this.#reader!, this.#streamLength);
    } catch (error) {
      if (this.#stopped) return;
      this.stop();
      return this.#hooks.onFailure(error as WireError);
    }
    if (this.done) this.#hooks.onDone();
  }

  /** Resolves when the socket has taken the bytes, or when sending stops. */
  #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | null {
    if (this.#stopped || this.#socket.write(bytes)) return null;
    return new Promise((resolve) => this.#onDrained = resolve);
  }

  async #sendBytes(bytes: Uint8Array<ArrayBuffer>, isLast: boolean): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#stopped; at += PIECE) {
      const piece = bytes.subarray(at, at + PIECE);
      this.#pieceSize = piece.length;
      this.#pieceIsLast = isLast && at + PIECE >= bytes.length;
      const writing = this.#write(piece);
      if (writing !== null) {
        await writing;
        continue;
      }
      this.#endPiece(piece.length);
      if (this.#pieceIsLast) this.done = true;
    }
  }

  #endPiece(sent: number): void {
    if (this.#pieceSize > 0) this.#hooks.onSent(sent);
    this.#pieceSize = 0;
  }

  /** @throws WireError if the stream fails. */
  async #sendStream(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (!this.#stopped) {
      const piece = await readPiece(reader);
      if (this.#stopped) return;
      if (piece === null) {
        await this.#write(LAST_CHUNK);
        this.done = !this.#stopped;
        return;
      }
      // An empty chunk would end the body.
      if (piece.length === 0) continue;
      await this.#write(encoder.encode(`${piece.length.toString(16)}\r\n`));
      await this.#sendBytes(piece, false);
      await this.#write(LINE_END);
    }
  }

  /** @throws WireError if the stream fails, or has another length. */
  async #sendSized(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    length: number,
  ): Promise<void> {
    let sent = 0;
    while (!this.#stopped) {
      if (sent === length) this.done = true;
      const piece = await readPiece(reader);
      if (this.#stopped) return;
      if (piece === null && sent === length) return;
      if (piece === null || sent + piece.length > length) {
        throw wrongLength(length, sent + (piece?.length ?? 0));
      }
      sent += piece.length;
      await this.#sendBytes(piece, sent === length);
    }
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

/** The next bytes of a body; `null` at its end. @throws WireError if the stream fails. */
export async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let result: ReadableStreamReadResult<Uint8Array>;
  try {
    result = await reader.read();
  } catch (error) {
    throw new WireError("BAD_REQUEST", `the body stream failed: ${messageText(error)}`, error);
  }
  if (result.done) return null;
  if (!(result.value instanceof Uint8Array)) {
    const type = typeof result.value;
    throw new WireError("BAD_REQUEST", `the body stream yielded a ${type} instead of bytes`);
  }
  // Bytes in shared memory could change while they are sent, so they are copied.
  const { buffer } = result.value;
  return buffer instanceof ArrayBuffer
    ? result.value as Uint8Array<ArrayBuffer>
    : new Uint8Array(result.value);
}
