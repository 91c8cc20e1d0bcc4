/**
 * Heads of requests.
 *
 * @module
 */

import { VERSION } from "../core/version.ts";
import { isAll, TOKEN } from "./byte_classes.ts";
import type { HeaderPairs } from "./transport.ts";
import { WireError } from "./wire_error.ts";

/** How a request's body is sent. */
export type BodyFraming = { readonly length: number } | "chunked" | "none";

/** What a head says. */
export interface RequestHead {
  readonly method: string;
  /** A path with its query, an absolute URL for a proxy, or an authority for CONNECT. */
  readonly target: string;
  /** In the order in which they are sent; a framing of the body among them is ignored. */
  readonly headers: HeaderPairs;
  /** What Host says, unless {@link headers} have one. */
  readonly authority: string;
  readonly body: BodyFraming;
}

const USER_AGENT = `aiotest/${VERSION}`;

/** Servers may want to be told where these have no body. */
const HAVE_BODIES: readonly string[] = ["POST", "PUT", "PATCH"];

/**
 * Encodes a head, with the headers that every request should have and those that frame its body.
 *
 * ```ts
 * import { encodeHead } from "./request_head.ts";
 * import assert from "node:assert/strict";
 *
 * const head = encodeHead({
 *   method: "POST",
 *   target: "/cart?id=1",
 *   headers: [["User-Agent", "shop/1"], ["accept", "text/html"], ["Accept-Encoding", "br"]],
 *   authority: "127.0.0.1:8080",
 *   body: { length: 5 },
 * });
 * assert.deepEqual(new TextDecoder().decode(head).split("\r\n"), [
 *   "POST /cart?id=1 HTTP/1.1",
 *   "Host: 127.0.0.1:8080",
 *   "User-Agent: shop/1",
 *   "accept: text/html",
 *   "Accept-Encoding: br",
 *   "Content-Length: 5",
 *   "",
 *   "",
 * ]);
 * ```
 *
 * @throws WireError `BAD_REQUEST` where something in it cannot be sent as it is.
 */
export function encodeHead(request: RequestHead): Uint8Array<ArrayBuffer> {
  const { method, target, headers, authority, body } = request;
  if (!isAll(method, TOKEN)) throw badRequest(`${JSON.stringify(method)} is no method`);
  if (!isVisible(target)) throw badRequest(`${JSON.stringify(target)} cannot be requested`);
  let host = true;
  let accept = true;
  let encoding = true;
  let agent = true;
  let fields = "";
  for (const [name, value] of headers) {
    checkField(name, value);
    switch (name.toLowerCase()) {
      case "content-length":
      case "transfer-encoding":
        continue;
      case "host":
        host = false;
        break;
      case "accept":
        accept = false;
        break;
      case "accept-encoding":
        encoding = false;
        break;
      case "user-agent":
        agent = false;
        break;
    }
    fields += `${name}: ${value}\r\n`;
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  if (host) {
    if (!isVisible(authority)) throw badRequest(`${JSON.stringify(authority)} is no host`);
    head += `Host: ${authority}\r\n`;
  }
  head += fields;
  if (accept) head += "Accept: */*\r\n";
  if (encoding) head += "Accept-Encoding: gzip, deflate, br\r\n";
  if (agent) head += `User-Agent: ${USER_AGENT}\r\n`;
  return latin1(`${head}${framingOf(method, body)}\r\n`);
}

function framingOf(method: string, body: BodyFraming): string {
  if (body === "chunked") return "Transfer-Encoding: chunked\r\n";
  if (body !== "none") return `Content-Length: ${body.length}\r\n`;
  return HAVE_BODIES.includes(method) ? "Content-Length: 0\r\n" : "";
}

function checkField(name: string, value: string): void {
  if (!isAll(name, TOKEN)) throw badRequest(`${JSON.stringify(name)} is no header's name`);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 0xff || code === 0 || code === 0x0a || code === 0x0d) {
      const character = JSON.stringify(value[i]);
      throw badRequest(`the value of ${name} has ${character} in it, which cannot be sent`);
    }
  }
}

/** Whether a text has ASCII's printable characters only, and no space. */
function isVisible(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return text !== "";
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function badRequest(detail: string): WireError {
  return new WireError("BAD_REQUEST", detail);
}
