import { Proxies } from "../../src/http/proxies.ts";
import { type RequestTarget, requestTarget } from "../../src/http/request_encoder.ts";
import { DEFAULT_CONNECTIONS, SharedHttpState } from "../../src/http/shared_http_state.ts";
import type { BodyFlow, HeaderPairs, WireRequest } from "../../src/http/transport.ts";
import {
  ERROR,
  FLAG,
  FRAME,
  FrameReader,
  goAwayFrame,
  HEAD_LENGTH,
  headersLength,
  MAX_PAYLOAD,
  newFrame,
  PREFACE,
  readUint32,
  settingsFrame,
  writeHeaders,
} from "../../src/http2/frames.ts";
import { DEFAULT_TABLE_SIZE, HpackDecoder, HpackEncoder } from "../../src/http2/hpack.ts";
import { Http2Connection, type Http2Owner } from "../../src/http2/http2_connection.ts";
import { Http2Response } from "../../src/http2/http2_response.ts";
import type { Socket, SocketHandler } from "../../src/net/socket.ts";
import { FakeClock } from "./fake_clock.ts";
import { testSockets } from "./sockets.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A socket of which a test plays the other side. */
export class PlayedSocket implements Socket {
  handler!: SocketHandler;
  unsent = 0;
  isClosed = false;
  /** Whether the system takes nothing. */
  isFull = false;
  readonly written: Bytes[] = [];

  write(bytes: Bytes): boolean {
    this.written.push(bytes.slice());
    if (this.isFull) this.unsent += bytes.length;
    return !this.isFull;
  }

  wasReset(): Promise<boolean> {
    return Promise.resolve(false);
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.isClosed = true;
  }

  /** The system takes everything. */
  drain(): void {
    this.isFull = false;
    this.unsent = 0;
    this.handler.onDrain();
  }
}

