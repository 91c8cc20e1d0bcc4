/**
 * Decodes the content codings of response bodies.
 *
 * @module
 */

import {
  brotliDecompressSync,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import { errorText } from "../core/errors.ts";
import { RequestError, WireError } from "./request_error.ts";

/** No reasonable server applies more codings than this. */
const MAX_CODINGS = 5;

/** The most frames of a zstd body. Each takes about 0.1 ms, and can be 8 bytes long. */
const MAX_FRAMES = 1_000;

/** The length up to which a name that the target has chosen is shown. */
const MAX_SHOWN = 40;

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
  return ofRequest(method, url, () => decodeBody(wire, contentEncoding, maxSize));
}

/**
 * The text of a response.
 *
 * @throws RequestError as {@link decodeText}, with the request in the message.
 */
export function responseText(
  method: string,
  url: URL,
  body: Uint8Array<ArrayBuffer>,
  contentType: string | null,
): string {
  return ofRequest(method, url, () => decodeText(body, contentType));
}

function ofRequest<Result>(method: string, url: URL, decode: () => Result): Result {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new RequestError(error.code, method, url.href, error.message, error);
  }
}

/**
 * Decodes a body. No coding produces more than `maxSize` bytes, however much its input would expand to:
 * decoding stops there.
 *
 * @param contentEncoding the header's value: the codings in the order in which they were applied.
 * @param maxSize the largest decoded body in bytes.
 * @throws WireError `BAD_ENCODING` if the body is corrupt or truncated, or has an unknown coding or more than
 *   five; `TOO_LARGE` if the decoded body is too large.
 */
export function decodeBody(
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Uint8Array<ArrayBuffer> {
  // A response to HEAD names the coding of a body that it does not have.
  if (wire.length === 0) return wire;
  let body = wire;
  for (const coding of codingsOf(contentEncoding)) {
    const decode = DECODERS.get(coding) ?? unknownCoding(coding);
    body = decodeOne(decode, body, maxSize);
  }
  return body;
}

/**
 * The codings of a body in lower case, in the order in which they have to be decoded.
 *
 * @throws WireError `BAD_ENCODING` if there are too many.
 */
export function codingsOf(contentEncoding: string): string[] {
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (codings.length <= MAX_CODINGS) return codings.reverse();
  const detail = `${codings.length} content codings, at most ${MAX_CODINGS} are supported`;
  throw new WireError("BAD_ENCODING", detail);
}

/** @throws WireError `BAD_ENCODING`. */
export function unknownCoding(coding: string): never {
  const text = JSON.stringify(coding.slice(0, MAX_SHOWN));
  throw new WireError(
    "BAD_ENCODING",
    `unknown content coding ${text}: gzip, deflate, br and zstd are supported`,
  );
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
  ["zstd", unzstd],
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

/** Decodes zstd. The runtime accepts truncated frames and ignores what follows the first one. */
function unzstd(body: Bytes, maxOutputLength: number): Bytes {
  const pieces: Bytes[] = [];
  let size = 0;
  for (let at = 0; at < body.length;) {
    if (pieces.length === MAX_FRAMES) {
      throw new Error(`the zstd data has over ${MAX_FRAMES} frames`);
    }
    const end = zstdFrameEnd(body, at);
    const left = maxOutputLength - size;
    // A limit of 0 is none.
    const piece = plain(
      zstdDecompressSync(body.subarray(at, end), { maxOutputLength: Math.max(left, 1) }),
    );
    if (piece.length > left) throw tooLarge(maxOutputLength);
    pieces.push(piece);
    size += piece.length;
    at = end;
  }
  return joined(pieces, size);
}

/**
 * The end of a zstd frame (RFC 8878).
 *
 * @throws Error if there is none at this place, or if it is not complete.
 */
function zstdFrameEnd(bytes: Bytes, start: number): number {
  const { length } = bytes;
  const uint32 = (at: number): number =>
    at + 4 <= length ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true) : 0;
  const magic = uint32(start);
  let end: number;
  if (magic >>> 4 === 0x184d2a5) {
    end = start + 8 + uint32(start + 4);
  } else if (magic === 0xfd2fb528) {
    const descriptor = bytes[start + 4] ?? 0;
    const isSingleSegment = (descriptor >> 5) & 1;
    const dictionarySize = [0, 1, 2, 4][descriptor & 3]!;
    const sizeSize = [isSingleSegment, 2, 4, 8][descriptor >> 6]!;
    end = start + 5 + (1 - isSingleSegment) + dictionarySize + sizeSize;
    for (let isLast = false; !isLast;) {
      if (end + 3 > length) throw new Error("the zstd data is not complete");
      const header = bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16);
      isLast = (header & 1) === 1;
      const isRepeated = ((header >> 1) & 3) === 1;
      end += 3 + (isRepeated ? 1 : header >> 3);
    }
    end += (descriptor >> 2) & 1 ? 4 : 0;
  } else throw new Error("the zstd data is not valid");
  if (end > length) throw new Error("the zstd data is not complete");
  return end;
}

const utf8 = new TextDecoder();

/** Decoders of other charsets. There are as many as the runtime has names for. */
const decoders = new Map<string, TextDecoder>();

/**
 * The text of a body: in the charset of its byte order mark, or else of its content type, or else in UTF-8, as
 * in browsers.
 *
 * @throws WireError `BAD_ENCODING` if the charset is unknown.
 */
export function decodeText(body: Uint8Array<ArrayBuffer>, contentType: string | null): string {
  const charset = markedCharset(body) ?? (contentType === null ? null : charsetOf(contentType));
  if (charset === null) return utf8.decode(body);
  let decoder = decoders.get(charset);
  if (decoder === undefined) decoders.set(charset, decoder = decoderOf(charset));
  return decoder.decode(body);
}

/** The charset of a byte order mark of UTF-16. That of UTF-8 needs no other decoder. */
function markedCharset(body: Uint8Array): string | null {
  switch (body[0]) {
    case 0xfe:
      return body[1] === 0xff ? "utf-16be" : null;
    case 0xff:
      return body[1] === 0xfe ? "utf-16le" : null;
    case 0xef:
      return body[1] === 0xbb && body[2] === 0xbf ? "utf-8" : null;
    default:
      return null;
  }
}

/** The `charset` of a content type; `null` for none. */
function charsetOf(contentType: string): string | null {
  const found = /;\s*charset\s*=\s*(?:"([^"]*)"|([^;,\s]*))/i.exec(contentType);
  return found === null ? null : (found[1] ?? found[2]!).trim().toLowerCase() || null;
}

function decoderOf(charset: string): TextDecoder {
  try {
    // The types of other runtimes allow only the charsets that they know.
    return new (TextDecoder as new (charset: string) => TextDecoder)(charset);
  } catch {
    const text = JSON.stringify(charset.slice(0, MAX_SHOWN));
    throw new WireError("BAD_ENCODING", `unknown charset ${text} in the content type`);
  }
}

/** Joins the pieces of a body into an array that has its own buffer. */
export function joined(pieces: readonly Bytes[], size: number): Bytes {
  if (pieces.length === 0) return new Uint8Array();
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
export function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** Returns a plain Uint8Array, because Node's Buffer prints and slices differently. */
export function plain(buffer: Uint8Array): Bytes {
  // The output of zlib is never in shared memory.
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
