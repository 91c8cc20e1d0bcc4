/**
 * Decodes the content codings of response bodies.
 *
 * @module
 */

import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { errorText } from "../core/errors.ts";
import { RequestError, WireError } from "./request_error.ts";
import type { WireRequest } from "./transport.ts";

/** No reasonable server applies more codings than this. */
const MAX_CODINGS = 5;

/**
 * Decodes the body of a response.
 *
 * @throws RequestError as {@link decodeBody}, with the request in the message.
 */
export async function decodeResponse(
  { method, url }: WireRequest,
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await decodeBody(wire, contentEncoding, maxSize);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new RequestError(error.code, method, url.href, error.message, error);
  }
}

/**
 * Decodes a body. If a coding is unknown, the body is returned unchanged.
 *
 * @param contentEncoding the header's value: the codings in the order in which they were applied.
 * @param maxSize the largest decoded body in bytes.
 * @throws WireError `BAD_ENCODING` if the body is corrupt or truncated or has more than five codings;
 *   `TOO_LARGE` if the decoded body is too large.
 */
export async function decodeBody(
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Promise<Uint8Array<ArrayBuffer>> {
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
    body = await decodeOne(decode, body, maxSize);
  }
  return body;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Decodes a body; throws or rejects if the body is corrupt. */
type Decoder = (body: Bytes, maxSize: number) => Bytes | Promise<Bytes>;

async function decodeOne(decode: Decoder, body: Bytes, maxSize: number): Promise<Bytes> {
  try {
    return await decode(body, maxSize);
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

/** Uses a stream, because the runtime's `brotliDecompressSync` accepts truncated bodies. */
async function unbrotli(body: Bytes, maxSize: number): Promise<Bytes> {
  const stream = new Response(body).body!.pipeThrough(
    new DecompressionStream("brotli" as CompressionFormat),
  );
  const pieces: Bytes[] = [];
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > maxSize) throw tooLarge(maxSize);
    pieces.push(piece);
  }
  return joined(pieces, size);
}

/** Joins the pieces of a body. */
export function joined(pieces: readonly Bytes[], size: number): Bytes {
  if (pieces.length === 1) return pieces[0]!;
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
