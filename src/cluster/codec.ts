/**
 * Encodes messages as msgpack, and decodes bytes from peers that are not trusted.
 *
 * @module
 */

import { decode, encode } from "@msgpack/msgpack";
import { errorText } from "../core/errors.ts";
import { LENGTH_BYTES } from "./frames.ts";
import { MESSAGE, type Message, MESSAGE_LIMIT, ProtocolError } from "./protocol.ts";

/** How deep lists and maps may be nested. */
const MAX_DEPTH = 32;

/**
 * Returns why bytes are not one msgpack value that is safe to decode; null if they are. A decoder
 * allocates memory for the length that a list claims before it has read any of its items, so a list may
 * claim no more than the remaining bytes can hold. Extension types are not accepted.
 */
export function msgpackProblem(bytes: Uint8Array): string | null {
  const length = bytes.length;
  // Values that are still missing: in total, and in each open list, the outermost first.
  let owed = 1;
  const open = [1];
  let at = 0;
  while (owed > 0) {
    if (owed > length - at) return "claims more values than it has bytes";
    const code = bytes[at++]!;
    const kind = KINDS[code]!;
    if (kind === REFUSED) return `holds the byte 0x${code.toString(16)}, which is not a type`;
    let size = SIZES[code]!;
    const sizeEnd = at + SIZE_BYTES[code]!;
    if (sizeEnd > length) return "ends inside a value";
    for (; at < sizeEnd; at++) size = size * 256 + bytes[at]!;
    owed--;
    open[open.length - 1]!--;
    if (kind === BYTES) {
      at += size;
      if (at > length) return "ends inside a value";
    } else {
      if (open.length > MAX_DEPTH) return `is nested over ${MAX_DEPTH} deep`;
      owed += size * kind;
      open.push(size * kind);
    }
    while (open.at(-1) === 0) open.pop();
  }
  return at === length ? null : "continues after its value";
}

/** What the size of a value counts: bytes, values, or pairs of values. */
const BYTES = 0;
const LIST = 1;
const MAP = 2;
const REFUSED = 3;

/** By the first byte of a value: what follows, its size, and how many further bytes hold the size. */
const KINDS = new Uint8Array(256);
const SIZES = new Uint8Array(256);
const SIZE_BYTES = new Uint8Array(256);

function define(first: number, kind: number, sizes: readonly number[]): void {
  KINDS.fill(kind, first, first + sizes.length);
  SIZES.set(sizes, first);
}

function defineSized(first: number, kind: number, sizeBytes: readonly number[]): void {
  KINDS.fill(kind, first, first + sizeBytes.length);
  SIZE_BYTES.set(sizeBytes, first);
}

const UP_TO_15 = Array.from({ length: 16 }, (_, size) => size);
const UP_TO_31 = Array.from({ length: 32 }, (_, size) => size);

// Small integers, nil and booleans are a byte each: nothing follows.
define(0x80, MAP, UP_TO_15);
define(0x90, LIST, UP_TO_15);
define(0xa0, BYTES, UP_TO_31);
define(0xc1, REFUSED, [0]);
defineSized(0xc4, BYTES, [1, 2, 4]);
define(0xc7, REFUSED, [0, 0, 0]);
// Floats, and integers without and with a sign.
define(0xca, BYTES, [4, 8]);
define(0xcc, BYTES, [1, 2, 4, 8]);
define(0xd0, BYTES, [1, 2, 4, 8]);
define(0xd4, REFUSED, [0, 0, 0, 0, 0]);
defineSized(0xd9, BYTES, [1, 2, 4]);
defineSized(0xdc, LIST, [2, 4]);
defineSized(0xde, MAP, [2, 4]);

/**
 * Encodes a message with its length in front. Names, methods and error texts that are too long are
 * cut. Other values that are out of bounds are sent, and the peer refuses them.
 *
 * @throws RangeError if the message is longer than a peer accepts.
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const payload = encode(MESSAGE.write(message));
  if (payload.length > MESSAGE_LIMIT) {
    throw new RangeError(
      `A ${message.type} of ${payload.length} bytes; at most ${MESSAGE_LIMIT} are allowed`,
    );
  }
  const frame = new Uint8Array(LENGTH_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/**
 * Like {@link encodeMessage}, for messages whose contents come from user code.
 *
 * @throws Error also if the peer would refuse the message, or if a value is of another type.
 */
export function encodeChecked(message: Message): Uint8Array<ArrayBuffer> {
  const sent = MESSAGE.write(message);
  if (MESSAGE.read(sent) === undefined) throw new Error(MESSAGE.fault(sent, "A message"));
  return encodeMessage(message);
}

/**
 * Decodes a message; binary data in it shares the memory of the payload.
 *
 * @param payload without the length in front.
 * @throws ProtocolError if it is not a message, or its fields are invalid.
 */
export function decodeMessage(payload: Uint8Array): Message {
  let sent: unknown;
  try {
    sent = unpack(payload);
  } catch (error) {
    throw new ProtocolError("protocol", `A message ${errorText(error)}`);
  }
  const message = MESSAGE.read(sent);
  if (message === undefined) throw new ProtocolError("protocol", MESSAGE.fault(sent, "A message"));
  return message;
}

/** The longest PING: a list of its type and a number. */
const MAX_PING_BYTES = 15;

/** A list of one or two values, the first of which is "PING". */
const PING_START = [0x91, 0x92].map((list) => [list, 0xa4, 0x50, 0x49, 0x4e, 0x47]);

/**
 * Returns the PING that a payload contains; null if it contains another message, which is not decoded then.
 *
 * @throws ProtocolError if it is an invalid PING.
 */
export function pingIn(payload: Uint8Array): Message<"PING"> | null {
  if (payload.length > MAX_PING_BYTES) return null;
  if (!PING_START.some((start) => start.every((byte, at) => payload[at] === byte))) return null;
  return decodeMessage(payload) as Message<"PING">;
}

/**
 * Decodes one msgpack value from a source that is not trusted.
 *
 * @throws Error whose message says what is wrong, to be put behind the name of what was decoded.
 */
export function unpack(bytes: Uint8Array): unknown {
  const problem = msgpackProblem(bytes);
  if (problem !== null) throw new Error(problem);
  try {
    return decode(bytes, DECODING);
  } catch (error) {
    throw new Error(`cannot be decoded: ${errorText(error)}`, { cause: error });
  }
}

const DECODING = {
  // The default one caches keys across all decoders of the process.
  keyDecoder: null,
  mapKeyConverter: (key: unknown): string => {
    if (typeof key !== "string") throw new TypeError("a key that is no text");
    return key;
  },
};
