/**
 * Follows redirects.
 *
 * @module
 */

import { hideCredentials } from "../core/text.ts";
import { RequestError, type RequestErrorCode } from "./request_error.ts";
import type { HeaderPairs, WireRequest, WireResponse } from "./transport.ts";

/** How many redirects a request follows unless its user class or the command line says otherwise. */
export const MAX_REDIRECTS = 20;

/** The part of a response that defines a redirect. */
export type RedirectingResponse = Pick<WireResponse, "status" | "locations">;

/** What a redirect can change in a request. */
export type RedirectedRequest = Pick<WireRequest, "method" | "url" | "headers" | "body">;

/** Whether a status is a redirect to follow; 300, 304 and others are not. */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The next request of a redirect; `null` if the response has no Location, or only an empty one.
 *
 * @param followed the number of redirects before this one.
 * @param limit how many redirects may be followed.
 * @throws RequestError `TOO_MANY_REDIRECTS`; `BAD_REDIRECT` if the location cannot be requested, if there
 *   are several, or if the body is a stream and would have to be sent again.
 */
export function nextRequest(
  request: RedirectedRequest,
  response: RedirectingResponse,
  followed: number,
  limit: number,
): RedirectedRequest | null {
  const location = locationOf(request, response);
  if (location === null) return null;
  if (followed >= limit) {
    throw failure("TOO_MANY_REDIRECTS", request, `over ${limit} redirect${limit === 1 ? "" : "s"}`);
  }
  const url = destination(request, location);
  const headers = url.origin === request.url.origin
    ? request.headers
    : without(request.headers, (name) => OF_ORIGIN.includes(name));
  if (becomesGet(response.status, request.method)) {
    return { method: "GET", url, headers: without(headers, describesBody), body: null };
  }
  if (request.body instanceof ReadableStream) {
    throw failure("BAD_REDIRECT", request, "a body that is a stream cannot be sent again");
  }
  const { method, body } = request;
  return { method, url, headers, body };
}

/** Headers that are not sent to another origin: they name it, or contain credentials for it. */
export const OF_ORIGIN: readonly string[] = [
  ...["authorization", "cookie", "cookie2", "host", "proxy-authenticate", "proxy-authorization"],
  "www-authenticate",
];

/** As in browsers: empty values are ignored, and different ones are an error. */
function locationOf(request: RedirectedRequest, response: RedirectingResponse): string | null {
  const [location, ...others] = new Set(response.locations().filter((value) => value !== ""));
  if (others.length > 0) {
    const values = [location!, ...others].map(quoted).join(" and ");
    throw failure("BAD_REDIRECT", request, `different Location headers: ${values}`);
  }
  return location ?? null;
}

function destination(request: RedirectedRequest, location: string): URL {
  const url = URL.parse(escaped(location), request.url);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw failure("BAD_REDIRECT", request, `${quoted(location)} cannot be requested`);
  }
  url.hash = "";
  // A server must not choose the credentials of its clients.
  url.username = "";
  url.password = "";
  return url;
}

/** Escapes bytes beyond ASCII, each of which is one character, as browsers and curl do: whatever their charset. */
function escaped(location: string): string {
  return location.replaceAll(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function quoted(location: string): string {
  return JSON.stringify(hideCredentials(location));
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function describesBody(name: string): boolean {
  return name.startsWith("content-") || name === "transfer-encoding" || name === "expect" ||
    name === "trailer";
}

function without(headers: HeaderPairs, drop: (lowerName: string) => boolean): HeaderPairs {
  return headers.filter(([name]) => !drop(name.toLowerCase()));
}

function failure(code: RequestErrorCode, request: RedirectedRequest, detail: string): RequestError {
  return new RequestError(code, request.method, request.url.href, detail);
}
