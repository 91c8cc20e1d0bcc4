/**
 * The frames of HTTP/2 (RFC 9113, sections 4 and 6): reading their heads, and writing them.
 *
 * @module
 */

/** The types of frames. Others are ignored. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** The flags of frames. Some types share a bit. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

/** The settings that matter to a client. */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Error codes (RFC 9113, section 7). */
export const ERROR = {
  none: 0,
  protocol: 1,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const;

const ERROR_NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** The name of an error code, as RFC 9113 writes it. */
export function errorName(code: number): string {
  return ERROR_NAMES[code] ?? `error ${code}`;
}

/** The length of a frame's head. */
export const HEAD_LENGTH = 9;

/** The largest payload that everybody accepts, and that this client accepts. */
export const MAX_PAYLOAD = 16_384;

/** The initial window of connections and streams. */
export const DEFAULT_WINDOW = 65_535;

/** The largest window. */
export const MAX_WINDOW = 2 ** 31 - 1;

/** What a client sends first. */
export const PREFACE: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);

/** Gets the frames of a {@link FrameReader}. */
export interface FrameSink {
  /**
   * A complete frame.
   *
   * @param bytes contains its payload from `start` to `end`, and is valid only during the call.
   */
  frame(
    type: number,
    flags: number,
    stream: number,
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    end: number,
  ): void;
  /** A frame is larger than {@link MAX_PAYLOAD}. */
  tooLarge(length: number): void;
}

/** Divides what arrives into frames. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a frame whose rest has not arrived. */
  #partial: Uint8Array<ArrayBuffer> | null = null;
  #length = 0;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Ignores all further bytes. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads the first `length` of `bytes`, which are not kept. */
  feed(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    let at = this.#length === 0 ? 0 : this.#complete(bytes, length);
    while (!this.#stopped && length - at >= HEAD_LENGTH) {
      const size = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      if (size > MAX_PAYLOAD) return this.#sink.tooLarge(size);
      const end = at + HEAD_LENGTH + size;
      if (end > length) break;
      this.#deliver(bytes, at, end);
      at = end;
    }
    if (at < length && !this.#stopped) this.#keep(bytes, at, length);
  }

  /** Completes the frame that has begun; returns the position after it. */
  #complete(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    let at = 0;
    if (this.#length < HEAD_LENGTH) {
      at = Math.min(HEAD_LENGTH - this.#length, length);
      this.#keep(bytes, 0, at);
      if (this.#length < HEAD_LENGTH) return at;
    }
    const partial = this.#partial!;
    const size = (partial[0]! << 16) | (partial[1]! << 8) | partial[2]!;
    if (size > MAX_PAYLOAD) {
      this.#stopped = true;
      this.#sink.tooLarge(size);
      return length;
    }
    const end = HEAD_LENGTH + size;
    const taken = Math.min(end - this.#length, length - at);
    this.#keep(bytes, at, at + taken);
    if (this.#length < end) return length;
    this.#length = 0;
    this.#deliver(this.#partial!, 0, end);
    return at + taken;
  }

  #keep(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    const length = this.#length + end - start;
    if (this.#partial === null || this.#partial.length < length) {
      // Thousands of connections can each have the beginning of a small frame.
      const larger = new Uint8Array(Math.min(length * 2, HEAD_LENGTH + MAX_PAYLOAD));
      if (this.#partial !== null) larger.set(this.#partial.subarray(0, this.#length));
      this.#partial = larger;
    }
    this.#partial.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  #deliver(bytes: Uint8Array<ArrayBuffer>, at: number, end: number): void {
    this.#sink.frame(
      bytes[at + 3]!,
      bytes[at + 4]!,
      readUint32(bytes, at + 5) & MAX_WINDOW,
      bytes,
      at + HEAD_LENGTH,
      end,
    );
  }
}

/** A number of four bytes, not negative. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>>
    0;
}

/** A frame with room for its payload. */
export function newFrame(
  type: number,
  flags: number,
  stream: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_LENGTH + length);
  writeFrameHead(bytes, 0, type, flags, stream, length);
  return bytes;
}

/** Writes the head of a frame. @param length that of its payload. */
export function writeFrameHead(
  bytes: Uint8Array,
  at: number,
  type: number,
  flags: number,
  stream: number,
  length: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  writeUint32(bytes, at + 5, stream);
}

/** Writes a number in four bytes. */
function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** A frame whose payload is one number. */
export function numberFrame(
  type: number,
  stream: number,
  value: number,
): Uint8Array<ArrayBuffer> {
  const bytes = newFrame(type, 0, stream, 4);
  writeUint32(bytes, HEAD_LENGTH, value);
  return bytes;
}

/** A SETTINGS frame. */
export function settingsFrame(
  settings: readonly (readonly [id: number, value: number])[],
): Uint8Array<ArrayBuffer> {
  const bytes = newFrame(FRAME.settings, 0, 0, settings.length * 6);
  for (const [index, [id, value]] of settings.entries()) {
    const at = HEAD_LENGTH + index * 6;
    bytes[at] = id >>> 8;
    bytes[at + 1] = id;
    writeUint32(bytes, at + 2, value);
  }
  return bytes;
}

/** A GOAWAY frame of a client, which has accepted no streams. */
export function goAwayFrame(code: number): Uint8Array<ArrayBuffer> {
  const bytes = newFrame(FRAME.goAway, 0, 0, 8);
  writeUint32(bytes, HEAD_LENGTH + 4, code);
  return bytes;
}

/** The length of a block of headers as {@link writeHeaders} writes it. */
export function headersLength(block: Uint8Array, maxPayload: number): number {
  const count = block.length <= maxPayload ? 1 : Math.ceil(block.length / maxPayload);
  return block.length + count * HEAD_LENGTH;
}

/**
 * Writes a block of headers as one HEADERS frame, followed by CONTINUATION frames if it is too long.
 *
 * @param flags those of the HEADERS frame besides `endHeaders`.
 */
export function writeHeaders(
  bytes: Uint8Array,
  start: number,
  block: Uint8Array,
  stream: number,
  flags: number,
  maxPayload: number,
): void {
  const { length } = block;
  if (length <= maxPayload) {
    writeFrameHead(bytes, start, FRAME.headers, flags | FLAG.endHeaders, stream, length);
    bytes.set(block, start + HEAD_LENGTH);
    return;
  }
  for (let from = 0, at = start; from < length; from += maxPayload) {
    const part = block.subarray(from, from + maxPayload);
    const isLast = from + maxPayload >= length ? FLAG.endHeaders : 0;
    if (from === 0) writeFrameHead(bytes, at, FRAME.headers, flags, stream, part.length);
    else writeFrameHead(bytes, at, FRAME.continuation, isLast, stream, part.length);
    bytes.set(part, at + HEAD_LENGTH);
    at += HEAD_LENGTH + part.length;
  }
}

/** Several pieces of a connection's bytes as one. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
