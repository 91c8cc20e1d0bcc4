/**
 * The transport over native `fetch`.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { asError, isError, messageText } from "../core/errors.ts";
import {
  codeByNumber,
  lacksDescriptors,
  localFailureOf,
  numbersOf,
} from "../core/local_failures.ts";
import { CLIENT_CERTIFICATE_ALERT } from "../net/tls_errors.ts";
import { DEFAULT_TLS, type TlsSettings } from "../net/tls_settings.ts";
import { Turns } from "../net/turns.ts";
import type { DeadlineSweep, Expiring } from "./connection_timers.ts";
import { decodeResponse, joined, responseText } from "./decoding.ts";
import { checkField, ownFraming, streamLengthOf, wrongLength } from "./request_encoder.ts";
import { RequestError, type RequestErrorCode, WireError } from "./request_error.ts";
import {
  type BodyFlow,
  type BodyReader,
  ExchangePhases,
  MAX_BODY_SIZE,
  type Transport,
  type WireRequest,
  type WireResponse,
} from "./transport.ts";

/**
 * Sends the requests of one user with `fetch`, over connections that no other user shares.
 *
 * It has limitations for load tests: `fetch` repeats a request silently if the server closes a kept-alive
 * connection. The size of a compressed body on the wire is unknown unless the server announces it. There
 * is a single timeout.
 */
export class FetchTransport implements Transport {
  readonly #clock: Clock;
  readonly #deadlines: DeadlineSweep;
  readonly #maxBodySize: number;
  readonly #tls: TlsSettings;
  #client: Deno.HttpClient | null = null;
  // Reused, because an AbortController per request would cost more than the rest of this class.
  readonly #exchanges = new Set<FetchExchange>();
  readonly #idle: FetchExchange[] = [];

  /**
   * Creates a transport, which opens no connection before the first exchange.
   *
   * @param deadlines on the same clock; any number of transports can share it.
   * @param maxBodySize the largest response body in bytes, as `fetch` returns it and decoded.
   * @param tls the client certificate, and what is trusted; `fetch` has no other settings.
   */
  constructor(
    clock: Clock,
    deadlines: DeadlineSweep,
    maxBodySize: number = MAX_BODY_SIZE,
    tls: TlsSettings = DEFAULT_TLS,
  ) {
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#maxBodySize = maxBodySize;
    this.#tls = tls;
  }

  exchange(request: WireRequest): void {
    void this.#exchange(request);
  }

  abort(): void {
    for (const exchange of this.#exchanges) if (exchange.busy) exchange.stop("ABORTED");
  }

  close(): void {
    this.abort();
    for (const exchange of this.#exchanges) this.#deadlines.delete(exchange);
    this.#exchanges.clear();
    this.#idle.length = 0;
    this.#client?.close();
    this.#client = null;
  }

  async #exchange(request: WireRequest): Promise<void> {
    const exchange = this.#start(request.deadline);
    let inBody = false;
    let response: WireResponse;
    try {
      const fetched = await fetch(request.url, this.#init(request, exchange));
      exchange.checkBody();
      inBody = true;
      const headAt = this.#clock.now();
      const phases = request.counter.phases ??= new ExchangePhases();
      phases.opened = UNKNOWN;
      phases.addResponse(headAt - request.sentAt, 0);
      const { headers } = fetched;
      const max = this.#maxBodySize;
      const coding = headers.get("content-encoding");
      const streamed = request.reader === null
        ? null
        : this.#begin(request, fetched, coding, exchange);
      const body = streamed !== null
        ? await streamed.handOver(fetched.body)
        : await (fits(headers, coding, max) ? fetched.bytes() : readBody(fetched, max));
      if (!turns.take()) await new Promise<void>((resolve) => turns.wait(resolve));
      const endedAt = this.#clock.now();
      phases.downloadMs += endedAt - headAt;
      if (fetched.status === 101) throw unexpectedSwitch(request);
      response = new FetchResponse(
        request,
        fetched,
        coding,
        body,
        exchange.bytesSent,
        endedAt,
        max,
        streamed?.received ?? body.length,
      );
    } catch (error) {
      const failure = error instanceof RequestError
        ? error
        : exchange.explain(error, request, inBody);
      this.#end(exchange);
      return request.failed(failure);
    }
    const { stopped } = exchange;
    const isCut = stopped && !this.#exchanges.has(exchange);
    this.#end(exchange);
    // The connections were closed after the last byte, and before this function continued.
    if (isCut) request.failed(aborted(request));
    else request.received(response);
  }

  /** Tells the reader of a request that the response has begun. Returns `null` if the body is to be kept. */
  #begin(
    request: WireRequest,
    fetched: Response,
    coding: string | null,
    exchange: FetchExchange,
  ): FetchedStream | null {
    const reader = request.reader!;
    const stream = new FetchedStream(reader, exchange);
    const now = this.#clock.now();
    const max = this.#maxBodySize;
    const { bytesSent } = exchange;
    const head = new FetchResponse(request, fetched, coding, NOTHING, bytesSent, now, max, 0);
    const isWanted = reader.begun(head, stream);
    if (!exchange.stopped) {
      // The reader may have changed the time limit.
      exchange.deadline = request.deadline;
      this.#deadlines.schedule(exchange.deadline);
    }
    stream.isOver = !isWanted;
    return isWanted ? stream : null;
  }

  #start(deadline: number): FetchExchange {
    const exchange = this.#idle.pop() ?? this.#addExchange();
    exchange.begin(deadline);
    this.#deadlines.schedule(deadline);
    return exchange;
  }

