/**
 * Responses that a test reads while they arrive.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import { isInstance } from "../core/errors.ts";
import { neverSettles, UserEnd } from "../core/user_lifetime.ts";
import { joined, responseText } from "../http/decoding.ts";
import { EventStreamParser, type ServerSentEvent } from "../http/event_stream.ts";
import { CheckResult, HttpResponse } from "../http/http_response.ts";
import { RequestError, WireError } from "../http/request_error.ts";
import { type StreamedDecoder, streamedDecoder } from "../http/streamed_decoding.ts";
import {
  type BodyFlow,
  type BodyReader,
  MAX_BODY_SIZE,
  type StreamView,
  type WireResponse,
} from "../http/transport.ts";
import type { Exchanges, RequestOutcome, SessionRequest } from "./exchanges.ts";
import { type DeclaredMetric, metrics } from "./metrics.ts";
import type { UserRequests } from "./user_requests.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Reads a response while it arrives. When it returns, the stream has ended. */
export type StreamFunction = (res: StreamResponse) => unknown;

/** What a stream needs of its session. */
export interface StreamSession {
  readonly clock: Clock;
  readonly requests: UserRequests;
  readonly exchanges: Exchanges;
  /**
   * Counts a request that has failed, or was cut off. Returns the error to reject with; `null` if its promise must
   * never settle.
   */
  fail(request: SessionRequest, error: unknown): unknown;
  /** Whether a test whose stream was cut off goes on, so that it must be told. */
  goesOn(error: RequestError): boolean;
  /** Keeps a failed request as an example of others. */
  keepFailure(request: SessionRequest, response: WireResponse): void;
  /** Whether a test has thrown this because its user must stop. */
  wasCutOff(thrown: unknown): boolean;
}

/** Bytes of a body that have arrived. */
interface Piece {
  readonly bytes: Bytes;
  /** The events that they complete; `null` if they were not looked for. */
  readonly events: readonly ServerSentEvent[] | null;
  /** When they arrived, in milliseconds from the start of the request. */
  readonly atMs: number;
}

/** Above this many bytes that the test has not read, nothing more is read from the connection until half is left. */
const MAX_WAITING = 262_144;

/** How much of a body is kept for outputs that show it. */
const MAX_SHOWN = 4096;

const EVENTS = "stream_events";
const EVENTS_PER_STREAM = "stream_events_per_stream";
const EVENTS_PER_SECOND = "stream_events_per_second";
const FIRST_BYTE = "stream_first_byte_ms";
const FIRST_EVENT = "stream_first_event_ms";

/** The metrics of streams, which thresholds can use before there has been a stream. */
export const STREAM_METRICS: readonly DeclaredMetric[] = [
  { name: EVENTS, type: "counter", unit: "", isBuiltIn: true },
  { name: EVENTS_PER_STREAM, type: "trend", unit: "", isBuiltIn: true },
  { name: EVENTS_PER_SECOND, type: "trend", unit: "", isBuiltIn: true },
  { name: FIRST_BYTE, type: "trend", unit: "ms", isBuiltIn: true },
  { name: FIRST_EVENT, type: "trend", unit: "ms", isBuiltIn: true },
];

/** A request whose response is read while it arrives, from its start until it is counted. */
export class ResponseStream implements BodyReader, RequestOutcome {
  readonly #request: SessionRequest;
  readonly #session: StreamSession;
  readonly #limitsAll: boolean;
  /** `waiting` until the last response has begun. */
  #state: "waiting" | "open" | "complete" | "left" | "failed" = "waiting";
  readonly #begun = Promise.withResolvers<void>();
  /** Resolves when something has changed; `null` if nothing waits for that. */
  #change: PromiseWithResolvers<void> | null = null;
  #head: WireResponse | null = null;
  #view: ShownStream | null = null;
  #result = new CheckResult(null);
  #flow: BodyFlow | null = null;
  #isPaused = false;
  /** Whether all bytes have arrived. */
  #isReceived = false;
  #decoder: StreamedDecoder | null = null;
  #parser: EventStreamParser | null = null;
  #pieces: Piece[] = [];
  /** How many of the pieces were taken, and how many bytes the others have. */
  #taken = 0;
  #waiting = 0;
  /** `null` also if nothing must settle any more. */
  #error: unknown = null;
  /** Bytes on the wire. */
  bytesReceived = 0;
  /** Bytes without content codings. */
  size = 0;
  /** The first of them. */
  readonly beginning: Bytes[] = [];
  /** In milliseconds from the start of the request, as all three; NaN until then. */
  firstByteMs = NaN;
  firstEventMs = NaN;
  #lastEventMs = NaN;
  eventCount = 0;
  /** Whether the test can no longer read it, because its function has returned. */
  #isOver = false;

