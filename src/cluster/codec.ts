/**
 * Messages as bytes, and back.
 *
 * @module
 */

import { decode, encode } from "@msgpack/msgpack";
import { errorText } from "../core/errors.ts";
import { LENGTH_BYTES, MESSAGE_LIMIT, ProtocolError } from "./frames.ts";
import { type Message, MESSAGE_FIELDS } from "./protocol.ts";
import type { Field } from "./schema.ts";

/** How many lists and maps may stand inside of each other. */
const MAX_DEPTH = 32;

/**
 * What keeps bytes from being one msgpack value that can be decoded without harm, or null where they
 * are. A decoder makes room for what a list claims to hold before it has seen any of it; so a list may
 * claim no more than the bytes behind it can hold. Types of a peer's own making are not accepted.
 */
export function msgpackProblem(bytes: Uint8Array): string | null {
  const length = bytes.length;
  // Values that are still to come: in all, and in each list that is open, the outermost first.
  let owed = 1;
  const open = [1];
  let at = 0;
  while (owed > 0) {
    if (owed > length - at) return "claims more values than it has bytes";
    const code = bytes[at++]!;
    const kind = KINDS[code]!;
    if (kind === REFUSED) return `holds the byte 0x${code.toString(16)}, which begins no value`;
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
  return at === length ? null : "goes on behind its value";
}

/** What follows a value's first byte: so many bytes, or values, or pairs of them, as its size says. */
const BYTES = 0;
const LIST = 1;
const MAP = 2;
const REFUSED = 3;

/** By a value's first byte: what follows, how much of it, and how many bytes say how much. */
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

const FIELDS = new Map<unknown, Field<Message>>(Object.entries(MESSAGE_FIELDS));

/**
 * A message as it is sent, its length in front. Names, methods and texts of errors that are too long are
 * cut; whatever else is out of its bounds is sent, and refused by the peer.
 *
 * @throws RangeError where the message is longer than any peer takes.
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const fields: Field<Message> = MESSAGE_FIELDS[message.type];
  const payload = encode(fields.write(message));
  if (payload.length > MESSAGE_LIMIT) {
    throw new RangeError(
      `A ${message.type} of ${payload.length} bytes, where ${MESSAGE_LIMIT} are allowed`,
    );
  }
  const frame = new Uint8Array(LENGTH_BYTES + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/**
 * The message that was sent; bytes in it are views of the payload.
 *
 * @param payload without the length in front.
 * @throws ProtocolError where it is no message, or one whose fields are not what they have to be.
 */
export function decodeMessage(payload: Uint8Array): Message {
  const problem = msgpackProblem(payload);
  if (problem !== null) throw new ProtocolError("protocol", `A message ${problem}`);
  const sent = decoded(payload);
  const type = Array.isArray(sent) ? sent[0] : undefined;
  const fields = FIELDS.get(type);
  if (fields === undefined) throw new ProtocolError("protocol", "A message of no known type");
  const message = fields.read(sent);
  if (message === undefined) {
    throw new ProtocolError("protocol", fields.fault(sent, String(type)));
  }
  return message;
}

function decoded(payload: Uint8Array): unknown {
  try {
    return decode(payload, DECODING);
  } catch (error) {
    throw new ProtocolError("protocol", `A message that cannot be decoded: ${errorText(error)}`);
  }
}

const DECODING = {
  // The decoder's own one is shared with whoever else decodes something.
  keyDecoder: null,
  mapKeyConverter: (key: unknown): string => {
    if (typeof key !== "string") throw new TypeError("a key that is no text");
    return key;
  },
};