  #addExchange(): FetchExchange {
    const exchange = new FetchExchange();
    this.#exchanges.add(exchange);
    this.#deadlines.add(exchange);
    return exchange;
  }

  #end(exchange: FetchExchange): void {
    exchange.end();
    if (!exchange.stopped) {
      this.#idle.push(exchange);
      return;
    }
    // An aborted controller cannot be reused.
    this.#exchanges.delete(exchange);
    this.#deadlines.delete(exchange);
  }

  #init(request: WireRequest, exchange: FetchExchange): RequestInit & { client: Deno.HttpClient } {
    const { method, headers } = request;
    const client = this.#client ??= this.#connect();
    const { signal } = exchange;
    const own = headers.length === 0 ? null : ownFraming(headers);
    const body = exchange.count(
      request.body,
      own === null ? -1 : streamLengthOf(own, request.body),
    );
    // fetch converts and checks each member, which costs a plain GET about 3 %.
    if (method === "GET" && headers.length === 0 && body === null) {
      return { client, redirect: "manual", signal };
    }
    return {
      client,
      redirect: "manual",
      signal,
      method,
      headers: headers as [string, string][],
      body,
    };
  }

  #connect(): Deno.HttpClient {
    const { cert, key, ca } = this.#tls;
    // Without allowHost, a Host header given by the user would be dropped silently.
    const options = { allowHost: true, caCerts: [...ca] };
    return Deno.createHttpClient(
      cert === null || key === null ? options : { ...options, cert, key },
    );
  }
}

/** The runtime completes many responses at once. Users continue in between. */
const turns = new Turns();

const NOTHING = new Uint8Array();

/** The value of {@link ExchangePhases.opened}, because `fetch` does not show its connections. */
const UNKNOWN = -1;

/** A stream of known length. `fetch` sends the length of a Blob, and reads its stream. */
class SizedStream extends Blob {
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #length: number;

  constructor(stream: ReadableStream<Uint8Array>, length: number) {
    super();
    this.#stream = stream;
    this.#length = length;
  }

  override get size(): number {
    return this.#length;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    // The type excludes shared memory, which fetch reads as well.
    return this.#stream as ReadableStream<Uint8Array<ArrayBuffer>>;
  }
}

/** A body that is handed over while it arrives. */
class FetchedStream implements BodyFlow {
  /** Bytes that were handed over. */
  received = 0;
  /** Whether nothing is handed over any more. The exchange is used again for other requests. */
  isOver = false;
  readonly #reader: BodyReader;
  readonly #exchange: FetchExchange;
  #pause: PromiseWithResolvers<void> | null = null;

