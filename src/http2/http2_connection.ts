/**
 * One connection of HTTP/2 (RFC 9113), with any number of exchanges at the same time.
 *
 * @module
 */

import type { Clock } from "../core/clock.ts";
import type { ConnectionSettings } from "../http/connection.ts";
import type { Expiring } from "../http/connection_timers.ts";
import { logClosed, type LoggedConnection } from "../http/connection_log.ts";
import { type RequestErrorCode, WireError } from "../http/request_error.ts";
import type { SharedHttpState } from "../http/shared_http_state.ts";
import { socketFailure } from "../http/socket_errors.ts";
import type { HeaderPairs } from "../http/transport.ts";
import type { Socket, SocketHandler } from "../net/socket.ts";
import {
  concatenated,
  DEFAULT_WINDOW,
  ERROR,
  errorName,
  FLAG,
  FRAME,
  FrameReader,
  type FrameSink,
  goAwayFrame,
  HEAD_LENGTH,
  MAX_PAYLOAD,
  MAX_WINDOW,
  newFrame,
  numberFrame,
  PREFACE,
  readUint32,
  SETTING,
  settingsFrame,
} from "./frames.ts";
import { DEFAULT_TABLE_SIZE, HeaderListError, HpackError } from "./hpack.ts";
import { ConnectionError, expectLength, protocolError, unpadded } from "./connection_error.ts";
import { Http2Stream, type PoolRequest, type StreamOwner } from "./http2_stream.ts";
import { OutgoingFrames } from "./outgoing_frames.ts";
import { RequestBlocks } from "./request_blocks.ts";
import { RequestBodies, type RequestBodiesOwner } from "./request_bodies.ts";
import { type ResponseBlock, ResponseBlocks } from "./response_blocks.ts";
import { checkTrailers } from "./response_head.ts";
import { StreamTable } from "./stream_table.ts";

/**
 * Why an exchange has failed: the server has said that it did nothing with the request, the connection was lost,
 * or something else.
 */
export type FailureReason = "unprocessed" | "lost" | "other";

/** The owner of a connection, which turns outcomes of exchanges into results. */
export interface Http2Owner {
  /** Tells the reader of a request that its response has begun. */
  begun(stream: Http2Stream): void;
  /** Handles a complete response. */
  received(stream: Http2Stream, endedAt: number): void;
  /** Handles a failure. */
  failed(stream: Http2Stream, failure: WireError, reason: FailureReason): void;
  /** The connection can take more exchanges than before, or none any more. */
  changed(connection: Http2Connection): void;
}

/** The window of a connection. The server need not wait for it, because bodies are limited in another way. */
const WINDOW = 2 ** 30 - 1;

/** The window of a stream: what a server may send of one body while the test does not read it. */
const STREAM_WINDOW = 4 * 1024 * 1024;

/** The largest list of headers, as HPACK counts it. */
const MAX_HEADER_LIST = 65_536;

/** The most CONTINUATION frames of one block. */
const MAX_CONTINUATIONS = 100;

/** The most frames without any use, between two responses. A server that sends more keeps us busy on purpose. */
const MAX_IDLE_FRAMES = 1_000;

/** The largest id of a stream. */
const MAX_STREAM = MAX_WINDOW;

/** How many streams a server is expected to take before its settings have arrived. */
const ASSUMED_STREAMS = 100;

const START: Uint8Array<ArrayBuffer> = startOfConnection();

