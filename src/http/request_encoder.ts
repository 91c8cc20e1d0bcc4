import type { Outgoing } from "./outgoing.ts";
import { encodeHead } from "./request_head.ts";
import type { HeaderPairs, WireRequest } from "./transport.ts";
import type { WireTarget } from "./wire_target.ts";

/** A larger body goes by itself: one that its server does not want need not be sent to its end. */
const LARGEST_WITH_HEAD = 16_384;

/**
 * What goes over the wire for a request.
 *
 * @throws WireError `BAD_REQUEST` where something in it cannot be sent.
 */
export function encodeRequest(request: WireRequest, target: WireTarget): Outgoing {
  const { method, headers, body } = request;
  if (method === "GET" && body === null && headers.length === 0) return plainGet(request, target);
  const expectsContinue = body !== null && expects(headers);
  const head = encodeHead({
    method,
    target: target.requestTarget,
    headers: withProxyAuthorization(headers, target),
    authority: target.origin.authority,
    body: body === null
      ? "none"
      : body instanceof ReadableStream
      ? "chunked"
      : { length: body.length },
  });
  if (body === null) return { method, bytes: head, bodyInBytes: 0, body, expectsContinue };
  if (body instanceof ReadableStream || expectsContinue || body.length > LARGEST_WITH_HEAD) {
    return { method, bytes: head, bodyInBytes: 0, body, expectsContinue };
  }
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return { method, bytes, bodyInBytes: body.length, body: null, expectsContinue };
}

function plainGet(request: WireRequest, target: WireTarget): Outgoing {
  return target.plainGet ??= {
    method: "GET",
    bytes: encodeHead({
      method: "GET",
      target: target.requestTarget,
      headers: withProxyAuthorization(request.headers, target),
      authority: target.origin.authority,
      body: "none",
    }),
    bodyInBytes: 0,
    body: null,
    expectsContinue: false,
  };
}

function withProxyAuthorization(headers: HeaderPairs, target: WireTarget): HeaderPairs {
  const { proxyAuthorization } = target;
  if (proxyAuthorization === null) return headers;
  return [...headers, ["proxy-authorization", proxyAuthorization]];
}

function expects(headers: HeaderPairs): boolean {
  return headers.some(([name, value]) =>
    name.toLowerCase() === "expect" && value.trim().toLowerCase() === "100-continue"
  );
}
