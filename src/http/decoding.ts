/**
 * Decodes the content codings of response bodies.
 *
 * @module
 */

import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { errorText } from "../core/errors.ts";
import { RequestError, WireError } from "./request_error.ts";

/** No reasonable server applies more codings than this. */
const MAX_CODINGS = 5;

/**
 * Decodes the body of a response.
 *
 * @throws RequestError as {@link decodeBody}, with the request in the message.
 */
export function decodeResponse(
  method: string,
  url: URL,
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Uint8Array<ArrayBuffer> {
  try {
    return decodeBody(wire, contentEncoding, maxSize);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new RequestError(error.code, method, url.href, error.message, error);
  }
}

/**
 * Decodes a body. If a coding is unknown, the body is returned unchanged. No coding produces more than
 * `maxSize` bytes, however much its input would expand to: decoding stops there.
 *
 * @param contentEncoding the header's value: the codings in the order in which they were applied.
 * @param maxSize the largest decoded body in bytes.
 * @throws WireError `BAD_ENCODING` if the body is corrupt or truncated or has more than five codings;
 *   `TOO_LARGE` if the decoded body is too large.
 */
export function decodeBody(
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Uint8Array<ArrayBuffer> {
  // A response to HEAD names the coding of a body that it does not have.
  if (wire.length === 0) return wire;
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (codings.length > MAX_CODINGS) {
    const detail = `${codings.length} content codings, at most ${MAX_CODINGS} are supported`;
    throw new WireError("BAD_ENCODING", detail);
  }
  let body = wire;
  for (const coding of codings.reverse()) {
    const decode = DECODERS.get(coding);
    if (decode === undefined) return wire;
    body = decodeOne(decode, body, maxSize);
  }
  return body;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Decodes a body into at most `maxSize` bytes; throws if the body is corrupt or larger. */
type Decoder = (body: Bytes, maxSize: number) => Bytes;

function decodeOne(decode: Decoder, body: Bytes, maxSize: number): Bytes {
  try {
    return decode(body, maxSize);
  } catch (error) {
    if (error instanceof WireError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(maxSize);
    }
    throw new WireError("BAD_ENCODING", errorText(error), error);
  }
}

const gzip: Decoder = (body, maxOutputLength) => plain(gunzipSync(body, { maxOutputLength }));

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", (body, maxOutputLength) => {
    const inflate = hasZlibHeader(body) ? inflateSync : inflateRawSync;
    return plain(inflate(body, { maxOutputLength }));
  }],
  ["br", unbrotli],
  ["identity", (body) => body],
  ["", (body) => body],
]);

/**
 * Decodes brotli. The runtime accepts truncated bodies and bodies that are followed by other bytes, so one
 * more byte is appended: only a body that ends exactly before it is complete.
 */
function unbrotli(body: Bytes, maxOutputLength: number): Bytes {
  const marked = new Uint8Array(body.length + 1);
  marked.set(body);
  const { buffer, engine } = decompressBrotli(marked, { maxOutputLength, info: true });
  if (engine.bytesWritten !== body.length) throw new Error("the brotli data is not complete");
  return plain(buffer);
}

/** With `info`, node:zlib also returns the engine, which knows how much of the input was used. */
const decompressBrotli = brotliDecompressSync as unknown as (
  body: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
) => { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };

const decoder = new TextDecoder();

/** The text of a body in UTF-8, without a byte order mark. */
export function decodeText(body: Uint8Array<ArrayBuffer>): string {
  return decoder.decode(body);
}

/** Joins the pieces of a body into an array that has its own buffer. */
export function joined(pieces: readonly Bytes[], size: number): Bytes {
  if (pieces.length === 1 && pieces[0]!.buffer.byteLength === size) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function tooLarge(maxSize: number): WireError {
  return new WireError("TOO_LARGE", `the decoded body has over ${maxSize} bytes`);
}

/** `deflate` means the zlib format, but some servers send raw deflate data without the zlib header. */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** Returns a plain Uint8Array, because Node's Buffer prints and slices differently. */
function plain(buffer: Uint8Array): Bytes {
  // The output of zlib is never in shared memory.
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