/** Joins arrays of bytes. */
export function bytesOf(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Writes the frames of a server. */
export class ServerFrames {
  readonly #encoder = new HpackEncoder();

  settings(settings: readonly (readonly [number, number])[] = []): Bytes {
    return settingsFrame(settings);
  }

  headers(
    stream: number,
    headers: HeaderPairs,
    flags: number = 0,
    maxPayload = MAX_PAYLOAD,
  ): Bytes {
    const block = this.#encoder.encode(headers);
    const frames = new Uint8Array(headersLength(block, maxPayload));
    writeHeaders(frames, 0, block, stream, flags, maxPayload);
    return frames;
  }

  /** A whole response. */
  response(stream: number, body = "", headers: HeaderPairs = [], status = "200"): Bytes {
    const list: HeaderPairs = [[":status", status], ...headers];
    if (body === "") return this.headers(stream, list, FLAG.endStream);
    return bytesOf(this.headers(stream, list), this.data(stream, body, FLAG.endStream));
  }

  data(stream: number, body: string, flags: number = 0): Bytes {
    return this.raw(FRAME.data, flags, stream, new TextEncoder().encode(body));
  }

  raw(type: number, flags: number, stream: number, payload: Uint8Array | number[]): Bytes {
    const frame = newFrame(type, flags, stream, payload.length);
    frame.set(payload, HEAD_LENGTH);
    return frame;
  }

  number(type: number, stream: number, value: number): Bytes {
    return this.raw(type, 0, stream, [value >>> 24, value >>> 16, value >>> 8, value]);
  }

  goAway(last: number, code: number = ERROR.none): Bytes {
    const frame = goAwayFrame(code);
    frame.set([last >>> 24, last >>> 16, last >>> 8, last], HEAD_LENGTH);
    return frame;
  }
}

const FRAME_NAMES = Object.entries(FRAME);

/** What a client has written, frame by frame, as text such as `HEADERS 1 end GET /`. */
function readFrames(written: readonly Uint8Array[], decoder: HpackDecoder): string[] {
  const all = bytesOf(...written);
  const start = PREFACE.every((byte, at) => all[at] === byte) ? PREFACE.length : 0;
  const lines: string[] = [];
  const reader = new FrameReader({
    tooLarge: (length) => void lines.push(`too large: ${length}`),
    frame: (type, flags, stream, bytes, from, to) => {
      const name = FRAME_NAMES.find(([, known]) => known === type)?.[0] ?? String(type);
      const isEnd = (flags & FLAG.endStream) !== 0;
      lines.push(
        [name, stream, ...(isEnd ? [name === "settings" || name === "ping" ? "ack" : "end"] : [])]
          .concat(contentOf(type, bytes, from, to, decoder)).join(" "),
      );
    },
  });
  const rest = all.slice(start);
  reader.feed(rest, rest.length);
  return lines;
}

function contentOf(
  type: number,
  bytes: Bytes,
  from: number,
  to: number,
  decoder: HpackDecoder,
): (string | number)[] {
  switch (type) {
    case FRAME.headers: {
      const headers = decoder.decode(bytes, from, to);
      const value = (name: string): string => headers.find(([one]) => one === name)![1];
      return [value(":method"), value(":path")];
    }
    case FRAME.data:
      return [to - from <= 20 ? new TextDecoder().decode(bytes.subarray(from, to)) : to - from];
    case FRAME.reset:
    case FRAME.windowUpdate:
      return [readUint32(bytes, from)];
    case FRAME.goAway:
      return [readUint32(bytes, from + 4)];
    default:
      return [];
  }
}

/** A connection whose server is played by a test. */
export class Http2Scene {
  readonly clock = new FakeClock();
  readonly socket = new PlayedSocket();
  readonly server = new ServerFrames();
  /** How exchanges ended, in order: `GET / 200 body`, or `GET / BAD_RESPONSE detail`. */
  readonly outcomes: string[] = [];
  readonly connection: Http2Connection;
  readonly #shared: SharedHttpState;
  readonly #decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, 65_536);
  /** Of the last response that has begun and is read while it arrives. */
  flow: BodyFlow | null = null;
  /** Of the last complete response. */
  lastTrailers: HeaderPairs = [];
  readonly #targets = new Map<string, RequestTarget>();

  constructor(settings: { headersMs?: number; bodyMs?: number; maxBodySize?: number } = {}) {
    this.#shared = new SharedHttpState(this.clock, {
      ...DEFAULT_CONNECTIONS,
      sockets: testSockets(),
      proxies: new Proxies(() => undefined),
    });
    const owner: Http2Owner = {
      begun: (stream) => {
        const { reader } = stream.item.request;
        this.flow = stream;
        const head = new Http2Response(stream, this.clock.now(), Infinity);
        if (reader!.begun(head, stream)) stream.reader = reader;
      },
      received: ({ item: { request }, head, body, trailers }) => {
        this.lastTrailers = trailers;
        const text = new TextDecoder().decode(bytesOf(...body));
        this.outcomes.push(
          `${request.method} ${request.url.pathname} ${head!.status} ${text}`.trimEnd(),
        );
      },
      failed: ({ item: { request } }, { code, message }, reason) => {
        this.outcomes.push(
          `${request.method} ${request.url.pathname} ${code} ${reason}: ${message}`,
        );
      },
      changed: () => {},
    };
    this.connection = new Http2Connection(
      this.clock,
      this.#shared,
      { headersMs: Infinity, bodyMs: Infinity, maxBodySize: Infinity, ...settings },
      owner,
      this.socket,
      "http://127.0.0.1:8000",
    );
  }

  /** Sends a request; its stream has the next odd number. */
  request(path = "/", fields: Partial<WireRequest> = {}): void {
    const key = `http://127.0.0.1:8000${path}`;
    const target = this.#targets.get(key) ??
      requestTarget(new URL(key), new Proxies(() => undefined));
    this.#targets.set(key, target);
    const request: WireRequest = {
      method: "GET",
      url: new URL(key),
      headers: [],
      body: null,
      reader: null,
      deadline: Infinity,
      sentAt: 0,
      counter: { retries: 0, phases: null },
      received: () => {},
      failed: () => {},
      ...fields,
    };
    this.connection.exchange(
      { user: { http1: null }, request, target, attempts: 0 },
      this.clock.now(),
    );
  }

  /** The server sends bytes, by default all at once. */
  receive(bytes: Uint8Array, step = bytes.length): void {
    for (let at = 0; at < bytes.length && !this.socket.isClosed; at += step) {
      const part = Uint8Array.from(bytes.subarray(at, at + step));
      this.socket.handler.onData(part, part.length);
    }
  }

  /** What the client has sent since the last call. */
  async sent(): Promise<string[]> {
    await Promise.resolve();
    return readFrames(this.socket.written.splice(0), this.#decoder);
  }
}
