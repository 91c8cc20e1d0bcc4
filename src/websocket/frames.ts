/**
 * The frames of WebSocket (RFC 6455): bytes in, messages out, and the other way round. No input or output.
 *
 * @module
 */

import { Utf8Validator } from "./utf8.ts";

/** What a message contains: text as a string, anything else as bytes. */
export type WebSocketMessage = string | Uint8Array<ArrayBuffer>;

const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The longest payload of a close, a ping and a pong. */
export const MAX_CONTROL = 125;

/** Codes with which a connection is closed (RFC 6455, section 7.4.1). */
export const CLOSE_CODES = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  /** The close had no code. It is never sent. */
  none: 1005,
  /** There was no close. It is never sent. */
  abnormal: 1006,
  invalidText: 1007,
  tooLarge: 1009,
} as const;

/** Whether a code can be sent: those of the standard and its registry, of libraries, and of applications. */
export function isCloseCode(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

/** The other side has broken the protocol, or has sent more than is accepted. */
export class FrameError extends Error {
  override readonly name = "FrameError";
  /** With which to close the connection. */
  readonly closeCode: number;

  constructor(closeCode: number, detail: string) {
    super(detail);
    this.closeCode = closeCode;
  }
}

/** Takes what a {@link MessageReader} has read. */
export interface MessageSink {
  /** A complete message. @param wireBytes its size as it was sent, without the heads of frames. */
  onMessage(message: WebSocketMessage, wireBytes: number): void;
  onPing(payload: Uint8Array<ArrayBuffer>): void;
  onPong(payload: Uint8Array<ArrayBuffer>): void;
  /** The other side closes the connection. What follows is not read. @param code 1005 if it has none. */
  onClose(code: number, reason: string): void;
}

/** Undoes the compression of messages, one after another. */
export interface MessageInflater {
  /**
   * @param maxSize of the result, in bytes.
   * @throws FrameError if the data is corrupt, or too large without compression.
   */
  inflate(data: Uint8Array<ArrayBuffer>, maxSize: number): Uint8Array<ArrayBuffer>;
}

/** Options of a {@link MessageReader}. */
export interface ReaderOptions {
  /** The largest message in bytes, before and after decompression. */
  readonly maxMessageSize: number;
  /** `null` if compression was not agreed upon. */
  readonly inflater: MessageInflater | null;
}

/** Decodes complete text. A byte order mark is a part of the text. */
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NOTHING = new Uint8Array(0);
const FIRST_SIZE = 256;

/**
 * Reads what a server sends after the handshake. What is wrong is reported with the byte that is wrong, and the
 * result does not depend on how the bytes are cut. It copies what it keeps.
 */
export class MessageReader {
  readonly #sink: MessageSink;
  readonly #options: ReaderOptions;
  /** Of the head that is being read. */
  #headBytes = 0;
  #isLast = false;
  #opcode = 0;
  /** How many bytes of the length follow the second byte, and how many are missing. */
  #lengthBytes = 0;
  #lengthLeft = 0;
  #length = 0;
  /** Missing bytes of the payload; -1 while a head is read. */
  #left = -1;
  /** TEXT or BINARY while a message has begun, otherwise 0. */
  #kind = 0;
  #isCompressed = false;
  /** The beginning of a message that has not arrived as a whole. */
  #buffer: Uint8Array<ArrayBuffer> = NOTHING;
  #size = 0;
  #utf8: Utf8Validator | null = null;
  /** The payload of a control frame. */
  #control: Uint8Array<ArrayBuffer> = NOTHING;
  #isOver = false;

  constructor(sink: MessageSink, options: ReaderOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /**
   * Reads the first `length` bytes.
   *
   * @throws FrameError; then nothing more is read.
   */
  feed(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    try {
      for (let at = 0; at < length && !this.#isOver;) {
        if (this.#left < 0) {
          this.#headByte(bytes[at++]!);
          // An empty payload is complete with its head.
          if (this.#left !== 0) continue;
        }
        const end = Math.min(length, at + this.#left);
        this.#payload(bytes, at, end);
        at = end;
      }
    } catch (error) {
      this.#isOver = true;
      this.#buffer = NOTHING;
      throw error;
    }
  }

  #headByte(byte: number): void {
    switch (this.#headBytes++) {
      case 0:
        return this.#firstByte(byte);
      case 1:
        return this.#secondByte(byte);
      default:
        return this.#lengthByte(byte);
    }
  }

  #firstByte(byte: number): void {
    const opcode = byte & 0x0f;
    const isLast = this.#isLast = (byte & 0x80) !== 0;
    const isControl = opcode >= CLOSE;
    if (opcode > PONG || (opcode > BINARY && !isControl)) {
      throw broken(`an unknown opcode, ${opcode}`);
    }
    const starts = opcode === TEXT || opcode === BINARY;
    const reserved = byte & 0x70;
    if (reserved !== 0 && !(reserved === 0x40 && starts && this.#options.inflater !== null)) {
      throw broken("a reserved bit that is set");
    }
    if (isControl && !isLast) throw broken("a control frame in fragments");
    if (starts && this.#kind !== 0) throw broken("a new message inside another one");
    if (opcode === CONTINUATION && this.#kind === 0) {
      throw broken("a continuation without a message");
    }
    this.#opcode = opcode;
    if (!starts) return;
    this.#kind = opcode;
    this.#isCompressed = reserved !== 0;
  }

  #secondByte(byte: number): void {
    if ((byte & 0x80) !== 0) throw broken("a masked frame");
    const length = byte & 0x7f;
    if (this.#opcode >= CLOSE && length > MAX_CONTROL) {
      throw broken(`a control frame of over ${MAX_CONTROL} bytes`);
    }
    if (length <= MAX_CONTROL) return this.#startPayload(length);
    this.#lengthBytes = this.#lengthLeft = length === 126 ? 2 : 8;
    this.#length = 0;
  }

  #lengthByte(byte: number): void {
    if (this.#lengthLeft === 8 && byte > 0x7f) throw broken("a length of over 63 bits");
    this.#length = this.#length * 256 + byte;
    if (--this.#lengthLeft > 0) return;
    const isLong = this.#lengthBytes === 8;
    if (this.#length < (isLong ? 65_536 : 126)) throw broken("a length in too many bytes");
    this.#startPayload(this.#length);
  }

  #startPayload(length: number): void {
    if (this.#opcode < CLOSE) {
      const { maxMessageSize } = this.#options;
      if (this.#size + length > maxMessageSize) throw tooLarge(maxMessageSize);
    } else {
      this.#control = length === 0 ? NOTHING : new Uint8Array(length);
    }
    this.#headBytes = 0;
    this.#left = length;
  }

  #payload(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    const left = this.#left - (to - from);
    if (this.#opcode >= CLOSE) {
      this.#control.set(bytes.subarray(from, to), this.#control.length - this.#left);
      if (left > 0) this.#left = left;
      else this.#endControl();
    } else if (left === 0 && this.#isLast && this.#size === 0) {
      // Most messages arrive whole.
      this.#endMessage(bytes.subarray(from, to));
    } else {
      this.#keep(bytes, from, to);
      if (left > 0) this.#left = left;
      else if (this.#isLast) this.#endMessage(this.#buffer.subarray(0, this.#size));
      else this.#left = -1;
    }
  }

  /** Keeps a part of a message. */
  #keep(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    const part = bytes.subarray(from, to);
    const size = this.#size + part.length;
    // The length that a frame promises is not trusted, so memory grows with what arrives.
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(FIRST_SIZE, size, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#size);
    this.#size = size;
    if (this.#kind !== TEXT || this.#isCompressed) return;
    if (!(this.#utf8 ??= new Utf8Validator()).accepts(part)) throw notText();
  }

  /** @param wire is valid until this returns. */
  #endMessage(wire: Uint8Array<ArrayBuffer>): void {
    const wireBytes = wire.length;
    const isShared = wire.buffer !== this.#buffer.buffer;
    let data = wire;
    if (this.#isCompressed) {
      data = this.#options.inflater!.inflate(wire, this.#options.maxMessageSize);
    }
    const kind = this.#kind;
    this.#kind = this.#size = 0;
    this.#left = -1;
    this.#buffer = NOTHING;
    this.#utf8 = null;
    if (kind === TEXT) return this.#sink.onMessage(textOf(data), wireBytes);
    const own = data === wire && isShared ? data.slice() : data;
    this.#sink.onMessage(own, wireBytes);
  }

  #endControl(): void {
    const payload = this.#control;
    this.#control = NOTHING;
    this.#left = -1;
    if (this.#opcode === PING) this.#sink.onPing(payload);
    else if (this.#opcode === PONG) this.#sink.onPong(payload);
    else this.#endClose(payload);
  }

  #endClose(payload: Uint8Array<ArrayBuffer>): void {
    if (payload.length === 1) throw broken("half a close code");
    const code = payload.length === 0 ? CLOSE_CODES.none : (payload[0]! << 8) | payload[1]!;
    if (payload.length > 0 && !isCloseCode(code)) throw broken(`the close code ${code}`);
    const reason = textOf(payload.subarray(2));
    this.#isOver = true;
    this.#buffer = NOTHING;
    this.#sink.onClose(code, reason);
  }
}

function textOf(data: Uint8Array<ArrayBuffer>): string {
  try {
    return DECODER.decode(data);
  } catch {
    throw notText();
  }
}

function broken(what: string): FrameError {
  return new FrameError(CLOSE_CODES.protocolError, `the server sent ${what}`);
}

function notText(): FrameError {
  return new FrameError(CLOSE_CODES.invalidText, "the server sent text that is not UTF-8");
}

/** The error of a message that is too large. */
export function tooLarge(maxMessageSize: number): FrameError {
  const detail = `the server sent a message of over ${maxMessageSize} bytes`;
  return new FrameError(CLOSE_CODES.tooLarge, detail);
}

const ENCODER = new TextEncoder();

/**
 * A frame as a client sends it: complete and masked.
 *
 * @param key the mask, of 32 bits.
 * @param isCompressed whether the payload is a compressed message.
 */
export function encodeFrame(
  opcode: number,
  payload: Uint8Array,
  key: number,
  isCompressed = false,
): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const head = length <= MAX_CONTROL ? 6 : length < 65_536 ? 8 : 14;
  const frame = new Uint8Array(head + length);
  frame[0] = 0x80 | (isCompressed ? 0x40 : 0) | opcode;
  if (head === 6) {
    frame[1] = 0x80 | length;
  } else if (head === 8) {
    frame[1] = 0x80 | 126;
    frame[2] = length >>> 8;
    frame[3] = length;
  } else {
    frame[1] = 0x80 | 127;
    let rest = length;
    for (let at = 9; at >= 2; at--) {
      frame[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }
  const mask = [key >>> 24, (key >>> 16) & 0xff, (key >>> 8) & 0xff, key & 0xff] as const;
  for (let i = 0; i < 4; i++) frame[head - 4 + i] = mask[i]!;
  for (let i = 0; i < length; i++) frame[head + i] = payload[i]! ^ mask[i & 3]!;
  return frame;
}

/** The payload of a close. */
export function closePayload(code: number, reason: string): Uint8Array<ArrayBuffer> {
  if (code === CLOSE_CODES.none) return NOTHING;
  const text = ENCODER.encode(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >>> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}
