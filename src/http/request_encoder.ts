import type { Clock, Timer } from "../core/clock.ts";
import { type ByteStream, writeAll } from "../core/network.ts";
import { VERSION } from "../core/version.ts";
import { isAll, TOKEN } from "./head_parser.ts";
import { type Origin, originOf, type Proxies } from "./proxies.ts";
import { WireError } from "./request_error.ts";
import type { HeaderPairs, WireRequest } from "./transport.ts";

/** What goes over the wire for one request. */
export interface EncodedRequest {
  readonly method: string;
  /** The head; and the body behind it, where that is small. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many of the {@link bytes} are the body. */
  readonly bodyInBytes: number;
  /** The body where it is not in {@link bytes}; null where all of it is. */
  readonly body: SeparateBody | null;
  /** Whether the server is to say that it wants the body before it is sent. */
  readonly expectsContinue: boolean;
}

/** A body that does not go with its head. */
export type SeparateBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;

/** Where a URL's requests go, and all of their heads that the URL decides. */
export interface RequestTarget {
  readonly origin: Origin;
  /** The same for all URLs whose requests may share a connection. */
  readonly key: string;
  /** What stands behind the method in the request line. */
  readonly requestTarget: string;
  /** What the proxy wants to be told with every request; null where there is none to tell. */
  readonly proxyAuthorization: string | null;
  /** What a plain GET is, once one has been encoded. */
  plainGet: EncodedRequest | null;
}

/** Finds out where a URL's requests go. */
export function requestTarget(url: URL, proxies: Proxies): RequestTarget {
  const origin = originOf(url);
  // A proxy only passes on what it cannot read; what is not secret it is asked for itself.
  const proxy = origin.secure ? null : proxies.proxyFor(origin);
  const path = `${url.pathname}${url.search}`;
  return {
    origin,
    key: url.origin,
    requestTarget: proxy === null ? path : `${url.origin}${path}`,
    proxyAuthorization: proxy === null ? null : proxy.authorization,
    plainGet: null,
  };
}

/** A larger body goes by itself: one that its server does not want need not be sent to its end. */
const LARGEST_WITH_HEAD = 16_384;

/**
 * What goes over the wire for a request.
 *
 * @throws WireError `BAD_REQUEST` where something in it cannot be sent.
 */
export function encodeRequest(request: WireRequest, target: RequestTarget): EncodedRequest {
  const { method, headers, body } = request;
  if (method === "GET" && body === null && headers.length === 0) return plainGet(request, target);
  const expectsContinue = body !== null && expects(headers);
  const head = encodeHead({
    method,
    target: target.requestTarget,
    headers: withProxyAuthorization(headers, target),
    authority: target.origin.authority,
    body: body === null
      ? "none"
      : body instanceof ReadableStream
      ? "chunked"
      : { length: body.length },
  });
  if (body === null) return { method, bytes: head, bodyInBytes: 0, body, expectsContinue };
  if (body instanceof ReadableStream || expectsContinue || body.length > LARGEST_WITH_HEAD) {
    return { method, bytes: head, bodyInBytes: 0, body, expectsContinue };
  }
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return { method, bytes, bodyInBytes: body.length, body: null, expectsContinue };
}

function plainGet(request: WireRequest, target: RequestTarget): EncodedRequest {
  return target.plainGet ??= {
    method: "GET",
    bytes: encodeHead({
      method: "GET",
      target: target.requestTarget,
      headers: withProxyAuthorization(request.headers, target),
      authority: target.origin.authority,
      body: "none",
    }),
    bodyInBytes: 0,
    body: null,
    expectsContinue: false,
  };
}

function withProxyAuthorization(headers: HeaderPairs, target: RequestTarget): HeaderPairs {
  const { proxyAuthorization } = target;
  if (proxyAuthorization === null) return headers;
  return [...headers, ["proxy-authorization", proxyAuthorization]];
}

function expects(headers: HeaderPairs): boolean {
  return headers.some(([name, value]) =>
    name.toLowerCase() === "expect" && value.trim().toLowerCase() === "100-continue"
  );
}

/** How a request's body is sent. */
type BodyFraming = { readonly length: number } | "chunked" | "none";

/** What a head says. */
export interface RequestHead {
  readonly method: string;
  /** A path with its query, an absolute URL for a proxy, or an authority for CONNECT. */
  readonly target: string;
  /** In the order in which they are sent; a framing of the body among them is ignored. */
  readonly headers: HeaderPairs;
  /** What Host says, unless {@link headers} have one. */
  readonly authority: string;
  readonly body: BodyFraming;
}

const USER_AGENT = `aiotest/${VERSION}`;

/** Servers may want to be told where these have no body. */
const HAVE_BODIES: readonly string[] = ["POST", "PUT", "PATCH"];

/**
 * Encodes a head, with the headers that every request should have and those that frame its body.
 *
 * @throws WireError `BAD_REQUEST` where something in it cannot be sent as it is.
 */
