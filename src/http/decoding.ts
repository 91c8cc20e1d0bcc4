/**
 * Undoing the content codings of a body.
 *
 * @module
 */

import { gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import { errorText } from "../core/errors.ts";
import { RequestError, WireError } from "./request_error.ts";
import type { WireRequest } from "./transport.ts";

/** More in a row than this is nothing that a server does in good faith. */
const MAX_CODINGS = 5;

/**
 * The body of a request's response behind its codings.
 *
 * @throws RequestError for what `decodeBody` throws, with the request that it is about.
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
 * The body behind its codings. A coding that is not known leaves the body as it came.
 *
 * @param contentEncoding the header's value: the codings in the order in which they were applied.
 * @param maxSize bytes that the body may have once it is decoded.
 * @throws WireError `BAD_ENCODING` where the body is corrupt or cut off, or has over five codings;
 *   `TOO_LARGE` where there is too much of it.
 */
export async function decodeBody(
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
  maxSize: number,
): Promise<Uint8Array<ArrayBuffer>> {
  // An answer to HEAD names the coding of a body that it does not have.
  if (wire.length === 0) return wire;
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (codings.length > MAX_CODINGS) {
    const detail = `${codings.length} content codings in a row, at most ${MAX_CODINGS} are undone`;
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

/** Gives the body; throws, or rejects, where that is not what is in it. */
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

/** Through a stream, because the runtime's `brotliDecompressSync` takes a body that was cut off. */
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

/** Pieces of a body, in one. */
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
  return new WireError("TOO_LARGE", `the body has over ${maxSize} bytes once it is decoded`);
}

/** `deflate` means zlib's format, but some servers send what is inside it, without its header. */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** Node's Buffer prints and slices unlike the Uint8Array that callers are told of. */
function plain(buffer: Uint8Array): Bytes {
  // zlib's output is never in memory that threads share.
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