  /**
   * @param request has not been sent. Its outcome belongs to the stream.
   * @param limitsAll whether the time limit of the request is that of the whole stream, and not only until it begins.
   */
  constructor(request: SessionRequest, session: StreamSession, limitsAll: boolean) {
    this.#request = request;
    this.#session = session;
    this.#limitsAll = limitsAll;
    request.reader = this;
    request.outcome = this;
  }

  get view(): StreamView | null {
    return this.#view;
  }

  get retryMs(): number | null {
    return this.#parser?.retryMs ?? null;
  }

  /** Whether the test has ended it. */
  get isLeft(): boolean {
    return this.#state === "left";
  }

  /** Whether {@link eventCount} counts what there is. */
  get hasEvents(): boolean {
    return this.#parser !== null;
  }

  /** Events per second after the first one; NaN if they did not arrive one after another. */
  get eventsPerSecond(): number {
    const ms = this.#lastEventMs - this.firstEventMs;
    return ms > 0 ? (this.eventCount - 1) * 1000 / ms : NaN;
  }

  /** When it has ended, or now, in milliseconds on the clock of the node. */
  get endedAt(): number {
    const isOver = this.#isReceived || (this.#state !== "waiting" && this.#state !== "open");
    return isOver ? this.#request.counter.endedAt : this.#session.clock.now();
  }

  /** Milliseconds until its end, or until now. */
  get latencyMs(): number {
    return this.endedAt - this.#request.counter.startedAt;
  }

  // What the transport calls.

