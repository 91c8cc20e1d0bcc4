/**
 * The headers of a request as HTTP/2 sends them.
 *
 * @module
 */

import {
  checkField,
  checkMethod,
  METHODS_WITH_BODY,
  ownFraming,
  type RequestTarget,
  streamLengthOf,
  USER_AGENT,
} from "../http/request_encoder.ts";
import type { HeaderPairs, WireRequest } from "../http/transport.ts";

/** Headers about a connection of HTTP/1.1, which HTTP/2 does not have (RFC 9113, section 8.2.2). */
export const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** A request's headers, complete. */
export interface Http2Head {
  /** With pseudo-headers, names in lower case. */
  readonly headers: HeaderPairs;
  /** The length that its own headers give for a body that is a stream; -1 if they do not. */
  readonly streamLength: number;
  /** Whether to wait for `100 Continue` before the body is sent. */
  readonly expectsContinue: boolean;
  /** Whether the headers are the same for bodies of any length. */
  readonly fitsAnyBody: boolean;
}

/** @throws WireError `BAD_REQUEST` if a part of the request cannot be sent. */
export function http2Head(request: WireRequest, target: RequestTarget): Http2Head {
  const { method, body } = request;
  checkMethod(method);
  const own = ownFraming(request.headers);
  const streamLength = own === null ? -1 : streamLengthOf(own, body);
  const fields: (readonly [string, string])[] = [];
  let authority = target.origin.authority;
  let [accept, encoding, agent, isRange, expectsContinue] = [true, true, true, false, false];
  let isGrpc = false;
  for (const [name, value] of request.headers) {
    checkField(name, value);
    const lower = name.toLowerCase();
    if (OF_CONNECTION.has(lower) || lower === "content-length" || lower === "http2-settings") {
      continue;
    }
    if (lower === "host") {
      authority = value.trim();
      continue;
    }
    if (lower === "te" && value.trim().toLowerCase() !== "trailers") continue;
    if (lower === "accept") accept = false;
    else if (lower === "accept-encoding") encoding = false;
    else if (lower === "user-agent") agent = false;
    else if (lower === "range") isRange = true;
    else if (lower === "content-type") isGrpc = value.startsWith(GRPC);
    else if (lower === "expect") {
      expectsContinue = body !== null && value.trim().toLowerCase() === "100-continue";
    }
    fields.push([lower, value.trim()]);
  }
  // In gRPC, messages have codings and lengths, and bodies have none.
  if (accept && !isGrpc) fields.push(["accept", "*/*"]);
  // A part of a compressed body could not be decoded.
  if (encoding && !isGrpc) {
    fields.push(["accept-encoding", isRange ? "identity" : "gzip, deflate, br"]);
  }
  if (agent) fields.push(["user-agent", USER_AGENT]);
  const length = isGrpc
    ? -1
    : body instanceof Uint8Array
    ? body.length
    : body === null
    ? METHODS_WITH_BODY.includes(method) ? 0 : -1
    : streamLength;
  if (length >= 0) fields.push(["content-length", String(length)]);
  const headers: HeaderPairs = [
    [":method", method],
    [":scheme", target.origin.secure ? "https" : "http"],
    [":authority", authority],
    [":path", target.requestTarget],
    ...fields,
  ];
  return { headers, streamLength, expectsContinue, fitsAnyBody: isGrpc };
}

/** How the content types of calls begin. */
const GRPC = "application/grpc";
