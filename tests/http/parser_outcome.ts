import { contentEncodingOf } from "../../src/http/head_parser.ts";
import { WireError } from "../../src/http/request_error.ts";
import { ResponseParser } from "../../src/http/response_parser.ts";

/** The result of parsing a response. Bytes are shown as latin1. */
export interface Outcome {
  /** The code of the error, or null. */
  readonly error: string | null;
  readonly status: number;
  readonly head: string;
  readonly body: string;
  readonly reusable: boolean;
  /** The parameters of Keep-Alive. */
  readonly keepAliveSeconds: number | null;
  readonly keepAliveMax: number | null;
  readonly setsCookies: boolean;
  readonly continues: number;
}

/** How a response is fed to the parser. */
export interface Feeding {
  readonly method: string;
  /** Whether the stream ends after the bytes. */
  readonly ends: boolean;
}

/** An outcome without a response: an error, or null if the response is incomplete. */
export function failed(error: string | null): Outcome {
  return {
    error,
    status: 0,
    head: "",
    body: "",
    reusable: false,
    keepAliveSeconds: null,
    keepAliveMax: null,
    setsCookies: false,
    continues: 0,
  };
}

/** Converts latin1 text to bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Converts bytes to latin1 text. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/**
 * Feeds a response to the parser, cut at `cuts`. Like a connection, it uses a single buffer, which is
 * filled with other bytes before and after each read.
 *
 * @throws all errors of the parser except WireError.
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
      // A connection stops reading when the response is complete. Later bytes are unexpected.
      if (complete) break;
    }
    if (!complete && ends) complete = parser.end();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return failed(error.code);
  }
  if (!complete) return failed(null);
  const { message } = parser;
  const { limitsReuse, keepAliveSeconds, keepAliveMax } = parser.framing;
  const view = message.bodyView;
  const viewed = view === null ? null : textOf(view);
  const body = message.body.map(textOf).join("");
  if (viewed !== null && viewed !== body) throw new Error(`the view of ${body} shows ${viewed}`);
  if (message.isEncoded !== (contentEncodingOf(message.head) !== null)) {
    throw new Error(`it is ${message.isEncoded} that the body is encoded`);
  }
  if (body.length !== message.bodyLength) {
    throw new Error(`${body.length} bytes are said to be ${message.bodyLength}`);
  }
  return {
    error: null,
    status: message.status,
    head: textOf(message.head),
    body,
    reusable: message.reusable && from === bytes.length,
    keepAliveSeconds: limitsReuse && keepAliveSeconds >= 0 ? keepAliveSeconds : null,
    keepAliveMax: limitsReuse && keepAliveMax >= 0 ? keepAliveMax : null,
    setsCookies: message.setsCookies,
    continues: parser.continues,
  };
}
