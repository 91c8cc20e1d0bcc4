/**
 * Undoing the content codings of a body.
 *
 * @module
 */

import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** More in a row than this is nothing that a server does in good faith. */
const MAX_CODINGS = 5;

/**
 * The body behind its codings. A coding that is not known leaves the body as it came.
 *
 * ```ts
 * import { decodeBody } from "./decoding.ts";
 * import { deflateSync } from "node:zlib";
 * import assert from "node:assert/strict";
 *
 * const wire = new Uint8Array(deflateSync("hello"));
 * assert.equal(new TextDecoder().decode(decodeBody(wire, "deflate")), "hello");
 * assert.equal(decodeBody(wire, "unheard-of"), wire);
 * ```
 *
 * @param contentEncoding the header's value: the codings in the order in which they were applied.
 * @throws Error where the body is corrupt or cut off, or has over five codings.
 */
export function decodeBody(
  wire: Uint8Array<ArrayBuffer>,
  contentEncoding: string,
): Uint8Array<ArrayBuffer> {
  // An answer to HEAD names the coding of a body that it does not have.
  if (wire.length === 0) return wire;
  const codings = contentEncoding.toLowerCase().split(",").map((coding) => coding.trim());
  if (codings.length > MAX_CODINGS) {
    throw new Error(
      `${codings.length} content codings in a row, at most ${MAX_CODINGS} are undone`,
    );
  }
  let body = wire;
  for (const coding of codings.reverse()) {
    const decode = DECODERS.get(coding);
    if (decode === undefined) return wire;
    body = decode(body);
  }
  return body;
}

type Decoder = (body: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

const gzip: Decoder = (body) => plain(gunzipSync(body));

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", (body) => plain(hasZlibHeader(body) ? inflateSync(body) : inflateRawSync(body))],
  ["br", (body) => plain(brotliDecompressSync(body))],
  ["identity", (body) => body],
  ["", (body) => body],
]);

/** `deflate` means zlib's format, but some servers send what is inside it, without its header. */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

/** Node's Buffer prints and slices unlike the Uint8Array that callers are told of. */
function plain(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  // zlib's output is never in memory that threads share.
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
