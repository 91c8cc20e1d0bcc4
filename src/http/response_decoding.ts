import { decodeBody } from "./decoding.ts";
import { RequestError } from "./request_error.ts";
import type { WireRequest } from "./transport.ts";
import { WireError } from "./wire_error.ts";

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