  begun(response: WireResponse, flow: BodyFlow): boolean {
    const { exchanges } = this.#session;
    if (exchanges.isClosed || !exchanges.isLast(this.#request, response)) return false;
    this.#flow = flow;
    try {
      // Requests that are sent during the stream must have them.
      exchanges.storeCookies(this.#request, response);
      this.#request.isAnswered = true;
      this.#open(response, response.contentCoding());
    } catch (error) {
      this.#break(error);
    }
    return true;
  }

  piece(bytes: Bytes): void {
    if (this.#state !== "open") return;
    const atMs = this.#now();
    this.bytesReceived += bytes.length;
    if (Number.isNaN(this.firstByteMs)) this.firstByteMs = atMs;
    if (this.#decoder === null) this.#add(bytes, atMs);
    else this.#decoder.push(bytes, atMs);
    this.#steer();
  }

  answered(request: SessionRequest, response: WireResponse): void {
    if (this.#state === "waiting") return this.#openKept(response);
    if (this.#state !== "open") return;
    this.#isReceived = true;
    this.#flow = null;
    request.counter.end(response.endedAt);
    if (this.#decoder === null) this.#complete();
    else this.#decoder.end();
  }

  failed(_request: SessionRequest, error: unknown): void {
    if (this.#state === "waiting") this.#fail(error);
    else if (this.#state === "open") this.#lose(error);
  }

  /** The exchange has ended, and the response is not complete. */
  #lose(error: unknown): void {
    this.#countBytes();
    if (isInstance(error, RequestError) && error.code === "ABORTED") this.#cut(error);
    else this.#fail(error);
  }

  #open(response: WireResponse, coding: string | null): void {
    const { counter } = this.#request;
    this.#state = "open";
    this.#head = response;
    this.#view = new ShownStream(this, response);
    if (!this.#limitsAll) this.#request.deadline = Infinity;
    counter.status = response.status;
    if (response.status >= 400) this.#result = new CheckResult(`HTTP ${response.status}`);
    // If its user ends, it counts as answered.
    counter.check = this.#result;
    if (!this.#isReceived) counter.latencyMs = NaN;
    if (/^\s*text\/event-stream\b/i.test(response.headers.get("content-type") ?? "")) {
      this.#parseEvents();
    }
    if (coding !== null) {
      this.#decoder = streamedDecoder(coding, {
        decoded: (bytes, atMs) => {
          this.#add(bytes, atMs);
          this.#steer();
        },
        consumed: () => this.#steer(),
        ended: () => this.#complete(),
        failed: (error) => this.#break(error),
      });
    }
    this.#begun.resolve();
  }

  /** The last response was known to be the last one only when it was complete. */
  #openKept(response: WireResponse): void {
    const { endedAt } = response;
    const { counter } = this.#request;
    counter.end(endedAt);
    this.#isReceived = true;
    try {
      this.#open(response, null);
      const body = response.bytes();
      if (body.length > 0) {
        this.firstByteMs = endedAt - counter.startedAt;
        this.bytesReceived = response.bytesReceived;
        this.#add(body, this.firstByteMs);
      }
    } catch (error) {
      return this.#break(error);
    }
    this.#complete();
  }

  #parseEvents(): EventStreamParser {
    metrics.count(EVENTS, 0);
    return this.#parser = new EventStreamParser();
  }

  /** Adds bytes without content codings. */
  #add(bytes: Bytes, atMs: number): void {
    if (this.#state !== "open") return;
    if (this.size < MAX_SHOWN) this.beginning.push(bytes.slice(0, MAX_SHOWN - this.size));
    this.size += bytes.length;
    let events: readonly ServerSentEvent[] | null = null;
    try {
      if (this.#parser !== null) events = this.#eventsOf(this.#parser, bytes, atMs);
    } catch (error) {
      return this.#break(error);
    }
    this.#pieces.push({ bytes, events, atMs });
    this.#waiting += bytes.length;
    this.#wake();
  }

  #eventsOf(parser: EventStreamParser, bytes: Bytes, atMs: number): readonly ServerSentEvent[] {
    const events = parser.push(bytes, atMs);
    if (events.length === 0) return events;
    if (this.eventCount === 0) this.firstEventMs = atMs;
    this.#lastEventMs = atMs;
    this.eventCount += events.length;
    metrics.count(EVENTS, events.length);
    return events;
  }

  /** Lets the server wait if the test reads more slowly than it sends. */
  #steer(): void {
    const decoder = this.#decoder;
    const waiting = this.#waiting + (decoder?.waiting ?? 0);
    if (!this.#isPaused && waiting > MAX_WAITING) {
      this.#isPaused = true;
      this.#flow?.pause();
    } else if (this.#isPaused && waiting < MAX_WAITING / 2) {
      this.#isPaused = false;
      this.#flow?.resume();
    }
    if (decoder === null) return;
    if (this.#waiting > MAX_WAITING) decoder.pause();
    else if (this.#waiting < MAX_WAITING / 2) decoder.resume();
  }

  // How it ends.

  #complete(): void {
    if (this.#state !== "open") return;
    this.#end("complete");
    this.#report(true);
    this.#wake();
  }

  /** The test wants no more of it. */
  leave(): void {
    if (this.#state !== "open") return;
    const { counter } = this.#request;
    if (!this.#isReceived) {
      counter.end(this.#session.clock.now());
      this.#countBytes();
    }
    this.#drop();
    this.#end("left");
    this.#report(true);
    this.#wake();
  }

  /** The response turns out to be wrong. */
  #break(error: unknown): void {
    if (this.#state === "failed" || this.#state === "left") return;
    const { method, url } = this.#request;
    const failure = error instanceof WireError
      ? new RequestError(error.code, method, url.href, error.message, error)
      : error;
    if (!this.#isReceived) this.#countBytes();
    this.#fail(failure);
  }

  /** The user must stop, or has ended. The target has answered, so this is no failure, and the request is counted. */
  #cut(error: RequestError): void {
    const { requests, clock } = this.#session;
    this.#drop();
    requests.cutOff(this.#request.counter, clock.now());
    // Without an error, nothing settles any more.
    this.#error = this.#session.goesOn(error) ? error : null;
    this.#end("failed");
    this.#report(false);
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#error = this.#session.fail(this.#request, error);
    if (this.#view !== null && isInstance(error, RequestError)) this.#view.failure = error;
    this.#end("failed");
    this.#report(true);
    // Without an error, nothing settles any more.
    if (this.#error !== null) this.#begun.reject(this.#error);
    this.#wake();
  }

  /** Only the response that is complete tells its request how many bytes it had. */
  #countBytes(): void {
    const { counter } = this.#request;
    counter.bytesReceived += this.bytesReceived;
    counter.bytesSent += this.#head?.bytesSent ?? 0;
  }

  #end(state: "complete" | "left" | "failed"): void {
    this.#state = state;
    const flow = this.#flow;
    this.#flow = null;
    this.#view?.settle();
    if (state !== "complete") this.#decoder?.close();
    flow?.cancel();
  }

  #drop(): void {
    this.#pieces = [];
    this.#taken = this.#waiting = 0;
  }

  /** Adds to the metrics of streams. @param isWhole whether it was not cut off with its user. */
  #report(isWhole: boolean): void {
    if (this.#head === null || this.#head.status >= 400 || Number.isNaN(this.firstByteMs)) return;
    metrics.collect(FIRST_BYTE, "ms", this.firstByteMs);
    if (this.#parser === null) return;
    if (isWhole) metrics.collect(EVENTS_PER_STREAM, "", this.eventCount);
    if (this.eventCount > 0) metrics.collect(FIRST_EVENT, "ms", this.firstEventMs);
    const { eventsPerSecond } = this;
    if (eventsPerSecond > 0) metrics.collect(EVENTS_PER_SECOND, "", eventsPerSecond);
  }

  // What the test calls.

  /** Lets a function read the response, and counts the request. */
  async read(read: StreamFunction | undefined): Promise<StreamResponse> {
    await this.#begun.promise;
    const { clock, requests } = this.#session;
    const request = this.#request;
    const { counter } = request;
    const res = new StreamResponse(this, request, this.#head!, this.#result, requests);
    let end: UserEnd | null = null;
    try {
      if (read === undefined) await this.#readAll();
      else await read(res);
    } catch (thrown) {
      if (isInstance(thrown, UserEnd)) end = thrown;
      else if (this.#state !== "failed" && !this.#session.wasCutOff(thrown)) {
        this.#result.checkThrew(thrown);
        requests.checkThrew(thrown);
      }
    }
    this.#isOver = true;
    if (this.#session.exchanges.isClosed) {
      requests.cutOff(counter, clock.now());
      return neverSettles();
    }
    this.leave();
    if (end !== null && this.#state === "failed") throw end;
    if (this.#state === "failed") {
      if (this.#error === null) return neverSettles();
      throw this.#error;
    }
    counter.error = this.#result.close();
    if (counter.error !== null) this.#session.keepFailure(request, this.#view!.response);
    requests.record(counter);
    if (end !== null) throw end;
    return res;
  }

  /** @throws Error if it is too late to begin reading: a loop would find nothing, and the test would go on. */
  checkReadable(what: string): void {
    if (!this.#isOver) return;
    throw new Error(
      `${what}: the stream is over; read it in the function that is the last argument of stream`,
    );
  }

  async #readAll(): Promise<void> {
    while (await this.next() !== null);
  }

  /**
   * The next piece of the body; `null` after the last one.
   *
   * @throws RequestError if the stream has failed.
   */
  async next(): Promise<Piece | null> {
    for (;;) {
      if (this.#session.exchanges.isClosed) return neverSettles();
      const piece = this.#take();
      if (piece !== null) return piece;
      if (this.#state === "complete" || this.#state === "left") return null;
      if (this.#state === "failed") {
        if (this.#error === null) return neverSettles();
        throw this.#error;
      }
      await (this.#change ??= Promise.withResolvers<void>()).promise;
    }
  }

  /** The next events of a body; `null` after the last ones. As {@link next}. */
  async nextEvents(): Promise<readonly ServerSentEvent[] | null> {
    for (;;) {
      const piece = await this.next();
      if (piece === null) return null;
      let { events } = piece;
      if (events === null) {
        const parser = this.#parser ?? this.#parseEvents();
        try {
          events = this.#eventsOf(parser, piece.bytes, piece.atMs);
        } catch (error) {
          this.#break(error);
          throw this.#error ?? error;
        }
      }
      if (events.length > 0) return events;
    }
  }

  #take(): Piece | null {
    const piece = this.#pieces[this.#taken];
    if (piece === undefined) return null;
    if (++this.#taken === this.#pieces.length) {
      this.#pieces = [];
      this.#taken = 0;
    }
    this.#waiting -= piece.bytes.length;
    this.#steer();
    return piece;
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = null;
  }

  #now(): number {
    return this.#session.clock.now() - this.#request.counter.startedAt;
  }
}

/** A response whose body is read while it arrives. */
export class StreamResponse {
  /** HTTP status code. */
  readonly status: number;
  readonly #stream: ResponseStream;
  readonly #head: HttpResponse;
  readonly #request: SessionRequest;

  /** @internal */
  constructor(
    stream: ResponseStream,
    request: SessionRequest,
    head: WireResponse,
    result: CheckResult,
    requests: UserRequests,
  ) {
    const { counter, url } = request;
    const isRedirected = counter.redirects > 0;
    this.status = head.status;
    this.#stream = stream;
    this.#request = request;
    this.#head = new HttpResponse(head, url, isRedirected, 0, counter.phases, result, requests);
  }

  /** The URL of the response after all redirects. */
  get url(): string {
    return this.#head.url;
  }

  /** Whether the status is 200 to 299. */
  get ok(): boolean {
    return this.#head.ok;
  }

  /** Whether redirects were followed. */
  get redirected(): boolean {
    return this.#head.redirected;
  }

  /** The response headers; names are case-insensitive. */
  get headers(): Headers {
    return this.#head.headers;
  }

  /** Milliseconds from sending the request to the end of the stream; until now, while it has not ended. */
  get latencyMs(): number {
    return this.#stream.latencyMs;
  }

  /** Milliseconds from sending the request to the first byte of the body; NaN until it has arrived. */
  get firstByteMs(): number {
    return this.#stream.firstByteMs;
  }

  /** Milliseconds from sending the request to the first server-sent event; NaN until it has arrived. */
  get firstEventMs(): number {
    return this.#stream.firstEventMs;
  }

  /** How many server-sent events have arrived, read or not. */
  get eventCount(): number {
    return this.#stream.eventCount;
  }

  /** Server-sent events per second, from the first one to the last one; NaN without two that arrived at different times. */
  get eventsPerSecond(): number {
    return this.#stream.eventsPerSecond;
  }

  /** After how many milliseconds the server wants clients to connect again; `null` if it has not said so. */
  get retryMs(): number | null {
    return this.#stream.retryMs;
  }

  /**
   * The body as it arrives, decoded. Leaving the loop ends the stream.
   *
   * ```ts
   * import { FastHttpUser } from "aiotest";
   *
   * export class DownloadTest extends FastHttpUser {
   *   static override host = "http://127.0.0.1:8000";
   *
   *   async testDownload(): Promise<void> {
   *     await this.session.stream("GET", "/video", {}, async (res) => {
   *       let bytes = 0;
   *       for await (const chunk of res.body) bytes += chunk.length;
   *       res.check("has a size", bytes > 0);
   *     });
   *   }
   * }
   * ```
   *
   * @throws RequestError if the stream fails; it has been counted.
   */
  get body(): AsyncIterable<Uint8Array<ArrayBuffer>> {
    const stream = this.#stream;
    return {
      [Symbol.asyncIterator]: () => {
        stream.checkReadable("res.body");
        return new ChunkIterator(stream);
      },
    };
  }

  /**
   * The server-sent events of the body as they arrive, whatever its content type. Leaving the loop ends the stream.
   *
   * @throws RequestError if the stream fails; it has been counted. `TOO_LARGE` if an event has over 16 Mi characters.
   */
  events(): AsyncIterableIterator<ServerSentEvent, undefined> {
    this.#stream.checkReadable("res.events()");
    return new EventIterator(this.#stream);
  }

  /**
   * Reads the rest of the body as text, such as that of an error.
   *
   * @throws RequestError as {@link body}; `TOO_LARGE` if it has over 64 MiB; `BAD_ENCODING` if its charset is unknown.
   */
  async text(): Promise<string> {
    this.#stream.checkReadable("res.text()");
    const pieces: Bytes[] = [];
    let size = 0;
    const { method, url } = this.#request;
    for await (const bytes of this.body) {
      size += bytes.length;
      if (size > MAX_BODY_SIZE) {
        throw new RequestError("TOO_LARGE", method, url.href, `over ${MAX_BODY_SIZE} bytes`);
      }
      pieces.push(bytes);
    }
    return responseText(method, url, joined(pieces, size), this.headers.get("content-type"));
  }

  /** Counts the request as a failure, as {@link HttpResponse.failure}. */
  failure(why: string): void {
    this.#head.failure(why);
  }

  /** Counts the request as a success, as {@link HttpResponse.success}. A stream that was not complete fails all the same. */
  success(): void {
    this.#head.success();
  }

  /** Counts whether something about the response was as expected, as {@link HttpResponse.check}. */
  check(name: string, ok: unknown): boolean {
    return this.#head.check(name, ok);
  }
}

const DONE = { done: true, value: undefined } as const;

class ChunkIterator implements AsyncIterator<Bytes, undefined> {
  readonly #stream: ResponseStream;

  constructor(stream: ResponseStream) {
    this.#stream = stream;
  }

  async next(): Promise<IteratorResult<Bytes, undefined>> {
    const piece = await this.#stream.next();
    return piece === null ? DONE : { done: false, value: piece.bytes };
  }

  return(): Promise<IteratorResult<Bytes, undefined>> {
    this.#stream.leave();
    return Promise.resolve(DONE);
  }
}

class EventIterator implements AsyncIterableIterator<ServerSentEvent, undefined> {
  readonly #stream: ResponseStream;
  #events: readonly ServerSentEvent[] = [];
  #taken = 0;

  constructor(stream: ResponseStream) {
    this.#stream = stream;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    const event = this.#events[this.#taken];
    if (event === undefined) return this.#more();
    this.#taken++;
    return Promise.resolve({ done: false, value: event });
  }

  async #more(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    const events = await this.#stream.nextEvents();
    if (events === null) return DONE;
    this.#events = events;
    this.#taken = 1;
    return { done: false, value: events[0]! };
  }

  return(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    this.#events = [];
    this.#stream.leave();
    return Promise.resolve(DONE);
  }
}

/** A stream as a response that outputs can show: with the beginning of its body. */
export class ShownStream implements WireResponse, StreamView {
  readonly status: number;
  readonly headers: Headers;
  readonly setCookies: readonly string[];
  readonly bytesSent: number;
  readonly head?: () => string;
  failure: RequestError | null = null;
  onSettled: () => void = () => {};
  readonly #stream: ResponseStream;
  readonly #head: WireResponse;

  constructor(stream: ResponseStream, head: WireResponse) {
    this.status = head.status;
    this.headers = head.headers;
    this.setCookies = head.setCookies;
    this.bytesSent = head.bytesSent;
    this.#stream = stream;
    this.#head = head;
    if (head.head !== undefined) this.head = () => head.head!();
  }

  /** What the stream was so far: bytes without codings, and events; `null` if they were not looked for. */
  get facts(): { readonly bytes: number; readonly events: number | null } {
    const { size, hasEvents, eventCount } = this.#stream;
    return { bytes: size, events: hasEvents ? eventCount : null };
  }

  get response(): WireResponse {
    return this;
  }

  get isLeft(): boolean {
    return this.#stream.isLeft;
  }

  get bytesReceived(): number {
    return this.#stream.bytesReceived;
  }

  get endedAt(): number {
    return this.#stream.endedAt;
  }

  settle(): void {
    this.onSettled();
  }

  locations(): readonly string[] {
    return this.#head.locations();
  }

  contentCoding(): string | null {
    return this.#head.contentCoding();
  }

  /** The beginning of the body. */
  bytes(): Bytes {
    const { beginning } = this.#stream;
    return joined(beginning, beginning.reduce((sum, { length }) => sum + length, 0));
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}