  constructor(reader: BodyReader, exchange: FetchExchange) {
    this.#reader = reader;
    this.#exchange = exchange;
  }

  pause(): void {
    this.#pause ??= Promise.withResolvers();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = null;
  }

  cancel(): void {
    if (!this.isOver) this.#exchange.stop("ABORTED");
  }

  /** Returns what is left to be kept: nothing. Rejects with what `fetch` rejects with. */
  async handOver(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer>> {
    const { signal } = this.#exchange;
    const onAbort = (): void => this.resume();
    signal.addEventListener("abort", onAbort);
    try {
      for await (const piece of body === null ? [] : piecesOf(body)) {
        this.received += piece.length;
        this.#reader.piece(piece);
        if (this.#pause !== null && !signal.aborted) await this.#pause.promise;
        signal.throwIfAborted();
      }
      return NOTHING;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.isOver = true;
    }
  }
}

/** The state of one exchange, reused for the next one. */
class FetchExchange implements Expiring {
  readonly #controller = new AbortController();
  #stoppedBy: RequestErrorCode | null = null;
  #bodyFailure: Error | null = null;
  /** Changes with each exchange. */
  #number = 0;
  deadline = Infinity;
  bytesSent = 0;

  busy = false;
  readonly signal: AbortSignal = this.#controller.signal;

  get stopped(): boolean {
    return this.signal.aborted;
  }

  begin(deadline: number): void {
    this.busy = true;
    this.deadline = deadline;
    this.bytesSent = 0;
    this.#bodyFailure = null;
  }

  end(): void {
    this.#number++;
    this.busy = false;
    this.deadline = Infinity;
  }

  stop(code: RequestErrorCode): void {
    this.deadline = Infinity;
    this.#stoppedBy ??= code;
    this.#controller.abort();
  }

  expire(): void {
    this.stop("TIMEOUT");
  }

  /** @throws Error the failure of the body's own stream: `fetch` ignores what follows the announced bytes. */
  checkBody(): void {
    if (this.#bodyFailure !== null) throw this.#bodyFailure;
  }

  /**
   * Counts the bytes of a body: immediately, or while a stream is read.
   *
   * @param length how long a stream is; -1 if it is sent in chunks.
   */
  count(body: WireRequest["body"], length: number): BodyInit | null {
    if (!(body instanceof ReadableStream)) {
      this.bytesSent = body?.byteLength ?? 0;
      return body;
    }
    const reader = body.getReader();
    // The response can end the exchange before the body has been read.
    const exchange = ++this.#number;
    const counted = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          const sent = this.bytesSent + (value?.byteLength ?? 0);
          if (length >= 0 && (done ? sent < length : sent > length)) {
            throw wrongLength(length, sent);
          }
          if (done) return controller.close();
          if (!(value instanceof Uint8Array)) {
            throw new TypeError(`the body stream yielded a ${typeof value} instead of bytes`);
          }
          if (exchange === this.#number) this.bytesSent = sent;
          controller.enqueue(value);
        } catch (error) {
          if (exchange === this.#number) this.#failBody(error);
          reader.cancel().catch(() => {});
          throw error;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return length < 0 ? counted : new SizedStream(counted, length);
  }

  /** Ends the exchange, because `fetch` need not notice that a stream of known length has failed. */
  #failBody(error: unknown): void {
    this.#bodyFailure = asError(error);
    this.#controller.abort();
  }

  /** The error of an exchange without a complete response. */
  explain(error: unknown, request: WireRequest, inBody: boolean): RequestError {
    const { method, url } = request;
    if (this.#stoppedBy === "ABORTED") return aborted(request);
    if (this.#stoppedBy !== null) {
      return new RequestError(this.#stoppedBy, method, url.href, "no complete response in time");
    }
    if (this.#bodyFailure !== null) {
      const message = messageText(this.#bodyFailure);
      const code = localFailureOf(this.#bodyFailure) ?? "BAD_REQUEST";
      return new RequestError(code, method, url.href, message, this.#bodyFailure);
    }
    if (error instanceof WireError) {
      return new RequestError(error.code, method, url.href, error.message);
    }
    // What fetch says about an invalid header contains its value, which may be a secret.
    const refused = refusedHeader(request);
    if (refused !== null) {
      return new RequestError("BAD_REQUEST", method, url.href, refused.message);
    }
    const { code, detail } = fetchFailure(error, inBody);
    return new RequestError(code, method, url.href, detail, error);
  }
}

function aborted({ method, url }: WireRequest): RequestError {
  return new RequestError("ABORTED", method, url.href, "the user was stopped");
}

/** The error of the first header that cannot be sent, or `null`. */
function refusedHeader({ headers }: WireRequest): WireError | null {
  try {
    for (const [name, value] of headers) checkField(name, value);
    return null;
  } catch (error) {
    return error as WireError;
  }
}

function unexpectedSwitch(request: WireRequest): RequestError {
  const detail = "the server switched protocols unexpectedly";
  return new RequestError("BAD_RESPONSE", request.method, request.url.href, detail);
}

/**
 * Whether a body is at most this long because the server has said so. Then `fetch` reads it at once,
 * which is faster than reading it in parts.
 */
function fits(headers: Headers, coding: string | null, maxSize: number): boolean {
  if (coding !== null && DECODED_BY_FETCH.test(coding)) return false;
  const length = headers.get("content-length");
  return length !== null && Number(length) <= maxSize;
}

/** Most bodies fit. If one does not, the next reads are larger. */
const FIRST_READ = 16_384;
const NEXT_READ = 65_536;

/**
 * Reads a body of unknown length into buffers of its own, which is faster than what `fetch` does itself.
 * Stops, and closes the connection, when the body is too large.
 *
 * @throws WireError `TOO_LARGE`.
 */
async function readBody({ body }: Response, maxSize: number): Promise<Uint8Array<ArrayBuffer>> {
  if (body === null) return NOTHING;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of piecesOf(body)) {
    size += piece.length;
    if (size > maxSize) throw new WireError("TOO_LARGE", `a body of over ${maxSize} bytes`);
    pieces.push(piece);
  }
  return joined(pieces, size);
}

/** Reads a body. If its caller leaves, the connection is closed. */
async function* piecesOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = body.getReader({ mode: "byob" });
  let buffer = new Uint8Array(FIRST_READ);
  try {
    for (;;) {
      const { done, value } = await reader.read(buffer);
      if (done) return;
      yield value.slice();
      // A read takes its buffer over and returns it.
      buffer = value.length < value.buffer.byteLength
        ? new Uint8Array(value.buffer)
        : new Uint8Array(NEXT_READ);
    }
  } finally {
    // Not awaited: what was received is dropped, and an error of the connection no longer matters.
    reader.cancel().catch(() => {});
  }
}

const NO_COOKIES: readonly string[] = [];

/** The codings that `fetch` decodes, if they are not combined. */
const DECODED_BY_FETCH = /^(gzip|br)$/i;

class FetchResponse implements WireResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly setCookies: readonly string[];
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly endedAt: number;
  readonly #method: string;
  readonly #url: URL;
  readonly #maxBodySize: number;
  #body: Uint8Array<ArrayBuffer>;
  /** The codings that are still to be decoded, or `null`. */
  #coding: string | null;

  constructor(
    request: WireRequest,
    response: Response,
    coding: string | null,
    body: Uint8Array<ArrayBuffer>,
    bytesSent: number,
    endedAt: number,
    maxBodySize: number,
    bytesRead: number,
  ) {
    const { headers } = response;
    const decoded = coding !== null && DECODED_BY_FETCH.test(coding);
    this.status = response.status;
    this.headers = headers;
    this.setCookies = headers.has("set-cookie") ? headers.getSetCookie() : NO_COOKIES;
    // Content-Length is the size on the wire, and fetch has checked that all of it arrived.
    const onWire = decoded && bytesRead > 0 ? headers.get("content-length") : null;
    this.bytesReceived = onWire === null ? bytesRead : Number(onWire);
    this.bytesSent = bytesSent;
    this.endedAt = endedAt;
    this.#method = request.method;
    this.#url = request.url;
    this.#maxBodySize = maxBodySize;
    this.#body = body;
    this.#coding = decoded ? null : coding;
  }

  /** `fetch` joins the values of several headers. A URL that follows a comma and a space is taken for another value. */
  locations(): readonly string[] {
    return this.headers.get("location")?.split(/, (?=\/|https?:|$)/i) ?? [];
  }

  contentCoding(): string | null {
    return this.#coding;
  }

  text(): string {
    const body = this.bytes();
    return responseText(this.#method, this.#url, body, this.headers.get("content-type"));
  }

  bytes(): Uint8Array<ArrayBuffer> {
    if (this.#coding !== null) {
      this.#body = decodeResponse(
        this.#method,
        this.#url,
        this.#body,
        this.#coding,
        this.#maxBodySize,
      );
      this.#coding = null;
    }
    return this.#body;
  }
}

/** A classified error of `fetch`. */
export interface FetchFailure {
  readonly code: RequestErrorCode;
  /** The runtime's description. */
  readonly detail: string;
}

/**
 * Classifies an error of `fetch`, or of reading a response body. `fetch` has a single class of errors, so
 * only the text tells them apart.
 *
 * @param error the thrown value.
 * @param inBody whether the head of the response had arrived.
 */
export function fetchFailure(error: unknown, inBody: boolean): FetchFailure {
  const message = messageText(error);
  const cause = isError(error) && isError(error.cause) ? messageText(error.cause) : "";
  const detail = cause === "" ? message : cause.replace(PREAMBLE, "");
  const local = localFailureOf(error);
  if (local !== null) return { code: local, detail };
  if (inBody) return { code: bodyCode(message), detail: message };
  // Without a cause, fetch refused the request itself, before it opened a connection.
  if (cause === "") return { code: "BAD_REQUEST", detail };
  const code = connectionCode(cause);
  const isUnasked = code === "ENOTFOUND" && (UNASKED.test(cause) || lacksDescriptors());
  return { code: isUnasked ? "EMFILE" : code, detail };
}

/** What the system's resolver says if it cannot open a socket: no answer of a name server is like this. */
const UNASKED = /dns error: Invalid argument/;

/** The addresses and the URL at the start of a message. RequestError adds the URL itself. */
const PREAMBLE = /^error sending request .*?client error \(\w+\): /s;

function bodyCode(message: string): RequestErrorCode {
  // All other messages come from the decoders of gzip and brotli.
  return /error reading a body/.test(message) ? "INCOMPLETE_BODY" : "BAD_ENCODING";
}

/** Error numbers of Linux, macOS and Windows; these do not overlap. */
const SYSTEM_CODES: ReadonlyMap<number, RequestErrorCode> = new Map<number, RequestErrorCode>([
  ...numbersOf("ECONNREFUSED", 111, 61, 10061),
  ...numbersOf("ECONNRESET", 104, 54, 10054, 103, 53, 10053, 32),
  ...numbersOf("CONNECT_TIMEOUT", 110, 60, 10060),
]);

/** From the most specific words to the least. */
const WORDS: readonly (readonly [RegExp, RequestErrorCode])[] = [
  [/dns error/, "ENOTFOUND"],
  [CLIENT_CERTIFICATE_ALERT, "TLS_CLIENT_CERT"],
  [/certificate (expired|not valid yet)|Expired|NotValidYet/, "TLS_EXPIRED"],
  [/not valid for (any )?name|NotValidForName/, "TLS_HOSTNAME"],
  [/invalid peer certificate/, "TLS_UNTRUSTED"],
  // Unreachable networks and hosts have no code of their own; no connection was accepted.
  [/\(Connect\): tcp/, "ECONNREFUSED"],
  [/\(Connect\)/, "TLS"],
  [/parsed|too large|http2 error/, "BAD_RESPONSE"],
];

function connectionCode(cause: string): RequestErrorCode {
  return codeByNumber(cause, SYSTEM_CODES) ?? WORDS.find(([words]) => words.test(cause))?.[1] ??
    "ECONNRESET";
}
