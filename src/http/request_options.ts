/**
 * What a request takes beside its method and URL.
 *
 * @module
 */

import type { BodyOptions } from "./body.ts";
import type { Fields } from "./fields.ts";
import type { HeaderPairs } from "./transport.ts";
import { basicAuthorization } from "./url_resolver.ts";

/** Options of one request. */
export interface RequestOptions extends BodyOptions {
  /** What it is reported under; default: the URL's path without its query. */
  readonly name?: string;
  /** Added to the URL's query. */
  readonly params?: Fields;
  /** Sent in their order, before what the options imply. */
  readonly headers?: HeadersInit;
  /** Seconds for all of it, redirects included; default: the user class's `timeout`. */
  readonly timeout?: number;
  /** `"manual"` gives the redirect itself as the response; default `"follow"`. */
  readonly redirect?: "follow" | "manual";
  /** Logs in with HTTP's Basic scheme. */
  readonly auth?: readonly [user: string, password: string];
}

const NO_HEADERS: HeaderPairs = [];

/**
 * The headers of a request in their order: those of the test first, then what the options and the body
 * imply, where the test did not say it itself.
 *
 * @param contentType what the body says about itself, or null.
 * @param authorization what the URL said about who is asking, or null; `auth` goes before it.
 */
export function requestHeaders(
  options: RequestOptions,
  contentType: string | null,
  authorization: string | null,
): HeaderPairs {
  const { headers, auth } = options;
  const credentials = auth === undefined ? authorization : basicAuthorization(...auth);
  if (headers === undefined && contentType === null && credentials === null) return NO_HEADERS;
  const pairs = headers === undefined ? [] : toPairs(headers);
  if (contentType !== null && !hasHeader(pairs, "content-type")) {
    pairs.push(["content-type", contentType]);
  }
  if (credentials !== null && !hasHeader(pairs, "authorization")) {
    pairs.push(["authorization", credentials]);
  }
  return pairs;
}

/** Whether headers have one of this name, given in lower case. */
export function hasHeader(headers: HeaderPairs, lowerName: string): boolean {
  return headers.some(([name]) =>
    name.length === lowerName.length && name.toLowerCase() === lowerName
  );
}

function toPairs(headers: HeadersInit): (readonly [string, string])[] {
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return pairs.map(([name = "", value = ""]) => [name, value]);
}