function startOfConnection(): Uint8Array<ArrayBuffer> {
  const parts = [
    PREFACE,
    settingsFrame([
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, STREAM_WINDOW],
      [SETTING.maxHeaderListSize, MAX_HEADER_LIST],
    ]),
    numberFrame(FRAME.windowUpdate, 0, WINDOW - DEFAULT_WINDOW),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** One connection. */
export class Http2Connection
  implements SocketHandler, FrameSink, StreamOwner, RequestBodiesOwner, Expiring {
  /** Identifies the origin. */
  readonly key: string;
  /** Whether an exchange has been completed. */
  used = false;
  /** Whether no further exchange can start. */
  isClosing = false;
  /** No later than the deadlines of all streams. */
  deadline = Infinity;
  /** `null` if it is not logged. */
  logged: LoggedConnection | null = null;
  readonly #clock: Clock;
  readonly #shared: SharedHttpState;
  readonly #settings: ConnectionSettings;
  readonly #owner: Http2Owner;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #blocks = new RequestBlocks();
  readonly #responseBlocks = new ResponseBlocks(DEFAULT_TABLE_SIZE, MAX_HEADER_LIST);
  readonly #outgoing: OutgoingFrames;
  readonly #streams = new StreamTable();
  readonly #bodies: RequestBodies;
  #nextId = 1;
  #closed = false;
  #hasSettings = false;
  #maxStreams = ASSUMED_STREAMS;
  #unacknowledged = 0;
  #idleFrames = 0;
  /** The block whose CONTINUATION frames are missing: it must go on before anything else. */
  #openBlock: { stream: number; endStream: boolean; parts: Uint8Array[]; length: number } | null =
    null;
  /** The time of the read that is being handled, once that was asked for; 0 before, and outside of a read. */
  #readAt = 0;
  #isReading = false;

  /** @param socket is open, and belongs to this connection from now on. */
  constructor(
    clock: Clock,
    shared: SharedHttpState,
    settings: ConnectionSettings,
    owner: Http2Owner,
    socket: Socket,
    key: string,
  ) {
    this.key = key;
    this.#clock = clock;
    this.#shared = shared;
    this.#settings = settings;
    this.#owner = owner;
    this.#socket = socket;
    this.#reader = new FrameReader(this);
    this.#outgoing = new OutgoingFrames(socket);
    this.#bodies = new RequestBodies(clock, socket, this.#outgoing, this);
    socket.handler = this;
    shared.deadlines.add(this);
    this.#outgoing.add(START);
  }

  /** How many further exchanges can start now. */
  get room(): number {
    return this.isClosing ? 0 : this.#maxStreams - this.#streams.size;
  }

  /** Whether exchanges are under way. */
  get busy(): boolean {
    return this.#streams.size > 0;
  }

  /**
   * Sends a request. Its outcome goes to the owner, later.
   *
   * @param sentAt the time, in milliseconds on the clock.
   * @throws WireError `BAD_REQUEST` if a part of it cannot be sent. Then nothing was sent.
   */
  exchange(item: PoolRequest, sentAt: number): void {
    const { request } = item;
    const known = this.#blocks.of(request, item.target);
    const { initialWindow } = this.#bodies;
    const stream = new Http2Stream(this, this.#nextId, item, sentAt, initialWindow, this.used);
    this.#nextId += 2;
    if (this.#nextId > MAX_STREAM) this.isClosing = true;
    this.#streams.add(stream);
    this.#watch(stream, this.#settings.headersMs, "HEADERS_TIMEOUT");
    const { body } = request;
    const isEmpty = body === null || (body instanceof Uint8Array && body.length === 0);
    const flags = isEmpty ? FLAG.endStream : 0;
    this.#outgoing.addHeaders(known.block, stream.id, flags, MAX_PAYLOAD);
    if (isEmpty) stream.isSent = true;
    else this.#bodies.start(stream, body, known);
  }

  /** The exchanges that are under way. */
  get streams(): Http2Stream[] {
    return this.#streams.all();
  }

  cancel(stream: Http2Stream, failure: WireError): void {
    if (!this.#streams.has(stream)) return;
    this.#reset(stream.id, ERROR.cancel);
    this.#fail(stream, failure, "other");
  }

  /** Closes the connection, for a reason that is logged. Exchanges under way end without an outcome. */
  close(reason: string): void {
    for (const stream of this.#streams.all()) this.#remove(stream);
    this.isClosing = true;
    if (this.#closed) return;
    this.#outgoing.flush();
    this.#outgoing.stop();
    this.#closed = true;
    this.#shared.deadlines.delete(this);
    this.#reader.stop();
    this.#socket.close();
    if (this.logged !== null) logClosed(this.logged, reason, this.#clock.now());
  }

  sentAll(stream: Http2Stream): void {
    if (stream.isReceived) this.#complete(stream);
  }

  #reset(id: number, code: number): void {
    this.#outgoing.add(numberFrame(FRAME.reset, id, code));
  }

  // What arrives.

  /** @internal */
  onOpen(): void {}

  /** @internal */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#isReading = true;
    try {
      this.#reader.feed(bytes, length);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#giveUp(error);
    } finally {
      this.#isReading = false;
      this.#readAt = 0;
    }
  }

  /** The current time; for all that a read brings, it is the same. */
  #now(): number {
    if (!this.#isReading) return this.#clock.now();
    if (this.#readAt === 0) this.#readAt = this.#clock.now();
    return this.#readAt;
  }

  /** @internal */
  onDrain(): void {
    this.#bodies.resume();
  }

  /** @internal */
  onEnd(): void {
    this.#lose(LOST);
  }

  /** @internal */
  onError(error: unknown): void {
    this.#lose(socketFailure(error, "exchange"));
  }

  #lose(failure: WireError, reason: FailureReason = "lost"): void {
    this.isClosing = true;
    const streams = this.#streams.all();
    this.close(failure.message);
    for (const stream of streams) this.#owner.failed(stream, failure, reason);
    this.#owner.changed(this);
  }

  /** The server does what it must not do. */
  #giveUp({ code, message }: ConnectionError): void {
    this.isClosing = true;
    this.#reader.stop();
    this.#outgoing.add(goAwayFrame(code));
    this.#lose(new WireError("BAD_RESPONSE", message), "other");
  }

  tooLarge(length: number): void {
    if (!this.#hasSettings && length === HTTP) {
      throw protocolError("the server answers in HTTP/1.1, not in HTTP/2");
    }
    if (!this.#hasSettings) {
      const shown = JSON.stringify(
        String.fromCharCode(length >> 16, length >> 8 & 0xff, length & 0xff),
      );
      throw protocolError(`not HTTP/2: the server starts with ${shown}`);
    }
    throw new ConnectionError(ERROR.frameSize, `a frame of ${length} bytes`);
  }

  frame(
    type: number,
    flags: number,
    id: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void {
    if (this.#openBlock !== null && type !== FRAME.continuation) {
      throw protocolError("another frame inside a block of headers");
    }
    if (!this.#hasSettings && type !== FRAME.settings) {
      throw protocolError("the first frame is no SETTINGS frame");
    }
    switch (type) {
      case FRAME.data:
        return this.#data(flags, id, bytes, start, end);
      case FRAME.headers:
        return this.#headers(flags, id, bytes, start, end);
      case FRAME.continuation:
        return this.#continuation(flags, id, bytes, start, end);
      case FRAME.reset:
        return this.#wasReset(id, bytes, start, end);
      case FRAME.settings:
        return this.#settingsArrived(flags, id, bytes, start, end);
      case FRAME.ping:
        return this.#ping(flags, id, bytes, start, end);
      case FRAME.goAway:
        return this.#goAway(id, bytes, start, end);
      case FRAME.windowUpdate:
        return this.#windowUpdate(id, bytes, start, end);
      case FRAME.priority:
        expectLength("PRIORITY", end - start, 5);
        return this.#countIdle();
      case FRAME.pushPromise:
        throw protocolError("a PUSH_PROMISE frame, although push is switched off");
      default:
        return this.#countIdle();
    }
  }

  /** Counts a frame that brings no response forward. */
  #countIdle(): void {
    if (++this.#idleFrames > MAX_IDLE_FRAMES) {
      throw new ConnectionError(
        ERROR.enhanceYourCalm,
        `more than ${MAX_IDLE_FRAMES} frames without any use`,
      );
    }
  }

  #data(
    flags: number,
    id: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void {
    this.#checkStarted("DATA", id);
    const stream = this.#streams.get(id);
    const size = end - start;
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) [from, to] = unpadded(bytes, start, end);
    const endStream = (flags & FLAG.endStream) !== 0;
    if (to === from && !endStream) this.#countIdle();
    this.#acknowledge(size);
    // The rest of a stream that was cancelled.
    if (stream === null) return;
    if (stream.head === null) {
      return this.#malformed(stream, "a body before its headers");
    }
    if (to > from && !this.#keep(stream, bytes, from, to)) return;
    if (endStream) return this.#receivedAll(stream);
    stream.unacknowledged += size;
    if (!stream.isPaused) this.#widenStream(stream);
    if (this.#settings.bodyMs !== Infinity && !stream.isPaused) {
      this.#watch(stream, this.#settings.bodyMs, "BODY_TIMEOUT");
    }
  }

  /** Keeps a piece of a body, or hands it over. Returns whether the exchange goes on. */
  #keep(stream: Http2Stream, bytes: Uint8Array<ArrayBuffer>, from: number, to: number): boolean {
    const length = stream.bodyLength + to - from;
    if (stream.reader !== null) {
      stream.bodyLength = length;
      stream.reader.piece(bytes.slice(from, to));
      return this.#streams.has(stream);
    }
    if (length > this.#settings.maxBodySize) {
      const text = `the body has over ${this.#settings.maxBodySize} bytes`;
      this.cancel(stream, new WireError("TOO_LARGE", text));
      return false;
    }
    stream.keep(this.#shared.slab, bytes, from, to);
    return true;
  }

  steered(stream: Http2Stream): void {
    if (!this.#streams.has(stream)) return;
    this.#watch(stream, stream.isPaused ? Infinity : this.#settings.bodyMs, "BODY_TIMEOUT");
    if (!stream.isPaused) this.#widenStream(stream);
  }

  #widenStream(stream: Http2Stream): void {
    if (stream.unacknowledged <= STREAM_WINDOW / 2) return;
    this.#outgoing.add(numberFrame(FRAME.windowUpdate, stream.id, stream.unacknowledged));
    stream.unacknowledged = 0;
  }

  #acknowledge(size: number): void {
    this.#unacknowledged += size;
    if (this.#unacknowledged <= WINDOW / 2) return;
    this.#outgoing.add(numberFrame(FRAME.windowUpdate, 0, this.#unacknowledged));
    this.#unacknowledged = 0;
  }

  #headers(
    flags: number,
    id: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void {
    this.#checkStarted("HEADERS", id);
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) [from, to] = unpadded(bytes, start, end);
    if ((flags & FLAG.priority) !== 0) from += 5;
    if (from > to) throw new ConnectionError(ERROR.frameSize, "a HEADERS frame that is too short");
    const endStream = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) !== 0) return this.#fields(id, endStream, bytes, from, to);
    this.#openBlock = { stream: id, endStream, parts: [bytes.slice(from, to)], length: to - from };
  }

  #continuation(
    flags: number,
    id: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void {
    const open = this.#openBlock;
    if (open === null || open.stream !== id) {
      throw protocolError("a CONTINUATION frame that continues nothing");
    }
    open.parts.push(bytes.slice(start, end));
    open.length += end - start;
    if (open.parts.length > MAX_CONTINUATIONS || open.length > MAX_HEADER_LIST) {
      throw new ConnectionError(ERROR.enhanceYourCalm, "a block of headers that is too large");
    }
    if ((flags & FLAG.endHeaders) === 0) return;
    this.#openBlock = null;
    const block = concatenated(open.parts);
    this.#fields(id, open.endStream, block, 0, block.length);
  }

  /** A complete block of headers: of a response, of an interim response, or of trailers. */
  #fields(
    id: number,
    endStream: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const stream = this.#streams.get(id);
    let block: ResponseBlock;
    try {
      // Also without a stream: later blocks depend on the table.
      block = this.#responseBlocks.read(bytes, start, end);
    } catch (error) {
      if (error instanceof HpackError) {
        throw new ConnectionError(ERROR.compression, `invalid headers: ${error.message}`);
      }
      if (!(error instanceof HeaderListError)) throw error;
      if (stream !== null) this.#malformed(stream, error.message);
      return;
    }
    if (stream === null) return this.#countIdle();
    try {
      if (stream.head !== null) this.#trailers(stream, block.headers, endStream);
      else if (this.#isInterim(stream, block, endStream)) return;
      else if (stream.item.request.reader !== null && !this.#begin(stream)) return;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#malformed(stream, error.message);
    }
    if (endStream) return this.#receivedAll(stream);
    if (stream.firstByteAt === 0) stream.firstByteAt = this.#now();
    if (stream.head!.status >= REFUSED) stream.sender?.stop();
    const { headersMs, bodyMs } = this.#settings;
    if (headersMs !== Infinity || bodyMs !== Infinity || stream.reader !== null) {
      this.#watch(stream, stream.isPaused ? Infinity : bodyMs, "BODY_TIMEOUT");
    }
  }

  /** Sets the head of a response. Returns `true` if it is an interim one. */
  #isInterim(stream: Http2Stream, { head }: ResponseBlock, endStream: boolean): boolean {
    if (head.status >= 200) {
      stream.head = head;
      return false;
    }
    if (head.status === 101) throw new WireError("BAD_RESPONSE", "the status 101");
    if (endStream) throw new WireError("BAD_RESPONSE", "an interim response without another");
    if (head.status === 100) stream.sender?.proceed();
    this.#countIdle();
    return true;
  }

  #trailers(stream: Http2Stream, list: HeaderPairs, endStream: boolean): void {
    if (!endStream) throw new WireError("BAD_RESPONSE", "trailers that do not end the response");
    checkTrailers(list);
    stream.trailers = list;
  }

  /** Tells a reader that its response has begun. Returns whether the exchange goes on. */
  #begin(stream: Http2Stream): boolean {
    this.#owner.begun(stream);
    return this.#streams.has(stream);
  }

  #receivedAll(stream: Http2Stream): void {
    const { contentLength, status } = stream.head!;
    if (contentLength >= 0 && contentLength !== stream.bodyLength) {
      const isEmpty = stream.bodyLength === 0 &&
        (stream.item.request.method === "HEAD" || status === 304);
      if (!isEmpty) {
        const text = `the body has ${stream.bodyLength} bytes, its headers say ${contentLength}`;
        return this.#malformed(stream, text);
      }
    }
    stream.isReceived = true;
    // As over HTTP/1.1, a server that accepts a request early gets all of it.
    if (
      !stream.isSent && stream.reader === null && status < REFUSED && stream.sender?.waits === false
    ) {
      if (stream.firstByteAt === 0) stream.firstByteAt = this.#now();
      return this.#watch(stream, Infinity, "TIMEOUT");
    }
    this.#complete(stream);
  }

  #complete(stream: Http2Stream): void {
    if (!stream.isSent) this.#reset(stream.id, ERROR.cancel);
    this.#remove(stream);
    this.used = true;
    this.#idleFrames = 0;
    this.#owner.received(stream, this.#now());
    this.#streamEnded();
  }

  /** What a server sends on a stream is malformed. The connection can go on. */
  #malformed(stream: Http2Stream, detail: string): void {
    this.#reset(stream.id, ERROR.protocol);
    this.#fail(stream, new WireError("BAD_RESPONSE", detail), "other");
  }

  #wasReset(id: number, bytes: Uint8Array, start: number, end: number): void {
    expectLength("RST_STREAM", end - start, 4);
    this.#checkStarted("RST_STREAM", id);
    const stream = this.#streams.get(id);
    const code = readUint32(bytes, start);
    this.#countIdle();
    if (stream === null) return;
    // A server that has answered does not want the rest of the request.
    if (stream.isReceived && code === ERROR.none) {
      stream.isSent = true;
      return this.#complete(stream);
    }
    const failure = new WireError("ECONNRESET", `the server reset the stream: ${errorName(code)}`);
    this.#fail(stream, failure, code === ERROR.refusedStream ? "unprocessed" : "other");
  }

  #settingsArrived(
    flags: number,
    id: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (id !== 0) throw protocolError("a SETTINGS frame on a stream");
    const size = end - start;
    if ((flags & FLAG.ack) !== 0) {
      expectLength("SETTINGS", size, 0);
      if (!this.#hasSettings) throw protocolError("the first frame acknowledges settings");
      return this.#countIdle();
    }
    if (size % 6 !== 0) throw new ConnectionError(ERROR.frameSize, `SETTINGS of ${size} bytes`);
    for (let at = start; at < end; at += 6) {
      this.#setting((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2));
    }
    if (this.#hasSettings) this.#countIdle();
    this.#hasSettings = true;
    this.#outgoing.add(newFrame(FRAME.settings, FLAG.ack, 0, 0));
    this.#owner.changed(this);
  }

  #setting(id: number, value: number): void {
    switch (id) {
      case SETTING.headerTableSize:
        return this.#blocks.allowTable(value);
      case SETTING.enablePush:
        if (value !== 0) throw protocolError("a server that allows itself to push");
        return;
      case SETTING.maxConcurrentStreams:
        this.#maxStreams = value;
        return;
      case SETTING.initialWindowSize: {
        if (value > MAX_WINDOW) {
          throw new ConnectionError(ERROR.flowControl, `an initial window of ${value} bytes`);
        }
        const change = value - this.#bodies.initialWindow;
        this.#bodies.initialWindow = value;
        for (const stream of this.#streams.all()) this.#widen(stream, change);
        return;
      }
      case SETTING.maxFrameSize:
        if (value < MAX_PAYLOAD || value > 2 ** 24 - 1) {
          throw protocolError(`frames of ${value} bytes`);
        }
        // Larger frames than all servers accept would bring nothing.
    }
  }

  #ping(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw protocolError("a PING frame on a stream");
    expectLength("PING", end - start, 8);
    this.#countIdle();
    if ((flags & FLAG.ack) !== 0) return;
    const answer = newFrame(FRAME.ping, FLAG.ack, 0, 8);
    answer.set(bytes.subarray(start, end), HEAD_LENGTH);
    this.#outgoing.add(answer);
  }

  #goAway(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) throw protocolError("a GOAWAY frame on a stream");
    if (end - start < 8) throw new ConnectionError(ERROR.frameSize, "a GOAWAY frame that is short");
    this.#countIdle();
    const last = readUint32(bytes, start) & MAX_WINDOW;
    const code = readUint32(bytes, start + 4);
    this.isClosing = true;
    this.#owner.changed(this);
    const failure = new WireError(
      "ECONNRESET",
      `the server ended the connection: ${errorName(code)}`,
    );
    for (const stream of this.#streams.all()) {
      if (stream.id > last) this.#fail(stream, failure, "unprocessed");
    }
    this.#streamEnded();
  }

  #windowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    expectLength("WINDOW_UPDATE", end - start, 4);
    const increment = readUint32(bytes, start) & MAX_WINDOW;
    if (id === 0) {
      if (increment === 0) throw protocolError("a window that grows by nothing");
      if (!this.#bodies.areWaiting) this.#countIdle();
      if (this.#bodies.widen(increment)) return;
      throw new ConnectionError(ERROR.flowControl, "a window that is too large");
    }
    this.#checkStarted("WINDOW_UPDATE", id);
    const stream = this.#streams.get(id);
    if (stream === null) return this.#countIdle();
    if (increment === 0) return this.#malformed(stream, "a window that grows by nothing");
    if (stream.isSent) this.#countIdle();
    this.#widen(stream, increment);
  }

  #widen(stream: Http2Stream, change: number): void {
    if (this.#bodies.widenStream(stream, change)) return;
    this.#reset(stream.id, ERROR.flowControl);
    this.#fail(stream, new WireError("BAD_RESPONSE", "a window that is too large"), "other");
  }

  /** @throws ConnectionError for frames on streams that this client has not started. */
  #checkStarted(frame: string, id: number): void {
    if (id % 2 === 1 && id < this.#nextId) return;
    throw protocolError(`a ${frame} frame on ${id === 0 ? "no stream" : `stream ${id}`}`);
  }

  // The end of exchanges.

  #fail(stream: Http2Stream, failure: WireError, reason: FailureReason): void {
    this.#remove(stream);
    this.#owner.failed(stream, failure, reason);
    this.#streamEnded();
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.deadline = Infinity;
    stream.deadline = Infinity;
    // It began and ended with this read.
    if (this.#readAt !== 0 && stream.firstByteAt === this.#readAt) stream.firstByteAt = 0;
    this.#bodies.stop(stream);
  }

  expire(): void {
    const now = this.#clock.now();
    this.deadline = Infinity;
    for (const stream of this.#streams.all()) if (stream.deadline <= now) stream.expire();
    for (const { deadline } of this.#streams.all()) {
      if (deadline < this.deadline) this.deadline = deadline;
    }
  }

  #streamEnded(): void {
    if (!this.isClosing) this.#owner.changed(this);
    else if (this.#streams.size === 0 && !this.#closed) {
      this.close("it takes no further requests");
      this.#owner.changed(this);
    }
  }

  #watch(stream: Http2Stream, phaseMs: number, code: RequestErrorCode): void {
    const { deadline } = stream.item.request;
    stream.deadline = deadline;
    stream.limit = "TIMEOUT";
    if (phaseMs !== Infinity) {
      const phaseDeadline = this.#clock.now() + phaseMs;
      if (phaseDeadline < deadline) {
        stream.deadline = phaseDeadline;
        stream.limit = code;
      }
    }
    if (stream.deadline < this.deadline) this.deadline = stream.deadline;
    this.#shared.deadlines.schedule(stream.deadline);
  }
}

/** The first three letters of a response of HTTP/1.1, read as the length of a frame. */
const HTTP = 0x485454;

/** From this status on, a server does not want the rest of a request. */
const REFUSED = 300;

const LOST = new WireError("ECONNRESET", "the connection was lost");
