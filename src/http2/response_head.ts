/**
 * The headers of a response as HTTP/2 receives them.
 *
 * @module
 */

import { isAll, TEXT, TOKEN } from "../http/head_parser.ts";
import { WireError } from "../http/request_error.ts";
import type { HeaderPairs } from "../http/transport.ts";
import { OF_CONNECTION } from "./request_head.ts";

/** The headers of a response. */
export interface ResponseHead {
  readonly status: number;
  /** Without pseudo-headers; names in lower case, each character of a value is one byte. */
  readonly headers: HeaderPairs;
  /** The value of Content-Length; -1 if there is none. */
  readonly contentLength: number;
  /** The values of Set-Cookie. */
  readonly setCookies: readonly string[];
}

/**
 * Checks the headers of a response, and takes the status out of them.
 *
 * @throws WireError `BAD_RESPONSE` if they are malformed.
 */
export function responseHead(list: HeaderPairs): ResponseHead {
  const [name = "", status = ""] = list[0] ?? [];
  if (name !== ":status") throw badResponse("a response without a status");
  if (!/^[1-9]\d\d$/.test(status)) throw badResponse(`the status ${JSON.stringify(status)}`);
  const headers = list.slice(1);
  const contentLength = checkFields(headers);
  return {
    status: Number(status),
    headers,
    contentLength,
    setCookies: headerValues(headers, "set-cookie"),
  };
}

/** The values of all headers of a name, in order. */
export function headerValues(headers: HeaderPairs, name: string): readonly string[] {
  const values: string[] = [];
  for (const header of headers) if (header[0] === name) values.push(header[1]);
  return values;
}

/** @throws WireError `BAD_RESPONSE` if trailers are malformed. */
export function checkTrailers(list: HeaderPairs): void {
  checkFields(list);
}

/** Returns the length of the content; -1 if it is not given. */
function checkFields(headers: HeaderPairs): number {
  let contentLength = -1;
  for (const [name, value] of headers) {
    if (name.charCodeAt(0) === COLON) throw badResponse(`a second status, or ${quoted(name)}`);
    if (!isAll(name, TOKEN) || name !== name.toLowerCase()) {
      throw badResponse(`${quoted(name)} is not the name of a header`);
    }
    if (OF_CONNECTION.has(name)) throw badResponse(`the header ${name}, which is of HTTP/1.1`);
    if (value !== "" && !isAll(value, TEXT)) {
      throw badResponse(`the value of ${name} has a forbidden character`);
    }
    if (name === "content-length") contentLength = lengthOf(value, contentLength);
  }
  return contentLength;
}

const COLON = 0x3a;

function lengthOf(value: string, known: number): number {
  const length = Number(value);
  if (!/^\d{1,15}$/.test(value) || (known >= 0 && known !== length)) {
    throw badResponse(`the content length ${quoted(value)}`);
  }
  return length;
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= 40 ? text : `${text.slice(0, 39)}…`);
}

function badResponse(detail: string): WireError {
  return new WireError("BAD_RESPONSE", detail);
}