export function encodeHead(request: RequestHead): Uint8Array<ArrayBuffer> {
  const { method, target, headers, authority, body } = request;
  if (!isAll(method, TOKEN)) throw badRequest(`${JSON.stringify(method)} is no method`);
  if (!isVisible(target)) throw badRequest(`${JSON.stringify(target)} cannot be requested`);
  let host = true;
  let accept = true;
  let encoding = true;
  let agent = true;
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
    }
    fields += `${name}: ${value}\r\n`;
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  if (host) {
    if (!isVisible(authority)) throw badRequest(`${JSON.stringify(authority)} is no host`);
    head += `Host: ${authority}\r\n`;
  }
  head += fields;
  if (accept) head += "Accept: */*\r\n";
  if (encoding) head += "Accept-Encoding: gzip, deflate, br\r\n";
  if (agent) head += `User-Agent: ${USER_AGENT}\r\n`;
  return latin1(`${head}${framingOf(method, body)}\r\n`);
}

function framingOf(method: string, body: BodyFraming): string {
  if (body === "chunked") return "Transfer-Encoding: chunked\r\n";
  if (body !== "none") return `Content-Length: ${body.length}\r\n`;
  return HAVE_BODIES.includes(method) ? "Content-Length: 0\r\n" : "";
}

function checkField(name: string, value: string): void {
  if (!isAll(name, TOKEN)) throw badRequest(`${JSON.stringify(name)} is no header's name`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff || code === 0 || code === 0x0a || code === 0x0d) {
      const character = JSON.stringify(value[i]);
      throw badRequest(`the value of ${name} has ${character} in it, which cannot be sent`);
    }
  }
}

/** Whether a text has ASCII's printable characters only, and no space. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text !== "";
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function badRequest(detail: string): WireError {
  return new WireError("BAD_REQUEST", detail);
}

/** Who hears of the body's way. */
export interface BodySenderHooks {
  /** So many bytes of the body have been sent. */
  onSent(bytes: number): void;
  /** The body cannot be sent to its end. */
  onFailure(): void;
}

/** How long a server may take to say that it wants a body, in milliseconds. */
const CONTINUE_MS = 1_000;

/** Writes more than this at once only block for longer. */
const PIECE = 65_536;

const encoder = new TextEncoder();
const LINE_END = encoder.encode("\r\n");
const LAST_CHUNK = encoder.encode("0\r\n\r\n");

/** Sends a head and then a body, piece by piece, each when the one before has gone. */
export class BodySender {
  /** Whether all of it has been sent. */
  done = false;
  /** Why the body itself failed, null where it did not. */
  failure: WireError | null = null;
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #hooks: BodySenderHooks;
  readonly #wanted = Promise.withResolvers<void>();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(clock: Clock, stream: ByteStream, hooks: BodySenderHooks) {
    this.#clock = clock;
    this.#stream = stream;
    this.#hooks = hooks;
  }

  /**
   * Begins to send.
   *
   * @param waits whether the body waits until {@link proceed} is called, for a second at most.
   */
  start(head: Uint8Array<ArrayBuffer>, body: SeparateBody, waits: boolean): void {
    if (body instanceof ReadableStream) this.#reader = body.getReader();
    if (waits) this.#timer = this.#clock.setTimer(this.#wanted.resolve, CONTINUE_MS);
    else this.#wanted.resolve();
    void this.#send(head, body);
  }

  /** The server wants the body. */
  proceed(): void {
    this.#forgetTimer();
    this.#wanted.resolve();
  }

  /** Sends no more. */
  stop(): void {
    this.#forgetTimer();
    this.#stopped = true;
    this.#wanted.resolve();
    // A stream that gives nothing more would keep what it holds for ever.
    this.#reader?.cancel().catch(() => {});
  }

  async #send(head: Uint8Array<ArrayBuffer>, body: SeparateBody): Promise<void> {
    try {
      await writeAll(this.#stream, head);
      await this.#wanted.promise;
      if (body instanceof Uint8Array) await this.#sendBytes(body);
      else await this.#sendStream(this.#reader!);
      this.done = !this.#stopped;
    } catch (error) {
      this.stop();
      if (!(error instanceof WireError)) return; // the connection's, which its reader sees as well
      this.failure = error;
      this.#hooks.onFailure();
    }
  }

  async #sendBytes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#stopped;) {
      const count = await this.#stream.write(bytes.subarray(at, at + PIECE));
      at += count;
      this.#hooks.onSent(count);
    }
  }

  async #sendStream(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (!this.#stopped) {
      const piece = await readPiece(reader);
      if (this.#stopped) return;
      if (piece === null) return await writeAll(this.#stream, LAST_CHUNK);
      // A chunk of no bytes would be the last one.
      if (piece.length === 0) continue;
      await writeAll(this.#stream, encoder.encode(`${piece.length.toString(16)}\r\n`));
      await this.#sendBytes(piece);
      await writeAll(this.#stream, LINE_END);
    }
  }

  #forgetTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}

async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  let result: ReadableStreamReadResult<Uint8Array>;
  try {
    result = await reader.read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WireError("BAD_REQUEST", `the body's stream failed: ${why}`, error);
  }
  if (result.done) return null;
  if (!(result.value instanceof Uint8Array)) {
    const type = typeof result.value;
    throw new WireError("BAD_REQUEST", `the body's stream gave a ${type}, only bytes can be sent`);
  }
  // Bytes in memory that threads share could change while they are sent: a copy is needed anyhow.
  const { buffer } = result.value;
  return buffer instanceof ArrayBuffer
    ? result.value as Uint8Array<ArrayBuffer>
    : new Uint8Array(result.value);
}
