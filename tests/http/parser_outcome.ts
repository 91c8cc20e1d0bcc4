import { WireError } from "../../src/http/request_error.ts";
import { ResponseParser } from "../../src/http/response_parser.ts";

/** What a parser makes of a response. Bytes are shown as latin1. */
export interface Outcome {
  /** The family of the error, or null. */
  readonly error: string | null;
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly reusable: boolean;
  readonly keepAliveSeconds: number | null;
  readonly setsCookies: boolean;
  readonly continues: number;
}

/** What is asked of the parser. */
export interface Feeding {
  readonly method: string;
  /** Whether the stream ends behind the bytes. */
  readonly ends: boolean;
}

/** An outcome without a response: an error, or null where the response is never complete. */
export function failed(error: string | null): Outcome {
  return {
    error,
    status: 0,
    head: "",
    body: "",
    reusable: false,
    keepAliveSeconds: null,
    setsCookies: false,
    continues: 0,
  };
}

/** The bytes of a text whose characters are bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The text whose characters are the bytes. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/**
 * Feeds a response, cut where the `cuts` say, from one buffer that is full of other bytes before and
 * after each read, as a connection's is.
 *
 * @throws whatever the parser throws but a WireError.
 */
export function outcomeOf(
  parser: ResponseParser,
  bytes: Uint8Array,
  cuts: readonly number[],
  { method, ends }: Feeding,
): Outcome {
  const reads = [...cuts, bytes.length];
  const longest = reads.reduce((most, to, i) => Math.max(most, to - (reads[i - 1] ?? 0)), 0);
  const buffer = new Uint8Array(longest + 8);
  parser.begin(method);
  let complete = false;
  let from = 0;
  try {
    for (const to of reads) {
      buffer.fill(0x30);
      buffer.set(bytes.subarray(from, to));
      complete = parser.feed(buffer, to - from);
      buffer.fill(0x31);
      from = to;
      // A connection reads on only where somebody waits; what comes then, comes unasked.
      if (complete) break;
    }
    if (!complete && ends) complete = parser.end();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return failed(error.code);
  }
  if (!complete) return failed(null);
  const { message } = parser;
  const body = message.body.map(textOf).join("");
  if (body.length !== message.bodyLength) {
    throw new Error(`${body.length} bytes are said to be ${message.bodyLength}`);
  }
  return {
    error: null,
    status: message.status,
    head: textOf(message.head),
    body,
    reusable: message.reusable && from === bytes.length,
    keepAliveSeconds: message.keepAliveSeconds,
    setsCookies: message.setsCookies,
    continues: parser.continues,
  };
}
