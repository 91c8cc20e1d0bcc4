/**
 * Compression of messages: the extension permessage-deflate (RFC 7692).
 *
 * @module
 */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { CLOSE_CODES, FrameError, type MessageInflater, tooLarge } from "./frames.ts";

/** What is offered to servers. */
export const DEFLATE_OFFER = "permessage-deflate; client_max_window_bits";

/** What client and server have agreed upon. */
export interface DeflateTerms {
  /** Whether the server compresses each message by itself. */
  readonly serverForgets: boolean;
  /** The largest window with which the client may compress, as a power of two. */
  readonly clientBits: number;
}

/**
 * What a server has answered to {@link DEFLATE_OFFER}; `null` for no compression.
 *
 * @param header the value of Sec-WebSocket-Extensions; `null` if it is missing.
 * @returns a sentence instead if the answer is not one to the offer.
 */
export function deflateTerms(header: string | null): DeflateTerms | null | string {
  if (header === null || header.trim() === "") return null;
  const [name, ...parameters] = header.split(";").map((part) => part.trim());
  if (name!.toLowerCase() !== "permessage-deflate") {
    return `the server chose an extension that was not offered: ${header}`;
  }
  const seen = new Set<string>();
  let serverForgets = false;
  let clientBits = 15;
  for (const parameter of parameters) {
    const [, key = "", value] = /^([\w-]+)(?:\s*=\s*"?(\w+)"?)?$/.exec(parameter) ?? [];
    const lower = key.toLowerCase();
    const isFlag = value === undefined;
    const bits = isFlag || !/^([89]|1[0-5])$/.test(value) ? NaN : Number(value);
    if (lower === "server_no_context_takeover" && isFlag) serverForgets = true;
    else if (lower === "client_max_window_bits" && bits > 0) clientBits = bits;
    // Messages are always compressed one by one, and a window of any size can be inflated.
    else if (
      !(lower === "client_no_context_takeover" && isFlag) &&
      !(lower === "server_max_window_bits" && bits > 0)
    ) return `the server chose a parameter of permessage-deflate that is invalid: ${parameter}`;
    if (seen.has(lower)) return `the server chose ${lower} twice`;
    seen.add(lower);
  }
  return { serverForgets, clientBits };
}

/** How far back compressed data can refer. */
const WINDOW = 32_768;
/** Messages are sent without the end of their last block (RFC 7692, section 7.2.1). */
const TAIL = [0x00, 0x00, 0xff, 0xff];
const NOTHING = new Uint8Array(0);

/** Undoes the compression of one connection's messages. Between messages, it keeps no more than their last 32 KiB. */
export class Inflater implements MessageInflater {
  readonly #keeps: boolean;
  #history: Uint8Array<ArrayBuffer> = NOTHING;

  constructor({ serverForgets }: DeflateTerms) {
    this.#keeps = !serverForgets;
  }

  inflate(data: Uint8Array<ArrayBuffer>, maxSize: number): Uint8Array<ArrayBuffer> {
    const history = this.#history;
    const result = inflateAfter(history, data, maxSize);
    if (this.#keeps) this.#history = lastBytes(history, result);
    return result;
  }
}

/**
 * Inflates data that can refer to what came before. That is put in front of it as a block without compression,
 * because a stream for each connection would take much more memory.
 */
function inflateAfter(
  history: Uint8Array,
  data: Uint8Array,
  maxSize: number,
): Uint8Array<ArrayBuffer> {
  const { length } = history;
  const start = length === 0 ? 0 : 5 + length;
  const whole = new Uint8Array(start + data.length + TAIL.length);
  if (start > 0) {
    whole.set([0, length, length >>> 8, ~length, ~length >>> 8]);
    whole.set(history, 5);
  }
  whole.set(data, start);
  whole.set(TAIL, start + data.length);
  try {
    const inflated = inflateRawSync(whole, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: Math.min(length + maxSize, MAX_OUTPUT),
    });
    // The message is handed to the test, and must not keep the history in memory.
    return Uint8Array.from(inflated.subarray(length));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(maxSize);
    }
    throw new FrameError(
      CLOSE_CODES.invalidText,
      "the server sent compressed data that is corrupt",
    );
  }
}

/** The most that zlib accepts as a limit. */
const MAX_OUTPUT = 2 ** 31 - 1;

function lastBytes(before: Uint8Array, after: Uint8Array): Uint8Array<ArrayBuffer> {
  if (after.length >= WINDOW) return after.slice(after.length - WINDOW);
  const kept = before.subarray(Math.max(0, before.length + after.length - WINDOW));
  const bytes = new Uint8Array(kept.length + after.length);
  bytes.set(kept);
  bytes.set(after, kept.length);
  return bytes;
}

/** Shorter messages get longer by compression. */
const MIN_DEFLATED = 64;

/** A compressed message; `null` if it is sent as it is. */
export function deflated(
  payload: Uint8Array,
  { clientBits }: DeflateTerms,
): Uint8Array<ArrayBuffer> | null {
  // zlib has no smaller window than 9 bits.
  if (payload.length < MIN_DEFLATED || clientBits < 9) return null;
  const data = deflateRawSync(payload, {
    finishFlush: constants.Z_SYNC_FLUSH,
    windowBits: clientBits,
  });
  const length = data.length - TAIL.length;
  return length < payload.length ? Uint8Array.from(data.subarray(0, length)) : null;
}
