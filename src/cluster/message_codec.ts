/**
 * Messages as bytes, and back.
 *
 * @module
 */

import { decode, encode } from "@msgpack/msgpack";
import { errorText } from "../core/errors.ts";
import type { Field } from "./field.ts";
import { LENGTH_BYTES, MESSAGE_LIMIT } from "./frame_reader.ts";
import type { Message } from "./message.ts";
import { MESSAGE_FIELDS } from "./message_fields.ts";
import { msgpackProblem } from "./msgpack_scan.ts";
import { ProtocolError } from "./protocol_error.ts";

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
 * ```ts
 * import { decodeMessage, encodeMessage } from "./message_codec.ts";
 * import assert from "node:assert/strict";
 *
 * const frame = encodeMessage({ type: "ACK", seq: 3 });
 * assert.deepEqual(frame.subarray(0, 4), new Uint8Array([0, 0, 0, 6]));
 * assert.deepEqual(decodeMessage(frame.subarray(4)), { type: "ACK", seq: 3 });
 * ```
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
